"""A provider that says no, goes away, or has a model that cannot: the job ends soon, says why, keeps what was done."""

import threading
from typing import Dict, Optional, Type

import pytest
from job_support import SPANISH, Heard, Running, batches, check, cues_of, leaving_blank, lines, route, workers, wrong
from standin_faults import (
    always,
    bad_key,
    blocked_prompt,
    close_before_answer,
    cut_body,
    empty_body,
    error_in_mid_stream,
    failing,
    html_page,
    in_turn,
    no_credit,
    no_such_model,
    null_content,
    quota_spent,
    refusal,
    stall,
    too_many,
    unavailable,
)
from waiting import until

from cli.standin import Answer, Exchange, Fault, Pace, StandIn
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import (
    AnswerError,
    ConnectError,
    ConnectionDroppedError,
    KeyRefusedError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    SubAIError,
    TransportError,
)
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.ladder import PATIENCE
from translate.report import PROVISIONAL, TRANSLATED
from translate.standing import HOPELESS_AFTER

pytest_plugins = ("job_fixtures",)

FILM = lines(300)
SHORT = lines(60)
PARALLEL = 8


class AfterThree:
    """A script: three requests are answered; when all of that has been told, the others fare badly.

    :ivar done: how many cues those three brought.
    """

    def __init__(self, fault: Fault, heard: Heard) -> None:
        self._fault = fault
        self._heard = heard
        self._sizes: Dict[int, int] = {}

    def __call__(self, exchange: Exchange) -> Optional[Fault]:
        if exchange.number <= 3:
            self._sizes[exchange.number] = len(cues_of(exchange))
            return None
        return self._when_told

    @property
    def done(self) -> int:
        return sum(self._sizes.values())

    def _when_told(self, exchange: Exchange) -> None:
        until(lambda: len(self._sizes) == 3)
        self._heard.wait_for(TRANSLATED, self.done)
        self._fault(exchange)


# --- no for good ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (bad_key, KeyRefusedError),
        (no_such_model, ModelNotFoundError),
        (no_credit, QuotaError),
        (quota_spent, QuotaError),
    ],
)
def test_a_final_no_costs_one_request_with_eight_in_parallel(
    fault: Fault, error: Type[SubAIError], way: Route, standin: StandIn, heard: Heard
) -> None:
    standin.script = always(fault)
    report = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard).run()
    assert standin.stats().requests == 1
    assert isinstance(report.stopped_by, error)
    assert (report.translated, report.kept) == ({}, {})
    assert heard.events == []
    assert workers() == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (too_many(), RateLimitError),
        (failing, ServerError),
        (unavailable, OverloadedError),
        (close_before_answer, ConnectionDroppedError),
    ],
)
def test_a_provider_that_only_fails_is_given_up_after_at_most_ten_requests(
    fault: Fault, error: Type[SubAIError], way: Route, standin: StandIn
) -> None:
    standin.script = always(fault)
    report = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL).run()
    assert standin.stats().requests <= 10
    assert isinstance(report.stopped_by, error)
    assert (report.translated, report.kept) == ({}, {})


def test_a_server_that_is_not_there_is_said_so(way: Route, standin: StandIn) -> None:
    standin.stop()
    report = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL).run()
    assert isinstance(report.stopped_by, ConnectError)
    assert "127.0.0.1" in report.stopped_by.user_message
    assert (report.translated, report.kept) == ({}, {})


def test_a_page_in_place_of_answers_is_given_up_soon(way: Route, standin: StandIn) -> None:
    """The sign-in page of a hotel comes with status 200."""
    standin.script = always(html_page)
    report = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL).run()
    assert isinstance(report.stopped_by, AnswerError)
    assert standin.stats().requests <= HOPELESS_AFTER * PATIENCE
    assert report.translated == {}


# --- no in the middle of a film ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "most"),
    [
        (bad_key, KeyRefusedError, PARALLEL),
        (no_credit, QuotaError, PARALLEL),
        (too_many(), RateLimitError, 10 + PARALLEL),
        (failing, ServerError, 10 + 3 + PARALLEL),
        (unavailable, OverloadedError, 10 + 3 + PARALLEL),
    ],
)
def test_what_was_done_stays_when_the_provider_says_no(
    fault: Fault, error: Type[SubAIError], most: int, way: Route, standin: StandIn, heard: Heard
) -> None:
    script = standin.script = AfterThree(fault, heard)
    report = TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard).run()
    assert isinstance(report.stopped_by, error)
    assert len(report.translated) == script.done
    assert report.translated == heard.texts(TRANSLATED)
    assert wrong(FILM, report) == []
    assert report.kept == {}
    assert standin.stats().requests <= 3 + most


def test_what_was_done_stays_when_the_provider_goes_away(way: Route, standin: StandIn, heard: Heard) -> None:
    script = standin.script = AfterThree(stall, heard)
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard))
    until(lambda: standin.stats().in_flight >= 4)
    heard.wait_for(TRANSLATED, script.done)
    standin.stop()
    report = running.report()
    assert report.stopped_by is not None
    assert "127.0.0.1" in report.stopped_by.user_message
    assert len(report.translated) == script.done
    assert wrong(FILM, report) == []
    assert workers() == []


