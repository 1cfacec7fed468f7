"""The one retry loop: probe first, one pause for all, budgets, hints, and ends that come at once."""

import itertools
import math
import threading
import time
from contextlib import suppress
from typing import Any, Callable, List, Optional

import pytest
from support_server import Doing, cancelled
from waiting import until

from core import backoff
from core.backoff import delay_for, exponential, fixed, full_jitter, rate_limited_backoff_on_429
from core.cancel import CancelToken
from core.circuit_breaker import CircuitBreaker, Turn, breaker_for
from core.config import FIXED, BackoffConfig
from core.endpoints import endpoint_id
from core.errors import (
    BadRequestError,
    CancelledError,
    ConnectError,
    DeadlineError,
    EmptyAnswerError,
    KeyRefusedError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    SubAIError,
)
from core.messages import Request

_names = itertools.count()


class Provider:
    """Answers as told, call after call (the last one for ever), on an endpoint of its own."""

    def __init__(self, *answers: object, **settings: Any) -> None:
        self.endpoint = f"test-backoff-{next(_names)}"
        self.calls: List[Request] = []
        self.before: Callable[[], object] = lambda: None
        self._answers = answers
        self._lock = threading.Lock()
        self.ask = rate_limited_backoff_on_429(**{"base_delay": 0.0, "max_delay": 0.0, **settings})(self._exchange)

    def _exchange(self, request: Request) -> object:
        with self._lock:
            self.calls.append(request)
            answer = self._answers[min(len(self.calls), len(self._answers)) - 1]
        self.before()
        if isinstance(answer, SubAIError):
            raise answer
        if request.on_headers is not None:
            request.on_headers(200)
        return answer

    def request(self, **values: Any) -> Request:
        return Request("POST", "http://127.0.0.1", endpoint=self.endpoint, **values)

    def many(self, number: int, **values: Any) -> List[Doing]:
        return [Doing(lambda: self.ask(self.request(**values))) for _ in range(number)]


def go(breaker: CircuitBreaker) -> Turn:
    """A turn that can be had at once."""
    turn, _ = breaker.take("", last=False)
    assert turn is not None
    return turn


def too_many(retry_after: Optional[float] = None) -> RateLimitError:
    return RateLimitError("Slow down.", provider="acme", status=429, retry_after=retry_after)


def busy(retry_after: Optional[float] = None) -> OverloadedError:
    return OverloadedError("Busy.", status=503, retry_after=retry_after)


# --- what is asked again --------------------------------------------------------------------------------------------


def test_an_answer_is_passed_on() -> None:
    provider = Provider("fine")
    assert provider.ask(provider.request()) == "fine"
    assert [call.attempt for call in provider.calls] == [1]


@pytest.mark.parametrize("failure", [busy(), ServerError("Oops.", status=500), ConnectError("Nobody there.")])
def test_a_passing_failure_is_asked_again(failure: SubAIError) -> None:
    provider = Provider(failure, failure, "fine")
    assert provider.ask(provider.request()) == "fine"
    assert [call.attempt for call in provider.calls] == [1, 2, 3]


def test_after_the_last_retry_its_own_error_is_raised() -> None:
    provider = Provider(busy(), retries=2)
    with pytest.raises(OverloadedError):
        provider.ask(provider.request())
    assert len(provider.calls) == 3


@pytest.mark.parametrize(
    "failure",
    [
        BadRequestError("No such parameter.", status=400),
        EmptyAnswerError("Nothing."),
        ServerError("Don't ask again.", status=500, permanent=True),
        CancelledError("Cancelled."),
    ],
)
def test_what_can_only_fail_again_is_not_asked_again(failure: SubAIError) -> None:
    provider = Provider(failure)
    with pytest.raises(type(failure)):
        provider.ask(provider.request())
    assert len(provider.calls) == 1


def test_an_error_of_the_program_is_no_reason_to_ask_again() -> None:
    @rate_limited_backoff_on_429()
    def broken(request: Request) -> None:
        raise ZeroDivisionError

    for _ in range(2):  # and it leaves no probe behind for which others would wait
        with pytest.raises(ZeroDivisionError):
            broken(Request("GET", "http://127.0.0.1", endpoint=f"test-backoff-{next(_names)}"))


