"""A cancel that ends every wait at once, and the deadline arithmetic that goes with it."""

import itertools
import threading
import time
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, Optional

from core.errors import CancelledError


class CancelToken:
    """Set once, from any thread; whoever waits subscribes a callback that wakes it.

    Callbacks run on the cancelling thread, after the flag is set, and must neither block nor raise.

    There is no lock, for a fork or a signal handler to come upon: whoever takes a callback out, which one step of a
    dictionary does, is the one who calls it.
    """

    def __init__(self) -> None:
        self._cancelled = False
        self._callbacks: Dict[int, Callable[[], None]] = {}
        self._ids = itertools.count()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Set the flag and wake everyone who waits. Calling it again does nothing."""
        if self._cancelled:
            return
        self._cancelled = True
        for key in list(self._callbacks):
            self._call(key)

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
        key = next(self._ids)
        self._callbacks[key] = callback
        if self._cancelled:  # looked at only now: a cancel that came before this saw no callback
            self._call(key)
        return lambda: self._forget(key)

    def _call(self, key: int) -> None:
        callback = self._callbacks.pop(key, None)
        if callback is not None:
            callback()

    def _forget(self, key: int) -> None:
        self._callbacks.pop(key, None)

    @contextmanager
    def waking(self, callback: Callable[[], None]) -> Iterator[None]:
        """``subscribe`` for the length of a ``with`` block."""
        forget = self.subscribe(callback)
        try:
            yield
        finally:
            forget()


def remaining(deadline: Optional[float], at_most: float) -> float:
    """Seconds until ``deadline`` (an instant of ``time.monotonic``), but no more than ``at_most`` and never below 0."""
    if deadline is None:
        return at_most
    return max(0.0, min(at_most, deadline - time.monotonic()))
