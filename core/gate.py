"""Permits for one endpoint: the one owner of concurrency, handed out first come, first served.

urllib3's own blocking pool is unfair and does not wake its waiters when it closes, so it stays unblocking behind this.
"""

import threading
from collections import deque
from typing import Callable, Deque, List, Optional

from core.attempt import Attempt
from core.errors import PoolClosedError, PoolTimeoutError


class Permit:
    """The right to have one request in flight; give it back exactly as often as you like, it counts once."""

    __slots__ = ("_gate", "_released")

    def __init__(self, gate: "Gate") -> None:
        self._gate = gate
        self._released = False

    def release(self) -> None:
        self._gate._give_back(self)


class Place:
    """A place in the queue.

    :ivar permit: once it was granted. :ivar wake: called when it was, or when the gate was closed.
    """

    __slots__ = ("permit", "wake")

    def __init__(self, wake: Callable[[], None]) -> None:
        self.permit: Optional[Permit] = None
        self.wake = wake


class Gate:
    """``permits`` may be out at once; a permit given back goes straight to whoever waits longest."""

    def __init__(self, permits: int) -> None:
        self._lock = threading.Lock()
        self._waiters: Deque[Place] = deque()
        self._permits = permits
        self._patient = False
        self._in_flight = 0
        self._closed = False

    def __repr__(self) -> str:
        return f"<Gate {self._in_flight}/{self._permits} in flight, {len(self._waiters)} waiting>"

    @property
    def permits(self) -> int:
        return self._permits

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    def acquire(self, timeout: float, attempt: Attempt) -> Permit:
        """Wait for a permit, at most ``timeout`` seconds; at a patient gate, as long as ``attempt`` may take.

        :raises PoolTimeoutError: none came free in time.
        :raises PoolClosedError: the gate was closed, before or meanwhile.
        :raises SubAIError: why ``attempt`` must not go on (a cancel, its deadline), at once.
        """
        attempt.check()
        with self._lock:
            permit = self._free_permit()
            if permit is not None:
                return permit
            woken = threading.Event()
            waiter = Place(woken.set)
            self._waiters.append(waiter)
        try:
            while not attempt.wait(woken, timeout) and self._patient and timeout > 0:
                pass
        except BaseException:
            self.leave(waiter)
            raise
        return self._outcome(waiter, timeout)

    def line_up(self, wake: Callable[[], None]) -> Place:
        """Ask for a permit without waiting: ``wake`` is called, from any thread, once the place has one or never will.

        Whoever was given a place leaves it in the end, with or without a permit.

        :raises PoolClosedError: the gate was closed already.
        """
        waiter = Place(wake)
        with self._lock:
            waiter.permit = self._free_permit()
            if waiter.permit is None:
                self._waiters.append(waiter)
                return waiter
        wake()
        return waiter

    def collect(self, waiter: Place) -> None:
        """Make sure that a place whose ``wake`` was called has its permit.

        :raises PoolClosedError: the gate was closed meanwhile.
        """
        if waiter.permit is None:
            raise _closed_error()

    def leave(self, waiter: Place) -> None:
        """Give up a place, and the permit if there is one. Again: does nothing."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        if waiter.permit is not None:
            waiter.permit.release()

    def resize(self, permits: int, *, patient: bool = False) -> None:
        """Change the number of permits; those that are out stay out until they are given back.

        :param patient: there are fewer than was asked for, by a choice of our own: that others have them all is then
            no failure of whoever waits.
        """
        with self._lock:
            self._permits = permits
            self._patient = patient
            granted = self._grant()
        _wake(granted)

    def close(self) -> None:
        """Refuse everyone from now on, those who wait included. Permits that are out stay valid."""
        with self._lock:
            self._closed = True
            waiters = list(self._waiters)
            self._waiters.clear()
        _wake(waiters)

    def _outcome(self, waiter: Place, timeout: float) -> Permit:
        with self._lock:
            if waiter.permit is not None:
                return waiter.permit
            if self._closed:
                raise _closed_error()
            self._waiters.remove(waiter)
        raise PoolTimeoutError(f"No connection came free within {timeout:g} s; fewer parallel requests would help.")

    def _free_permit(self) -> Optional[Permit]:
        if self._closed:
            raise _closed_error()
        if self._in_flight < self._permits and not self._waiters:
            self._in_flight += 1
            return Permit(self)
        return None

    def _give_back(self, permit: Permit) -> None:
        with self._lock:
            if permit._released:
                return
            permit._released = True
            self._in_flight -= 1
            granted = self._grant()
        _wake(granted)

    def _grant(self) -> List[Place]:
        granted = []
        while self._waiters and self._in_flight < self._permits:
            waiter = self._waiters.popleft()
            waiter.permit = Permit(self)
            self._in_flight += 1
            granted.append(waiter)
        return granted


def _closed_error() -> PoolClosedError:
    return PoolClosedError("The connection pool is closed.")


def _wake(waiters: List[Place]) -> None:
    for waiter in waiters:
        waiter.wake()