def test_the_retry_budget_is_shared_and_paid_back_by_successes() -> None:
    provider = Provider(*[busy()] * 23, "fine", retries=20)
    with pytest.raises(OverloadedError):
        provider.ask(provider.request())
    assert len(provider.calls) == 11  # the first try, and the whole budget
    with pytest.raises(OverloadedError):
        provider.ask(provider.request())
    assert len(provider.calls) == 12
    breaker_for(provider.endpoint).enable()
    with pytest.raises(OverloadedError):
        provider.ask(provider.request())  # 11 more
    for _ in range(2):
        provider.ask(provider.request())
    assert breaker_for(provider.endpoint).take_retry()
    assert not breaker_for(provider.endpoint).take_retry()


# --- probe first ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [KeyRefusedError("Wrong key.", status=401), QuotaError("Spent.", status=429)])
def test_a_dead_key_costs_one_request_whatever_the_threads(refusal: SubAIError) -> None:
    provider = Provider(refusal)
    release = threading.Event()
    provider.before = lambda: release.wait(5)
    workers = provider.many(16)
    until(lambda: len(provider.calls) == 1)
    release.set()
    errors = [worker.join().error for worker in workers]
    assert len(provider.calls) == 1
    assert all(isinstance(error, type(refusal)) for error in errors)
    assert len({id(error) for error in errors}) == 16, "threads must not share an exception and its traceback"


def test_a_key_that_was_refused_is_asked_again_once_a_person_says_so() -> None:
    provider = Provider(KeyRefusedError("Wrong key.", status=401), "fine")
    for _ in range(2):
        with pytest.raises(KeyRefusedError):
            provider.ask(provider.request())
    breaker_for(provider.endpoint).enable()
    assert provider.ask(provider.request()) == "fine"


@pytest.mark.parametrize("refusal", [ModelNotFoundError("No such model."), QuotaError("Spent for today.")])
def test_what_one_model_cannot_do_another_may(refusal: SubAIError) -> None:
    provider = Provider(refusal, "fine")
    for _ in range(2):
        with pytest.raises(type(refusal)):
            provider.ask(provider.request(model="old"))
    assert provider.ask(provider.request(model="new")) == "fine"


def test_the_others_start_when_the_first_has_its_headers() -> None:
    """They don't wait for its body."""
    provider = Provider("fine")
    first = provider.request()
    headers, body = threading.Event(), threading.Event()

    @rate_limited_backoff_on_429()
    def slow(request: Request) -> str:
        headers.wait(5)
        assert request.on_headers is not None
        request.on_headers(200)
        body.wait(5)
        return "slow"

    probe = Doing(lambda: slow(first))
    others = provider.many(3)
    time.sleep(0.02)
    assert provider.calls == []
    headers.set()
    for other in others:
        assert other.join().result == "fine"
    body.set()
    assert probe.join().result == "slow"


def test_an_error_answer_proves_nothing() -> None:
    provider = Provider(busy(), "fine")
    order: List[str] = []

    @rate_limited_backoff_on_429()
    def refused(request: Request) -> None:
        assert request.on_headers is not None
        request.on_headers(400)
        order.append("probe")
        time.sleep(0.02)
        order.append("still alone" if not provider.calls else "not alone")
        raise BadRequestError("No.", status=400)

    probe = Doing(lambda: refused(provider.request()))
    until(lambda: bool(order))
    other = Doing(lambda: provider.ask(provider.request()))
    assert isinstance(probe.join().error, BadRequestError)
    assert other.join().result == "fine"
    assert order == ["probe", "still alone"]


# --- 429 ------------------------------------------------------------------------------------------------------------


