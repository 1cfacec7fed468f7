"""What is well and what is not, judged from a snapshot and the last minutes: for people, and for scripts that watch."""

from typing import Any, Dict, Iterable, List, Mapping, Optional

from core.health import MOST_ERRORS, MOST_UTILISATION, MOST_WAITING
from status.history import Past, Series
from status.snapshot import EndpointFigures, Snapshot

OK, DEGRADED, FAILING = "ok", "degraded", "failing"
_GRAVITY = (OK, DEGRADED, FAILING)

LATELY = 300.0  # seconds that count


def connections(snapshot: Snapshot, past: Past) -> Dict[str, Any]:
    """``status``, and for each endpoint its figures with ``status`` and ``reasons``, in a few words each."""
    steps = max(1, int(LATELY / past["interval"]))
    judged = {
        origin: _endpoint(figures, past["endpoints"].get(origin), steps)
        for origin, figures in snapshot["endpoints"].items()
    }
    return {"status": worst(one["status"] for one in judged.values()), "endpoints": judged}


def providers(snapshot: Snapshot) -> Dict[str, Any]:
    """``status``, and for each provider its requests by outcome since counting began."""
    outcomes: Dict[str, Dict[str, int]] = {}
    for family in snapshot["metrics"]:
        if family["name"] == "subai_requests_total":
            for sample in family["samples"]:
                labels = sample["labels"]
                of_provider = outcomes.setdefault(labels["provider"], {})
                of_provider[labels["outcome"]] = of_provider.get(labels["outcome"], 0) + sample["value"]
    judged = {name: _provider(counts) for name, counts in outcomes.items()}
    return {"status": worst(one["status"] for one in judged.values()), "providers": judged}


def overall(snapshot: Snapshot, past: Past) -> Dict[str, Any]:
    """``status``, that of each part, and every reason with the endpoint that it is about."""
    of_connections = connections(snapshot, past)
    parts = {"connections": of_connections["status"], "providers": providers(snapshot)["status"]}
    reasons = [
        f"{origin}: {reason}" for origin, one in of_connections["endpoints"].items() for reason in one["reasons"]
    ]
    return {"status": worst(parts.values()), "parts": parts, "reasons": reasons}


def worst(statuses: Iterable[str]) -> str:
    return max(statuses, key=_GRAVITY.index, default=OK)


def is_error(outcome: str) -> bool:
    """Whether a request that ended so failed; one that was cancelled did not."""
    return not (outcome.startswith("2") or outcome == "cancelled")


def _endpoint(figures: EndpointFigures, series: Optional[Series], steps: int) -> Dict[str, Any]:
    requests = sum(series["requests"][-steps:]) if series else figures["requests"]
    errors = sum(series["errors"][-steps:]) if series else sum(figures["errors"].values())
    reasons: List[str] = []
    if errors > MOST_ERRORS * requests:
        reasons.append(f"{errors} errors, {requests} requests lately")
    if figures["waiting"] > MOST_WAITING:
        reasons.append(f"{figures['waiting']} requests wait for a connection")
    if figures["utilisation"] > MOST_UTILISATION and figures["waiting"]:
        reasons.append("all connections are in use, and requests wait")
    failing = figures["failing"] or 0 < requests <= errors
    if figures["failing"]:
        reasons.append("the last requests found no answer")
    return {
        "status": FAILING if failing else DEGRADED if reasons else OK,
        "reasons": reasons,
        "active": figures["active"],
        "idle": figures["idle"],
        "waiting": figures["waiting"],
        "utilisation": figures["utilisation"],
        "reuse_rate": figures["reuse_rate"],
    }


def _provider(counts: Mapping[str, int]) -> Dict[str, Any]:
    requests, errors = sum(counts.values()), sum(count for outcome, count in counts.items() if is_error(outcome))
    share = errors / requests if requests else 0.0
    return {
        "status": FAILING if requests and errors == requests else DEGRADED if share > MOST_ERRORS else OK,
        "requests": requests,
        "errors": errors,
        "error_rate": round(share, 4),
        "outcomes": dict(counts),
    }
