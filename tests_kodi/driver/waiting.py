"""Waiting for what another process does: on a condition, with a limit that is generous, and never for a fixed time."""

import time
from typing import Callable, TypeVar

T = TypeVar("T")
STEP = 0.05  # seconds between two looks
PATIENT = 45.0  # seconds: for what takes one on an idle machine


def soon(condition: Callable[[], T], seconds: float) -> T:
    """What ``condition`` gave when it was true for the first time, or in the end."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found
        time.sleep(STEP)


def until(condition: Callable[[], T], what: str, seconds: float = PATIENT) -> T:
    """Look until ``condition`` is true, and return what it gave.

    :raises AssertionError: it was not, for that long.
    """
    found = soon(condition, seconds)
    if not found:
        raise AssertionError(f"waited {seconds:.0f} s in vain for {what}; it last was {found!r}")
    return found
