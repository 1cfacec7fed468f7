"""Several base URLs and keys on the command line: how they are named, checked, budgeted, and what is told of them."""

from pathlib import Path
from typing import Iterator, List

import pytest
from cli_support import Run, film, write
from standin_faults import always, failing

from cli.standin import StandIn

pytest_plugins = ("cli_fixtures",)

DEAD = "sk-dead-7Jq2Vx9LmZ4TbR8wKc5NhY3dQ"


@pytest.fixture
def two(key: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[List[StandIn]]:
    """Two servers that take the key of the environment."""
    monkeypatch.setenv("SUBAI_API_KEY", key)
    with StandIn(keys={key}) as one, StandIn(keys={key}) as other:
        yield [one, other]


def translated(path: str) -> int:
    return Path(path.replace(".srt", ".es.srt")).read_text(encoding="utf-8").count("⟦N-Number")


@pytest.mark.parametrize("comma", [True, False])
def test_base_urls_are_given_with_commas_or_one_by_one(
    run: Run, folder: Path, two: List[StandIn], *, comma: bool
) -> None:
    source = write(folder / "film.srt", film(600))
    urls = [standin.openai_base_url for standin in two]
    flags = ["--base-url", ",".join(urls)] if comma else ["--base-url", urls[0], "--base-url", urls[1]]
    done = run("translate", source, "--to", "es", "--model", "m", "--balance", "round-robin", *flags)
    assert (done.code, done.err) == (0, "")
    assert translated(source) == 600
    counts = [standin.stats().requests for standin in two]
    assert min(counts) > 0
    assert abs(counts[0] - counts[1]) <= max(counts) / 2


def test_without_another_wish_a_film_stays_with_one_of_them(run: Run, folder: Path, two: List[StandIn]) -> None:
    source = write(folder / "film.srt", film(200))
    urls = ",".join(standin.openai_base_url for standin in two)
    assert run("translate", source, "--to", "es", "--model", "m", "--base-url", urls).code == 0
    assert two[0].stats().requests > 3
    assert two[1].stats().requests == 0


def test_a_dead_key_of_two_is_told_in_one_line_and_the_film_is_translated(
    run: Run, folder: Path, two: List[StandIn], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBAI_API_KEY", f"{DEAD}, {key}")
    source = write(folder / "film.srt", film(100))
    done = run("translate", source, "--to", "es", "--model", "m", "--base-url", two[0].openai_base_url)
    assert done.code == 0
    assert done.complaint.startswith(f"{two[0].openai_base_url}, key 1 of 2: The server refused the key (401).")
    assert translated(source) == 100


def test_as_many_keys_as_urls_are_pairs_and_anything_else_is_refused(
    run: Run, small: str, two: List[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBAI_API_KEY", "one,two,three")
    urls = ",".join(standin.openai_base_url for standin in two)
    done = run("translate", small, "--to", "es", "--base-url", urls)
    assert done.code == 2
    assert done.complaint.startswith("There are 2 base URLs and 3 keys for the server.")


def test_an_unknown_balance_is_refused(run: Run, small: str) -> None:
    done = run("translate", small, "--to", "es", "--balance", "random")
    assert done.code == 2
    assert "--balance" in done.complaint


def test_a_check_asks_each_of_them(run: Run, two: List[StandIn]) -> None:
    urls = [standin.openai_base_url for standin in two]
    done = run("check", "--model", "m", "--base-url", ",".join(urls))
    assert (done.code, done.err) == (0, "")
    good = [line for line in done.out.splitlines() if line.endswith("connection are good.")]
    assert good == [f"{url}: The server: key, model m and connection are good." for url in urls]
    assert [standin.stats().requests for standin in two] == [2, 2]


def test_a_check_tells_which_of_them_is_bad(run: Run, two: List[StandIn], no_pauses: None) -> None:
    two[0].script = always(failing)
    urls = [standin.openai_base_url for standin in two]
    done = run("check", "--model", "m", "--base-url", ",".join(urls))
    assert done.code == 4
    assert done.complaint.startswith(f"{urls[0]}: The server failed (500).")
    assert f"{urls[1]}: The server: key, model m and connection are good." in done.out


def test_each_key_has_the_budget_of_a_day_for_itself(
    run: Run, folder: Path, two: List[StandIn], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what one process has used is used for the next."""
    other = "sk-other-9Qw3Er5Ty7Ui1Op2As4Df6Gh"
    with StandIn(keys={key, other}) as standin:
        monkeypatch.setenv("SUBAI_API_KEY", f"{key},{other}")
        flags = ("--model", "m", "--base-url", standin.openai_base_url, "--budget-per-day")
        first, second, third = (write(folder / f"{name}.srt", film(30)) for name in ("a", "b", "c"))
        assert run("translate", first, "--to", "es", *flags, "1").code == 0
        assert run("translate", second, "--to", "de", *flags, "1").code == 0
        asked_with = [record.headers["authorization"] for record in standin.log]
        assert asked_with == [f"Bearer {key}", f"Bearer {other}"]
        done = run("translate", third, "--to", "fr", *flags, "1")
        assert done.code == 4
        assert done.complaint.startswith("The budget of requests a day (1) is used up.")
        assert standin.stats().requests == 2
