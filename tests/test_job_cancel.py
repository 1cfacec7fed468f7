"""A cancel ends a job within 100 ms whatever its requests wait for, and the job can be taken up again."""

import signal
import socket
import threading
import time
from typing import Any, Callable, Iterator, List

import pytest
from job_support import SPANISH, Heard, Running, check, lines, route, texts, workers, wrong
from standin_faults import stall, stall_in_mid_answer, too_many
from waiting import until

import api
from cli.standin import Exchange, Fault, Pace, StandIn
from core.connection_pool import ConnectionPoolManager
from core.errors import CancelledError
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.report import PENDING, PROVISIONAL, TRANSLATED, CueEvent

pytest_plugins = ("job_fixtures",)

FILM = lines(200)
PARALLEL = 8


def after_the_first(fault: Fault) -> Callable[[Exchange], Any]:
    """The first request proves endpoint and key; all others fare like this."""
    return lambda exchange: fault if exchange.number > 1 else None


class Stuck:
    """A job whose eight requests hang in one phase.

    :ivar release: lets the provider go on.
    """

    def __init__(self, heard: Heard, way: Route, release: Callable[[], Any]) -> None:
        self.heard = heard
        self.release = release
        self.job = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard)
        self.running = Running(self.job)


def waiting_for_an_answer(standin: StandIn, way: Route, heard: Heard) -> Stuck:
    return _hanging(standin, way, heard, stall)


def in_mid_answer(standin: StandIn, way: Route, heard: Heard) -> Stuck:
    stuck = _hanging(standin, way, heard, stall_in_mid_answer)
    heard.wait_for(PROVISIONAL, 40)
    return stuck


def _hanging(standin: StandIn, way: Route, heard: Heard, fault: Fault) -> Stuck:
    standin.script = after_the_first(fault)
    stuck = Stuck(heard, way, lambda: setattr(standin, "script", None))
    until(lambda: standin.stats().in_flight == PARALLEL)
    return stuck


def while_an_answer_comes(standin: StandIn, way: Route, heard: Heard) -> Stuck:
    standin.pace = Pace(tokens_per_second=2000.0)
    stuck = Stuck(heard, way, lambda: setattr(standin, "pace", Pace()))
    heard.wait_for(PROVISIONAL, 60)
    return stuck


def in_a_pause_that_was_asked_for(standin: StandIn, way: Route, heard: Heard) -> Stuck:
    standin.script = after_the_first(too_many("retry-after-ms", 0.4))
    stuck = Stuck(heard, way, lambda: setattr(standin, "script", None))
    until(lambda: standin.stats().requests >= 2 and standin.stats().in_flight == 0)
    return stuck


PHASES = [waiting_for_an_answer, in_mid_answer, while_an_answer_comes, in_a_pause_that_was_asked_for]


@pytest.mark.parametrize("phase", PHASES)
def test_a_cancel_takes_less_than_100_ms_and_what_was_accepted_is_told(
    phase: Callable[..., Stuck], standin: StandIn, way: Route, heard: Heard
) -> None:
    stuck = phase(standin, way, heard)
    report, seconds = stuck.running.cancel()
    assert seconds < 0.1
    assert isinstance(report.stopped_by, CancelledError)
    assert workers() == []
    assert report.translated == heard.texts(TRANSLATED)
    assert report.translated
    assert wrong(FILM, report) == []
    assert report.kept == {}


@pytest.mark.parametrize("phase", PHASES)
def test_a_cancelled_job_asks_only_for_what_is_missing_when_it_is_taken_up(
    phase: Callable[..., Stuck], standin: StandIn, way: Route, heard: Heard
) -> None:
    stuck = phase(standin, way, heard)
    first, _ = stuck.running.cancel()
    stuck.release()
    standin.reset()
    check(FILM, stuck.job.run())
    assert set(texts(standin)) == {cue.text for cue in FILM if cue.index not in first.translated}


