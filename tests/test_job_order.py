"""From the playhead: what is asked first, what a seek changes, what comes last, and how few requests may do."""

import threading
from dataclasses import replace
from typing import Iterator, List

import pytest
from job_support import SPANISH, Heard, Running, batches, check, lines, texts
from waiting import until

from cli.standin import Exchange, Pace, StandIn, pseudo_translate
from translate.asking import Route
from translate.documents import Cue
from translate.job import TranslationJob
from translate.report import PROVISIONAL, TRANSLATED

pytest_plugins = ("job_fixtures",)

#: 50 minutes, a cue each 12 seconds.
FILM = [replace(cue, start=cue.index * 12.0, end=cue.index * 12.0 + 9.0) for cue in lines(250)]


class Held:
    """A script that answers a request only when it is let go."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(0)
        self._free = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        while not self._free.is_set() and not self._turns.acquire(timeout=0.005):
            pass

    def let_go(self, count: int = 1) -> None:
        for _ in range(count):
            self._turns.release()

    def let_all_go(self) -> None:
        self._free.set()


@pytest.fixture
def held(standin: StandIn) -> Iterator[Held]:
    """Requests to ``standin`` wait until they are let go."""
    held = Held()
    standin.script = held
    yield held
    held.let_all_go()


def on_screen(cues: List[Cue], position: float) -> Cue:
    return next(cue for cue in cues if cue.start <= position < cue.end)


def test_the_first_request_is_small_and_begins_with_the_cue_on_the_screen(way: Route, standin: StandIn) -> None:
    position = 40 * 60 + 1.0
    check(FILM, TranslationJob(FILM, SPANISH, [way], position=position).run())
    first = list(batches(standin)[0].values())
    assert first[0] == on_screen(FILM, position).text
    assert len(first) <= 4


def test_what_lies_before_the_playhead_comes_last(way: Route, standin: StandIn) -> None:
    check(FILM, TranslationJob(FILM, SPANISH, [way], parallel=1, position=2400.0).run())
    assert texts(standin) == [cue.text for cue in [*FILM[200:], *FILM[:200]]]


def test_a_seek_orders_anew_what_is_not_sent(way: Route, standin: StandIn, held: Held) -> None:
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=1))
    until(lambda: standin.stats().requests == 1)
    running.job.seek(1801.0)
    held.let_all_go()
    check(FILM, running.report())
    sizes = [len(batch) for batch in batches(standin)]
    assert texts(standin) == [cue.text for cue in [*FILM[:4], *FILM[150:], *FILM[4:150]]]
    assert sizes[1] <= 4, "what is on the screen after a seek waits for a large batch"


def test_every_worker_follows_a_seek_as_soon_as_it_is_free(way: Route, standin: StandIn, held: Held) -> None:
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=4))
    until(lambda: standin.stats().requests == 1)
    held.let_go()  # the probe; the others follow
    until(lambda: standin.stats().requests == 5)
    running.job.seek(2400.0)
    held.let_go(4)
    until(lambda: standin.stats().requests == 9)
    soon = {text for batch in batches(standin)[5:] for text in batch.values()}
    assert soon <= {cue.text for cue in FILM[200:]}
    assert on_screen(FILM, 2400.0).text in soon
    held.let_all_go()
    check(FILM, running.report())


def test_a_seek_to_what_is_done_asks_for_nothing_twice(way: Route, standin: StandIn, held: Held) -> None:
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=1))
    held.let_go(3)
    until(lambda: standin.stats().requests == 4)
    running.job.seek(0.0)
    held.let_all_go()
    check(FILM, running.report())
    assert texts(standin) == [cue.text for cue in FILM]


def test_seeks_from_everywhere_lose_nothing(way: Route, standin: StandIn) -> None:
    standin.pace = Pace(round_trip=0.003)
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=4))
    for step in range(60):
        running.job.seek(step * 997.0 % 3000.0)
        threading.Event().wait(0.001)
    check(FILM, running.report())
    assert sorted(texts(standin)) == sorted(cue.text for cue in FILM)


def test_the_cue_on_the_screen_is_shown_before_its_answer_is_whole(way: Route, standin: StandIn, heard: Heard) -> None:
    standin.pace = Pace(tokens_per_second=150.0)
    running = Running(TranslationJob(FILM, SPANISH, [way], position=2401.0, on_event=heard))
    heard.wait_for(PROVISIONAL)
    assert heard.events[0].index == 200
    assert heard.events[0].text == pseudo_translate(FILM[200].text)
    until(lambda: {200, 201, 202, 203} <= heard.texts(TRANSLATED).keys())
    running.cancel()


def test_where_requests_are_scarce_a_film_takes_no_more_of_them(way: Route, standin: StandIn) -> None:
    check(FILM, TranslationJob(FILM, SPANISH, [way], position=2401.0, requests=4).run())
    assert standin.stats().requests == 4
    assert next(iter(batches(standin)[0].values())) == FILM[200].text
