"""One film between its past and its future: what is known before a job, what is kept of it, and whose its file is."""

from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import pytest
from cli_support import film, write

from api.base import Usage
from api.openai import OpenAI
from core.errors import CancelledError, InputError
from translate import film as films
from translate import languages
from translate.asking import Route
from translate.film import Film, OutputTakenError
from translate.outputs import KEPT as OUTPUTS_KEPT
from translate.prices import Price
from translate.prompt import Brief
from translate.report import KEPT, PENDING, PROVISIONAL, TRANSLATED, CueEvent, JobReport
from translate.session import Session
from translate.store import Store

pytest_plugins = ("store_fixtures",)

SPANISH = languages.find("es")
DOLLAR_A_THOUSAND = Price(input=1000.0, output=1000.0)


@pytest.fixture(autouse=True)
def all_was_well(notices: List[str]) -> Iterator[None]:
    yield
    assert notices == []


@pytest.fixture
def opened(tmp_path: Path) -> Film:
    return films.open_film(write(tmp_path / "film.en.srt", film(20)), SPANISH)


def session(opened: Film, store: Optional[Store], model: str = "m", style: str = "", apart: str = "") -> Session:
    provider = OpenAI(api_key="sk-0123456789", base_url="http://127.0.0.1:9/v1")
    brief = Brief(target=opened.target, source=opened.source, style=style)
    return Session(opened, brief, Route(provider, model, DOLLAR_A_THOUSAND), store=store, apart=apart)


def report(opened: Film, translated: Dict[int, str], kept: Optional[Dict[int, str]] = None) -> JobReport:
    return JobReport(len(opened.cues), translated, kept or {}, 0, Usage(), None, 0.0)


def some(*indices: int) -> Dict[int, str]:
    return {index: f"Número {index}" for index in indices}


# --- before and after a job -----------------------------------------------------------------------------------------


def test_a_whole_film_is_written_and_found_again(opened: Film, store: Store) -> None:
    first = session(opened, store)
    assert first.known == {}
    whole = some(*range(20))
    assert first.finish(report(opened, whole))
    assert "Número 7\n" in Path(opened.output).read_text(encoding="utf-8")
    assert not store.outputs.is_unfinished(opened.output)
    assert session(opened, store).known == whole


def test_what_a_killed_job_had_heard_is_taken_up_again(opened: Film, store: Store) -> None:
    killed = session(opened, store)
    killed.hear(CueEvent(3, PROVISIONAL, "perhaps"))
    killed.hear(CueEvent(3, TRANSLATED, "Número 3"))
    killed.hear(CueEvent(4, PROVISIONAL, "perhaps"))
    killed.hear(CueEvent(4, PENDING))
    killed.hear(CueEvent(5, KEPT, reason="blocked"))
    assert killed._journal is not None
    assert killed._journal.flush()
    assert session(opened, store).known == {3: "Número 3"}


def test_the_model_may_change_before_a_job_is_finished(opened: Film, store: Store) -> None:
    first = session(opened, store, model="a")
    for index in (1, 2):
        first.hear(CueEvent(index, TRANSLATED, f"Número {index}"))
    first.finish(report(opened, some(1, 2)))
    assert session(opened, store, model="b").known == some(1, 2)
    assert session(opened, store, model="b", style="formal").known == {}
    assert session(opened, store, model="b", apart="demo").known == {}


def test_a_partly_translated_film_is_written_and_may_be_replaced(opened: Film, store: Store) -> None:
    ended = session(opened, store)
    for index, text in some(1, 2).items():
        ended.hear(CueEvent(index, TRANSLATED, text))
    assert ended.finish(report(opened, some(1, 2), kept={3: "blocked"}))
    written = Path(opened.output).read_text(encoding="utf-8")
    assert "Número 2\n" in written
    assert "Number 4: " in written
    assert store.outputs.is_unfinished(opened.output)
    assert films.untranslated(opened, report(opened, some(*range(2, 20)), kept={0: "blocked"})) == [
        (0, "blocked"),
        (1, "not reached"),
    ]


def test_nothing_is_written_when_nothing_is_translated(opened: Film, store: Store) -> None:
    assert not session(opened, store).finish(report(opened, {}))
    assert not Path(opened.output).exists()


