"""Several endpoints and keys: who is asked, who takes over, what is waited for, and what a person is told of it."""

import itertools
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

import pytest
from support_server import Doing
from waiting import until

from core.backoff import rate_limited_backoff_on_429
from core.breaker_state import CLOSED, COOLING_DOWN, DISABLED, OPEN
from core.cancel import CancelToken
from core.circuit_breaker import CircuitBreaker, breaker_for
from core.config import BackoffConfig
from core.day_budget import MemoryDayCounter
from core.endpoint_group import LEAST_LOADED, ROUND_ROBIN, STICKY, EndpointGroup
from core.endpoints import Endpoint, Target
from core.errors import (
    BadRequestError,
    CancelledError,
    ConnectError,
    DeadlineError,
    KeyRefusedError,
    ModelNotFoundError,
    OverloadedError,
    PoolTimeoutError,
    QuotaError,
    RateLimitError,
    ServerError,
    SubAIError,
    TLSError,
)
from core.limits import Clock, Limits
from core.messages import Request
from core.rate_limit import RateLimiter, limiter_for

_numbers = itertools.count()

DOWN = ConnectError("Nobody there.")
WRONG_KEY = KeyRefusedError("Wrong key.", status=401)


class Service:
    """Endpoints a, b, c, ...; each answers with its name, or fails as ``fails`` says.

    :ivar asked: the names of those that were asked, in order.
    """

    def __init__(self, names: str = "ab", balance: str = STICKY, **settings: Any) -> None:
        number = next(_numbers)
        self.ids = {name: f"test-group-{number}-{name}" for name in names}
        targets = [Target(self.ids[name], f"http://{name}", {"x-key": f"key-of-{name}"}, name) for name in names]
        self.group = EndpointGroup(targets, balance)
        self.asked: List[str] = []
        self.requests: List[Request] = []
        self.fails: Dict[str, SubAIError] = {}
        self.before: Callable[[str], object] = lambda name: None
        self._lock = threading.Lock()
        wanted = {"base_delay": 0.0, "max_delay": 0.0, **settings}
        self._ask = rate_limited_backoff_on_429(**wanted)(self._exchange)

    def breaker(self, name: str) -> CircuitBreaker:
        return breaker_for(self.ids[name])

    def limiter(self, name: str) -> RateLimiter:
        return limiter_for(self.ids[name])

    def ask(self, film: str = "film", **values: Any) -> str:
        answer = self._ask(Request("POST", "/chat", group=self.group, affinity=film, **values))
        assert isinstance(answer, str)
        return answer

    def many(self, count: int, **values: Any) -> List[Doing]:
        return [Doing(lambda: self.ask(**values)) for _ in range(count)]

    def counts(self) -> Dict[str, int]:
        return {name: self.asked.count(name) for name in self.ids}

    def trip(self, name: str) -> None:
        """Have its breaker open."""
        breaker = self.breaker(name)
        while not breaker.tripped:
            turn, _ = breaker.take("", last=False)
            assert turn is not None
            turn.failed(DOWN)
            turn.over()

    def _exchange(self, request: Request) -> str:
        name = request.url[len("http://")]
        with self._lock:
            self.asked.append(name)
            self.requests.append(request)
            failure = self.fails.get(name)
        self.before(name)
        if failure is not None:
            raise failure
        assert request.on_headers is not None
        request.on_headers(200)
        return name


class Hands:
    """A clock for breakers that is moved by hand."""

    def __init__(self, service: Service) -> None:
        self.seconds = 1000.0
        for endpoint in service.ids.values():
            breaker_for(endpoint)._clock = lambda: self.seconds


def too_many(retry_after: Optional[float] = None, *, permanent: bool = False) -> RateLimitError:
    return RateLimitError("Slow down.", status=429, retry_after=retry_after, permanent=permanent)


# --- made out to one of them ------------------------------------------------------------------------------------------


def test_a_request_is_made_out_to_the_endpoint_that_was_picked() -> None:
    service = Service()
    service.fails["a"] = DOWN
    service.ask(headers={"accept": "text"})
    assert [request.url for request in service.requests] == ["http://a/chat", "http://b/chat"]
    assert [request.headers["x-key"] for request in service.requests] == ["key-of-a", "key-of-b"]
    assert all(request.headers["accept"] == "text" for request in service.requests)
    assert [request.endpoint for request in service.requests] == list(service.ids.values())
    assert [request.attempt for request in service.requests] == [1, 2]