def test_a_429_is_asked_again_until_it_is_answered() -> None:
    provider = Provider(*[too_many()] * 9, "fine", retries=0)  # refusals have a budget of their own
    assert provider.ask(provider.request()) == "fine"
    assert len(provider.calls) == 10


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_a_constant_429_ends_after_ten_requests(threads: int) -> None:
    provider = Provider(too_many())
    errors = [worker.join(5).error for worker in provider.many(threads)]
    assert len(provider.calls) == 10
    for error in errors:
        assert isinstance(error, RateLimitError)
        assert error.permanent
        assert "refused 10 requests in a row" in error.user_message
        assert error.provider == "acme"


def test_a_success_between_refills_the_budget_of_refusals() -> None:
    provider = Provider(*[too_many()] * 9, "fine", *[too_many()] * 9, "fine")
    for _ in range(2):
        assert provider.ask(provider.request()) == "fine"


def test_a_burst_of_refusals_is_one_event() -> None:
    """Sixteen were under way when the limit struck: that alone is no reason to give up, nor to wait so long."""
    breaker = CircuitBreaker()
    go(breaker).answered(200)
    turns = [go(breaker) for _ in range(16)]
    pauses: List[int] = []
    for turn in turns:
        turn.refused(too_many(), lambda pause: pauses.append(pause) or 0.0, 10)  # type: ignore[func-returns-value]
    assert set(pauses) == {1}
    for _ in range(2):
        turn = go(breaker)
        with suppress(RateLimitError):
            turn.refused(too_many(), fixed(0.0), 10)
        turn.over()
    with pytest.raises(RateLimitError):
        go(breaker)


def test_a_constant_429_after_good_answers_ends_after_ten_requests_too() -> None:
    provider = Provider("fine", too_many(0.02))
    provider.ask(provider.request())
    together = threading.Barrier(4)

    def meet() -> None:
        if len(provider.calls) <= 5:
            together.wait(5)

    provider.before = meet
    for worker in provider.many(4):
        assert isinstance(worker.join(5).error, RateLimitError)
    assert len(provider.calls) == 1 + 10


def test_a_429_pauses_everyone_and_then_one_goes_first() -> None:
    provider = Provider(too_many(0.1), "fine")
    starts: List[float] = []
    provider.before = lambda: starts.append(time.monotonic())
    for worker in provider.many(5):
        assert worker.join().result == "fine"
    assert len(starts) == 6
    assert min(starts[1:]) - starts[0] >= 0.1


def test_an_answer_to_an_older_request_does_not_end_the_pause() -> None:
    breaker = CircuitBreaker()
    go(breaker).answered(200)
    slow, refused = go(breaker), go(breaker)
    refused.refused(too_many(), fixed(0.0), 10)
    slow.answered(200)
    probe = go(breaker)
    assert breaker.take("", last=False) == (None, math.inf)  # the probe is out, and nobody else goes
    probe.answered(200)
    probe.over()
    go(breaker)


def test_a_refusal_that_comes_late_does_not_undo_the_probe() -> None:
    breaker = CircuitBreaker()
    go(breaker).answered(200)
    early, late = go(breaker), go(breaker)
    early.refused(too_many(), fixed(0.0), 10)
    probe = go(breaker)
    late.refused(too_many(), fixed(0.0), 10)
    probe.answered(200)
    probe.over()
    go(breaker)
    go(breaker)  # two at once: it is proved


# --- hints, pauses, pacing ------------------------------------------------------------------------------------------


def test_a_hint_is_waited_for() -> None:
    provider = Provider(busy(0.1), "fine")
    began = time.monotonic()
    assert provider.ask(provider.request()) == "fine"
    assert time.monotonic() - began >= 0.1


def test_a_hint_that_is_too_long_is_not_sat_out() -> None:
    provider = Provider(busy(121))
    with pytest.raises(OverloadedError):
        provider.ask(provider.request())
    assert len(provider.calls) == 1


def test_a_429_with_a_hint_that_is_too_long_stops_everyone() -> None:
    provider = Provider(too_many(300))
    with pytest.raises(RateLimitError) as first:
        provider.ask(provider.request())
    with pytest.raises(RateLimitError, match="asks to wait 300 s") as second:
        provider.ask(provider.request())
    assert first.value.retry_after == 300
    assert second.value.permanent
    assert len(provider.calls) == 1


