"""Budgets of one endpoint and key (requests and tokens a minute, requests a day), and the line of those who wait.

Whoever is at the head of the line starts as soon as the budgets allow it, corrected by what the answers' headers tell,
and whatever else has a say: pauses and probes are ``core.circuit_breaker``'s. How many requests are in flight at once
is the gate's.
"""

import math
import threading
from collections import deque
from typing import Deque, Dict, Mapping, Optional, Tuple

from core.cancel import CancelToken
from core.day_budget import DayBudget, DayCounter, MemoryDayCounter
from core.door import NO_DOOR, Door
from core.errors import DeadlineError, QuotaError
from core.forking import renew_in_children
from core.limits import NO_LIMITS, Clock, Limits
from core.minute_budget import MinuteBudget, Spending
from core.rate_headers import levels


class Charge(Spending):
    """One request on its way, as it counts against the budgets."""

    __slots__ = ("_limiter", "day")

    def __init__(self, limiter: "RateLimiter", tokens: int, at: float) -> None:
        super().__init__(tokens, at)
        self._limiter = limiter
        self.day = ""

    def settle(self, tokens: int) -> None:
        """Count ``tokens``, as the answer's usage says, in place of the estimate."""
        self._limiter._settle(self, tokens)

    def take_back(self) -> None:
        """Nothing was sent: count neither the request nor its tokens. To be called once."""
        self._limiter._take_back(self)


class _Waiter:
    __slots__ = ("min_interval", "tokens", "woken")

    def __init__(self, tokens: int, min_interval: float) -> None:
        self.tokens = max(0, tokens)
        self.min_interval = min_interval
        self.woken: Optional[threading.Event] = None  # made when it has to wait