def test_no_key_is_in_what_a_log_or_a_traceback_could_show() -> None:
    service = Service()
    admission = service.group.admit(Request("POST", "/chat", group=service.group), BackoffConfig())
    admission.turn.over()
    shown = repr(service.group) + repr(admission) + repr([each.target for each in service.group._members])
    assert "key-of" not in shown
    assert "a: closed, b: closed" in shown


# --- who is asked -----------------------------------------------------------------------------------------------------


def test_a_film_stays_with_the_first_endpoint() -> None:
    service = Service("abc")
    assert {service.ask() for _ in range(10)} == {"a"}


def test_a_film_that_had_to_move_does_not_go_back_and_a_new_one_begins_with_the_first() -> None:
    service = Service("abc")
    hands = Hands(service)
    service.ask("old")
    service.fails["a"] = DOWN
    while service.breaker("a").state != OPEN:
        assert service.ask("old") == "b"
    service.fails.clear()
    hands.seconds += 15
    assert service.ask("old") == "b"
    assert service.ask("new") == "a"
    assert service.breaker("a").state == CLOSED
    assert service.ask("old") == "b"
    service.fails["b"] = DOWN
    while service.breaker("b").state != OPEN:
        service.ask("old")
    assert service.ask("old") == "a"


def test_one_failure_does_not_move_a_film_from_an_endpoint_that_has_answered() -> None:
    service = Service()
    service.ask()
    service.fails["a"] = DOWN
    assert service.ask() == "b"
    service.fails.clear()
    assert service.ask() == "a"


def test_one_failure_moves_a_film_from_an_endpoint_that_never_answered() -> None:
    service = Service()
    service.fails["a"] = DOWN
    for _ in range(5):
        assert service.ask() == "b"
    assert service.counts() == {"a": 1, "b": 5}


def test_a_film_waits_for_the_first_answer_of_its_endpoint_instead_of_spilling_over() -> None:
    service = Service()
    answering = threading.Event()
    service.before = lambda name: answering.wait(5)
    first = service.many(1)
    until(lambda: service.asked == ["a"])
    others = service.many(3)
    time.sleep(0.05)
    assert service.asked == ["a"]
    answering.set()
    assert [doing.join().result for doing in first + others] == ["a"] * 4


def test_when_that_first_answer_does_not_come_they_all_move() -> None:
    service = Service()
    failing = threading.Event()
    service.fails["a"] = DOWN
    service.before = lambda name: failing.wait(5)
    first = service.many(1)
    until(lambda: service.asked == ["a"])
    others = service.many(3)
    failing.set()
    assert [doing.join().result for doing in first + others] == ["b"] * 4
    assert service.counts()["a"] == 1


def test_what_is_of_no_film_goes_to_the_first() -> None:
    service = Service()
    assert {service.ask("") for _ in range(3)} == {"a"}


def test_only_so_many_films_are_remembered() -> None:
    service = Service()
    for number in range(100):
        service.ask(f"film {number}")
    assert len(service.group._homes) == 32


def test_round_robin_asks_each_in_turn() -> None:
    service = Service("abc", ROUND_ROBIN)
    assert "".join(service.ask() for _ in range(7)) == "abcabca"


def test_the_least_loaded_is_the_one_with_the_fewest_requests_in_flight() -> None:
    service = Service("abc", LEAST_LOADED)
    assert "".join(service.ask() for _ in range(3)) == "abc"  # they have proved themselves
    release = threading.Event()
    service.before = lambda name: name == "c" or release.wait(5)
    busy = []
    for count in (4, 5):
        busy += service.many(1)
        until(lambda: len(service.asked) == count)  # noqa: B023 - it is called at once
    assert service.asked[3:] == ["a", "b"]
    assert {service.ask() for _ in range(4)} == {"c"}
    release.set()
    for doing in busy:
        doing.join()


