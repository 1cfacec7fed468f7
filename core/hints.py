"""What an answer's headers and body say about when to ask again."""

import email.utils
import math
import time
from functools import lru_cache
from typing import Any, Mapping, Optional

#: Seconds by which our clock may differ from that of an answer, whose Date has whole seconds and was under way.
_IN_TIME = 5.0


def retry_after(headers: Mapping[str, str], document: Any = None) -> Optional[float]:
    """Seconds to wait as the other side asked, or None where it did not; never negative.

    Looked at in this order: ``retry-after-ms`` (OpenAI), ``Retry-After`` in seconds or as a date (RFC 9110, 10.2.3),
    ``RetryInfo.retryDelay`` in a Google error (google.rpc.RetryInfo).

    :param headers: names in lower case.
    :param document: the parsed JSON body, if there is one.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    header = headers.get("retry-after", "")
    hints = (
        milliseconds / 1000.0 if milliseconds is not None else None,
        _number(header),
        _until(header, headers),
        _retry_info(document),
    )
    return next((hint for hint in hints if hint is not None), None)


def should_retry(headers: Mapping[str, str]) -> Optional[bool]:
    """The provider's own word on whether asking again makes sense (``x-should-retry``), or None."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def _number(text: str) -> Optional[float]:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def clock_of(headers: Mapping[str, str], wall: float) -> float:
    """Seconds since the epoch as the other side has them, whose instants are meant by that clock.

    It is ours, ``wall``, unless the answer's ``Date`` shows that ours is wrong, as in a box that has not asked for the
    time yet: a reset in a second would lie an hour ahead.
    """
    theirs = _instant(headers.get("date", ""))
    return wall if theirs is None or abs(theirs - wall) < _IN_TIME else theirs


def _until(date: str, headers: Mapping[str, str]) -> Optional[float]:
    instant = _instant(date)
    return None if instant is None else max(0.0, instant - clock_of(headers, time.time()))


@lru_cache(maxsize=64)
def _instant(date: str) -> Optional[float]:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _retry_info(document: Any) -> Optional[float]:
    # Gemini's stream wraps the error in a list; OpenRouter passes Google's details on inside its own error.
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return _number(delay[:-1])
    return None
