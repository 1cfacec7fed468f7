"""The last hour in steps of some seconds: what sparklines and charts are drawn from.

Somebody has to call ``tick`` now and then; there is no thread here.
"""

import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, List, Mapping, NamedTuple, Optional, Tuple, TypedDict

from status.snapshot import EndpointFigures, Snapshot, is_error, outcomes

INTERVAL = 5.0  # seconds between two samples
SAMPLES = 720  # an hour of them


class Series(TypedDict):
    """One endpoint over time, a value a step: four of that moment, and four of the step that ended then.

    ``requests``: connections handed out; ``errors``: failures; ``opened``: new connections; ``connect``: mean seconds
    that one of those took, None where there was none.
    """

    active: List[int]
    idle: List[int]
    waiting: List[int]
    utilisation: List[float]
    requests: List[int]
    errors: List[int]
    opened: List[int]
    connect: List[Optional[float]]


class Requests(TypedDict):
    """The requests to one provider over time, and those of them that failed, in each step."""

    requests: List[int]
    errors: List[int]


class Past(TypedDict):
    """``at``: when each sample was taken, seconds since the epoch, oldest first; ``endpoints``: as in a snapshot."""

    interval: float
    at: List[float]
    endpoints: Dict[str, Series]
    providers: Dict[str, Requests]


#: Before the first sample.
NO_PAST: Past = {"interval": INTERVAL, "at": [], "endpoints": {}, "providers": {}}


class _Sample(NamedTuple):
    active: int = 0
    idle: int = 0
    waiting: int = 0
    utilisation: float = 0.0
    requests: int = 0
    errors: int = 0
    connects: int = 0
    connect_seconds: float = 0.0


_NOTHING = _Sample()
_NO_REQUESTS = (0, 0)


class _Moment(NamedTuple):
    """``requests``: provider -> how many there were so far, and how many of them failed."""

    at: float
    endpoints: Mapping[str, _Sample]
    requests: Mapping[str, Tuple[int, int]]


class History:
    """Thread-safe.

    :param look: takes a snapshot.
    """

    def __init__(
        self,
        look: Callable[[], Snapshot],
        *,
        interval: float = INTERVAL,
        samples: int = SAMPLES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        # One more than is shown: the first step needs what was before it.
        self._moments: Deque[_Moment] = deque([_Moment(time.time(), {}, {})], maxlen=samples + 1)
        self._due = clock() + interval

    def tick(self, *, now: bool = False) -> bool:
        """Take a sample if it is time for one, or wanted ``now``; whether it was."""
        with self._lock:
            at = self._clock()
            if at < self._due and not now:
                return False
            self._due = at + self._interval
        snapshot = self._look()
        endpoints = {origin: _sample(figures) for origin, figures in snapshot["endpoints"].items()}
        moment = _Moment(snapshot["at"], endpoints, {name: _counted(by) for name, by in outcomes(snapshot).items()})
        with self._lock:
            self._moments.append(moment)
        return True

    def past(self) -> Past:
        """What was sampled, as plain data."""
        with self._lock:
            moments = list(self._moments)
        origins = dict.fromkeys(origin for moment in moments for origin in moment.endpoints)
        providers = dict.fromkeys(name for moment in moments for name in moment.requests)
        return {
            "interval": self._interval,
            "at": [moment.at for moment in moments[1:]],
            "endpoints": {
                origin: _series([moment.endpoints.get(origin, _NOTHING) for moment in moments]) for origin in origins
            },
            "providers": {
                name: _requests([moment.requests.get(name, _NO_REQUESTS) for moment in moments]) for name in providers
            },
        }


def _sample(figures: EndpointFigures) -> _Sample:
    return _Sample(
        figures["active"],
        figures["idle"],
        figures["waiting"],
        figures["utilisation"],
        figures["requests"],
        sum(figures["errors"].values()),
        figures["connect"]["count"],
        figures["connect"]["sum"],
    )


def _counted(by_outcome: Mapping[str, int]) -> Tuple[int, int]:
    return sum(by_outcome.values()), sum(count for outcome, count in by_outcome.items() if is_error(outcome))


def _requests(counts: List[Tuple[int, int]]) -> Requests:
    steps = list(zip(counts, counts[1:]))
    return {
        "requests": [after[0] - before[0] for before, after in steps],
        "errors": [after[1] - before[1] for before, after in steps],
    }


def _series(samples: List[_Sample]) -> Series:
    steps = list(zip(samples, samples[1:]))
    return {
        "active": [after.active for _, after in steps],
        "idle": [after.idle for _, after in steps],
        "waiting": [after.waiting for _, after in steps],
        "utilisation": [round(after.utilisation, 3) for _, after in steps],
        "requests": [after.requests - before.requests for before, after in steps],
        "errors": [after.errors - before.errors for before, after in steps],
        "opened": [after.connects - before.connects for before, after in steps],
        "connect": [_mean_connect(before, after) for before, after in steps],
    }


def _mean_connect(before: _Sample, after: _Sample) -> Optional[float]:
    opened = after.connects - before.connects
    return round((after.connect_seconds - before.connect_seconds) / opened, 4) if opened else None
