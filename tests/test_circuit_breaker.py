"""The one state of an endpoint and key: what opens it, for how long, how it closes again, and who is told."""

import math
import threading
from contextlib import suppress
from typing import Iterator, List, Tuple

import pytest

from core.backoff import fixed
from core.breaker_state import CLOSED, COOLING_DOWN, DISABLED, HALF_OPEN, OPEN
from core.circuit_breaker import CircuitBreaker, Turn, breaker_for
from core.config import BREAKER_CONFIG
from core.errors import (
    BadRequestError,
    BodyTooLargeError,
    CancelledError,
    ConnectError,
    ConnectionDroppedError,
    DeadlineError,
    EmptyAnswerError,
    KeyRefusedError,
    ModelNotFoundError,
    NameLookupError,
    OverloadedError,
    PoolTimeoutError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ReadTimeoutError,
    ServerError,
    SubAIError,
    TLSError,
)
from core.outcomes import is_failure
from core.transitions import Transition, listen

DOWN = ConnectError("Nobody there.")


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    """One that has answered once."""
    made = CircuitBreaker("a", clock=clock)
    succeed(made)
    return made


@pytest.fixture
def told() -> Iterator[List[Tuple[str, str]]]:
    """The transitions, as (before, after)."""
    heard: List[Tuple[str, str]] = []
    end = listen(lambda transition: heard.append((transition.before, transition.after)))
    yield heard
    end()


def go(breaker: CircuitBreaker, *, last: bool = False) -> Turn:
    """A turn that can be had at once."""
    turn, pause = breaker.take("", last=last)
    assert turn is not None, f"not for {pause} s"
    breaker.announce()
    return turn


def succeed(breaker: CircuitBreaker) -> None:
    turn = go(breaker)
    turn.answered(200)
    turn.over()


def fail(breaker: CircuitBreaker, error: SubAIError = DOWN, *, last: bool = False) -> None:
    turn = go(breaker, last=last)
    turn.failed(error)
    turn.over()


def refuse(breaker: CircuitBreaker, seconds: float) -> None:
    turn = go(breaker)
    turn.refused(RateLimitError("Slow down.", status=429), fixed(seconds), 10)
    turn.over()


def deny(breaker: CircuitBreaker, error: SubAIError, model: str = "") -> None:
    turn, _ = breaker.take(model, last=False)
    assert turn is not None
    turn.denied(error)
    turn.over()


# --- what opens it ----------------------------------------------------------------------------------------------------


def test_half_of_the_outcomes_must_fail_and_there_must_be_five(breaker: CircuitBreaker) -> None:
    succeed(breaker)
    for _ in range(2):
        assert breaker.state == CLOSED
        fail(breaker)
    assert breaker.state == CLOSED  # half of four
    fail(breaker)
    assert breaker.state == OPEN


def test_less_than_half_of_the_outcomes_do_not_open_it(breaker: CircuitBreaker) -> None:
    for number in range(100):
        fail(breaker) if number % 9 in (0, 3, 5, 7) else succeed(breaker)
    assert breaker.state == CLOSED


def test_only_the_last_twenty_outcomes_count(breaker: CircuitBreaker) -> None:
    for _ in range(200):
        succeed(breaker)
    for number in range(19):  # nine failures among the last twenty outcomes, and never five in a row
        fail(breaker) if number % 2 else succeed(breaker)
    assert breaker.state == CLOSED
    fail(breaker)
    assert breaker.state == OPEN


def test_five_failures_in_a_row_open_it_however_good_it_was_before(breaker: CircuitBreaker) -> None:
    for _ in range(19):
        succeed(breaker)
    for _ in range(4):
        fail(breaker)
    assert breaker.state == CLOSED
    fail(breaker)
    assert breaker.state == OPEN


def test_five_failures_open_one_that_never_answered(clock: Clock) -> None:
    breaker = CircuitBreaker("new", clock=clock)
    for _ in range(5):
        assert breaker.state == CLOSED
        fail(breaker)
    assert breaker.state == OPEN


def test_an_answer_that_breaks_off_turns_from_a_success_into_a_failure(breaker: CircuitBreaker) -> None:
    for _ in range(9):
        succeed(breaker)
    for number in range(5):
        turn = go(breaker)
        turn.answered(200)
        assert breaker.state == CLOSED, number
        turn.failed(ConnectionDroppedError("Cut."))
        turn.failed(ConnectionDroppedError("Cut."))  # told twice, counted once
        turn.over()
    assert breaker.state == OPEN


@pytest.mark.parametrize(
    "error",
    [
        DOWN,
        NameLookupError("No address."),
        TLSError("No handshake."),
        ConnectionDroppedError("Cut."),
        ReadTimeoutError("Silence."),
        ProtocolError("Not HTTP."),
        ServerError("Oops.", status=500),
        OverloadedError("Busy.", status=503),
        OverloadedError("Busy.", status=529),
        BadRequestError("Nothing here.", status=404),
        BadRequestError("Moved.", status=301),
    ],
)
def test_what_speaks_against_an_endpoint(error: SubAIError) -> None:
    assert is_failure(error)


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("No.", status=400),
        ServerError("Conflict.", status=409),
        RateLimitError("Slow down.", status=429),
        EmptyAnswerError("Nothing."),
        CancelledError("Cancelled."),
        DeadlineError("Too late."),
        PoolTimeoutError("All in use."),
        BodyTooLargeError("Too much."),
    ],
)
def test_what_says_nothing_of_an_endpoint(error: SubAIError, breaker: CircuitBreaker) -> None:
    assert not is_failure(error)
    for _ in range(30):
        fail(breaker, error)
    assert breaker.state == CLOSED


