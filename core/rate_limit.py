"""Budgets of one endpoint and key: requests and tokens a minute, requests a day, and the pace between two requests.

It decides when a request may start, corrected by what the answers' headers tell. Pauses after a refusal are the
endpoint state's, and how many requests are in flight at once is the gate's.
"""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Deque, Dict, Mapping, Optional, Tuple

from core.cancel import CancelToken
from core.config import bounded, check_bounds
from core.day_budget import DayBudget, DayCounter, MemoryDayCounter
from core.errors import DeadlineError
from core.forking import renew_in_children
from core.rate_headers import Level, levels

MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """What may be spent; 0 is no limit.

    :raises ConfigError: for a value out of bounds.
    """

    requests_per_minute: int = bounded(0, 0, 1_000_000, "requests in any 60 s")
    tokens_per_minute: int = bounded(0, 0, 1_000_000_000, "tokens in any 60 s, prompt and answer")
    requests_per_day: int = bounded(0, 0, 10_000_000, "requests a day")
    day_begins: float = bounded(0.0, 0.0, 24.0, "hours after midnight UTC")

    def __post_init__(self) -> None:
        check_bounds(self)


NO_LIMITS = Limits()


class Clock:
    """The time and the wait of a limiter; tests have their own."""

    def now(self) -> float:
        """An instant of the monotonic clock, in seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Until ``event`` is set, at most ``seconds`` (which may be infinite)."""
        event.wait(None if math.isinf(seconds) else seconds)


class Charge:
    """One request on its way, as it counts against the budgets."""

    def __init__(self, limiter: "RateLimiter", tokens: int, at: float) -> None:
        self._limiter = limiter
        self.tokens = tokens
        self.at = at
        self.day = ""

    def settle(self, tokens: int) -> None:
        """Count ``tokens``, as the answer's usage says, in place of the estimate."""
        self._limiter._settle(self, tokens)

    def take_back(self) -> None:
        """Nothing was sent: count neither the request nor its tokens. To be called once."""
        self._limiter._take_back(self)


class _Waiter:
    def __init__(self, tokens: int, min_interval: float) -> None:
        self.tokens = max(0, tokens)
        self.min_interval = min_interval
        self.woken = threading.Event()