def test_who_hangs_on_a_server_that_is_gone_ends_with_the_job(way: Route, standin: StandIn, heard: Heard) -> None:
    standin.script = lambda exchange: (
        stall if exchange.number == 4 else close_before_answer if exchange.number > 4 else None
    )
    running = Running(TranslationJob(FILM, SPANISH, [way], parallel=PARALLEL, on_event=heard))
    assert isinstance(running.report(5.0).stopped_by, TransportError)
    assert workers() == []


def test_an_answer_that_is_coming_in_when_the_quota_ends_is_not_thrown_away(
    way: Route, standin: StandIn, heard: Heard
) -> None:
    spent = threading.Event()

    def slow(exchange: Exchange) -> None:
        data = exchange.reply().encode()
        exchange.write(data[: len(data) // 2])
        spent.wait(5)
        exchange.wait(0.05)
        exchange.write(data[len(data) // 2 :])

    def refuse(exchange: Exchange) -> None:
        beginnings = [next(iter(batch.values())) for batch in batches(standin)[1:3]]
        begun = {cue.index for cue in FILM if cue.text in beginnings}
        until(lambda: begun <= heard.texts(PROVISIONAL).keys())
        no_credit(exchange)
        spent.set()

    standin.script = in_turn(None, slow, slow, refuse)
    report = TranslationJob(FILM, SPANISH, [way], parallel=3, on_event=heard).run()
    assert isinstance(report.stopped_by, QuotaError)
    assert len(report.translated) == sum(map(len, batches(standin)[:3])), "paid for, and not waited for"
    assert standin.stats().requests == 4


# --- a passing trouble ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [cut_body, error_in_mid_stream, empty_body, null_content, html_page])
@pytest.mark.parametrize("number", [1, 3])
def test_one_bad_answer_stops_nothing(fault: Fault, number: int, way: Route, standin: StandIn) -> None:
    standin.script = in_turn(*[None] * (number - 1), fault)
    check(SHORT, TranslationJob(SHORT, SPANISH, [way], parallel=1).run())


def test_some_429s_and_errors_cost_no_cue(way: Route, standin: StandIn) -> None:
    standin.script = in_turn(None, too_many(), None, failing, unavailable, too_many(), None, close_before_answer)
    check(SHORT, TranslationJob(SHORT, SPANISH, [way], parallel=PARALLEL).run())


def test_who_finds_all_connections_in_use_waits_for_one(standin: StandIn, key: str, transport: Transport) -> None:
    """As when another job shares the provider: it says nothing of the provider, nor of the cues."""
    standin.pace = Pace(round_trip=0.15)
    with ConnectionPoolManager(PoolConfig(pool_timeout=0.01)) as pool:
        report = TranslationJob(
            lines(60), SPANISH, [route(standin, key, Transport(pool, parallel=1))], parallel=8
        ).run()
        assert any(snapshot.errors for snapshot in pool.stats().values())
    check(lines(60), report)


# --- a model that cannot ----------------------------------------------------------------------------------------------


def prose(exchange: Exchange) -> None:
    exchange.send(exchange.reply(Answer("I would love to talk about the captain, his log, and how many words it has.")))


def all_blank(exchange: Exchange) -> None:
    leaving_blank("")(exchange)


@pytest.mark.parametrize("fault", [prose, all_blank, null_content, refusal, blocked_prompt])
def test_a_hopeless_model_is_given_up_and_that_is_said(fault: Fault, way: Route, standin: StandIn) -> None:
    standin.script = always(fault)
    report = TranslationJob(FILM, SPANISH, [way], parallel=1).run()
    assert isinstance(report.stopped_by, AnswerError)
    assert "did not give one usable answer" in report.stopped_by.user_message
    assert standin.stats().requests <= HOPELESS_AFTER * PATIENCE
    assert report.translated == {}
    assert 20 <= len(report.kept) < len(FILM)


def test_one_hopeless_batch_stops_nothing(way: Route, standin: StandIn) -> None:
    standin.script = lambda exchange: all_blank if 3 <= exchange.number < 9 else None
    report = TranslationJob(FILM, SPANISH, [way], parallel=1).run()
    assert report.stopped_by is None
    assert {**report.translated, **report.kept}.keys() == {cue.index for cue in FILM}
    assert {cue.text for cue in FILM if cue.index in report.kept} == set(batches(standin)[2].values())
    assert wrong(FILM, report) == []


def test_hard_cues_that_an_earlier_run_left_do_not_speak_against_the_model(way: Route, standin: StandIn) -> None:
    standin.script = always(all_blank)
    done = {cue.index: "x" for cue in FILM if cue.index % 50}
    report = TranslationJob(FILM, SPANISH, [way], known=done, parallel=1).run()
    assert report.stopped_by is None
    assert set(report.kept) == {0, 50, 100, 150, 200, 250}
    assert standin.stats().requests == 12, "a lone cue is asked with an anchor and without"
