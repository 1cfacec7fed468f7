"""Money, requests, order and second providers: what the flags of ``subai translate`` hold a run to."""

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from cli_support import Run, asked, batches, film, withholding, write
from standin_faults import always, bad_key, quota_spent, saying

import core.rate_limit
from cli.standin import StandIn
from core.limits import Limits
from core.rate_limit import RateLimiter

pytest_plugins = ("cli_fixtures",)


@pytest.fixture
def second(there: List[str], tls_standin: StandIn, key: str, monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """The flags that make the stand-in's other face, OpenRouter's, the second provider."""
    monkeypatch.setenv("OPENROUTER_API_KEY", key)
    return [*there, "--second-provider", "openrouter", "--second-base-url", tls_standin.openrouter_base_url]


@pytest.fixture
def dear(data: Path) -> None:
    """A model that costs 1,000 dollars for a million tokens, so that a film costs some."""
    data.mkdir(parents=True)
    price = {"input": 1000, "output": 1000}
    table = {"as_of": "2026-11-21", "providers": {"openai": {"models": {"dear-model": price}}}}
    write(data / "prices.json", json.dumps(table))


def report(path: Path) -> Dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def numbers(texts: List[str]) -> List[int]:
    """The numbers of lines of ``film``."""
    return [int(text.split()[1].rstrip(":")) for text in texts]


def to_openrouter(standin: StandIn) -> List[str]:
    """The texts that the second provider was asked for."""
    logged = [record for record in standin.log if record.keys]
    pairs = zip(logged, batches(standin))
    return [text for record, batch in pairs if record.target.startswith("/api/v1/") for text in batch]


# --- money ----------------------------------------------------------------------------------------------------------


def test_a_limit_on_money_stops_before_it_is_passed(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn, dear: None
) -> None:
    source = write(folder / "film.srt", film(400))
    flags = ("--model", "dear-model", "--max-cost", "8.50", "--report", str(folder / "r.json"))
    done = run("translate", source, "--to", "es", *flags, *there)
    assert done.code == 3
    assert done.complaint.startswith("The next request could pass the limit: $")
    assert "of $8.5 are spent" in done.complaint
    found = report(folder / "r.json")
    billed = (found["prompt_tokens"] + found["completion_tokens"]) / 1000
    assert found["cost"] == pytest.approx(billed)
    assert 4.0 < found["cost"] <= 8.5
    assert 0 < found["translated"] < 400
    assert found["kept"] == 400 - found["translated"] == len(found["failed"])
    assert (folder / "film.es.srt").read_text(encoding="utf-8").count("⟦N-Number") == found["translated"]
    assert "goes on from here" not in done.out


def test_a_run_that_money_has_stopped_goes_on_with_more(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn, dear: None
) -> None:
    source = write(folder / "film.srt", film(200))
    flags = ("--model", "dear-model", "--report", str(folder / "r.json"))
    assert run("translate", source, "--to", "es", *flags, "--max-cost", "5", *there).code == 3
    first = report(folder / "r.json")
    again = run("translate", source, "--to", "es", *flags, "--max-cost", "5", *there)
    second = report(folder / "r.json")
    assert again.code == 3
    assert first["cost"] + second["cost"] <= 5.0, "the limit is the film's, however many runs it takes"
    tls_standin.reset()
    assert run("translate", source, "--to", "es", *flags, "--max-cost", "$50", *there).code == 0
    assert len(asked(tls_standin)) == 200 - second["translated"]


def test_what_costs_more_than_the_limit_is_not_begun(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn, dear: None
) -> None:
    source = write(folder / "film.srt", film(100))
    done = run("translate", source, "--to", "es", "--model", "dear-model", "--max-cost", "0.01", *there)
    assert done.code == 3
    assert done.out == f"{source}: nothing was translated, nothing was written (no request).\n"
    assert tls_standin.log == []


def test_the_estimate_goes_by_the_prices_of_the_person(run: Run, there: List[str], folder: Path, dear: None) -> None:
    source = write(folder / "film.srt", film(400))
    done = run("translate", source, "--to", "es", "--estimate", "--model", "dear-model", *there)
    dollars = float(done.out.split("about $")[1].split()[0])
    assert 10 < dollars < 40


# --- requests -------------------------------------------------------------------------------------------------------


def test_twenty_requests_a_day_translate_a_film_in_four_from_where_it_is_watched(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    text = film(1300)
    source = write(folder / "film.srt", text)
    flags = ("--budget-per-day", "20", "--start-at", "40:00", "--report", str(folder / "r.json"))
    done = run("translate", source, "--to", "es", *flags, *there)
    assert (done.code, done.err) == (0, "")
    assert report(folder / "r.json")["translated"] == 1300
    asked_for = batches(tls_standin)
    assert len(asked_for) == report(folder / "r.json")["requests"] <= 4
    assert numbers(asked_for[0])[0] == _number_at(text, "00:40:00")


def _number_at(text: str, time: str) -> int:
    """The number of the cue that is on the screen then, else of the next."""
    ends = [line.split(" --> ")[1] for line in text.splitlines() if " --> " in line]
    return next(number for number, end in enumerate(ends, 1) if end > time)


def test_a_film_plans_with_what_those_before_it_have_left_of_the_day(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    """Two requests for each of the first five films, a fifth of 11; one for the sixth."""
    sources = [write(folder / f"e{number}.srt", film(60)) for number in range(6)]
    done = run("translate", *sources, "--to", "es", "--no-memory", "--budget-per-day", "11", *there)
    assert (done.code, done.err) == (0, "")
    assert len(batches(tls_standin)) == 11


def test_a_day_that_is_used_up_says_when_the_next_one_begins(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    one, two = (write(folder / name, film(count)) for name, count in (("a.srt", 10), ("b.srt", 11)))
    assert run("translate", one, "--to", "es", "--budget-per-day", "1", *there).code == 0
    done = run("translate", two, "--to", "de", "--budget-per-day", "1", *there)
    assert done.code == 4
    assert done.complaint.startswith("The budget of requests a day (1) is used up. It begins anew at ")
    assert tls_standin.stats().requests == 1


def test_a_minutes_budget_is_kept_by_whatever_asks(
    run: Run, there: List[str], small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: List[Limits] = []
    configure = RateLimiter.configure

    def watched(self: RateLimiter, limits: Limits, *rest: Any) -> None:
        set_to.append(limits)
        configure(self, limits, *rest)

    monkeypatch.setattr(core.rate_limit.RateLimiter, "configure", watched)
    assert run("translate", small, "--to", "es", "--budget-per-minute", "3,9000", *there).code == 0
    assert set_to == [Limits(requests_per_minute=3, tokens_per_minute=9000)]


@pytest.mark.long
def test_a_minutes_budget_makes_the_next_request_wait(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(16))
    done = run("translate", source, "--to", "es", "--budget-per-minute", "1", *there)
    assert done.code == 0
    first, second = (record.started for record in tls_standin.log)
    assert 59 < second - first < 65


# --- order ----------------------------------------------------------------------------------------------------------


def test_the_line_that_is_watched_comes_first(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    text = film(300)
    source = write(folder / "film.srt", text)
    assert run("translate", source, "--to", "es", "--start-at", "8:00", "--parallel", "1", *there).code == 0
    order = numbers(asked(tls_standin))
    first = _number_at(text, "00:08:00")
    assert order == [*range(first, 301), *range(1, first)]
    assert len(batches(tls_standin)[0]) == 4


def test_a_time_after_the_end_begins_at_the_beginning(
    run: Run, there: List[str], small: str, tls_standin: StandIn
) -> None:
    assert run("translate", small, "--to", "es", "--start-at", "9:00:00", *there).code == 0
    assert asked(tls_standin)[0] == "Hello there, Marta."


# --- a second provider ----------------------------------------------------------------------------------------------


def test_a_second_provider_takes_over_what_the_first_withholds(
    run: Run, second: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(40))
    withheld = withholding({"Number 17:"})
    tls_standin.script = lambda exchange: None if "/api/v1/" in exchange.record.target else withheld(exchange)
    done = run("translate", source, "--to", "es", "--report", str(folder / "r.json"), *second)
    assert (done.code, done.err) == (0, "")
    assert report(folder / "r.json")["translated"] == 40
    assert numbers(to_openrouter(tls_standin)) == [17]


@pytest.mark.parametrize(
    ("fault", "words"), [(bad_key, "OpenAI refused the key (401)."), (quota_spent, "The quota or the credit at OpenAI")]
)
def test_a_second_provider_goes_on_when_the_first_says_no_for_good(
    run: Run, second: List[str], folder: Path, tls_standin: StandIn, fault: Any, words: str
) -> None:
    source = write(folder / "film.srt", film(100))
    tls_standin.script = lambda exchange: None if "/api/v1/" in exchange.record.target else fault
    done = run("translate", source, "--to", "es", "--report", str(folder / "r.json"), *second)
    assert done.code == 0
    assert done.complaint.startswith(words)
    assert done.complaint.endswith(" Going on with OpenRouter.")
    assert sorted(numbers(to_openrouter(tls_standin))) == list(range(1, 101))
    assert sum(record.target.startswith("/v1/") for record in tls_standin.log) == 1


def test_when_both_say_no_the_last_one_has_the_word(
    run: Run, second: List[str], small: str, tls_standin: StandIn
) -> None:
    tls_standin.script = always(bad_key)
    done = run("translate", small, "--to", "es", *second)
    first, last = done.err.splitlines()
    assert done.code == 4
    assert first.endswith("Going on with OpenRouter.")
    assert last.startswith("subai: OpenRouter refused the key (401). Check OPENROUTER_API_KEY")


def test_another_model_of_the_same_provider_can_be_second(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(40))
    withheld = withholding({"Number 17:"})
    tls_standin.script = lambda exchange: None if exchange.record.model == "gpt-4.1" else withheld(exchange)
    assert run("translate", source, "--to", "es", "--second-provider", "openai:gpt-4.1", *there).code == 0
    again = [record for record in tls_standin.log if record.model == "gpt-4.1"]
    assert len(again) == 1


def test_a_model_that_cannot_is_left_for_the_second(
    run: Run, second: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(400))
    talking = saying(lambda text: "I would love to help you with that!")
    tls_standin.script = lambda exchange: None if "/api/v1/" in exchange.record.target else talking
    done = run("translate", source, "--to", "es", "--parallel", "1", *second)
    assert done.code == 0
    assert "gpt-4.1-mini did not give one usable answer" in done.complaint


def test_the_second_provider_costs_its_own_price(
    run: Run, second: List[str], folder: Path, tls_standin: StandIn, data: Path
) -> None:
    data.mkdir(parents=True)
    models = {"openai": {"models": {"gpt-4.1-mini": {"input": 1, "output": 1}}}}
    models["openrouter"] = {"models": {"dear/model": {"input": 1000, "output": 1000}}}
    write(data / "prices.json", json.dumps({"as_of": "2026-11-21", "providers": models}))
    second[second.index("openrouter")] = "openrouter:dear/model"
    source = write(folder / "film.srt", film(200))
    tls_standin.script = lambda exchange: None if "/api/v1/" in exchange.record.target else bad_key
    flags = ("--max-cost", "4", "--report", str(folder / "r.json"))
    done = run("translate", source, "--to", "es", *flags, *second)
    found = report(folder / "r.json")
    assert done.code == 3
    assert found["cost"] == pytest.approx((found["prompt_tokens"] + found["completion_tokens"]) / 1000)
    assert 1.0 < found["cost"] <= 4.0
