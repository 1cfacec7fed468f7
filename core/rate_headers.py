"""What the headers of an answer tell about the rate limits of the endpoint: how much is left, and when more comes."""

import datetime as dt
import math
import re
from functools import lru_cache
from typing import Dict, Mapping, NamedTuple, Optional, Tuple

from core.hints import clock_of

_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|[smhd])")
_FRACTION = re.compile(r"\.\d+")  # of seconds: Python before 3.11 takes three or six digits only

_Names = Tuple[str, str, str]


def _names(before: str, after: str = "") -> _Names:
    """The headers that tell what is left of a budget, how much it holds, and when it is full again."""
    return f"{before}remaining{after}", f"{before}limit{after}", f"{before}reset{after}"


# Put together once: each answer is looked through for them.
_FAMILIES = (
    ("requests", _names("x-ratelimit-", "-requests")),
    ("requests", _names("anthropic-ratelimit-requests-")),
    ("tokens", _names("x-ratelimit-", "-tokens")),
    ("tokens", _names("anthropic-ratelimit-tokens-")),
)
_WINDOW = _names("x-ratelimit-")


class Level(NamedTuple):
    """What is left of one budget, as told at one instant.

    :ivar left: units at the instant ``at`` (of the monotonic clock), less what was drawn since.
    :ivar capacity: units when it is full.
    :ivar rate: units that come back each second; 0 when all come back at once, ``reset`` seconds after ``at``.
    """

    left: float
    capacity: float
    rate: float
    at: float
    reset: float

    def less(self, units: float) -> "Level":
        """After drawing ``units``."""
        return Level(self.left - units, self.capacity, self.rate, self.at, self.reset)

    def used(self, now: float) -> float:
        """The share of the capacity that is gone at the instant ``now``."""
        back = self.rate * (now - self.at) if self.rate else self.capacity * (now >= self.at + self.reset)
        return 1.0 - min(self.capacity, self.left + back) / self.capacity

    def pause(self, units: float, now: float) -> float:
        """Seconds until ``units`` are there, or all it can hold for who needs more than that."""
        missing = min(units, self.capacity) - self.left
        if missing <= 0:
            return 0.0
        return self.at + (missing / self.rate if self.rate else self.reset) - now


def levels(headers: Mapping[str, str], now: float, wall: float) -> Dict[str, Level]:
    """``requests`` and ``tokens`` to their level, as far as the headers tell both what is left and when more comes.

    Read are ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}`` (OpenAI and many who copy it: they refill
    steadily, and the reset is when all is back), ``anthropic-ratelimit-{requests,tokens}-*`` (the same with an instant
    in RFC 3339), and the bare ``x-ratelimit-{limit,remaining,reset}`` (OpenRouter: a window that ends at an instant in
    milliseconds). What cannot be read is passed over.

    :param headers: names in lower case.
    :param now: the monotonic clock, and ``wall`` seconds since the epoch (``core.hints.clock_of`` sets it right).
    """
    found: Dict[str, Level] = {}
    for budget, names in _FAMILIES:
        level = _level(headers, names, now, wall)
        if level is not None:
            found[budget] = level
    if "requests" not in found:
        level = _level(headers, _WINDOW, now, wall)
        if level is not None:
            found["requests"] = level._replace(rate=0.0)
    return found


def _level(headers: Mapping[str, str], names: _Names, now: float, wall: float) -> Optional[Level]:
    remaining, limit, until = names
    if remaining not in headers:
        return None
    left = _number(headers[remaining])
    reset = seconds_until(headers.get(until, ""), clock_of(headers, wall))
    if left is None or reset is None:
        return None
    capacity = _number(headers.get(limit, ""))
    if capacity is None or capacity < left:
        # How fast it refills is unknown then; after the reset, any request may try.
        return Level(left, max(left, 1.0), 0.0, now, reset)
    used = capacity - left
    return Level(left, capacity, used / reset if used and reset else capacity / 60.0, now, reset)


def seconds_until(text: str, wall: float) -> Optional[float]:
    """Seconds until the reset that a header names, never negative; None when it cannot be read.

    Known are a duration (``6m0s``, ``12ms``, ``1.5``), an instant in RFC 3339, seconds or milliseconds of the epoch.
    """
    text = text.strip().lower()
    number = _number(text)
    if number is not None:
        instant = number / 1000.0 if number >= 1e11 else number
        return max(0.0, instant - wall) if instant >= 1e9 else number
    return _until_instant(text, wall) if "t" in text else _duration(text)


@lru_cache(maxsize=256)
def _duration(text: str) -> Optional[float]:
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in parts)


def _until_instant(text: str, wall: float) -> Optional[float]:
    plain = _FRACTION.sub("", text.replace("z", "+00:00"))
    try:
        instant = dt.datetime.fromisoformat(plain.upper())
    except ValueError:
        return None
    if instant.tzinfo is None:
        return None
    return max(0.0, instant.timestamp() - wall)


@lru_cache(maxsize=256)
def _number(text: str) -> Optional[float]:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value < math.inf else None
