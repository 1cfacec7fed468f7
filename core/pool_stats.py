"""What is counted about the connections to one endpoint. It outlives pools: eviction and resizing lose nothing."""

import threading
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass
from typing import Deque, Dict, FrozenSet, List, Optional, Tuple

from core import events, sizing
from core.forking import renew_in_children
from core.sizing import Advice, Timing

#: Upper bounds of the handshake histogram in seconds; the last bucket is open.
HANDSHAKE_BUCKETS: Tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

#: The last answers and connections that are remembered with their times.
RECENT = 64

#: Why connections are closed that nothing is wrong with; every other reason is one for not using them again.
ENDED = "ended"  # with its answer: the server wanted it so, or nobody read to the end
FAILED = "failed"  # its request failed
CANCELLED = "cancelled"
POOL_CLOSED = "pool_closed"
ORDINARY: FrozenSet[str] = frozenset({ENDED, FAILED, CANCELLED, POOL_CLOSED})

MAX_AGE = "max_age"
MAX_IDLE = "max_idle"
DROPPED = "dropped"  # by the peer
EVICTED = "evicted"  # with their pool, whose place another endpoint needed
RESIZED = "resized"  # the pool is smaller now
FAILING = "failing"  # the endpoint found no answer for several requests
WOKE_UP = "woke up"  # the machine did

#: Every reason. What they mean to a person is in docs/operations.md.
REASONS: FrozenSet[str] = ORDINARY | {MAX_AGE, MAX_IDLE, DROPPED, EVICTED, RESIZED, FAILING, WOKE_UP}

TIMEOUTS: FrozenSet[str] = frozenset({"read_timeout", "pool_timeout", "deadline"})


@dataclass(frozen=True)
class EndpointSnapshot:
    """The figures of one endpoint at one moment.

    :ivar created: connections that a peer accepted; whether TLS came about on them or not.
    :ivar reused: requests that found a connection open.
    :ivar recycled: connections given up before their time, by reason: one of ``REASONS`` that is not ``ORDINARY``.
    :ivar closed: connections that are closed, by reason: those above, and ``ORDINARY`` ones.
    :ivar active: requests in flight. :ivar idle: open connections that wait. :ivar waiting: requests without a permit.
    :ivar requests: requests that were given a connection.
    :ivar handshake_mean: seconds until a connection could be used, TLS included; 0 before the first.
    :ivar handshake_histogram: connections per bucket of ``HANDSHAKE_BUCKETS``, and one more for the slower ones.
    :ivar errors: failures by kind, timeouts among them.
    :ivar utilisation: as ``core.health.utilisation``.
    :ivar failing: the last requests, three or more, found no answer; see ``core.health``.
    :ivar advice: pool size and timeouts that would do for what was measured lately; None while that is too little.
    """

    created: int
    reused: int
    recycled: Dict[str, int]
    closed: Dict[str, int]
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

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return self.created - sum(self.closed.values())

    @property
    def timeouts(self) -> int:
        """Failures for want of time."""
        return sum(count for kind, count in self.errors.items() if kind in TIMEOUTS)

    @property
    def handshake_seconds(self) -> float:
        """What it took to have all connections ready, together."""
        return self.handshake_mean * sum(self.handshake_histogram)


class EndpointStats:
    """Counters behind one lock, which is never held during I/O; what is counted is an event (``core.events``), too.

    :param origin: of the endpoint, for the events.
    """

    def __init__(self, origin: str = "") -> None:
        self._origin = origin
        # Reentrant: a pool that nobody closed closes its connections when its garbage is collected, anywhere.
        self._lock = threading.RLock()
        self._created = 0
        self._reused = 0
        self._requests = 0
        self._handshake_seconds = 0.0
        self._handshakes: List[int] = [0] * (len(HANDSHAKE_BUCKETS) + 1)
        self._connects: Deque[float] = deque(maxlen=RECENT)
        self._timings: Deque[Timing] = deque(maxlen=RECENT)
        self._recycled: Counter = Counter()  # type: ignore[type-arg]  # Counter[str] needs Python 3.9
        self._closed: Counter = Counter()  # type: ignore[type-arg]
        self._errors: Counter = Counter()  # type: ignore[type-arg]
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked process: a thread that is not here may have held the lock."""
        self._lock = threading.RLock()

    @property
    def handed_out(self) -> int:
        """Connections that requests were given, new ones and others."""
        return self._requests

    def checked_out(self, *, reused: bool) -> None:
        with self._lock:
            self._requests += 1
            self._reused += reused
        if reused:
            events.record(events.CONNECTION_REUSED, {"endpoint": self._origin})

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
        events.record(events.CONNECTION_CREATED, {"endpoint": self._origin, "seconds": round(seconds, 4)})

    def timed(self, timing: Timing) -> None:
        with self._lock:
            self._timings.append(timing)

    def recycled(self, reason: str) -> None:
        """A connection is not used again, though nobody asked for its end."""
        with self._lock:
            self._recycled[reason] += 1
        events.record(events.CONNECTION_RECYCLED, {"endpoint": self._origin, "reason": reason})

    def closed(self, reason: str) -> None:
        """A connection that was ``opened`` is open no more."""
        with self._lock:
            self._closed[reason] += 1
        if reason in ORDINARY:
            events.record(events.CONNECTION_CLOSED, {"endpoint": self._origin, "reason": reason})

    def failed(self, kind: str) -> None:
        with self._lock:
            self._errors[kind] += 1
        events.record(events.CONNECTION_FAILED, {"endpoint": self._origin, "kind": kind})

    def snapshot(
        self, *, active: int, idle: int, waiting: int, utilisation: float, failing: bool = False
    ) -> EndpointSnapshot:
        """The counters together with what gate and pool know of this moment."""
        with self._lock:
            return EndpointSnapshot(
                created=self._created,
                reused=self._reused,
                recycled=dict(self._recycled),
                closed=dict(self._closed),
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