# --- open, half-open, closed ------------------------------------------------------------------------------------------


def trip(breaker: CircuitBreaker) -> None:
    while breaker.state == CLOSED:
        fail(breaker)


def test_while_open_nothing_goes_and_then_one_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    assert breaker.take("", last=False) == (None, 15.0)
    clock.seconds += 14.0
    assert breaker.take("", last=False) == (None, 1.0)
    clock.seconds += 1.0
    assert breaker.state == HALF_OPEN
    probe = go(breaker)
    assert breaker.take("", last=False) == (None, math.inf)
    probe.answered(200)
    assert breaker.state == CLOSED
    assert breaker.wait(last=False) == 0.0


def test_each_failed_probe_doubles_the_time_up_to_five_minutes_and_a_good_one_resets_it(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for _ in range(2):
        trip(breaker)
        times = []
        for _ in range(7):
            times.append(breaker.wait(last=False))
            clock.seconds += times[-1]
            fail(breaker)
        assert times == [15, 30, 60, 120, 240, 300, 300]
        clock.seconds += 300
        succeed(breaker)
        assert breaker.state == CLOSED


def test_a_probe_that_says_nothing_makes_room_for_the_next(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    clock.seconds += 15
    fail(breaker, BadRequestError("No.", status=400))
    assert breaker.state == HALF_OPEN
    succeed(breaker)
    assert breaker.state == CLOSED


def test_after_it_has_closed_the_failures_before_that_are_forgotten(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    clock.seconds += 15
    succeed(breaker)
    for _ in range(2):
        fail(breaker)
    succeed(breaker)
    assert breaker.state == CLOSED


def test_what_was_under_way_when_it_opened_neither_closes_it_nor_opens_it_again(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    good, bad = go(breaker), go(breaker)
    trip(breaker)
    clock.seconds += 15
    bad.failed(DOWN)
    good.answered(200)
    assert breaker.state == HALF_OPEN
    assert breaker.failed_probes == 0


def test_the_last_one_left_is_tried_although_it_is_open_one_at_a_time(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    probe = go(breaker, last=True)
    assert breaker.take("", last=True) == (None, math.inf)
    probe.failed(DOWN)
    probe.over()
    assert breaker.failed_probes == 1
    assert breaker.wait(last=False) == 15.0  # that probe was before its time: the time stays as it was
    go(breaker, last=True).answered(200)
    assert breaker.state == CLOSED


# --- 429, and the final no --------------------------------------------------------------------------------------------


def test_a_429_is_a_pause_and_no_failure(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(9):
        refuse(breaker, 20.0)
        assert breaker.state == COOLING_DOWN
        assert breaker.take("", last=True) == (None, 20.0)
        clock.seconds += 20
        assert breaker.state == HALF_OPEN
    succeed(breaker)
    assert breaker.state == CLOSED


def test_a_429_of_before_the_last_pause_is_heeded_and_takes_no_proof_away(
    breaker: CircuitBreaker, clock: Clock, told: List[Tuple[str, str]]
) -> None:
    """A slow request was out while another one was refused, paused and then answered; now the slow one is refused."""
    slow = go(breaker)
    refuse(breaker, 1.0)
    clock.seconds += 1
    succeed(breaker)
    woken: List[str] = []
    with breaker.waking(lambda: woken.append("once")):
        slow.refused(RateLimitError("Slow down.", status=429), fixed(4.0), 10)
    assert woken
    assert breaker.state == COOLING_DOWN
    for last in (False, True):
        assert breaker.take("", last=last) == (None, 4.0)
    slow.over()
    clock.seconds += 4
    first, second = go(breaker), go(breaker)  # no probe: it has answered since
    assert breaker.state == CLOSED
    for turn in (first, second):
        turn.over()
    assert told[-2:] == [(CLOSED, COOLING_DOWN), (COOLING_DOWN, CLOSED)]


def test_a_late_429_while_the_probe_is_out_makes_those_wait_whom_the_probe_lets_go(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    slow = go(breaker)
    refuse(breaker, 1.0)
    clock.seconds += 1
    probe = go(breaker)
    slow.refused(RateLimitError("Slow down.", status=429), fixed(4.0), 10)
    assert breaker.take("", last=False) == (None, math.inf)
    probe.answered(200)
    assert breaker.take("", last=False) == (None, 4.0)


def test_a_probe_that_is_told_to_wait_has_found_it_alive(breaker: CircuitBreaker, clock: Clock) -> None:
    trip(breaker)
    clock.seconds += 15
    refuse(breaker, 1.0)
    assert breaker.state == COOLING_DOWN
    assert not breaker.tripped


@pytest.mark.parametrize("error", [KeyRefusedError("Wrong key.", status=401), QuotaError("No credit.", status=402)])
def test_a_refused_key_and_no_credit_disable_it_for_every_model_until_a_person_asks_anew(
    error: SubAIError, breaker: CircuitBreaker, clock: Clock
) -> None:
    deny(breaker, error, "one")
    assert breaker.state == DISABLED
    clock.seconds += 1e6
    for model in ("one", "other"):
        with pytest.raises(type(error)):
            breaker.take(model, last=True)
    breaker.enable()
    assert breaker.state == CLOSED
    go(breaker)


@pytest.mark.parametrize("error", [ModelNotFoundError("No such model."), QuotaError("Spent for today.", status=429)])
def test_what_one_model_lacks_does_not_disable_it(error: SubAIError, breaker: CircuitBreaker) -> None:
    deny(breaker, error, "one")
    assert breaker.state == CLOSED
    assert isinstance(breaker.denial("one"), type(error))
    assert breaker.denial("other") is None


def test_a_person_who_asks_anew_finds_an_open_one_closed_but_waits_as_the_provider_asked(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    trip(breaker)
    breaker.enable()
    assert breaker.state == CLOSED
    refuse(breaker, 60.0)
    breaker.enable()
    assert breaker.wait(last=False) == 60.0


# --- who is told ------------------------------------------------------------------------------------------------------


def test_every_transition_is_told_once(breaker: CircuitBreaker, clock: Clock, told: List[Tuple[str, str]]) -> None:
    trip(breaker)
    clock.seconds += 15
    fail(breaker)
    clock.seconds += 30
    succeed(breaker)
    refuse(breaker, 5.0)
    clock.seconds += 5
    succeed(breaker)
    deny(breaker, KeyRefusedError("Wrong key.", status=401))
    breaker.enable()
    assert told == [
        (CLOSED, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, CLOSED),
        (CLOSED, COOLING_DOWN),
        (COOLING_DOWN, HALF_OPEN),
        (HALF_OPEN, CLOSED),
        (CLOSED, DISABLED),
        (DISABLED, CLOSED),
    ]


def test_a_listener_hears_where_and_why_holds_up_nobody_and_may_leave(breaker: CircuitBreaker) -> None:
    heard: List[Transition] = []

    def hear(transition: Transition) -> None:
        heard.append(transition)
        assert breaker.state == transition.after  # it would block here if the lock were held

    leave = listen(hear)
    trip(breaker)
    leave()
    breaker.enable()
    assert heard == [Transition("a", CLOSED, OPEN, "Nobody there.")]


def test_who_waits_is_woken_by_every_change_and_no_longer(breaker: CircuitBreaker) -> None:
    woken: List[str] = []
    with breaker.waking(lambda: woken.append("once")):
        trip(breaker)
    count = len(woken)
    assert count
    breaker.enable()
    assert len(woken) == count


# --- many at once -----------------------------------------------------------------------------------------------------


def test_many_threads_that_fail_at_once_open_it_once(told: List[Tuple[str, str]]) -> None:
    breaker = CircuitBreaker("many")
    succeed(breaker)
    turns = [go(breaker) for _ in range(64)]
    start = threading.Barrier(64)

    def work(turn: Turn) -> None:
        start.wait(10)
        turn.failed(DOWN)
        turn.over()

    threads = [threading.Thread(target=work, args=(turn,), daemon=True) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert told == [(CLOSED, OPEN)]
    assert 0 < breaker.wait(last=False) <= BREAKER_CONFIG.open_time
    assert breaker.in_flight == 0


def test_many_threads_get_one_probe_between_them() -> None:
    breaker = CircuitBreaker("probe")
    succeed(breaker)
    trip(breaker)
    start = threading.Barrier(32)
    taken: List[Turn] = []

    def work() -> None:
        start.wait(10)
        turn, _ = breaker.take("", last=True)
        if turn is not None:
            taken.append(turn)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(taken) == 1


def test_a_turn_is_over_once(breaker: CircuitBreaker) -> None:
    turn = go(breaker)
    assert breaker.in_flight == 1
    for _ in range(3):
        turn.over()
    assert breaker.in_flight == 0


def test_a_turn_of_the_parent_that_ends_in_a_forked_child_is_not_counted_there(breaker: CircuitBreaker) -> None:
    theirs = go(breaker)
    breaker.renew()
    assert breaker.in_flight == 0
    ours = go(breaker)
    theirs.over()
    assert breaker.in_flight == 1
    ours.over()
    assert breaker.in_flight == 0


def test_one_endpoint_and_key_has_one_breaker() -> None:
    one = breaker_for("test-breaker-one", "one")
    assert one is breaker_for("test-breaker-one")
    assert one is not breaker_for("test-breaker-other")
    assert repr(one) == "<CircuitBreaker one: closed, 0 in flight>"


def test_ten_refusals_in_a_row_disable_it(breaker: CircuitBreaker) -> None:
    for _ in range(10):
        with suppress(RateLimitError):
            refuse(breaker, 0.0)
    assert breaker.state == DISABLED
