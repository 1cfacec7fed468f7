"""What the connections do and what a test of them found, as plain data and as words; shown by ``kodi.windows``."""

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence
from urllib.parse import urlsplit

from kodi import strings
from kodi.strings import localised

if TYPE_CHECKING:  # the short-lived entries, which show the figures, do without the engine
    from api.base import CheckResult
    from status.history import Past, Series
    from status.snapshot import Snapshot

#: Bars that show the last minutes, and samples of the history in each: 5 minutes in steps of 10 s.
BARS, SAMPLES = 30, 2

#: The columns of the status window: their heading, as the id of a text.
COLUMNS = (
    strings.OPENED,
    strings.REUSED,
    strings.REUSE_RATE,
    strings.ACTIVE,
    strings.IDLE,
    strings.WAITING,
    strings.ERRORS,
    strings.HANDSHAKE,
)


#: A state (``core.circuit_breaker``) that is worth a word -> which; the gravest first.
_STATES = {"disabled": strings.DISABLED, "open": strings.LEFT_ALONE, "cooling down": strings.COOLING_DOWN}


def as_data(snapshot: "Snapshot", past: "Past") -> List[Dict[str, Any]]:
    """What there is to show of each endpoint, fit for a message; the busiest endpoint first."""
    rows = [
        {
            "host": urlsplit(origin).netloc,
            "created": one["created"],
            "reused": one["reused"],
            "reuse_rate": one["reuse_rate"],
            "active": one["active"],
            "idle": one["idle"],
            "waiting": one["waiting"],
            "utilisation": one["utilisation"],
            "errors": sum(one["errors"].values()),
            "handshake": one["connect_mean"],
            "requests": one["requests"],
            "failing": one["failing"],
            "advice": one["advice"],
            "state": _state(snapshot, origin),
            "lately": _lately(past["endpoints"].get(origin)),
        }
        for origin, one in snapshot["endpoints"].items()
    ]
    return sorted(rows, key=lambda row: -int(str(row["requests"])))


def note(row: Mapping[str, Any]) -> str:
    """What there is to say about an endpoint, from a row of ``as_data``; ``""`` where there is nothing."""
    advice = row["advice"]
    if row["state"] in _STATES:
        return localised(_STATES[row["state"]])
    if row["failing"]:
        return localised(strings.NOT_ANSWERING)
    if advice is None:
        return ""
    return localised(
        strings.ADVICE,
        count=advice["maxsize"],
        connect=advice["connect_timeout"],
        answer=advice["first_byte_timeout"],
        data=advice["read_timeout"],
    )


def figures(row: Mapping[str, Any]) -> Sequence[str]:
    """What stands under each of ``COLUMNS``, from a row of ``as_data``."""
    return (
        str(row["created"]),
        str(row["reused"]),
        f"{row['reuse_rate']:.0%}",
        str(row["active"]),
        str(row["idle"]),
        str(row["waiting"]),
        str(row["errors"]),
        _time(row["handshake"]),
    )


def heights(values: Sequence[float], full: int) -> List[int]:
    """For each value the height of its bar: the highest is ``full``, and one that is more than nothing can be seen."""
    highest = max(values, default=0) or 1
    return [max(1, round(value * full / highest)) if value else 0 for value in values]


def _state(snapshot: "Snapshot", origin: str) -> str:
    """The gravest that a key of this endpoint is in; ``""`` if requests go."""
    states = [one["state"] for one in snapshot["breakers"] if one["origin"] == origin]
    return next((state for state in _STATES if state in states), "")


def _lately(series: Optional["Series"]) -> List[int]:
    """Requests in each of the last ``BARS`` steps, oldest first."""
    requests = (series["requests"] if series else [])[-BARS * SAMPLES :]
    requests = [0] * (BARS * SAMPLES - len(requests)) + requests
    return [sum(requests[start : start + SAMPLES]) for start in range(0, len(requests), SAMPLES)]


def test_words(result: "CheckResult", base_url: str) -> str:
    """What the person is told of a test that passed; the two times show what the pool saves."""
    parts = urlsplit(base_url)
    way = strings.TEST_ENCRYPTED if parts.scheme == "https" else strings.TEST_PLAIN
    saved = max(0.0, result.first_seconds - result.second_seconds)
    return "\n".join(
        (
            localised(strings.TEST_PASSED, model=result.model),
            localised(way, host=parts.hostname or ""),
            "",
            localised(strings.TEST_FIRST, time=_time(result.first_seconds)),
            localised(strings.TEST_SECOND, time=_time(result.second_seconds)),
            localised(strings.TEST_SAVED, time=_time(saved)),
        )
    )


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1.0 else f"{seconds * 1000:.0f} ms"
