"""What is well and what is not, judged from a snapshot and the last minutes: for people, and for scripts that watch."""

from typing import Any, Dict, Iterable, List, Tuple, Union

from core.breaker_state import CLOSED, DISABLED, OPEN
from core.health import LATELY, MOST_ERRORS, MOST_UTILISATION, MOST_WAITING
from status.history import Past, Requests, Series
from status.snapshot import EndpointFigures, Snapshot, is_error, outcomes

OK, DEGRADED, FAILING = "ok", "degraded", "failing"
_GRAVITY = (OK, DEGRADED, FAILING)


def connections(snapshot: Snapshot, past: Past, now: float) -> Dict[str, Any]:
    """``status``, and for each endpoint its figures with ``status`` and ``reasons``, in a few words each.

    :param now: seconds since the epoch; a snapshot may be of a run that ended long ago.
    """
    judged = {
        origin: _endpoint(figures, *_lately(past, past["endpoints"].get(origin), now))
        for origin, figures in snapshot["endpoints"].items()
    }
    return {"status": worst(one["status"] for one in judged.values()), "endpoints": judged}


def providers(snapshot: Snapshot, past: Past, now: float) -> Dict[str, Any]:
    """``status``, and for each provider its requests by outcome since counting began, and how it does lately."""
    judged = {
        name: _provider(by_outcome, *_lately(past, past["providers"].get(name), now))
        for name, by_outcome in outcomes(snapshot).items()
    }
    return {"status": worst(one["status"] for one in judged.values()), "providers": judged}


def breakers(snapshot: Snapshot) -> Dict[str, Any]:
    """``status``, and the state of each endpoint and key: failing if nothing can be sent to any of them."""
    states = {one["endpoint"]: one["state"] for one in snapshot["breakers"]}
    out = [state for state in states.values() if state in (OPEN, DISABLED)]
    status = OK if all(state == CLOSED for state in states.values()) else DEGRADED
    return {"status": FAILING if out and len(out) == len(states) else status, "endpoints": states}


def overall(snapshot: Snapshot, past: Past, now: float) -> Dict[str, Any]:
    """``status``, that of each part, and every reason with what it is about."""
    of_connections, of_providers, of_breakers = (
        connections(snapshot, past, now),
        providers(snapshot, past, now),
        breakers(snapshot),
    )
    parts = {
        "connections": of_connections["status"],
        "providers": of_providers["status"],
        "circuit-breaker": of_breakers["status"],
    }
    judged = {**of_connections["endpoints"], **of_providers["providers"]}
    reasons = [f"{name}: {reason}" for name, one in judged.items() for reason in one["reasons"]]
    reasons += [f"{name}: {state}" for name, state in of_breakers["endpoints"].items() if state != CLOSED]
    return {"status": worst(parts.values()), "parts": parts, "reasons": reasons}


def worst(statuses: Iterable[str]) -> str:
    return max(statuses, key=_GRAVITY.index, default=OK)


def _lately(past: Past, series: Union[Series, Requests, None], now: float) -> Tuple[int, int]:
    """Requests and errors of the steps that ended in the last minutes."""
    steps = sum(at > now - LATELY for at in past["at"])
    return (sum(series["requests"][-steps:]), sum(series["errors"][-steps:])) if series and steps else (0, 0)


def _endpoint(figures: EndpointFigures, requests: int, errors: int) -> Dict[str, Any]:
    reasons = _too_many(requests, errors)
    if figures["failing"]:
        reasons.append("the last requests found no answer")
    if figures["waiting"] > MOST_WAITING:
        reasons.append(f"{figures['waiting']} requests wait for a connection")
    if figures["utilisation"] > MOST_UTILISATION and figures["waiting"]:
        reasons.append("the connections are in use, and requests wait")
    return {
        "status": _status(reasons, failing=figures["failing"] or 0 < requests <= errors),
        "reasons": reasons,
        "active": figures["active"],
        "idle": figures["idle"],
        "waiting": figures["waiting"],
        "utilisation": figures["utilisation"],
        "reuse_rate": figures["reuse_rate"],
    }


def _provider(by_outcome: Dict[str, int], lately: int, errors_lately: int) -> Dict[str, Any]:
    requests = sum(by_outcome.values())
    errors = sum(count for outcome, count in by_outcome.items() if is_error(outcome))
    reasons = _too_many(lately, errors_lately)
    return {
        "status": _status(reasons, failing=0 < lately <= errors_lately),
        "reasons": reasons,
        "requests": requests,
        "errors": errors,
        "error_rate": round(errors / requests, 4) if requests else 0.0,
        "outcomes": by_outcome,
    }


def _too_many(requests: int, errors: int) -> List[str]:
    return [f"{errors} errors, {requests} requests lately"] if errors > MOST_ERRORS * requests else []


def _status(reasons: List[str], *, failing: bool) -> str:
    return FAILING if failing else DEGRADED if reasons else OK
