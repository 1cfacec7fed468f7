"""Streams that were dropped without being closed: whoever asks next gives back what they hold.

A finaliser may run in any thread and between any two steps, so also where a lock is held that a close needs. It leaves
word here instead, for which no lock is taken.
"""

from collections import deque
from typing import Callable, Deque

from core.forking import renew_in_children


class _Abandoned:
    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked process: what was left is the parent's to close."""
        self.closes: Deque[Callable[[], None]] = deque()


_abandoned = _Abandoned()


def leave(close: Callable[[], None]) -> None:
    """Have ``close`` called before the next request."""
    _abandoned.closes.append(close)


def close_all() -> None:
    """Call what was left. To be called where no lock is held."""
    while _abandoned.closes:
        try:
            close = _abandoned.closes.popleft()
        except IndexError:  # another thread was first
            return
        close()