def test_what_was_shown_and_not_accepted_is_taken_back(standin: StandIn, way: Route, heard: Heard) -> None:
    report, _ = in_mid_answer(standin, way, heard).running.cancel()
    shown = heard.texts(PROVISIONAL).keys() - report.translated.keys()
    assert shown
    assert all(heard.states(index) == [PROVISIONAL, PENDING] for index in shown)


def test_a_cancel_reaches_a_tls_handshake_that_does_not_end(
    transport: Transport, key: str, silent_server: str, heard: Heard
) -> None:
    provider = api.create("compatible", api_key=key, base_url=silent_server, transport=transport)
    running = Running(TranslationJob(FILM, SPANISH, [Route(provider, "m")], parallel=PARALLEL, on_event=heard))
    until(lambda: len(workers()) == PARALLEL)
    time.sleep(0.1)
    report, seconds = running.cancel()
    assert seconds < 0.1
    assert isinstance(report.stopped_by, CancelledError)
    assert workers() == []


def test_a_cancel_reaches_those_who_wait_for_a_permit(standin: StandIn, key: str, heard: Heard) -> None:
    standin.script = after_the_first(stall)
    with ConnectionPoolManager() as pool:
        way = route(standin, key, Transport(pool, parallel=2))
        running = Running(TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard))
        until(lambda: standin.stats().in_flight == 2)
        report, seconds = running.cancel()
    assert seconds < 0.1
    assert isinstance(report.stopped_by, CancelledError)


def test_a_job_that_is_cancelled_before_it_runs_asks_nothing(standin: StandIn, way: Route) -> None:
    job = TranslationJob(FILM, SPANISH, [way])
    job.cancel()
    assert isinstance(job.run().stopped_by, CancelledError)
    assert standin.stats().requests == 0
    check(FILM, job.run())


def test_a_cancel_between_two_runs_ends_the_next_one(
    standin: StandIn, way: Route, heard: Heard, transport: Transport
) -> None:
    job = TranslationJob(FILM, SPANISH, [way], on_event=heard)
    running = Running(job)
    heard.wait_for(TRANSLATED)
    running.cancel()
    # What was under way may still lie unread at the stand-in, or not even be accepted.
    (ours,) = transport.pool.stats().values()
    until(lambda: standin.stats().connections >= ours.created and standin.stats().open <= ours.idle)
    standin.reset()
    job.cancel()
    assert isinstance(job.run().stopped_by, CancelledError)
    assert standin.stats().requests == 0


def test_a_cancel_that_comes_when_all_is_done_changes_nothing(way: Route) -> None:
    cues = lines(4)
    job = TranslationJob(cues, SPANISH, [way], on_event=lambda event: job.cancel() if is_last(event) else None)

    def is_last(event: CueEvent) -> bool:
        return (event.index, event.state) == (3, TRANSLATED)

    check(cues, job.run())
    job.cancel()
    check(cues, job.run())


def test_ctrl_c_ends_the_job_and_leaves_what_was_done(standin: StandIn, way: Route, heard: Heard) -> None:
    standin.script = after_the_first(stall)
    job = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard)
    main = threading.get_ident()

    def interrupt() -> None:
        until(lambda: standin.stats().in_flight == PARALLEL)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert workers() == []
    report = job.report()
    assert isinstance(report.stopped_by, CancelledError)
    assert sorted(report.translated) == [0, 1, 2, 3]
    standin.script = None
    check(FILM, job.run())


def test_cancelled_again_and_again_a_film_still_comes_out_whole(standin: StandIn, way: Route) -> None:
    standin.pace = Pace(tokens_per_second=20_000.0)
    job = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL)
    done: List[int] = []
    for turn in range(12):
        running = Running(job)
        time.sleep(0.01 + turn * 0.003)
        report, _ = running.cancel()
        done.append(len(report.translated))
    standin.pace = Pace()
    check(FILM, job.run())
    assert done == sorted(done), "something accepted was lost"


@pytest.fixture
def silent_server() -> Iterator[str]:
    """An address for TLS where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