def test_without_a_store_nothing_is_known_and_nothing_kept(opened: Film, tmp_path: Path) -> None:
    forgetful = session(opened, None)
    forgetful.hear(CueEvent(1, TRANSLATED, "Número 1"))
    forgetful.purse.settle(forgetful.purse.reserve(Usage(1, 1), None), Usage(1, 1))
    assert forgetful.finish(report(opened, some(*range(20))))
    assert session(opened, None).known == {}
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_written_is_remembered_all_the_same(opened: Film, store: Store) -> None:
    ended = session(opened, store)
    Path(opened.output).mkdir()
    with pytest.raises(InputError):
        ended.finish(report(opened, some(*range(20))))
    assert session(opened, store).known == some(*range(20))


def test_the_store_knows_what_was_spent(opened: Film, store: Store) -> None:
    paying = session(opened, store)
    paying.purse.settle(paying.purse.reserve(Usage(100, 100), DOLLAR_A_THOUSAND), Usage(150, 50))
    paying.purse.settle(paying.purse.reserve(Usage(100, 100), DOLLAR_A_THOUSAND), Usage(), billed=False)
    paying.finish(report(opened, some(1)))
    (job,) = store.journal.jobs()
    assert (job.name, job.total, job.spent.requests) == ("film.en.srt", 20, 1)
    assert (job.spent.prompt_tokens, job.spent.completion_tokens, job.spent.dollars) == (150, 50, 0.2)


def test_a_run_that_was_stopped_teaches_nothing(tmp_path: Path, store: Store) -> None:
    long = films.open_film(write(tmp_path / "long.srt", film(90)), SPANISH)
    ended = session(long, store)
    before = ended.estimate(parallel=4).usage
    ended.purse.settle(ended.purse.reserve(before, None), Usage(before.prompt_tokens, before.completion_tokens * 4))
    ended.finish(replace(report(long, some(*range(90))), stopped_by=CancelledError("Cancelled.")))
    store.memory.clear()
    store.journal.clear()
    assert session(long, store).estimate(parallel=4).usage == before


# --- whose files ----------------------------------------------------------------------------------------------------


def test_a_file_is_ours_for_as_long_as_nobody_touches_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "film.es.srt"
    assert not store.outputs.is_unfinished(str(path))
    path.write_bytes(b"ours")
    store.outputs.note(str(path), b"ours", done=1, total=2)
    assert store.outputs.is_unfinished(str(path))
    path.write_bytes(b"somebody's")
    assert not store.outputs.is_unfinished(str(path))
    path.unlink()
    assert not store.outputs.is_unfinished(str(path))
    path.write_bytes(b"ours")
    store.outputs.note(str(path), b"ours", done=2, total=2)
    assert not store.outputs.is_unfinished(str(path))


def test_only_the_latest_files_are_remembered(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.outputs.KEPT", 2)
    assert OUTPUTS_KEPT > 1000
    seconds = iter(range(100))
    monkeypatch.setattr(store.outputs, "_wall", lambda: next(seconds))
    paths = [tmp_path / f"{number}.srt" for number in range(3)]
    for path in paths:
        path.write_bytes(b"ours")
        store.outputs.note(str(path), b"ours", done=1, total=2)
    assert [store.outputs.is_unfinished(str(path)) for path in paths] == [False, True, True]


def test_a_film_finds_its_language_in_its_name_or_its_words(tmp_path: Path) -> None:
    for name, code in (("a.de.srt", "de"), ("b.forced.srt", "en"), ("c.hu.forced.srt", "hu"), ("d.2010.srt", "en")):
        opened = films.open_film(write(tmp_path / name, film(30)), SPANISH)
        assert opened.source is not None
        assert opened.source.code == code
    said = films.open_film(write(tmp_path / "e.de.srt", film(3)), SPANISH, source=languages.find("fr"))
    assert said.source == languages.find("fr")
    odd = films.open_film(write(tmp_path / "f.srt", "1\n00:00:01,000 --> 00:00:02,000\nXyzzy\n"), SPANISH)
    assert odd.source is None


def test_an_output_may_be_replaced_by_whoever_says_so(opened: Film, tmp_path: Path) -> None:
    source = write(tmp_path / "again.srt", film(3))
    taken = write(tmp_path / "again.es.srt", "here")
    with pytest.raises(OutputTakenError):
        films.open_film(source, SPANISH)
    assert films.open_film(source, SPANISH, may_replace=lambda output: output == taken).output == taken
