"""What was spent: requests, tokens and money of each month, and the requests of a day that budgets go by."""

import sqlite3
import time
from dataclasses import dataclass
from typing import Callable, Dict

from core.database import Database
from core.day_budget import DayCounter, MemoryDayCounter

TABLES = (
    """CREATE TABLE months (
        month TEXT PRIMARY KEY,  -- 2026-11, by UTC
        requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
        microdollars INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE days (
        endpoint TEXT, day TEXT, requests INTEGER NOT NULL, PRIMARY KEY (endpoint, day)
    ) WITHOUT ROWID""",
)

_ADD_TO_MONTH = """
    INSERT INTO months VALUES (?, ?, ?, ?, ?) ON CONFLICT (month) DO UPDATE SET
        requests = requests + excluded.requests, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
        completion_tokens = completion_tokens + excluded.completion_tokens,
        microdollars = microdollars + excluded.microdollars"""
_ADD_TO_DAY = """
    INSERT INTO days VALUES (?, ?, ?) ON CONFLICT (endpoint, day) DO UPDATE SET
        requests = requests + excluded.requests"""


@dataclass(frozen=True)
class Spent:
    """What requests took.

    :ivar microdollars: millionths of a US dollar, whole ones, so that sums stay exact; 0 where no price is known.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    microdollars: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.microdollars + other.microdollars,
        )

    @property
    def dollars(self) -> float:
        return self.microdollars / 1e6


class Ledger:
    """The sums over all jobs and processes that share the database."""

    def __init__(self, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    def this_month(self) -> Spent:
        """What was spent in the current month, by UTC; nothing where the database can't be read."""
        return self.months().get(month_of(self._wall()), Spent())

    def months(self) -> Dict[str, Spent]:
        """What was spent in each month (``2026-11``), oldest first."""
        query = "SELECT month, requests, prompt_tokens, completion_tokens, microdollars FROM months ORDER BY month"
        rows = self._database.attempt(lambda connection: connection.execute(query).fetchall())
        return {month: Spent(*figures) for month, *figures in rows or ()}

    def day_counter(self, endpoint: str) -> DayCounter:
        """Counts the requests of a day to ``endpoint``, in all processes.

        :param endpoint: any name that is the same in every run and holds no key.
        """
        return _StoredDayCounter(self._database, endpoint)


def add_to_month(connection: sqlite3.Connection, spent: Spent, now: float) -> None:
    """Count ``spent``, in the transaction that is open on ``connection``."""
    figures = (spent.requests, spent.prompt_tokens, spent.completion_tokens, spent.microdollars)
    connection.execute(_ADD_TO_MONTH, (month_of(now), *figures))


def month_of(seconds: float) -> str:
    return time.strftime("%Y-%m", time.gmtime(seconds))


class _StoredDayCounter:
    """A ``DayCounter`` in the database; where that can't be used, one for this process."""

    def __init__(self, database: Database, endpoint: str) -> None:
        self._database = database
        self._endpoint = endpoint
        self._otherwise = MemoryDayCounter()

    def add(self, day: str, requests: int) -> int:
        here = self._otherwise.add(day, requests)
        total = self._database.attempt(lambda connection: self._add(connection, day, requests), writing=bool(requests))
        return here if total is None else total

    def _add(self, connection: sqlite3.Connection, day: str, requests: int) -> int:
        if requests:
            connection.execute("DELETE FROM days WHERE day < date(?, '-7 days')", (day,))
            connection.execute(_ADD_TO_DAY, (self._endpoint, day, requests))
        query = "SELECT requests FROM days WHERE endpoint = ? AND day = ?"
        row = connection.execute(query, (self._endpoint, day)).fetchone()
        return int(row[0]) if row else 0
