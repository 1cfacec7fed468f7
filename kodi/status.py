"""What the connections do and what a test of them found, as plain data and as words; shown by ``kodi.windows``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence
from urllib.parse import urlsplit

from kodi import strings
from kodi.strings import localised

if TYPE_CHECKING:  # the short-lived entries, which show the figures, do without the engine
    from api.base import CheckResult
    from core.pool_stats import EndpointSnapshot

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


def as_data(stats: Mapping[str, "EndpointSnapshot"]) -> List[Dict[str, Any]]:
    """The figures of each endpoint, fit for a message; the busiest endpoint first."""
    rows = [
        {
            "host": urlsplit(origin).netloc,
            "created": one.created,
            "reused": one.reused,
            "reuse_rate": one.reuse_rate,
            "active": one.active,
            "idle": one.idle,
            "waiting": one.waiting,
            "errors": sum(one.errors.values()),
            "handshake": one.handshake_mean,
            "requests": one.requests,
            "failing": one.failing,
            "advice": asdict(one.advice) if one.advice else None,
        }
        for origin, one in stats.items()
    ]
    return sorted(rows, key=lambda row: -int(str(row["requests"])))


def heading(row: Mapping[str, Any]) -> str:
    """The host of a row of ``as_data``, and what there is to say about it."""
    advice = row["advice"]
    if row["failing"]:
        return localised(strings.NOT_ANSWERING, host=row["host"])
    if advice is None:
        return str(row["host"])
    return localised(
        strings.ADVICE,
        host=row["host"],
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
