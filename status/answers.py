"""What the status server answers to each path. Nothing here knows a key, a path of a file, or dialogue."""

import json
import time
from typing import Any, Callable, Dict, Mapping, NamedTuple

from status import health, page, prometheus
from status.asked import RefusedError
from status.families import families
from status.health import FAILING
from status.watch import Source

_JSON = "application/json; charset=utf-8"
_SUMMED = ("active", "idle", "open", "waiting", "requests", "created", "reused", "timeouts")


class Answer(NamedTuple):
    """:ivar kind: the content type. :ivar headers: those besides."""

    body: bytes
    kind: str = _JSON
    status: int = 200
    headers: Mapping[str, str] = {}


def answer(path: str, source: Source) -> Answer:
    """:raises RefusedError: there is nothing at ``path``."""
    if path not in PATHS:
        raise RefusedError(404, "There is nothing here.")
    return PATHS[path](source.one())


def _page(_: Source) -> Answer:
    return Answer(page.HTML, "text/html; charset=utf-8", headers={"Content-Security-Policy": page.POLICY})


def _stats(source: Source) -> Answer:
    """The endpoints, their sums, and the connections of the database."""
    snapshot = source.snapshot()
    endpoints: Mapping[str, Mapping[str, Any]] = snapshot["endpoints"]
    totals: Dict[str, Any] = {name: sum(one[name] for one in endpoints.values()) for name in _SUMMED}
    totals["errors"] = sum(sum(one["errors"].values()) for one in endpoints.values())
    totals["reuse_rate"] = totals["reused"] / totals["requests"] if totals["requests"] else 0.0
    about = {"at": snapshot["at"], "since": snapshot["since"]}
    return _json({**about, "totals": totals, "endpoints": endpoints, "database": snapshot["database"]})


def _history(source: Source) -> Answer:
    return _json(source.past())


def _health(source: Source) -> Answer:
    return _judged(health.overall(source.snapshot(), source.past(), time.time()))


def _health_of_connections(source: Source) -> Answer:
    return _judged(health.connections(source.snapshot(), source.past(), time.time()))


def _health_of_providers(source: Source) -> Answer:
    return _judged(health.providers(source.snapshot(), source.past(), time.time()))


def _health_of_breakers(source: Source) -> Answer:
    return _judged(health.breakers(source.snapshot()))


def _debug(source: Source) -> Answer:
    """What the process takes of the machine, and the latest events."""
    snapshot = source.snapshot()
    return _json({"at": snapshot["at"], **snapshot["process"], "events": source.events()})


def _metrics(source: Source) -> Answer:
    return _json({"metrics": families(source.snapshot())})


def _for_prometheus(source: Source) -> Answer:
    text = prometheus.exposition(families(source.snapshot()))
    return Answer(text.encode(), prometheus.CONTENT_TYPE)


PATHS: Mapping[str, Callable[[Source], Answer]] = {
    "/": _page,
    "/api/http-client/pool/stats": _stats,
    "/api/http-client/pool/history": _history,
    "/health": _health,
    "/health/connections": _health_of_connections,
    "/health/providers": _health_of_providers,
    "/health/circuit-breaker": _health_of_breakers,
    "/debug/pool": _debug,
    "/metrics": _metrics,
    "/metrics/prometheus": _for_prometheus,
}


def _json(data: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(json.dumps(data, indent=1).encode("utf-8") + b"\n", status=status)


def _judged(verdict: Mapping[str, Any]) -> Answer:
    """What is failing is told by the status, too: that is what scripts look at."""
    return _json(verdict, 503 if verdict["status"] == FAILING else 200)
