"""What the status server answers to each path. Nothing here knows a key, a path of a file, or dialogue."""

import json
import time
from typing import Any, Callable, Dict, Mapping, NamedTuple

from status import health, page, prometheus
from status.asked import RefusedError
from status.families import families
from status.health import FAILING
from status.watch import Run, Source

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


def _page(_: Run) -> Answer:
    return Answer(page.HTML, "text/html; charset=utf-8", headers={"Content-Security-Policy": page.POLICY})


def _stats(run: Run) -> Answer:
    """The endpoints, their sums, and the connections of the database."""
    snapshot = run.snapshot()
    endpoints: Mapping[str, Mapping[str, Any]] = snapshot["endpoints"]
    totals: Dict[str, Any] = {name: sum(one[name] for one in endpoints.values()) for name in _SUMMED}
    totals["errors"] = sum(sum(one["errors"].values()) for one in endpoints.values())
    totals["reuse_rate"] = totals["reused"] / totals["requests"] if totals["requests"] else 0.0
    about = {"at": snapshot["at"], "since": snapshot["since"]}
    return _json({**about, "totals": totals, "endpoints": endpoints, "database": snapshot["database"]})


def _history(run: Run) -> Answer:
    return _json(run.past())


def _health(run: Run) -> Answer:
    return _judged(health.overall(run.snapshot(), run.past(), time.time()))


def _health_of_connections(run: Run) -> Answer:
    return _judged(health.connections(run.snapshot(), run.past(), time.time()))


def _health_of_providers(run: Run) -> Answer:
    return _judged(health.providers(run.snapshot(), run.past(), time.time()))


def _health_of_breakers(run: Run) -> Answer:
    return _judged(health.breakers(run.snapshot()))


def _debug(run: Run) -> Answer:
    """What the process takes of the machine, and the latest events."""
    snapshot = run.snapshot()
    return _json({"at": snapshot["at"], **snapshot["process"], "events": run.events()})


def _metrics(run: Run) -> Answer:
    return _json({"metrics": families(run.snapshot())})


def _for_prometheus(run: Run) -> Answer:
    text = prometheus.exposition(families(run.snapshot()))
    return Answer(text.encode(), prometheus.CONTENT_TYPE)


PATHS: Mapping[str, Callable[[Run], Answer]] = {
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
