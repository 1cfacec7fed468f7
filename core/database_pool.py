"""SQLite connections, kept and lent: several that read and one that writes, each looked at before it is lent again.

How a connection is opened and what its file must be like is database_file.py's.
"""

import os
import sqlite3
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Deque, Dict, List, Optional

from core.database_file import DatabaseError, DatabaseFile, Opened


@dataclass(frozen=True)
class DatabaseStats:
    """The figures of one pool at one moment.

    :ivar created: connections opened. :ivar reused: checkouts that found one open.
    :ivar recycled: connections given up, by reason: ``max_age``, ``broken`` (it raised an error), ``replaced`` (the
        file is another one now), ``invalid`` (it no longer answers as it should), ``damaged`` (its file is).
    :ivar checkouts: connections lent. :ivar waits: how many of them had to wait for their turn.
    :ivar active: connections that are out. :ivar idle: those that are kept.
    """

    created: int
    reused: int
    recycled: Dict[str, int]
    checkouts: int
    waits: int
    active: int
    idle: int

    @property
    def reuse_rate(self) -> float:
        """Share of the checkouts that needed no new connection; 0 before the first."""
        return self.reused / self.checkouts if self.checkouts else 0.0


class Lent:
    """A connection on loan."""

    __slots__ = ("born", "opened", "writing")

    def __init__(self, opened: Opened, *, writing: bool) -> None:
        self.opened = opened
        self.writing = writing
        self.born = time.monotonic()

    @property
    def connection(self) -> sqlite3.Connection:
        return self.opened.connection


class _Lane:
    """The connections of one kind, and who waits for one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.active = 0
        self.idle: List[Lent] = []
        self.queue: Deque[object] = deque()


class ConnectionPool:
    """``size`` connections to ``file``: one writes, the others read. Only for the process that made it.

    :param max_age: seconds after which a connection is replaced.
    :param wait: seconds to wait for one that is free.
    """

    def __init__(self, file: DatabaseFile, *, size: int, max_age: float, wait: float) -> None:
        self.pid = os.getpid()
        self._file = file
        self._max_age = max_age
        self._wait = wait
        self._changed = threading.Condition()
        self._lanes = {False: _Lane(size - 1), True: _Lane(1)}
        self._closed = False
        self._created = self._reused = self._checkouts = self._waits = 0
        self._recycled: Counter = Counter()  # type: ignore[type-arg]  # Counter[str] needs Python 3.9

    def check_out(self, *, writing: bool) -> Lent:
        """A sound connection, first come, first served; to be given back by whoever got it.

        :raises DatabaseError: none came free in time, none can be opened, or the pool is closed.
        """
        lane = self._lanes[writing]
        kept = self._enter(lane)
        try:
            lent = self._if_sound(kept) or self._open(writing)
        except BaseException:
            self._leave(lane)
            raise
        with self._changed:
            self._checkouts += 1
            self._reused += lent is kept
        return lent

    def give_back(self, lent: Lent, *, broken: str = "") -> None:
        """End a loan. Whatever transaction is open is rolled back.

        :param broken: why the connection must not be used again, if so.
        """
        lane = self._lanes[lent.writing]
        broken = broken or _roll_back(lent.connection)
        with self._changed:
            keep = not broken and not self._closed
            if keep:
                lane.idle.append(lent)
        if not keep:
            self._end(lent, broken)
        self._leave(lane)

    def drop_idle(self, reason: str) -> None:
        """Give up every connection that is not out."""
        with self._changed:
            idle = [lent for lane in self._lanes.values() for lent in lane.idle]
            for lane in self._lanes.values():
                lane.idle.clear()
        for lent in idle:
            self._end(lent, reason)

    def close(self) -> None:
        """Lend no more; what is out is closed as it comes back."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.drop_idle("")

    def stats(self) -> DatabaseStats:
        with self._changed:
            return DatabaseStats(
                created=self._created,
                reused=self._reused,
                recycled=dict(self._recycled),
                checkouts=self._checkouts,
                waits=self._waits,
                active=sum(lane.active for lane in self._lanes.values()),
                idle=sum(len(lane.idle) for lane in self._lanes.values()),
            )

    # --- one loan ---------------------------------------------------------------------------------------------------

    def _enter(self, lane: _Lane) -> Optional[Lent]:
        """Wait for a place in ``lane``; the connection that is kept there, if there is one."""
        ticket = object()

        def served() -> bool:
            return self._closed or (lane.queue[0] is ticket and lane.active < lane.limit)

        with self._changed:
            lane.queue.append(ticket)
            self._waits += not served()
            try:
                in_time = self._changed.wait_for(served, self._wait)
            finally:
                lane.queue.remove(ticket)
                self._changed.notify_all()
            if self._closed:
                raise DatabaseError(f"{self._file.path} is closed.")
            if not in_time:
                raise DatabaseError(f"No connection to {self._file.path} came free within {self._wait:g} s.")
            lane.active += 1
            return lane.idle.pop() if lane.idle else None

    def _leave(self, lane: _Lane) -> None:
        with self._changed:
            lane.active -= 1
            self._changed.notify_all()

    def _if_sound(self, kept: Optional[Lent]) -> Optional[Lent]:
        if kept is None:
            return None
        too_old = time.monotonic() - kept.born > self._max_age
        reason = "max_age" if too_old else self._file.fault(kept.opened)
        if not reason:
            return kept
        self._end(kept, reason)
        return None

    def _open(self, writing: bool) -> Lent:
        lent = Lent(self._file.open(writing=writing), writing=writing)
        with self._changed:
            self._created += 1
        return lent

    def _end(self, lent: Lent, reason: str) -> None:
        lent.connection.close()
        if reason:
            with self._changed:
                self._recycled[reason] += 1


def _roll_back(connection: sqlite3.Connection) -> str:
    """End a transaction that is open; why the connection must not be used any more, if that fails."""
    try:
        connection.rollback()
    except sqlite3.Error:
        return "broken"
    return ""
