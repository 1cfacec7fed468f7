"""What may be spent at an endpoint, and the clock by which that is counted."""

import math
import threading
import time
from dataclasses import dataclass

from core.config import bounded, check_bounds


@dataclass(frozen=True)
class Limits:
    """What may be spent; 0 is no limit.

    :raises ConfigError: for a value out of bounds.
    """

    requests_per_minute: int = bounded(0, 0, 1_000_000, "requests in any 60 s")
    tokens_per_minute: int = bounded(0, 0, 1_000_000_000, "tokens in any 60 s, prompt and answer")
    requests_per_day: int = bounded(0, 0, 10_000_000, "requests a day")
    day_begins: float = bounded(0.0, 0.0, 24.0, "hours after midnight UTC")

    def __post_init__(self) -> None:
        check_bounds(self)


NO_LIMITS = Limits()


class Clock:
    """The time and the wait of a limiter; tests have their own."""

    def now(self) -> float:
        """An instant of the monotonic clock, in seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Until ``event`` is set, at most ``seconds`` (which may be infinite)."""
        event.wait(None if math.isinf(seconds) else seconds)