class RateLimiter:
    """Lets requests start one after the other, first come, first served, as the budgets allow; thread-safe."""

    def __init__(
        self, limits: Limits = NO_LIMITS, days: Optional[DayCounter] = None, clock: Optional[Clock] = None
    ) -> None:
        self._limits = limits
        self._clock = clock or Clock()
        self._counter = days or MemoryDayCounter()
        self._day = self._day_budget()
        self._lock = threading.Lock()
        self._queue: Deque[_Waiter] = deque()
        self._minute = MinuteBudget(limits.requests_per_minute, limits.tokens_per_minute)
        renew_in_children(self)

    def __repr__(self) -> str:
        with self._lock:
            spent = self._minute.described(self._clock.now())
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
            self._minute.requests, self._minute.tokens = limits.requests_per_minute, limits.tokens_per_minute
        self._wake_first()

    def left_today(self) -> Optional[int]:
        """Requests that the day's budget still has, or None without one."""
        day = self._day
        return day.left() if day else None

    def used(self) -> Dict[str, float]:
        """The share that is used of ``requests`` and ``tokens`` a minute and of ``requests_per_day``, if limited."""
        with self._lock:
            shares = self._minute.used(self._clock.now())
            day = self._day
        if day is not None:
            shares["requests_per_day"] = day.used()  # outside the lock: its counter may be a database
        return shares

    def spent(self) -> Optional[QuotaError]:
        """The error that says so, when the day's budget is used up; it ends when the day does."""
        try:
            self._check_day()
        except QuotaError as error:
            return error
        return None

    def wait(self, tokens: int, min_interval: float) -> float:
        """Seconds until the budgets of the minute let a request start that came now; 0: at once."""
        with self._lock:
            now = self._clock.now()
            pause = self._minute.pause(max(0, tokens), min_interval, now)
            if self._queue:
                head = self._queue[0]
                pause = max(pause, self._minute.pause(head.tokens, head.min_interval, now))
        return max(0.0, pause)

    def told_wait(self, tokens: int) -> float:
        """Seconds until a request may start as the endpoint's own headers told; 0: at once, or nothing was told."""
        if not self._minute.told:
            return 0.0  # without the lock: every request asks this of every endpoint
        with self._lock:
            return max(0.0, self._minute.told_pause(max(0, tokens), self._clock.now()))

    def acquire(
        self,
        tokens: int,
        cancel: CancelToken,
        deadline: Optional[float] = None,
        min_interval: float = 0.0,
        door: Door = NO_DOOR,
    ) -> Charge:
        """Wait until a request of about ``tokens`` may start, ``min_interval`` seconds or more after the last one.

        A request that is larger than the minute's whole budget starts when the minute is empty.

        :param door: what else has a say.
        :raises QuotaError: the day's budget is used up; the message says when it begins anew.
        :raises DeadlineError: the request could only start after ``deadline`` (an instant of ``time.monotonic``).
        :raises CancelledError: at once when ``cancel`` is set.
        """
        cancel.raise_if_cancelled()
        self._check_day()
        waiter = _Waiter(tokens, min_interval)
        try:
            charge, _ = self._try(waiter, door, joining=True)
            if charge is None:
                charge = self._wait(waiter, door, cancel, deadline)
        except BaseException:
            self._leave(waiter)
            raise
        day = self._day  # as it is now: it may have been set, or lifted, while this one waited
        if day is not None:
            try:
                # Outside the lock: the counter may be a database.
                charge.day = day.take()
            except BaseException:
                charge.take_back()
                raise
            self._wake_first()  # it may have been the last one
        return charge

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer, good or bad, what the endpoint says is left. Names of headers in lower case."""
        told = levels(headers, self._clock.now(), self._clock.wall())
        if told:
            with self._lock:
                self._minute.observe(told)
            self._wake_first()

    def forget_told(self) -> None:
        """A person asked anew, and may have paid for more than the headers told."""
        with self._lock:
            self._minute.forget_told()
        self._wake_first()

    def _day_budget(self) -> Optional[DayBudget]:
        if not self._limits.requests_per_day:
            return None
        return DayBudget(self._limits.requests_per_day, self._limits.day_begins, self._counter, self._clock.wall)

    def _check_day(self) -> None:
        day = self._day
        if day is not None:
            day.check()

    # --- the line ---------------------------------------------------------------------------------------------------

    def _wait(self, waiter: _Waiter, door: Door, cancel: CancelToken, deadline: Optional[float]) -> Charge:
        waiter.woken = woken = threading.Event()
        with cancel.waking(woken.set), door.waking(woken.set):
            while True:
                woken.clear()
                cancel.raise_if_cancelled()
                self._check_day()
                look_again = door.look()
                charge, pause = self._try(waiter, door)
                if charge is not None:
                    return charge
                pause = min(pause, look_again)
                left = math.inf if deadline is None else deadline - self._clock.now()
                if left <= 0 or (pause > left and not math.isinf(pause)):
                    raise DeadlineError("The time given to the request ends before a budget or a pause lets it start.")
                self._clock.wait(woken, min(pause, left))

    def _try(self, waiter: _Waiter, door: Door, *, joining: bool = False) -> Tuple[Optional[Charge], float]:
        """The charge when it is this one's turn and the budgets and the door allow it, else seconds until it may be."""
        with self._lock:
            if joining:
                self._queue.append(waiter)
            if self._queue[0] is not waiter:
                return None, math.inf  # the one before wakes the next
            now = self._clock.now()
            pause = self._minute.pause(waiter.tokens, waiter.min_interval, now)
            if pause > 0:
                return None, pause
            pause = door.enter()
            if pause > 0:
                return None, pause
            charge = Charge(self, waiter.tokens, now)
            self._minute.spend(charge)
            self._queue.popleft()
            next_one = self._queue[0].woken if self._queue else None
        if next_one is not None:
            next_one.set()
        return charge, 0.0

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
        self._wake_first()

    def _wake_first(self) -> None:
        with self._lock:
            first = self._queue[0].woken if self._queue else None
        if first is not None:
            first.set()

    def _settle(self, charge: Charge, tokens: int) -> None:
        with self._lock:
            self._minute.settle(charge, max(0, tokens))
        self._wake_first()

    def _take_back(self, charge: Charge) -> None:
        with self._lock:
            self._minute.take_back(charge)
        if charge.day:
            self._counter.add(charge.day, -1)
        self._wake_first()


_limiters: Dict[str, RateLimiter] = {}


def limiter_for(endpoint: str) -> RateLimiter:
    """The limiter of endpoint and key (``core.endpoints.endpoint_id``), shared by this process; unlimited at first."""
    known = _limiters.get(endpoint)
    # Of two threads that make it at once both get the first one's, without a lock that a fork could leave locked.
    return known if known is not None else _limiters.setdefault(endpoint, RateLimiter())