# --- a failure is answered elsewhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize("balance", [STICKY, ROUND_ROBIN, LEAST_LOADED])
@pytest.mark.parametrize(
    "failure",
    [
        DOWN,
        OverloadedError("Busy.", status=503, retry_after=100.0),
        ServerError("Oops.", status=500),
        TLSError("Expired.", permanent=True),
        BadRequestError("Nothing here.", status=404),
        PoolTimeoutError("All in use."),
        WRONG_KEY,
        QuotaError("No credit.", status=402),
        ModelNotFoundError("No such model.", status=404),
        too_many(30.0),
        too_many(500.0),
        too_many(permanent=True),
    ],
)
def test_what_fails_at_one_is_answered_at_once_by_another(failure: SubAIError, balance: str) -> None:
    service = Service(balance=balance, retries=0, base_delay=60.0, max_delay=60.0)
    service.fails["a"] = failure
    began = time.monotonic()
    assert service.ask() == "b"
    assert time.monotonic() - began < 1.0
    assert service.asked[-1] == "b"


@pytest.mark.parametrize("failure", [BadRequestError("No.", status=400), CancelledError("Cancelled.")])
def test_what_is_the_requests_own_fault_is_asked_nowhere_else(failure: SubAIError) -> None:
    service = Service()
    service.fails["a"] = failure
    with pytest.raises(type(failure)):
        service.ask()
    assert service.asked == ["a"]


def test_after_the_deadline_nobody_else_is_asked() -> None:
    service = Service()
    service.fails["a"] = DOWN
    service.before = lambda name: time.sleep(0.06)
    with pytest.raises(ConnectError):
        service.ask(deadline=time.monotonic() + 0.05)
    assert service.asked == ["a"]


def test_each_endpoint_is_tried_once_before_a_retry_is_spent() -> None:
    service = Service("abc", retries=1)
    service.fails = dict.fromkeys("abc", DOWN)
    with pytest.raises(ConnectError):
        service.ask()
    assert sorted(service.asked[:3]) == ["a", "b", "c"]
    assert len(service.asked) == 4


def test_the_last_word_is_of_who_was_asked_last() -> None:
    service = Service(retries=0)
    service.fails = {"a": DOWN, "b": ServerError("Oops.", status=500)}
    with pytest.raises(ServerError):
        service.ask()


def test_an_open_endpoint_is_left_alone_and_its_recovery_is_found() -> None:
    service = Service(balance=ROUND_ROBIN)
    hands = Hands(service)
    service.ask()
    service.trip("a")
    assert {service.ask() for _ in range(10)} == {"b"}
    hands.seconds += 15
    assert "".join(service.ask() for _ in range(4)) == "abab"


def test_a_probe_that_fails_costs_no_answer() -> None:
    service = Service(balance=ROUND_ROBIN)
    hands = Hands(service)
    service.fails["a"] = DOWN
    for _ in range(30):
        assert service.ask() == "b"
    assert service.counts()["a"] == 5  # and then it was open
    hands.seconds += 15
    for _ in range(10):
        assert service.ask() == "b"
    assert service.counts()["a"] == 6
    assert service.breaker("a").wait(last=False) == 30.0


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 8])
def test_a_dead_key_of_two_costs_one_request_and_is_told_once(threads: int) -> None:
    service = Service()
    service.fails["a"] = WRONG_KEY
    for doing in service.many(threads):
        assert doing.join().result == "b"
    assert service.counts() == {"a": 1, "b": threads}
    assert service.breaker("a").state == DISABLED
    assert service.group.take_notices() == ["a: Wrong key."]
    assert service.group.take_notices() == []


def test_when_every_key_is_dead_that_is_told_after_one_request_each() -> None:
    service = Service("abc")
    service.fails = dict.fromkeys("abc", WRONG_KEY)
    for _ in range(2):
        with pytest.raises(KeyRefusedError):
            service.ask()
    assert service.asked == ["a", "b", "c"]
    service.group.enable()
    service.fails.clear()
    assert service.ask("another film") == "a"


def test_a_key_that_dies_under_many_requests_disturbs_none_of_them() -> None:
    service = Service(balance=ROUND_ROBIN)
    service.ask()
    service.ask()
    together = threading.Barrier(8)
    service.before = lambda name: len(service.asked) > 10 or together.wait(5)
    service.fails["b"] = WRONG_KEY
    assert [doing.join().result for doing in service.many(8)] == ["a"] * 8
    assert service.group.take_notices() == ["b: Wrong key."]


def test_a_quota_that_is_spent_for_one_model_leaves_the_others() -> None:
    service = Service()
    service.fails["a"] = QuotaError("Spent for today.", status=429)
    assert service.ask(model="small") == "b"
    service.fails.clear()
    assert service.ask(model="small") == "b"
    assert service.ask("another film", model="large") == "a"


