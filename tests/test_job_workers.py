"""The threads of a job: mistakes on them are told, and however they get in each other's way no cue is left behind."""

import logging
import random
import threading
from typing import Any, List

import pytest
from job_support import SPANISH, Heard, Running, check, lines, texts, workers, wrong
from standin_faults import always, bad_key, failing, in_turn, no_credit, stall
from waiting import until

from api.base import ChatRequest, ChatStream
from api.compatible import Compatible
from cli.standin import Exchange, StandIn
from core.database_file import DatabaseError
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.report import TRANSLATED, CueEvent

pytest_plugins = ("job_fixtures",)

FILM = lines(100)
PATIENT = 20.0
SEEDS = [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 30))]


class Listener(Heard):
    """Fails when it hears of the fiftieth translation."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error
        self._lock = threading.Lock()
        self.failing = True

    def __call__(self, event: CueEvent) -> None:
        super().__call__(event)
        with self._lock:
            if self.failing and len(self.texts(TRANSLATED)) >= 50:
                raise self._error


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), SystemExit(1)])
def test_a_mistake_on_a_worker_ends_the_job_and_is_logged_whole(
    error: BaseException, way: Route, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener(error)
    report = TranslationJob(FILM, SPANISH, [way], parallel=8, on_event=listener).run()
    assert report.stopped_by is not None
    assert type(error).__name__ in report.stopped_by.user_message
    assert len(report.translated) >= 50, "what was done before is lost"
    assert len(report.translated) < len(FILM)
    assert wrong(FILM, report) == []
    assert workers() == []
    (record, *_) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_after_a_mistake_the_job_can_be_taken_up(way: Route, standin: StandIn) -> None:
    listener = Listener(ZeroDivisionError("a bug"))
    job = TranslationJob(FILM, SPANISH, [way], parallel=8, on_event=listener)
    first = job.run()
    listener.failing = False
    standin.reset()
    check(FILM, job.run())
    assert set(texts(standin)) == {cue.text for cue in FILM if cue.index not in first.translated}


def test_what_a_listener_has_to_say_is_what_ended_the_job(way: Route) -> None:
    full = DatabaseError("The disk is full. Make room, then start again.")
    report = TranslationJob(FILM, SPANISH, [way], parallel=8, on_event=Listener(full)).run()
    assert report.stopped_by is full


def test_a_mistake_in_a_provider_ends_the_job(standin: StandIn, key: str, transport: Transport) -> None:
    class Buggy(Compatible):
        def stream(self, request: ChatRequest) -> ChatStream:
            raise KeyError("choices")

    provider = Buggy(api_key=key, base_url=standin.openai_base_url, transport=transport)
    report = TranslationJob(FILM, SPANISH, [Route(provider, "m")], parallel=8).run()
    assert report.stopped_by is not None
    assert "KeyError" in report.stopped_by.user_message
    assert report.translated == {}


def test_a_mistake_wakes_those_that_wait_for_an_answer(way: Route, standin: StandIn) -> None:
    standin.script = lambda exchange: stall if exchange.number in (2, 3) else None
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=3, on_event=Listener(ZeroDivisionError())))
    assert running.report(5.0).stopped_by is not None


# --- races ------------------------------------------------------------------------------------------------------------


def test_cues_that_are_put_back_when_the_others_have_left_are_still_asked_for(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    """The last request of all finds out that the key is dead."""
    cues = lines(16)
    others_left = threading.Event()

    def refuse(exchange: Exchange) -> None:
        others_left.wait(0.2)
        bad_key(exchange)

    standin.script = in_turn(None, refuse)
    report = TranslationJob(cues, SPANISH, [way, second_way], parallel=8).run()
    check(cues, report)
    assert sorted(texts(standin)[:4] + texts(second_standin)) == sorted(cue.text for cue in cues)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_route_that_dies_at_any_moment_is_left_once_and_no_cue_with_it(
    seed: int, way: Route, standin: StandIn, second_way: Route, second_standin: StandIn, heard: Heard
) -> None:
    chance = random.Random(seed)
    dies_at, how = chance.randrange(1, 14), chance.choice([bad_key, no_credit, failing])

    def tarry(exchange: Exchange) -> None:
        exchange.wait(chance.random() * 0.01)
        (how if exchange.number >= dies_at else _well)(exchange)

    standin.script = always(tarry)
    report = TranslationJob(FILM, SPANISH, [way, second_way], parallel=8, on_event=heard).run()
    check(FILM, report)
    assert len(report.notices) <= 1
    assert [heard.states(cue.index).count(TRANSLATED) for cue in FILM] == [1] * len(FILM)


def test_seeks_and_cancels_from_other_threads_at_any_time_lose_nothing(way: Route, standin: StandIn) -> None:
    def tarry(exchange: Exchange) -> None:
        exchange.wait(0.002)
        _well(exchange)

    standin.script = always(tarry)
    job = TranslationJob(FILM, SPANISH, [way], parallel=4)
    over = threading.Event()

    def meddle(seed: int) -> None:
        chance = random.Random(seed)
        while not over.wait(chance.random() * 0.01):
            job.seek(chance.random() * 300.0)
            job.report()
            if chance.random() < 0.2:
                job.cancel()

    meddlers: List[Any] = [threading.Thread(target=meddle, args=(seed,)) for seed in range(3)]
    for meddler in meddlers:
        meddler.start()
    done = 0
    for _ in range(30):
        report = job.run()
        assert len(report.translated) >= done
        done = len(report.translated)
    over.set()
    for meddler in meddlers:
        meddler.join()
    job.run()  # a cancel may be left for it
    check(FILM, job.run())


# --- more and fewer ---------------------------------------------------------------------------------------------------


def test_a_running_job_asks_for_more_or_less_at_once_as_soon_as_it_is_told_to(way: Route, standin: StandIn) -> None:
    answers = threading.Semaphore(0)

    def held(exchange: Exchange) -> None:
        answers.acquire(timeout=PATIENT)
        _well(exchange)

    def at_once(count: int) -> bool:
        return standin.stats().in_flight == count == len(workers())

    standin.script = always(held)
    job = TranslationJob(FILM, SPANISH, [way], parallel=2)
    running = Running(job)
    until(lambda: standin.stats().in_flight == 1)  # nobody else before its answer begins
    job.resize(1)
    answers.release()
    until(lambda: standin.stats().requests == 2 and at_once(1))
    job.resize(5)
    until(lambda: at_once(5))
    job.resize(2)
    for _ in range(4):
        answers.release()
    until(lambda: at_once(2))
    standin.reset()
    for _ in range(len(FILM)):
        answers.release()
    check(FILM, running.report())
    assert standin.stats().max_in_flight == 2
    job.resize(8)  # nobody is there any more, and nobody comes
    assert workers() == []


@pytest.mark.parametrize("seed", SEEDS)
def test_however_often_that_changes_while_a_route_dies_every_cue_is_translated_once(
    seed: int, way: Route, standin: StandIn, second_way: Route, heard: Heard
) -> None:
    chance, over = random.Random(seed), threading.Event()
    dies_at = chance.randrange(1, 14)

    def tarry(exchange: Exchange) -> None:
        exchange.wait(0.003)
        (bad_key if exchange.number >= dies_at else _well)(exchange)

    standin.script = always(tarry)
    job = TranslationJob(FILM, SPANISH, [way, second_way], parallel=4, on_event=heard)

    def meddle() -> None:
        while not over.wait(0.002):
            job.resize(chance.randrange(1, 9))

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        check(FILM, job.run())
    finally:
        over.set()
        meddler.join()
    assert [heard.states(cue.index).count(TRANSLATED) for cue in FILM] == [1] * len(FILM)


def _well(exchange: Exchange) -> None:
    exchange.send(exchange.reply())
