"""A snapshot as metric families: name, kind, one sentence, and a value for each combination of labels.

These are the names under which figures are known outside: in ``/metrics``, in Prometheus, and in docs/operations.md.
"""

from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from core.breaker_state import STATES
from status.snapshot import EndpointFigures, Snapshot

Family = Dict[str, Any]

_GAUGE, _COUNTER, _HISTOGRAM = "gauge", "counter", "histogram"

#: Of each endpoint: name, kind, sentence, field of ``EndpointFigures``.
_OF_ENDPOINTS: Tuple[Tuple[str, str, str, Callable[[EndpointFigures], float]], ...] = (
    ("subai_connections_active", _GAUGE, "Requests in flight.", lambda one: one["active"]),
    ("subai_connections_idle", _GAUGE, "Open connections that wait for a request.", lambda one: one["idle"]),
    ("subai_connections_open", _GAUGE, "Connections that are open, in use or not.", lambda one: one["open"]),
    ("subai_connections_waiting", _GAUGE, "Requests that wait for a connection.", lambda one: one["waiting"]),
    (
        "subai_connections_utilisation_ratio",
        _GAUGE,
        "Requests in flight, as a share of the connections that there may be.",
        lambda one: one["utilisation"],
    ),
    (
        "subai_connections_reuse_ratio",
        _GAUGE,
        "Share of the requests so far that found a connection open.",
        lambda one: one["reuse_rate"],
    ),
    ("subai_connections_created_total", _COUNTER, "Connections that were opened.", lambda one: one["created"]),
    ("subai_connections_reused_total", _COUNTER, "Requests that found a connection open.", lambda one: one["reused"]),
    (
        "subai_connection_requests_total",
        _COUNTER,
        "Requests that were given a connection.",
        lambda one: one["requests"],
    ),
    (
        "subai_connection_timeouts_total",
        _COUNTER,
        "Failures for want of time; they are among the errors, too.",
        lambda one: one["timeouts"],
    ),
)

_OF_DATABASE = (
    ("subai_database_connections_active", _GAUGE, "Database connections that are out.", "active"),
    ("subai_database_connections_idle", _GAUGE, "Database connections that are kept open.", "idle"),
    ("subai_database_connections_created_total", _COUNTER, "Database connections that were opened.", "created"),
    (
        "subai_database_connections_reused_total",
        _COUNTER,
        "Times that a database connection was open already.",
        "reused",
    ),
    ("subai_database_checkouts_total", _COUNTER, "Times that a database connection was lent.", "checkouts"),
    ("subai_database_waits_total", _COUNTER, "Times that one had to wait for a database connection.", "waits"),
)

_OF_PROCESS = (
    ("subai_memory_bytes", "Memory of the process; in Kodi, of Kodi.", "memory"),
    ("subai_threads", "Threads of the program; in Kodi, of the add-on.", "threads"),
    ("subai_open_files", "Open files and sockets of the process; in Kodi, of Kodi.", "descriptors"),
)


def families(snapshot: Snapshot) -> List[Family]:
    """Every family, those without a value too."""
    return [
        _family("subai_start_time_seconds", _GAUGE, "When counting began, since the epoch.", [({}, snapshot["since"])]),
        *_endpoints(snapshot["endpoints"]),
        _breakers(snapshot),
        _limits(snapshot),
        *snapshot["metrics"],
        *_database(snapshot["database"] or {}),
        *_process(snapshot["process"]),
    ]


def _endpoints(endpoints: Mapping[str, EndpointFigures]) -> List[Family]:
    found = [
        _family(name, kind, words, [({"endpoint": origin}, read(one)) for origin, one in endpoints.items()])
        for name, kind, words, read in _OF_ENDPOINTS
    ]
    closed = [
        ({"endpoint": origin, "reason": reason}, count)
        for origin, one in endpoints.items()
        for reason, count in one["closed"].items()
    ]
    errors = [
        ({"endpoint": origin, "kind": kind}, count)
        for origin, one in endpoints.items()
        for kind, count in one["errors"].items()
    ]
    connects = [{"labels": {"endpoint": origin}, **one["connect"]} for origin, one in endpoints.items()]
    return [
        *found,
        _family("subai_connections_closed_total", _COUNTER, "Connections that were closed, by reason.", closed),
        _family("subai_connection_errors_total", _COUNTER, "Failures of connections, by kind.", errors),
        {
            "name": "subai_connect_seconds",
            "kind": _HISTOGRAM,
            "help": "How long connections took to open, TLS included.",
            "samples": connects,
        },
    ]


def _breakers(snapshot: Snapshot) -> Family:
    states = [
        ({"endpoint": one["endpoint"], "state": state}, int(state == one["state"]))
        for one in snapshot["breakers"]
        for state in STATES
    ]
    words = "Whether an endpoint is in this state: requests go where it is closed."
    return _family("subai_breaker_state", _GAUGE, words, states)


def _limits(snapshot: Snapshot) -> Family:
    shares = [({"endpoint": one["endpoint"], "budget": one["budget"]}, one["used"]) for one in snapshot["limits"]]
    words = "The share that is used of a budget: requests and tokens of a minute, requests of a day."
    return _family("subai_limit_used_ratio", _GAUGE, words, shares)


def _database(figures: Mapping[str, Any]) -> List[Family]:
    recycled = [({"reason": reason}, count) for reason, count in figures.get("recycled", {}).items()]
    return [
        *(
            _family(name, kind, words, [({}, figures[field])] if figures else [])
            for name, kind, words, field in _OF_DATABASE
        ),
        _family(
            "subai_database_connections_recycled_total", _COUNTER, "Database connections given up, by reason.", recycled
        ),
    ]


def _process(figures: Mapping[str, Any]) -> List[Family]:
    return [
        _family(name, _GAUGE, words, [] if figures[field] is None else [({}, figures[field])])
        for name, words, field in _OF_PROCESS
    ]


def _family(name: str, kind: str, words: str, samples: Sequence[Tuple[Dict[str, str], float]]) -> Family:
    return {
        "name": name,
        "kind": kind,
        "help": words,
        "samples": [{"labels": labels, "value": value} for labels, value in samples],
    }