def test_a_dead_key_and_one_that_is_slow_to_come_back_make_a_wait_not_an_error() -> None:
    service = Service()
    service.fails = {"a": too_many(0.1)}
    service.before = lambda name: service.fails.pop(name, None) and service.fails.update(b=WRONG_KEY)
    assert service.ask() == "a"
    assert service.asked == ["a", "b", "a"]


def test_ten_refusals_of_one_key_are_no_reason_to_give_up_the_other() -> None:
    service = Service(balance=ROUND_ROBIN)
    service.fails["a"] = too_many(0.0)
    for _ in range(30):
        assert service.ask() == "b"
    assert service.counts()["a"] == 10
    assert service.breaker("a").state == DISABLED
    (notice,) = service.group.take_notices()
    assert notice.startswith("a: The provider refused 10 requests in a row")


# --- 429 --------------------------------------------------------------------------------------------------------------


def test_while_one_cools_down_the_other_is_asked_and_when_both_do_the_first_to_be_over_is_waited_for() -> None:
    service = Service()
    service.fails = {"a": too_many(60.0), "b": too_many(0.1)}
    service.before = lambda name: service.fails.pop(name, None)
    began = time.monotonic()
    assert service.ask() == "b"
    assert 0.1 <= time.monotonic() - began < 5.0
    assert service.asked == ["a", "b", "b"]


def test_when_all_want_too_long_a_pause_the_shortest_one_is_told() -> None:
    service = Service()
    service.fails = {"a": too_many(900.0), "b": too_many(300.0)}
    with pytest.raises(RateLimitError):
        service.ask()
    with pytest.raises(RateLimitError, match="asks to wait 300 s"):
        service.ask()
    assert service.asked == ["a", "b"]


def test_a_late_429_holds_back_its_own_request_and_all_others() -> None:
    """It comes when another request has been through a pause and was answered."""
    service = Service("a")
    service.ask()
    hold, slow_began = threading.Event(), threading.Event()

    def slowly(name: str) -> None:
        service.before = lambda name: None
        slow_began.set()
        hold.wait(5)

    service.before = slowly
    service.fails["a"] = too_many(0.4)
    slow = Doing(service.ask)
    assert slow_began.wait(5)
    service.fails["a"] = too_many(0.0)
    service.before = lambda name: service.fails.clear()
    service.ask()
    assert len(service.asked) == 4
    began = time.monotonic()
    hold.set()
    until(lambda: service.breaker("a").state == COOLING_DOWN)
    assert service.ask() == "a"
    assert time.monotonic() - began >= 0.4
    slow.join(5)
    until(lambda: service.breaker("a").state == CLOSED)
    assert service.breaker("a")._told == CLOSED


@pytest.mark.parametrize("owner", [Endpoint, CircuitBreaker])
def test_a_ctrl_c_while_a_request_is_made_out_keeps_nobody_back(owner: type, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("a")
    service.group.limit(Limits(requests_per_minute=1, requests_per_day=1), lambda place: None)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, "made_out" if owner is Endpoint else "announce", interrupted)
        with pytest.raises(KeyboardInterrupt):
            service.ask()
    assert service.breaker("a").in_flight == 0
    assert service.group.left_today() == 1
    assert service.ask(deadline=time.monotonic() + 5) == "a"


# --- the last one left ------------------------------------------------------------------------------------------------


def test_when_all_are_open_they_are_tried_all_the_same() -> None:
    service = Service()
    for name in "ab":
        service.trip(name)
    assert service.ask() == "a"


@pytest.mark.parametrize("balance", [STICKY, ROUND_ROBIN, LEAST_LOADED])
@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("back", ["a", "b", "c"])
def test_the_one_of_those_that_comes_back_is_found_by_the_next_request(back: str, retries: int, balance: str) -> None:
    """However long all were out: by then the retries that they share are spent."""
    service = Service("abc", balance, retries=retries)
    service.ask()
    service.fails = dict.fromkeys("abc", DOWN)
    for number in range(30):
        with pytest.raises(ConnectError):
            service.ask(f"film {number % 3}")
    assert [state for _, state in service.group.states()] == [OPEN] * 3
    del service.fails[back]
    asked = len(service.asked)
    assert {service.ask("film 0") for _ in range(20)} == {back}
    assert len(service.asked) - asked <= 20 + 2


