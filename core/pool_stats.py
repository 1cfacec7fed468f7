"""What is counted about the connections to one endpoint. It outlives pools: eviction and resizing lose nothing."""

import threading
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass
from typing import Deque, Dict, List, Optional, Tuple

from core import sizing
from core.sizing import Advice, Timing

#: Upper bounds of the handshake histogram in seconds; the last bucket is open.
HANDSHAKE_BUCKETS: Tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

#: The last answers and connections that are remembered with their times.
RECENT = 64


@dataclass(frozen=True)
class EndpointSnapshot:
    """The figures of one endpoint at one moment.

    :ivar created: connections that a peer accepted; whether TLS came about on them or not.
    :ivar reused: requests that found a connection open.
    :ivar recycled: connections given up before their time, by reason: ``max_age``, ``max_idle``, ``dropped`` by the
        peer, ``evicted`` with their pool, ``resized``, or the reason of a purge.
    :ivar active: requests in flight. :ivar idle: open connections that wait. :ivar waiting: requests without a permit.
    :ivar requests: requests that were given a connection.
    :ivar handshake_mean: seconds until a connection could be used, TLS included; 0 before the first.
    :ivar handshake_histogram: connections per bucket of ``HANDSHAKE_BUCKETS``, and one more for the slower ones.
    :ivar errors: failures by kind.
    :ivar utilisation: share of the permits that is out.
    :ivar failing: the last requests, three or more, found no answer.
    :ivar advice: pool size and timeouts that would do for what was measured lately; None while that is too little.
    """

    created: int
    reused: int
    recycled: Dict[str, int]
    active: int
    idle: int
    waiting: int
    requests: int
    handshake_mean: float
    handshake_histogram: Tuple[int, ...]
    errors: Dict[str, int]
    utilisation: float
    failing: bool
    advice: Optional[Advice]

    @property
    def reuse_rate(self) -> float:
        """Share of the requests that needed no new connection; 0 before the first."""
        return self.reused / self.requests if self.requests else 0.0


class EndpointStats:
    """Counters behind one lock, which is never held during I/O."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._created = 0
        self._reused = 0
        self._requests = 0
        self._handshake_seconds = 0.0
        self._handshakes: List[int] = [0] * (len(HANDSHAKE_BUCKETS) + 1)
        self._connects: Deque[float] = deque(maxlen=RECENT)
        self._timings: Deque[Timing] = deque(maxlen=RECENT)
        self._recycled: Counter = Counter()  # type: ignore[type-arg]  # Counter[str] needs Python 3.9
        self._errors: Counter = Counter()  # type: ignore[type-arg]

    @property
    def handed_out(self) -> int:
        """Connections that requests were given, new ones and others."""
        return self._requests

    def checked_out(self, *, reused: bool) -> None:
        with self._lock:
            self._requests += 1
            self._reused += reused

    def opened(self) -> None:
        """A peer accepted a connection."""
        with self._lock:
            self._created += 1

    def ready(self, seconds: float) -> None:
        """A connection can be used, ``seconds`` after it was begun."""
        with self._lock:
            self._handshake_seconds += seconds
            self._handshakes[bisect_left(HANDSHAKE_BUCKETS, seconds)] += 1
            self._connects.append(seconds)

    def timed(self, timing: Timing) -> None:
        with self._lock:
            self._timings.append(timing)

    def recycled(self, reason: str) -> None:
        with self._lock:
            self._recycled[reason] += 1

    def failed(self, kind: str) -> None:
        with self._lock:
            self._errors[kind] += 1

    def snapshot(
        self, *, active: int, idle: int, waiting: int, utilisation: float, failing: bool = False
    ) -> EndpointSnapshot:
        """The counters together with what gate and pool know of this moment."""
        with self._lock:
            return EndpointSnapshot(
                created=self._created,
                reused=self._reused,
                recycled=dict(self._recycled),
                active=active,
                idle=idle,
                waiting=waiting,
                requests=self._requests,
                handshake_mean=self._handshake_seconds / max(1, sum(self._handshakes)),
                handshake_histogram=tuple(self._handshakes),
                errors=dict(self._errors),
                utilisation=utilisation,
                failing=failing,
                advice=sizing.advice(tuple(self._timings), tuple(self._connects)),
            )
