"""Rate limits: budgets of a minute and a day, pacing, order, what headers teach, and waits that end when they must."""

import datetime as dt
import email.utils
import threading
import time
from typing import Callable, Dict, List, Optional

import pytest
from waiting import until

from core.cancel import CancelToken
from core.day_budget import MemoryDayCounter
from core.errors import CancelledError, ConfigError, DeadlineError, QuotaError
from core.limits import Clock, Limits
from core.rate_headers import levels, seconds_until
from core.rate_limit import RateLimiter, limiter_for

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc).timestamp()


class QuickClock(Clock):
    """Its waits take no time: they only move the hands."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: List[float] = []

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return NOON + self.seconds - 1000.0

    def wait(self, event: threading.Event, seconds: float) -> None:
        assert not event.is_set()
        self.waits.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


def starts(limiter: RateLimiter, clock: QuickClock, tokens: List[int], min_interval: float = 0.0) -> List[float]:
    """Seconds from the first call at which requests of these sizes start."""
    begin = clock.now()
    found = []
    for size in tokens:
        limiter.acquire(size, CancelToken(), min_interval=min_interval)
        found.append(round(clock.now() - begin, 3))
    return found


def in_threads(work: Callable[[int], None], count: int) -> List[threading.Thread]:
    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


# --- the minute -------------------------------------------------------------------------------------------------------


def test_without_limits_nothing_waits(clock: QuickClock) -> None:
    assert starts(RateLimiter(clock=clock), clock, [1000] * 50) == [0.0] * 50


def test_no_minute_has_more_requests_than_its_budget(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_minute=3), clock=clock)
    assert starts(limiter, clock, [0, 0]) == [0, 0]
    clock.seconds += 50
    assert starts(limiter, clock, [0, 0, 0, 0]) == [0, 10, 10, 60]


def test_no_minute_has_more_tokens_than_its_budget(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(tokens_per_minute=1000), clock=clock)
    assert starts(limiter, clock, [400, 400, 300]) == [0, 0, 60]
    clock.seconds += 30
    assert starts(limiter, clock, [700, 300, 700]) == [0, 30, 60]


def test_a_request_larger_than_the_budget_of_a_minute_starts_when_the_minute_is_empty(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(tokens_per_minute=1000), clock=clock)
    assert starts(limiter, clock, [10, 5000, 10]) == [0, 60, 120]


def test_real_use_takes_the_place_of_the_estimate(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(tokens_per_minute=1000), clock=clock)
    limiter.acquire(900, CancelToken()).settle(100)
    assert starts(limiter, clock, [800]) == [0]
    limiter.acquire(100, CancelToken()).settle(1000)
    clock.seconds += 1
    assert starts(limiter, clock, [10]) == [59]


def test_what_was_never_sent_is_not_counted(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1, requests_per_day=2), clock=clock)
    limiter.acquire(10, CancelToken()).take_back()
    assert starts(limiter, clock, [10]) == [0]
    assert limiter.left_today() == 1


def test_taking_back_after_the_minute_is_harmless(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1), clock=clock)
    old = limiter.acquire(10, CancelToken())
    clock.seconds += 61
    limiter.acquire(10, CancelToken())
    old.take_back()
    assert starts(limiter, clock, [10]) == [60]


def test_two_requests_keep_the_distance_asked_for(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    assert starts(limiter, clock, [0, 0, 0], min_interval=4.0) == [0, 4, 8]
    clock.seconds += 3
    assert starts(limiter, clock, [0], min_interval=4.0) == [1]


def test_a_limit_out_of_bounds_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="requests_per_minute -1"):
        Limits(requests_per_minute=-1)


def test_one_endpoint_has_one_limiter() -> None:
    assert limiter_for("one") is limiter_for("one")
    assert limiter_for("one") is not limiter_for("other")


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_those_who_wait_start_in_the_order_in_which_they_came() -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1))
    limiter.acquire(0, CancelToken())
    order: List[int] = []
    threads = []

    def start(number: int) -> None:
        limiter.acquire(0, CancelToken())
        order.append(number)

    for number in range(8):
        thread = threading.Thread(target=start, args=(number,))
        thread.start()
        threads.append(thread)
        waiting = f"{number + 1} waiting"
        until(lambda: waiting in repr(limiter))  # noqa: B023 - it is called at once
    # One more request a minute at a time: each lets exactly the longest waiting one go.
    for allowed in range(2, 10):
        limiter.configure(Limits(requests_per_minute=allowed))
        until(lambda: len(order) == allowed - 1)  # noqa: B023 - it is called at once
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))


def test_a_small_request_does_not_overtake_a_large_one() -> None:
    limiter = RateLimiter(Limits(tokens_per_minute=100))
    limiter.acquire(90, CancelToken())
    order: List[int] = []
    cancel = CancelToken()

    def work(number: int) -> None:
        try:
            limiter.acquire([50, 5][number], cancel)
            order.append(number)
        except CancelledError:
            pass

    first = in_threads(work, 1)
    until(lambda: "1 waiting" in repr(limiter))
    second = threading.Thread(target=work, args=(1,))
    second.start()
    until(lambda: "2 waiting" in repr(limiter))
    assert order == []
    limiter.configure(Limits(tokens_per_minute=200))
    for thread in [*first, second]:
        thread.join(5)
    assert order == [0, 1]


def test_a_cancel_ends_every_wait_at_once_and_leaves_the_others_waiting() -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1))
    limiter.acquire(0, CancelToken())
    mine, other = CancelToken(), CancelToken()
    ended: Dict[int, float] = {}

    def work(number: int) -> None:
        try:
            limiter.acquire(0, other if number == 5 else mine)
        except CancelledError:
            ended[number] = time.monotonic()

    threads = in_threads(work, 6)
    until(lambda: "6 waiting" in repr(limiter))
    begin = time.monotonic()
    mine.cancel()
    for thread in threads[:5]:
        thread.join(5)
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert max(ended.values()) - begin < 0.5
    assert "1 waiting" in repr(limiter)
    other.cancel()
    threads[5].join(5)
    assert 5 in ended


def test_a_cancelled_request_does_not_start(clock: QuickClock) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        RateLimiter(clock=clock).acquire(0, cancel)


def test_a_wait_that_would_pass_the_deadline_is_not_begun(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1), clock=clock)
    limiter.acquire(0, CancelToken())
    with pytest.raises(DeadlineError, match="budget"):
        limiter.acquire(0, CancelToken(), deadline=clock.now() + 59)
    assert clock.waits == []
    limiter.acquire(0, CancelToken(), deadline=clock.now() + 61)


def test_who_waits_behind_others_gives_up_at_the_deadline() -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1))
    limiter.acquire(0, CancelToken())
    cancel = CancelToken()

    def work(_: int) -> None:
        with pytest.raises(CancelledError):
            limiter.acquire(0, cancel)

    threads = in_threads(work, 1)
    until(lambda: "1 waiting" in repr(limiter))
    begin = time.monotonic()
    with pytest.raises(DeadlineError):
        limiter.acquire(0, CancelToken(), deadline=begin + 0.1)
    assert time.monotonic() - begin < 2
    cancel.cancel()
    threads[0].join(5)


def test_many_threads_never_pass_the_budget() -> None:
    limiter = RateLimiter(Limits(requests_per_minute=50))
    cancel = CancelToken()
    started: List[int] = []

    def work(number: int) -> None:
        try:
            while True:
                limiter.acquire(1, cancel)
                started.append(number)
        except CancelledError:
            pass

    threads = in_threads(work, 8)
    until(lambda: "8 waiting" in repr(limiter))
    assert len(started) == 50
    cancel.cancel()
    for thread in threads:
        thread.join(5)
    assert repr(limiter) == "<RateLimiter 50 requests, 50 tokens in the last minute, 0 waiting>"


# --- the day ----------------------------------------------------------------------------------------------------------


def test_a_spent_day_says_when_the_next_one_begins(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_day=2), clock=clock)
    starts(limiter, clock, [0, 0])
    with pytest.raises(QuotaError) as caught:
        limiter.acquire(0, CancelToken())
    message = caught.value.user_message
    assert caught.value.permanent
    assert caught.value.retry_after == 12 * 3600
    assert "requests a day (2)" in message
    assert "in 12 h 0 min" in message
    assert dt.datetime.fromtimestamp(NOON + 12 * 3600).astimezone().strftime("%H:%M") in message


def test_the_next_day_has_a_new_budget(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_day=1), clock=clock)
    limiter.acquire(0, CancelToken())
    assert limiter.left_today() == 0
    clock.seconds += 12 * 3600
    assert limiter.left_today() == 1
    limiter.acquire(0, CancelToken())


def test_a_day_may_begin_at_another_hour(clock: QuickClock) -> None:
    limiter = RateLimiter(Limits(requests_per_day=1, day_begins=8.0), clock=clock)
    limiter.acquire(0, CancelToken())
    with pytest.raises(QuotaError, match="in 20 h 0 min"):
        limiter.acquire(0, CancelToken())


def test_the_day_is_counted_across_limiters_that_share_a_counter(clock: QuickClock) -> None:
    days = MemoryDayCounter()
    one = RateLimiter(Limits(requests_per_day=3), days, clock)
    other = RateLimiter(clock=clock)
    assert other.left_today() is None
    other.configure(Limits(requests_per_day=3), days)
    one.acquire(0, CancelToken())
    other.acquire(0, CancelToken())
    assert (one.left_today(), other.left_today()) == (1, 1)
    assert days.add("2026-11-21", 0) == 2


def test_a_budget_of_the_day_that_is_set_while_requests_wait_holds_for_them() -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1))
    limiter.acquire(0, CancelToken())
    days: List[str] = []
    spent: List[QuotaError] = []

    def work(_: int) -> None:
        try:
            days.append(limiter.acquire(0, CancelToken()).day)
        except QuotaError as error:
            spent.append(error)

    threads = in_threads(work, 4)
    until(lambda: "4 waiting" in repr(limiter))
    limiter.configure(Limits(requests_per_day=1))
    for thread in threads:
        thread.join(5)
    assert (len(days), len(spent)) == (1, 3)
    assert all(days)
    assert limiter.left_today() == 0
    assert "2 requests" in repr(limiter)


def test_who_waits_for_a_minute_is_told_at_once_when_the_day_is_over() -> None:
    """Nobody waits for a minute that the day has no request for: not when that is set, and not when it is used up."""
    limiter = RateLimiter(Limits(requests_per_minute=1))
    limiter.acquire(0, CancelToken())
    ended: List[type] = []

    def work(_: int) -> None:
        try:
            limiter.acquire(0, CancelToken())
            ended.append(type(None))
        except QuotaError as error:
            ended.append(type(error))

    threads = in_threads(work, 4)
    until(lambda: "4 waiting" in repr(limiter))
    limiter.configure(Limits(requests_per_minute=2, requests_per_day=1))
    for thread in threads:
        thread.join(5)
    assert sorted(kind.__name__ for kind in ended) == ["NoneType", "QuotaError", "QuotaError", "QuotaError"]


def test_a_budget_of_the_day_that_is_lifted_while_requests_wait_does_not_hold_for_them() -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1, requests_per_day=2))
    limiter.acquire(0, CancelToken())
    days: List[str] = []
    threads = in_threads(lambda _: days.append(limiter.acquire(0, CancelToken()).day), 3)
    until(lambda: "3 waiting" in repr(limiter))
    limiter.configure(Limits())
    for thread in threads:
        thread.join(5)
    assert days == ["", "", ""]


def test_of_two_processes_that_want_the_last_request_of_the_day_one_gets_it(clock: QuickClock) -> None:
    class Racing(MemoryDayCounter):
        """Another process counts its request just before ours is counted."""

        def add(self, day: str, requests: int) -> int:
            if requests == 1:
                super().add(day, 1)
            return super().add(day, requests)

    days = Racing()
    limiter = RateLimiter(Limits(requests_per_day=1), days, clock)
    with pytest.raises(QuotaError):
        limiter.acquire(0, CancelToken())
    assert days.add("2026-11-21", 0) == 1
    assert "0 requests" in repr(limiter)


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012),
        ("6m0s", 360.0),
        ("1s", 1.0),
        ("1h2m3.5s", 3723.5),
        ("2m59.56s", 179.56),
        ("1d", 86400.0),
        ("500us", 0.0005),
        ("7.5", 7.5),
        ("0", 0.0),
        ("2026-11-21T12:00:30Z", 30.0),
        ("2026-11-21T12:00:30.1234567Z", 30.0),
        ("2026-11-21t13:00:30+01:00", 30.0),
        ("2026-11-21T11:00:00Z", 0.0),
        (str(int(NOON) + 30), 30.0),
        (str((int(NOON) + 30) * 1000), 30.0),
        ("", None),
        ("soon", None),
        ("1s later", None),
        ("-5", None),
        ("nan", None),
        ("2026-11-21T12:00:30", None),
        ("2026-99-21T12:00:30Z", None),
        ("tomorrow", None),
    ],
)
def test_a_reset_is_read_in_every_form_that_providers_use(text: str, seconds: Optional[float]) -> None:
    assert seconds_until(text, NOON) == (None if seconds is None else pytest.approx(seconds))


def test_a_reset_is_meant_by_the_clock_of_the_answer() -> None:
    """Ours is half an hour behind: nobody may wait for that."""
    there = NOON + 1800
    headers = {
        "date": email.utils.formatdate(there, usegmt=True),
        "x-ratelimit-limit": "20",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int((there + 3) * 1000)),
    }
    assert levels(headers, 0.0, NOON)["requests"].pause(1, 0.0) == pytest.approx(3.0)


def openai(left: int, reset: str, limit: int = 60, of: str = "requests") -> Dict[str, str]:
    return {
        f"x-ratelimit-limit-{of}": str(limit),
        f"x-ratelimit-remaining-{of}": str(left),
        f"x-ratelimit-reset-{of}": reset,
    }


def test_requests_wait_until_the_endpoint_has_some_left(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe(openai(left=1, reset="59s"))
    assert starts(limiter, clock, [0, 0, 0]) == [0, 1, 2]


def test_tokens_wait_until_the_endpoint_has_enough_left(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe(openai(left=500, limit=6000, reset="55s", of="tokens"))
    assert starts(limiter, clock, [400, 400, 100]) == [0, 3, 4]


def test_a_request_larger_than_all_the_endpoint_allows_waits_until_all_is_back(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe(openai(left=0, limit=100, reset="10s", of="tokens"))
    assert starts(limiter, clock, [1_000_000]) == [10]


def test_a_full_level_refills_within_a_minute(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe(openai(left=2, limit=2, reset="0s"))
    assert starts(limiter, clock, [0, 0, 0]) == [0, 0, 30]


def test_anthropic_names_an_instant(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe(
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": "2026-11-21T12:01:00Z",
        }
    )
    assert starts(limiter, clock, [0]) == [pytest.approx(1.2)]


def test_openrouter_closes_a_window_until_an_instant(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    reset = str(int((NOON + 20) * 1000))
    limiter.observe({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})
    assert starts(limiter, clock, [0, 0]) == [20, 20]


def test_what_is_left_without_a_limit_holds_until_the_reset(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"})
    assert starts(limiter, clock, [0, 0]) == [9, 9]


def test_a_request_taken_back_is_given_back_to_the_level_too(clock: QuickClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.observe(openai(left=1, reset="59s"))
    limiter.acquire(0, CancelToken()).take_back()
    assert starts(limiter, clock, [0]) == [0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-reset-requests": "9s"},
        {"x-ratelimit-remaining-requests": "few", "x-ratelimit-reset-requests": "9s"},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "later"},
    ],
)
def test_headers_that_tell_too_little_change_nothing(headers: Dict[str, str]) -> None:
    assert levels(headers, 0.0, NOON) == {}


def test_an_answer_wakes_those_who_wait() -> None:
    limiter = RateLimiter()
    limiter.observe(openai(left=0, reset="600s"))
    done = threading.Event()

    def start(_: int) -> None:
        limiter.acquire(0, CancelToken())
        done.set()

    threads = in_threads(start, 1)
    until(lambda: "1 waiting" in repr(limiter))
    assert not done.is_set()
    limiter.observe(openai(left=60, reset="1s"))
    assert done.wait(5)
    threads[0].join(5)