class RateLimiter:
    """Lets requests start one after the other, first come, first served, as the budgets allow; thread-safe.

    Minutes are any 60 s, not those of the clock: that holds whether the other side counts in a bucket or in windows.
    """

    def __init__(
        self, limits: Limits = NO_LIMITS, days: Optional[DayCounter] = None, clock: Optional[Clock] = None
    ) -> None:
        self._limits = limits
        self._clock = clock or Clock()
        self._counter = days or MemoryDayCounter()
        self._day = self._day_budget()
        self._lock = threading.Lock()
        self._queue: Deque[_Waiter] = deque()
        self._charges: Deque[Charge] = deque()  # of the last minute, oldest first
        self._levels: Dict[str, Level] = {}
        self._last_start = -math.inf
        renew_in_children(self)

    def __repr__(self) -> str:
        with self._lock:
            self._forget_old(self._clock.now())
            tokens = sum(charge.tokens for charge in self._charges)
            spent = f"{len(self._charges)} requests, {tokens} tokens"
            return f"<RateLimiter {spent} in the last minute, {len(self._queue)} waiting>"

    def renew(self) -> None:
        """In a forked process: who waits, waits in the parent; what was spent is known here too."""
        self._lock = threading.Lock()
        self._queue = deque()

    def configure(self, limits: Limits, days: Optional[DayCounter] = None) -> None:
        """New limits from now on, for those who wait too; what was spent stays spent."""
        with self._lock:
            self._limits = limits
            self._counter = days or self._counter
            self._day = self._day_budget()
        self._wake_first()

    def left_today(self) -> Optional[int]:
        """Requests that the day's budget still has, or None without one."""
        return self._day.left() if self._day else None

    def acquire(
        self, tokens: int, cancel: CancelToken, deadline: Optional[float] = None, min_interval: float = 0.0
    ) -> Charge:
        """Wait until a request of about ``tokens`` may start, ``min_interval`` seconds or more after the last one.

        A request that is larger than the minute's whole budget starts when the minute is empty.

        :raises QuotaError: the day's budget is used up; the message says when it begins anew.
        :raises DeadlineError: the request could only start after ``deadline`` (an instant of ``time.monotonic``).
        :raises CancelledError: at once when ``cancel`` is set.
        """
        if self._day:
            self._day.check()
        waiter = _Waiter(tokens, min_interval)
        with self._lock:
            self._queue.append(waiter)
        try:
            with cancel.waking(waiter.woken.set):
                charge = self._wait(waiter, cancel, deadline)
        except BaseException:
            self._leave(waiter)
            raise
        if self._day:
            try:
                # Outside the lock: the counter may be a database.
                charge.day = self._day.take()
            except BaseException:
                charge.take_back()
                raise
        return charge

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer, good or bad, what the endpoint says is left. Names of headers in lower case."""
        told = levels(headers, self._clock.now(), self._clock.wall())
        with self._lock:
            self._levels.update(told)
        self._wake_first()

    def _day_budget(self) -> Optional[DayBudget]:
        if not self._limits.requests_per_day:
            return None
        return DayBudget(self._limits.requests_per_day, self._limits.day_begins, self._counter, self._clock.wall)

    # --- waiting ----------------------------------------------------------------------------------------------------

    def _wait(self, waiter: _Waiter, cancel: CancelToken, deadline: Optional[float]) -> Charge:
        while True:
            waiter.woken.clear()
            cancel.raise_if_cancelled()
            charge, pause = self._try(waiter)
            if charge is not None:
                return charge
            left = math.inf if deadline is None else deadline - self._clock.now()
            if left <= 0 or (pause > left and not math.isinf(pause)):
                raise DeadlineError("The time given to the request ends before its budget allows it to start.")
            self._clock.wait(waiter.woken, min(pause, left))

    def _try(self, waiter: _Waiter) -> Tuple[Optional[Charge], float]:
        """The charge when it is this one's turn and the budgets allow it, else seconds until it may be."""
        with self._lock:
            if self._queue[0] is not waiter:
                return None, math.inf  # the one before wakes the next
            now = self._clock.now()
            pause = self._pause(waiter, now)
            if pause > 0:
                return None, pause
            charge = Charge(self, waiter.tokens, now)
            self._charges.append(charge)
            self._last_start = now
            self._draw(1, waiter.tokens)
            self._queue.popleft()
        self._wake_first()
        return charge, 0.0

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
        self._wake_first()

    def _wake_first(self) -> None:
        with self._lock:
            first = self._queue[0] if self._queue else None
        if first is not None:
            first.woken.set()

    # --- the minute -------------------------------------------------------------------------------------------------

    def _pause(self, waiter: _Waiter, now: float) -> float:
        self._forget_old(now)
        pauses = [self._last_start + waiter.min_interval - now, self._free_request(now), self._free_tokens(waiter, now)]
        for name, need in (("requests", 1), ("tokens", waiter.tokens)):
            if name in self._levels:
                pauses.append(self._levels[name].pause(need, now))
        return max(pauses)

    def _forget_old(self, now: float) -> None:
        while self._charges and self._charges[0].at <= now - MINUTE:
            self._charges.popleft()

    def _free_request(self, now: float) -> float:
        limit = self._limits.requests_per_minute
        if not limit or len(self._charges) < limit:
            return 0.0
        return self._charges[len(self._charges) - limit].at + MINUTE - now

    def _free_tokens(self, waiter: _Waiter, now: float) -> float:
        limit = self._limits.tokens_per_minute
        if not limit:
            return 0.0
        over = min(waiter.tokens, limit) + sum(charge.tokens for charge in self._charges) - limit
        pause = 0.0
        for charge in self._charges:
            if over <= 0:
                break
            over -= charge.tokens
            pause = charge.at + MINUTE - now
        return pause

    def _draw(self, requests: int, tokens: int) -> None:
        for name, amount in (("requests", requests), ("tokens", tokens)):
            if name in self._levels:
                self._levels[name] = self._levels[name].less(amount)

    def _settle(self, charge: Charge, tokens: int) -> None:
        with self._lock:
            charge.tokens = max(0, tokens)
        self._wake_first()

    def _take_back(self, charge: Charge) -> None:
        with self._lock:
            if charge in self._charges:
                self._charges.remove(charge)
            self._draw(-1, -charge.tokens)
        if charge.day:
            self._counter.add(charge.day, -1)
        self._wake_first()


_limiters: Dict[str, RateLimiter] = {}
_limiters_lock = threading.Lock()


def limiter_for(endpoint: str) -> RateLimiter:
    """The limiter of endpoint and key (``core.endpoints.endpoint_id``), shared by this process; unlimited at first."""
    with _limiters_lock:
        return _limiters.setdefault(endpoint, RateLimiter())
