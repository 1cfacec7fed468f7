"""Estimates get better: what a film really took is remembered for its model and pair of languages."""

from pathlib import Path
from typing import List

from api.base import Usage
from benchmarks.films import make_cues
from translate.asking import Route
from translate.costs import Factors
from translate.documents import load
from translate.film import Film
from translate.languages import find
from translate.prompt import Brief
from translate.report import JobReport
from translate.session import Session
from translate.store import Store, open_store


def opened(folder: Path) -> Store:
    notices: List[str] = []
    return open_store(str(folder), notices.append)


def test_factors_are_kept_by_topic_and_survive_the_process(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert store.learning.factors("m en es") == Factors()
    store.learning.learn("m en es", Factors(1.5, 0.5))
    store.close()
    again = opened(tmp_path)
    assert again.learning.factors("m en es") == Factors(1.5, 0.5)
    assert again.learning.factors("m en de") == Factors()
    again.close()


def test_a_film_that_took_more_than_estimated_raises_the_next_estimate(tmp_path: Path) -> None:
    texts = [cue.text.replace("\n", " ") for cue in make_cues(60)]
    source = tmp_path / "film.en.srt"
    blocks = [f"{n + 1}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{text}\n" for n, text in enumerate(texts)]
    source.write_text("\n".join(blocks), encoding="utf-8")
    film = Film(str(source), str(tmp_path / "film.es.srt"), load(str(source)), find("en"), find("es"))
    store = opened(tmp_path / "data")

    def session() -> Session:
        return Session(film, Brief(find("es"), find("en")), Route(None, "m"), store=store)  # type: ignore[arg-type]

    first = session()
    before = first.estimate(4).usage
    first.purse.settle(first.purse.reserve(before, None), Usage(before.prompt_tokens * 4, before.completion_tokens * 4))
    done = JobReport(60, {cue.index: "x" for cue in film.wanted}, {}, 0, Usage(), None, 0.0)
    assert first.finish(done)
    store.memory.clear()
    after = session().estimate(4).usage
    assert 1.9 < after.prompt_tokens / before.prompt_tokens < 2.1
    assert 1.9 < after.completion_tokens / before.completion_tokens < 2.1
    store.close()
