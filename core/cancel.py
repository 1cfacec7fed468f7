"""A cancel that ends every wait at once, and the deadline arithmetic that goes with it."""

import threading
import time
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, Optional

from core.errors import CancelledError


class CancelToken:
    """Set once, from any thread; whoever waits subscribes a callback that wakes it.

    Callbacks run on the cancelling thread, after the flag is set, and must neither block nor raise.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: Dict[int, Callable[[], None]] = {}
        self._next_id = 0

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Set the flag and wake everyone who waits. Calling it again does nothing."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def raise_if_cancelled(self) -> None:
        """:raises CancelledError: when the flag is set."""
        if self._cancelled:
            raise CancelledError("Cancelled.")

    def wait(self, seconds: float) -> None:
        """Sleep that a cancel ends at once.

        :raises CancelledError: as soon as the flag is set.
        """
        woken = threading.Event()
        with self.waking(woken.set):
            woken.wait(max(0.0, seconds))
        self.raise_if_cancelled()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called on cancel (at once, if that already happened); returns what takes it back."""
        with self._lock:
            if not self._cancelled:
                key = self._next_id
                self._next_id += 1
                self._callbacks[key] = callback
                return lambda: self._forget(key)
        callback()
        return _nothing

    def _forget(self, key: int) -> None:
        with self._lock:
            self._callbacks.pop(key, None)

    @contextmanager
    def waking(self, callback: Callable[[], None]) -> Iterator[None]:
        """``subscribe`` for the length of a ``with`` block."""
        forget = self.subscribe(callback)
        try:
            yield
        finally:
            forget()


def _nothing() -> None:
    """Take back a callback that was never kept."""


def remaining(deadline: Optional[float], at_most: float) -> float:
    """Seconds until ``deadline`` (an instant of ``time.monotonic``), but no more than ``at_most`` and never below 0."""
    if deadline is None:
        return at_most
    return max(0.0, min(at_most, deadline - time.monotonic()))
