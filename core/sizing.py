"""How large a pool and how long a timeout should be, worked out from what was measured; and what the system allows.

Functions of their arguments only. Nothing is changed by itself, but for a pool that could open more files than it may.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Optional, Sequence, Tuple

from core.config import PoolConfig

#: Room over what is needed on average (Little's law: requests in flight = rate x time that each takes).
HEADROOM = 1.5

#: A timeout is so many times the slowest that went well.
SLACK = 2.0

#: Bounds of what is advised; seconds, but for the connections.
CONNECTIONS = (2, 100)
CONNECT = (2.0, 30.0)
FIRST_BYTE = (20.0, 900.0)
SILENCE = (10.0, 300.0)

#: Answers before there is any advice, and seconds after which an answer says nothing about now.
ENOUGH = 10
LATELY = 600.0

#: Open files that are left to everything else in the process.
RESERVED = 50


class Timing(NamedTuple):
    """One answer that was read to its end; seconds.

    :ivar ended: instant of ``time.monotonic``. :ivar seconds: from the permit to the end.
    :ivar first_byte: until the first byte of the body. :ivar silence: the longest between two pieces after that.
    """

    ended: float
    seconds: float
    first_byte: float
    silence: float


@dataclass(frozen=True)
class Advice:
    """What would do; the fields of ``PoolConfig`` with these names, seconds in whole ones."""

    maxsize: int
    connect_timeout: int
    first_byte_timeout: int
    read_timeout: int


def pool_size(target_rate: float, mean_seconds: float, bounds: Tuple[int, int] = CONNECTIONS) -> int:
    """Connections for ``target_rate`` requests a second that take ``mean_seconds`` each, with ``HEADROOM``."""
    low, high = bounds
    # The product is rounded first: 0.1 x 40 x 1.5 must not become 7 for the sake of a last digit.
    return max(low, min(high, math.ceil(round(target_rate * mean_seconds * HEADROOM, 6))))


def timeout(slowest: float, bounds: Tuple[float, float]) -> int:
    """Whole seconds that leave ``SLACK`` over the slowest that went well."""
    low, high = bounds
    return math.ceil(max(low, min(high, slowest * SLACK)))


def advice(timings: Sequence[Timing], connects: Sequence[float]) -> Optional[Advice]:
    """What would do for what was measured, oldest first; None as long as that is too little.

    :param connects: seconds that connections took to open, TLS included.
    """
    if not timings:
        return None
    timings = [one for one in timings if one.ended > timings[-1].ended - LATELY]
    if len(timings) < ENOUGH or not connects:
        return None
    rate = len(timings) / max(_busy(timings), 0.001)
    return Advice(
        pool_size(rate, sum(one.seconds for one in timings) / len(timings)),
        timeout(max(connects), CONNECT),
        timeout(max(one.first_byte for one in timings), FIRST_BYTE),
        timeout(max(one.silence for one in timings), SILENCE),
    )


def _busy(timings: Sequence[Timing]) -> float:
    """Seconds in which at least one of them was under way: the pauses between two films ask for no connections."""
    busy, until = 0.0, -math.inf
    for one in sorted(timings, key=lambda one: one.ended - one.seconds):
        busy += max(0.0, one.ended - max(until, one.ended - one.seconds))
        until = max(until, one.ended)
    return busy


def open_file_limit() -> Optional[int]:
    """How many files and sockets this process may have open; None where that is not limited, or not known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit


def within_open_files(config: PoolConfig, limit: Optional[int]) -> Tuple[PoolConfig, str]:
    """``config``, smaller if it could need more than ``limit`` open files, and then a word about it (else ``""``)."""
    wanted = config.num_pools * config.maxsize
    if limit is None or wanted + RESERVED <= limit:
        return config, ""
    room = max(1, limit - RESERVED)
    # Endpoints first: few are used at once, and the others open their connections anew. Two providers must not take
    # turns at that, though.
    pools = min(config.num_pools, max(2, room // config.maxsize))
    fitting = replace(config, num_pools=pools, maxsize=min(config.maxsize, max(1, room // pools)))
    return fitting, (
        f"This system allows {limit} open files, but {config.num_pools} endpoints with {config.maxsize} connections "
        f"each could need {wanted}. Going on with at most {fitting.num_pools} endpoints with {fitting.maxsize}."
    )