def test_when_all_are_open_a_request_without_retries_asks_each_of_them_once() -> None:
    service = Service("abc", retries=0)
    for name in "abc":
        service.trip(name)
    service.fails = dict.fromkeys("abc", DOWN)
    with pytest.raises(ConnectError):
        service.ask()
    assert sorted(service.asked) == ["a", "b", "c"]


def test_when_all_are_open_the_next_request_begins_with_another_one() -> None:
    """One that takes its time to fail must not be the only one that a request gets round to."""
    service = Service("abc", retries=0)
    for name in "abc":
        service.trip(name)
    service.fails = dict.fromkeys("abc", DOWN)
    service.before = lambda name: time.sleep(0.06)
    for _ in range(3):
        with pytest.raises(ConnectError):
            service.ask(deadline=time.monotonic() + 0.05)
    assert service.asked == ["a", "b", "c"]


def test_an_outage_of_all_meets_one_request_at_a_time_at_each() -> None:
    """A probe that fails is a failed try of all who waited for it; they wait for the other one's before a next one."""
    service = Service("ab", retries=0)
    for name in "ab":
        service.trip(name)
    service.fails = dict.fromkeys("ab", DOWN)
    under_way: Dict[str, int] = dict.fromkeys("ab", 0)
    most: List[int] = []

    def count(name: str) -> None:
        under_way[name] += 1
        most.append(under_way[name])
        threading.Event().wait(0.05)
        under_way[name] -= 1

    service.before = count
    workers = service.many(16)
    assert all(isinstance(doing.join(5).error, ConnectError) for doing in workers)
    assert max(most) == 1
    assert len(service.asked) <= 16


def test_who_waits_for_the_probe_of_one_goes_on_to_that_of_the_other() -> None:
    service = Service("ab", retries=0)
    for name in "ab":
        service.trip(name)
    service.fails["a"] = DOWN
    hold = {name: threading.Event() for name in "ab"}
    service.before = lambda name: hold[name].wait(5)
    workers = service.many(8)
    until(lambda: sorted(service.asked) == ["a", "b"])
    until(lambda: sum(len(service.limiter(name)._queue) for name in "ab") == 6, "the others to stand in line")
    hold["a"].set()
    until(lambda: service.breaker("a").failed_probes == 1)
    threading.Event().wait(0.05)
    assert sorted(service.asked) == ["a", "b"]
    hold["b"].set()
    assert [doing.join(5).result for doing in workers] == ["b"] * 8


def test_when_all_are_open_a_retry_is_not_held_up_by_a_budget_that_is_spent() -> None:
    service = Service("ab", retries=1)
    service.limiter("b").configure(Limits(requests_per_minute=1))
    service.limiter("b").acquire(0, CancelToken())
    for name in "ab":
        service.trip(name)
    service.fails["a"] = DOWN
    with pytest.raises(ConnectError):
        service.ask()
    assert service.asked == ["a", "a"]


def test_the_only_endpoint_is_tried_although_it_is_open() -> None:
    service = Service("a")
    service.trip("a")
    assert service.ask() == "a"


def test_who_waits_for_the_probe_of_the_last_one_fails_with_it() -> None:
    """Sixteen requests to an endpoint that is down cost no more than one does, and none waits for all the others."""
    service = Service("a", retries=3)
    service.trip("a")
    service.fails["a"] = DOWN
    hold = threading.Event()
    service.before = lambda name: hold.wait(5)
    workers = service.many(16)
    until(lambda: len(service.asked) == 1)
    time.sleep(0.05)
    hold.set()
    assert all(isinstance(doing.join(5).error, ConnectError) for doing in workers)
    assert len(service.asked) < 16


def test_who_waits_for_the_probe_of_the_last_one_goes_when_it_is_answered() -> None:
    service = Service("a")
    service.trip("a")
    hold = threading.Event()
    service.before = lambda name: hold.wait(5)
    workers = service.many(8)
    until(lambda: len(service.asked) == 1)
    hold.set()
    assert [doing.join(5).result for doing in workers] == ["a"] * 8


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_who_waits_at_one_goes_elsewhere_as_soon_as_another_is_fit() -> None:
    service = Service("ab")
    service.fails = {"a": too_many(60.0), "b": too_many(60.0)}
    service.before = lambda name: service.fails.pop(name, None)
    waiting = service.many(2)
    until(lambda: len(service.asked) == 2)
    breaker = service.breaker("b")
    breaker._known.paused_until = 0.0
    breaker.enable()
    assert [doing.join(5).result for doing in waiting] == ["b", "b"]