def test_a_429_that_says_not_to_retry_is_not_asked_again() -> None:
    provider = Provider(RateLimitError("No more.", status=429, permanent=True))
    with pytest.raises(RateLimitError):
        provider.ask(provider.request())
    assert len(provider.calls) == 1


def test_delays_grow_to_their_limit_and_are_jittered() -> None:
    assert [exponential(1.0, 30.0)(tries) for tries in (1, 2, 3, 6, 2000)] == [1.0, 2.0, 4.0, 30.0, 30.0]
    assert [fixed(3.0)(tries) for tries in (1, 9)] == [3.0, 3.0]
    jittered = [full_jitter(fixed(10.0))(1) for _ in range(200)]
    assert 0.0 <= min(jittered) < 3.0
    assert 7.0 < max(jittered) <= 10.0


def test_the_strategy_depends_on_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "full_jitter", lambda delay: delay)
    settings = BackoffConfig(base_delay=1.0, max_delay=8.0, strategies=((503, FIXED),))
    assert [delay_for(settings, 503)(tries) for tries in (1, 2, 3)] == [8.0, 8.0, 8.0]
    assert [delay_for(settings, 500)(tries) for tries in (1, 2, 3)] == [1.0, 2.0, 4.0]


def test_starts_keep_their_distance() -> None:
    provider = Provider("fine", min_interval=0.05)
    starts: List[float] = []
    provider.before = lambda: starts.append(time.monotonic())
    for worker in provider.many(4):
        worker.join()
    gaps = [later - earlier for earlier, later in zip(starts, starts[1:])]
    assert min(gaps) > 0.04


# --- ends -----------------------------------------------------------------------------------------------------------


def test_a_cancel_ends_the_pause_of_a_retry() -> None:
    provider, token = Provider(busy(60)), CancelToken()
    worker = Doing(lambda: provider.ask(provider.request(cancel=token)))
    until(lambda: len(provider.calls) == 1)
    token.cancel()
    assert isinstance(worker.join().error, CancelledError)


def test_a_cancel_ends_the_pause_of_a_429_and_the_wait_for_the_probe() -> None:
    provider, token = Provider(too_many(60)), CancelToken()
    release = threading.Event()
    provider.before = lambda: release.wait(5)
    workers = provider.many(3, cancel=token)
    until(lambda: len(provider.calls) == 1)
    release.set()
    time.sleep(0.02)
    token.cancel()
    for worker in workers:
        assert isinstance(worker.join().error, CancelledError)
    assert len(provider.calls) == 1


def test_a_cancelled_request_is_not_sent() -> None:
    provider = Provider("fine")
    with pytest.raises(CancelledError):
        provider.ask(provider.request(cancel=cancelled()))
    assert provider.calls == []


def test_a_pause_past_the_deadline_is_not_begun() -> None:
    provider = Provider(busy(60))
    with pytest.raises(OverloadedError):
        provider.ask(provider.request(deadline=time.monotonic() + 5))
    provider = Provider(too_many(60))
    with pytest.raises(DeadlineError):
        provider.ask(provider.request(deadline=time.monotonic() + 5))


def test_the_deadline_ends_the_wait_for_the_probe() -> None:
    provider = Provider("fine")
    release = threading.Event()
    provider.before = lambda: release.wait(5)
    probe = Doing(lambda: provider.ask(provider.request()))
    until(lambda: len(provider.calls) == 1)
    with pytest.raises(DeadlineError):
        provider.ask(provider.request(deadline=time.monotonic() + 0.05))
    release.set()
    assert probe.join().result == "fine"


def test_a_request_without_a_deadline_gets_one_over_all_its_tries() -> None:
    provider = Provider(busy(), "fine")
    provider.ask(provider.request())
    first, second = (call.deadline for call in provider.calls)
    assert first is not None
    assert first == second


# --- who is who -----------------------------------------------------------------------------------------------------


def test_each_endpoint_and_key_has_its_own_state() -> None:
    one, same, other = (endpoint_id("https://a.example", key) for key in ("one", "one", "other"))
    assert one == same != other
    assert breaker_for(one) is breaker_for(same)
    assert "one" not in one
