"""Waiting, in a test, for what another thread or process brings about."""

import threading
import time
from typing import Callable

STEP = 0.002


def until(condition: Callable[[], object], what: str = "it", *, seconds: float = 10.0) -> None:
    """Look until ``condition`` is true.

    :raises AssertionError: it was not, for that long.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        threading.Event().wait(STEP)
