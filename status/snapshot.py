"""Everything that is known at one moment, as plain data: what each view (window, terminal, server, Prometheus) shows.

It holds no key, no path and no dialogue, so it may be written to a file and handed on. Times are seconds.
"""

import time
from dataclasses import asdict
from typing import Any, Dict, List, Optional, TypedDict

from core import metrics
from core.connection_pool import ConnectionPoolManager
from core.database import Database
from core.pool_stats import HANDSHAKE_BUCKETS, EndpointSnapshot
from status import process
from status.process import ProcessFigures

#: When this process began to count.
_BEGAN = time.time()


class EndpointFigures(TypedDict):
    """One endpoint; the names are those of ``core.pool_stats.EndpointSnapshot``.

    ``connect``: a distribution (see ``core.metrics``); ``advice``: the fields of ``core.sizing.Advice``.
    """

    active: int
    idle: int
    open: int
    waiting: int
    utilisation: float
    requests: int
    created: int
    reused: int
    reuse_rate: float
    closed: Dict[str, int]
    errors: Dict[str, int]
    timeouts: int
    connect_mean: float
    connect: Dict[str, Any]
    failing: bool
    advice: Optional[Dict[str, int]]


class Snapshot(TypedDict):
    """All of it.

    ``at``: seconds since the epoch; ``since``: likewise, when counting began; ``endpoints``: by ``scheme://host:port``;
    ``database``: its connections, as ``core.database_pool.DatabaseStats`` has them; ``metrics``: families, as
    ``core.metrics.Metric.family`` makes them.
    """

    at: float
    since: float
    endpoints: Dict[str, EndpointFigures]
    database: Optional[Dict[str, Any]]
    process: ProcessFigures
    metrics: List[Dict[str, Any]]


#: Before anything was counted.
NOTHING: Snapshot = {
    "at": 0.0,
    "since": 0.0,
    "endpoints": {},
    "database": None,
    "process": {"memory": None, "threads": 0, "descriptors": None},
    "metrics": [],
}


def take(pool: ConnectionPoolManager, database: Optional[Database] = None) -> Snapshot:
    """The figures of ``pool``, of what is remembered in ``database``, and of this process."""
    return {
        "at": time.time(),
        "since": _BEGAN,
        "endpoints": endpoints(pool),
        "database": None if database is None else asdict(database.stats()),
        "process": process.figures(),
        "metrics": metrics.families(),
    }


def endpoints(pool: ConnectionPoolManager) -> Dict[str, EndpointFigures]:
    """The figures of each endpoint, by ``scheme://host:port``."""
    return {origin: figures_of(one) for origin, one in pool.stats().items()}


def figures_of(one: EndpointSnapshot) -> EndpointFigures:
    """One endpoint as plain data."""
    return {
        "active": one.active,
        "idle": one.idle,
        "open": one.open,
        "waiting": one.waiting,
        "utilisation": one.utilisation,
        "requests": one.requests,
        "created": one.created,
        "reused": one.reused,
        "reuse_rate": one.reuse_rate,
        "closed": one.closed,
        "errors": one.errors,
        "timeouts": one.timeouts,
        "connect_mean": one.handshake_mean,
        "connect": metrics.distribution(HANDSHAKE_BUCKETS, one.handshake_histogram, one.handshake_seconds),
        "failing": one.failing,
        "advice": None if one.advice is None else asdict(one.advice),
    }
