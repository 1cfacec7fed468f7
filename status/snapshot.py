"""Everything that is known at one moment, as plain data: what each view (window, terminal, server, Prometheus) shows.

It holds no key, no path and no dialogue, so it may be written to a file and handed on. Times are seconds.
"""

import time
from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Optional, Sequence, TypedDict

from core import metrics
from core.connection_pool import ConnectionPoolManager
from core.database import Database
from core.endpoint_group import EndpointGroup
from core.endpoints import Endpoint
from core.errors import ConfigError
from core.origin import origin_of
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


class BreakerFigures(TypedDict):
    """``endpoint``: a base URL, and which of its keys; ``origin``: as in ``endpoints``; ``state``: of its breaker."""

    endpoint: str
    origin: str
    state: str


class LimitFigures(TypedDict):
    """``budget``: ``requests`` and ``tokens`` (a minute), or ``requests_per_day``; ``used``: the share that is gone."""

    endpoint: str
    budget: str
    used: float


class Snapshot(TypedDict):
    """All of it.

    ``at``: seconds since the epoch; ``since``: likewise, when counting began; ``endpoints``: by ``scheme://host:port``;
    ``database``: its connections, as ``core.database_pool.DatabaseStats`` has them; ``metrics``: families, as
    ``core.metrics.Metric.family`` makes them.
    """

    at: float
    since: float
    endpoints: Dict[str, EndpointFigures]
    breakers: List[BreakerFigures]
    limits: List[LimitFigures]
    database: Optional[Dict[str, Any]]
    process: ProcessFigures
    metrics: List[Dict[str, Any]]


#: Before anything was counted.
NOTHING: Snapshot = {
    "at": 0.0,
    "since": 0.0,
    "endpoints": {},
    "breakers": [],
    "limits": [],
    "database": None,
    "process": {"memory": None, "threads": 0, "descriptors": None},
    "metrics": [],
}


def take(
    pool: ConnectionPoolManager, database: Optional[Database] = None, groups: Sequence[EndpointGroup] = ()
) -> Snapshot:
    """The figures of ``pool``, of what is remembered in ``database``, and of this process.

    :param groups: those whose breakers and budgets count: what a provider that nobody asks any more has said is over.
    """
    members = {member.target.label: member for group in groups for member in group.members}
    return {
        "at": time.time(),
        "since": _BEGAN,
        "endpoints": {origin: figures_of(one) for origin, one in pool.stats().items()},
        "breakers": [
            {"endpoint": name, "origin": _origin(name), "state": member.breaker.state}
            for name, member in members.items()
        ],
        "limits": _limits(members),
        "database": None if database is None else asdict(database.stats()),
        "process": process.figures(),
        "metrics": metrics.families(),
    }


def outcomes(snapshot: Snapshot) -> Dict[str, Dict[str, int]]:
    """How the requests to each provider ended: provider -> outcome -> how many."""
    found: Dict[str, Dict[str, int]] = {}
    for family in snapshot["metrics"]:
        for sample in family["samples"] if family["name"] == metrics.REQUESTS.name else ():
            labels = sample["labels"]
            by_outcome = found.setdefault(labels["provider"], {})
            by_outcome[labels["outcome"]] = by_outcome.get(labels["outcome"], 0) + sample["value"]
    return found


def is_error(outcome: str) -> bool:
    """Whether a request that ended so failed; one that was cancelled did not."""
    return not (outcome.startswith("2") or outcome == "cancelled")


def _origin(name: str) -> str:
    """That of the base URL in the name of an endpoint."""
    try:
        return origin_of(name.split(",", maxsplit=1)[0])
    except ConfigError:  # it is called otherwise
        return ""


def _limits(members: Mapping[str, Endpoint]) -> List[LimitFigures]:
    return [
        {"endpoint": name, "budget": budget, "used": round(share, 4)}
        for name, member in members.items()
        for budget, share in member.limiter.used().items()
    ]


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