def test_who_waits_at_a_key_that_is_disabled_meanwhile_goes_elsewhere() -> None:
    service = Service("ab")
    service.limiter("a").configure(Limits(requests_per_minute=1))
    service.limiter("b").configure(Limits(requests_per_minute=1))
    assert [service.ask(), service.ask()] == ["a", "b"]
    waiting = service.many(1)
    until(lambda: "1 waiting" in repr(service.limiter("a")))
    turn, _ = service.breaker("a").take("", last=False)
    assert turn is not None
    turn.denied(WRONG_KEY)
    until(lambda: "1 waiting" in repr(service.limiter("b")))
    service.limiter("b").configure(Limits())
    assert waiting[0].join(5).result == "b"


def test_a_key_that_is_disabled_just_before_a_request_would_go_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("ab")
    limiter, breaker = service.limiter("a"), service.breaker("a")
    acquire = limiter.acquire

    def late(*arguments: Any) -> Any:
        turn, _ = breaker.take("", last=False)
        assert turn is not None
        turn.denied(WRONG_KEY)
        turn.over()
        return acquire(*arguments)

    monkeypatch.setattr(limiter, "acquire", late)
    assert service.ask() == "b"
    assert service.asked == ["b"]
    assert breaker.in_flight == 0


def test_a_cancel_and_a_deadline_end_the_wait() -> None:
    service = Service("ab")
    service.fails = dict.fromkeys("ab", too_many(60.0))
    cancel = CancelToken()
    waiting = service.many(4, cancel=cancel)
    until(lambda: len(service.asked) == 2)
    with pytest.raises(DeadlineError):
        service.ask(deadline=time.monotonic() + 5)
    cancel.cancel()
    assert all(isinstance(doing.join(1).error, CancelledError) for doing in waiting)


def test_a_paced_request_does_not_go_during_a_pause_that_began_meanwhile_and_keeps_its_place() -> None:
    service = Service("a", min_interval=0.15)
    service.ask()
    order: List[str] = []

    def ask_as(name: str) -> None:
        service.ask()
        order.append(name)

    first = Doing(lambda: ask_as("first"))
    until(lambda: "1 waiting" in repr(service.limiter("a")))
    second = Doing(lambda: ask_as("second"))
    until(lambda: "2 waiting" in repr(service.limiter("a")))
    turn, _ = service.breaker("a").take("", last=False)
    assert turn is not None
    turn.refused(too_many(), lambda pauses: 0.4, 10)
    began = time.monotonic()
    turn.over()
    first.join(5)
    assert time.monotonic() - began >= 0.39
    second.join(5)
    assert order == ["first", "second"]


# --- budgets ----------------------------------------------------------------------------------------------------------


def test_whose_budget_is_free_is_asked_before_waiting_for_one_that_is_spent() -> None:
    service = Service("abc")
    service.group.limit(Limits(requests_per_minute=2), lambda place: None)
    assert "".join(service.ask() for _ in range(6)) == "aabbcc"
    with pytest.raises(DeadlineError):
        service.ask(deadline=time.monotonic() + 1)


def closed_for(seconds: float) -> Dict[str, str]:
    """What the headers of an answer, good or bad, say when nothing is left for so long."""
    reset = str(int((time.time() + seconds) * 1000))
    return {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}


def test_headers_that_close_an_endpoint_for_long_move_the_requests_to_another_one() -> None:
    service = Service(balance=STICKY)
    service.ask()
    service.limiter("a").observe(closed_for(300))
    assert {service.ask() for _ in range(3)} == {"b"}


def test_headers_that_close_the_only_endpoint_for_long_are_reported_as_a_hint_would_be() -> None:
    service = Service("a")
    service.ask()
    service.limiter("a").observe(closed_for(18000))
    for _ in range(2):
        with pytest.raises(RateLimitError, match=r"asks to wait (18000|17999) s\. Try again later\.") as caught:
            service.ask()
        assert caught.value.permanent
        assert caught.value.retry_after == pytest.approx(18000, abs=2)
    assert service.asked == ["a"]


def test_who_waits_when_such_headers_come_does_not_wait_them_out() -> None:
    service = Service("a")
    service.limiter("a").configure(Limits(requests_per_minute=1))
    service.ask()
    waiting = service.many(3)
    until(lambda: "3 waiting" in repr(service.limiter("a")))
    service.limiter("a").observe(closed_for(300))
    assert all(isinstance(doing.join(5).error, RateLimitError) for doing in waiting)


