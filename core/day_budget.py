"""Requests a day: how many are left, counted where other processes can see it, and when the next day begins."""

import datetime as dt
import math
from typing import Callable, Dict, Protocol, Tuple

from core.errors import QuotaError
from core.forking import OwnLock

_DAY = 86400.0


class DayCounter(Protocol):
    """Where the requests of a day are counted; shared by processes when it lies in a database."""

    def add(self, day: str, requests: int) -> int:
        """Count ``requests`` more on ``day`` (``2026-11-21``; 0 only asks, -1 takes one back); that day's total."""
        ...


class MemoryDayCounter:
    """Counts for as long as the process lives."""

    def __init__(self) -> None:
        self._lock = OwnLock()
        self._used: Dict[str, int] = {}

    def add(self, day: str, requests: int) -> int:
        with self._lock:
            self._used[day] = self._used.get(day, 0) + requests
            return self._used[day]


class DayBudget:
    """``limit`` requests on each day, which begins ``begins`` hours after midnight UTC."""

    def __init__(self, limit: int, begins: float, counter: DayCounter, wall: Callable[[], float]) -> None:
        self._limit = limit
        self._begins = begins
        self._counter = counter
        self._wall = wall

    def left(self) -> int:
        """Requests that today still has."""
        return max(0, self._limit - self._counter.add(self._today()[0], 0))

    def used(self) -> float:
        """The share of today's requests that is used."""
        return 1.0 - self.left() / self._limit

    def check(self) -> None:
        """:raises QuotaError: today has no request left."""
        if not self.left():
            raise self._spent()

    def take(self) -> str:
        """Count one request; the name of the day that it counts on.

        :raises QuotaError: another process took the last one.
        """
        day = self._today()[0]
        if self._counter.add(day, 1) > self._limit:
            self._counter.add(day, -1)
            raise self._spent()
        return day

    def _today(self) -> Tuple[str, float]:
        """The name of the day, and seconds until the next one."""
        since = self._wall() - self._begins * 3600.0
        day = dt.datetime.fromtimestamp(since, dt.timezone.utc)
        return day.date().isoformat(), _DAY - since % _DAY

    def _spent(self) -> QuotaError:
        left = self._today()[1]
        minutes = math.ceil(left / 60.0)
        # By the local clock of whoever reads it.
        when = dt.datetime.fromtimestamp(self._wall() + left).astimezone().strftime("%H:%M")
        return QuotaError(
            f"The budget of requests a day ({self._limit}) is used up. It begins anew at {when}, "
            f"in {minutes // 60} h {minutes % 60} min; what is done until then is kept.",
            retry_after=left,
        )
