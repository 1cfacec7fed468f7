"""What the tests of the status server share: a source of figures without a network, and a client."""

import http.client
import json
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from core import metrics
from core.pool_stats import EndpointStats
from status import history
from status.history import History, Past
from status.server import StatusServer
from status.snapshot import BreakerFigures, EndpointFigures, LimitFigures, Snapshot, figures_of

TOKEN = "Kq3-xY_" + "a" * 36
ORIGIN = "https://api.example.com:443"


def endpoint(requests: int = 10, errors: int = 0, **moment: Any) -> EndpointFigures:
    """An endpoint with so many requests over one connection."""
    stats = EndpointStats(ORIGIN)
    stats.opened()
    stats.ready(0.03)
    for number in range(requests):
        stats.checked_out(reused=number > 0)
    for _ in range(errors):
        stats.failed("read_timeout")
    return figures_of(stats.snapshot(**{"active": 0, "idle": 1, "waiting": 0, "utilisation": 0.0, **moment}))


class Made:
    """A source whose figures the test makes.

    :ivar at: when it is looked at, seconds since the epoch; None for now.
    """

    def __init__(self, **endpoints: EndpointFigures) -> None:
        self.at: Optional[float] = None
        self.endpoints: Dict[str, EndpointFigures] = dict(endpoints)
        self.history = History(self.snapshot, interval=0.0)
        self.metrics: List[Dict[str, Any]] = []
        self.breakers: List[BreakerFigures] = []
        self.limits: List[LimitFigures] = []
        self.database: Optional[Dict[str, Any]] = None

    def one(self) -> "Made":
        return self

    def snapshot(self) -> Snapshot:
        at = time.time() if self.at is None else self.at
        return {
            "at": at,
            "since": at - 3600,
            "endpoints": self.endpoints,
            "breakers": self.breakers,
            "limits": self.limits,
            "database": self.database,
            "process": {"memory": 50_000_000, "threads": 7, "descriptors": None},
            "metrics": self.metrics,
        }

    def past(self) -> Past:
        return {**self.history.past(), "interval": history.INTERVAL}

    def events(self) -> List[Dict[str, Any]]:
        return [{"at": time.time(), "event": "connection_created", "endpoint": ORIGIN}]


def full() -> Made:
    """A source with a value in every family."""
    source = Made()
    source.endpoints[ORIGIN] = figures = endpoint(20, 2)
    figures["closed"] = {"max_age": 1}
    source.breakers = [{"endpoint": "https://api.example.com/v1", "origin": ORIGIN, "state": "open"}]
    source.limits = [{"endpoint": "https://api.example.com/v1", "budget": "requests", "used": 0.5}]
    source.database = {
        "created": 1, "reused": 2, "recycled": {"max_age": 1}, "checkouts": 3, "waits": 0, "active": 0, "idle": 1,
    }  # fmt: skip
    source.metrics = metrics.families()
    for family in source.metrics:
        sample: Dict[str, Any] = {"labels": {"label": "x"}, "value": 1}
        if family["kind"] == "histogram":
            sample = {"labels": {"label": "x"}, "bounds": [1.0], "counts": [1, 1], "sum": 3.0, "count": 2}
        family["samples"] = [sample]
    return source


def get(server: StatusServer, path: str, token: str = TOKEN) -> Tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def get_json(server: StatusServer, path: str) -> Any:
    status, _, body = get(server, path)
    assert status == 200, body
    return json.loads(body)