def test_a_person_who_asks_anew_may_have_paid_for_more_than_the_headers_told() -> None:
    service = Service("a")
    service.limiter("a").observe(closed_for(300))
    with pytest.raises(RateLimitError):
        service.ask()
    service.group.enable()
    assert service.ask() == "a"


def test_a_request_that_is_small_enough_goes_although_a_large_one_would_have_to_wait_for_long() -> None:
    service = Service("a")
    told = {"limit": "1000", "remaining": "100", "reset": "900s"}
    service.limiter("a").observe({f"x-ratelimit-{name}-tokens": text for name, text in told.items()})
    with pytest.raises(RateLimitError):
        service.ask(tokens=500)
    assert service.ask(tokens=50) == "a"


def test_a_pause_of_the_headers_that_is_short_and_a_budget_of_ones_own_are_waited_for() -> None:
    service = Service("a", settings=BackoffConfig(longest_hint=10.0))
    service.limiter("a").observe(closed_for(0.2))
    assert service.ask() == "a"
    service.limiter("a").configure(Limits(requests_per_minute=1))
    with pytest.raises(DeadlineError):
        service.ask(deadline=time.monotonic() + 1)


class Wall(Clock):
    """The limiter's clock, moved by hand."""

    def __init__(self) -> None:
        self.day = 0.0

    def wall(self) -> float:
        return 1_800_000_000.0 + self.day * 86400.0


def test_the_day_of_one_key_may_be_spent_and_when_all_are_it_ends_with_the_day() -> None:
    service = Service()
    wall = Wall()
    for name in "ab":
        service.limiter(name)._clock = wall
    service.group.limit(Limits(requests_per_day=2), lambda place: None)
    assert service.group.left_today() == 4
    assert "".join(service.ask() for _ in range(4)) == "aabb"
    for _ in range(2):
        with pytest.raises(QuotaError, match="budget of requests a day"):
            service.ask()
    assert service.breaker("a").state == CLOSED
    wall.day += 1
    assert service.ask() == "b"  # where the film is


def test_a_single_key_whose_day_was_spent_goes_on_the_next_day_unasked() -> None:
    service = Service("a")
    wall = Wall()
    service.limiter("a")._clock = wall
    service.group.limit(Limits(requests_per_day=1), lambda place: None)
    service.ask(model="m")
    with pytest.raises(QuotaError):
        service.ask(model="m")
    wall.day += 1
    assert service.ask(model="m") == "a"


def test_when_another_process_takes_the_last_request_of_a_key_the_other_key_is_asked() -> None:
    class Racing(MemoryDayCounter):
        """Another process counts its request just before ours is counted."""

        def add(self, day: str, requests: int) -> int:
            if requests == 1:
                super().add(day, 1)
            return super().add(day, requests)

    service = Service()
    service.limiter("a").configure(Limits(requests_per_day=1), Racing())
    assert service.ask() == "b"
    assert service.asked == ["b"]
    assert service.breaker("a").in_flight == 0
    assert service.breaker("a").wait(last=False) == 0.0


def test_without_budgets_nothing_is_counted() -> None:
    assert Service().group.left_today() is None


# --- no lock is held while a request is under way ---------------------------------------------------------------------


@pytest.mark.parametrize("balance", [STICKY, ROUND_ROBIN, LEAST_LOADED])
def test_no_lock_is_held_while_requests_are_under_way(balance: str) -> None:
    """While some hang, everything else about the same endpoints goes on, on other threads."""
    service = Service("ab", balance)
    for _ in range(4):
        service.ask()
    hang = threading.Event()
    hanging = {"left": 6}

    def hold(_: str) -> None:
        if hanging["left"] > 0:
            hanging["left"] -= 1
            hang.wait(10)

    service.before = hold
    workers = service.many(6)
    until(lambda: len(service.asked) == 10)

    def look() -> Sequence[object]:
        service.group.enable()
        states = service.group.states()
        service.group.limit(Limits(), lambda place: None)
        service.limiter("a").observe({})
        return [states, service.ask("another"), repr(service.group), service.group.take_notices()]

    looked = Doing(look)
    assert looked.join(5).result[0] == [("a", CLOSED), ("b", CLOSED)]
    hang.set()
    for worker in workers:
        worker.join(5)
    assert service.breaker("a").in_flight == service.breaker("b").in_flight == 0
