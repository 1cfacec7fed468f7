"""How many requests an endpoint takes at once, learnt from its answers: half after trouble, then slowly more again.

It starts at what was configured and only ever goes below that. The permits themselves are the gate's (``core.gate``).
"""

import logging
import threading
import time
from typing import Callable, Optional

from core.gate import Gate

log = logging.getLogger("subai.pool")

#: Seconds between two steps. The requests that a step sends or saves need that long to show what it did.
COOLDOWN = 30.0

#: Seconds after which trouble says nothing about now: a quota of the minute is long full again.
FORGOTTEN = 600.0


class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease (as TCP's, RFC 5681) of the permits of one gate.

    Trouble, a 429 or a timeout, halves them. As many successes as there are permits, each while all of them were out,
    add one. Between two steps lies ``COOLDOWN``, so that a burst of 429s, all for one reason, counts once.

    :param name: of the endpoint, for the log.
    :param gate: whose permits at this moment are the configured ones.
    """

    def __init__(self, name: str, gate: Gate, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._gate = gate
        self._clock = clock
        self._lock = threading.Lock()
        self._configured = gate.permits
        self._fewer = False
        self._limit: Optional[int] = None  # None: nothing but the configuration limits it
        self._successes = 0
        self._last_step = self._last_trouble = -FORGOTTEN

    @property
    def configured(self) -> int:
        return self._configured

    def configure(self, permits: int, *, fewer: bool = False) -> None:
        """The most that there may be from now on; ``fewer`` than were asked for. What was learnt stays."""
        if (permits, fewer) != (self._configured, self._fewer):
            with self._lock:
                self._configured, self._fewer = permits, fewer
                self._resize()

    def succeeded(self) -> None:
        """A request ended well. To be told before its permit is given back: whether all were out is looked up here."""
        with self._lock:
            before = self._gate.permits
            if self._limit is not None:
                self._learn_from_success(self._limit, self._clock())
            after = self._gate.permits
        self._tell(before, after)

    def troubled(self) -> None:
        """A request was refused as one too many, or not answered in time."""
        with self._lock:
            before, now = self._gate.permits, self._clock()
            self._successes = 0
            self._last_trouble = now
            if now - self._last_step >= COOLDOWN:
                self._step(before // 2, now)
            after = self._gate.permits
        self._tell(before, after)

    def _learn_from_success(self, limit: int, now: float) -> None:
        if now - self._last_trouble >= FORGOTTEN:
            self._step(self._configured, now)
        elif self._gate.in_flight >= limit:
            self._successes += 1
            if self._successes >= limit and now - self._last_step >= COOLDOWN:
                self._step(limit + 1, now)

    def _step(self, limit: int, now: float) -> None:
        self._limit = max(1, limit)
        if self._limit >= self._configured:
            self._limit = None
        self._successes = 0
        self._last_step = now
        self._resize()

    def _resize(self) -> None:
        if self._limit is None or self._limit >= self._configured:
            self._gate.resize(self._configured, patient=self._fewer)
        else:
            self._gate.resize(self._limit, patient=True)

    def _tell(self, before: int, after: int) -> None:
        if after != before:
            log.info("%s: %d requests at once, before %d", self._name, after, before)
