"""The latest events of pools and providers, with their times: a log that stays small however long the program runs.

Each kind of event has its own room, so that what happens all the time does not push out what happened once.
"""

import logging
import time
from collections import deque
from itertools import count
from typing import Any, Deque, Dict, List, Mapping, NamedTuple, Tuple

log = logging.getLogger("subai.events")

#: Events of one kind that are kept.
KEPT = 100

CONNECTION_POOL_CREATED = "connection_pool_created"
CONNECTION_POOL_CLOSED = "connection_pool_closed"
CONNECTION_CREATED = "connection_created"
CONNECTION_REUSED = "connection_reused"
CONNECTION_RECYCLED = "connection_recycled"
CONNECTION_CLOSED = "connection_closed"
CONNECTION_FAILED = "connection_failed"
FALLBACK_USED = "fallback_used"
PROVIDER_CLOSED = "provider_closed"
BREAKER_OPENED = "breaker_opened"
BREAKER_HALF_OPEN = "breaker_half_open"
BREAKER_CLOSED = "breaker_closed"
ENDPOINT_COOLING_DOWN = "endpoint_cooling_down"
ENDPOINT_DISABLED = "endpoint_disabled"
REQUEST_REPEATED = "request_repeated"

#: What each kind means.
MEANINGS: Mapping[str, str] = {
    CONNECTION_POOL_CREATED: "the first request to an endpoint, or the first after its pool was given up",
    CONNECTION_POOL_CLOSED: "a pool was given up: the program ends, or others needed its place",
    CONNECTION_CREATED: "a connection can be used, after so many seconds",
    CONNECTION_REUSED: "a request found a connection open",
    CONNECTION_RECYCLED: "a connection was closed before it could do harm: too old, idle for too long, dropped, ...",
    CONNECTION_CLOSED: "a connection was closed for another reason",
    CONNECTION_FAILED: "a connection could not be had, or broke",
    FALLBACK_USED: "a request went out without the pool",
    PROVIDER_CLOSED: "a provider is not asked any more: the program ends, or its settings were changed",
    BREAKER_OPENED: "too much failed at an endpoint: nothing is sent there for a while",
    BREAKER_HALF_OPEN: "the pause of an endpoint is over: one request goes, to see",
    BREAKER_CLOSED: "an endpoint answers again",
    ENDPOINT_COOLING_DOWN: "an endpoint asked for a pause (429)",
    ENDPOINT_DISABLED: "an endpoint refused the key, or has no credit: nothing is sent until somebody asks anew",
    REQUEST_REPEATED: "a request is sent again, and why",
}


class Event(NamedTuple):
    """Something happened.

    :ivar number: rises from event to event. :ivar at: seconds since the epoch. :ivar about: in plain values.
    """

    number: int
    at: float
    name: str
    about: Mapping[str, Any]

    def as_data(self) -> Dict[str, Any]:
        return {"at": self.at, "event": self.name, **self.about}


_Kept = Tuple[int, float, str, Mapping[str, Any]]


class EventLog:
    """Thread-safe; holds at most ``kept`` events of each kind.

    Without a lock: whoever records may be a finalizer, which the garbage collector runs in the middle of anything, or a
    process that was forked while another thread was in here.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._numbers = count(1)
        self._latest: Dict[str, Deque[_Kept]] = {name: deque(maxlen=kept) for name in MEANINGS}

    def record(self, name: str, about: Mapping[str, Any]) -> None:
        """Note an event, and log it where debugging is on. ``about`` holds no key, path or dialogue.

        What comes with every request is not logged: the request's own line says it, too.
        """
        # A plain tuple: making an Event of each would cost more than all the rest.
        self._latest[name].append((next(self._numbers), time.time(), name, about))
        if name != CONNECTION_REUSED and log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s", name, " ".join(f"{key}={value}" for key, value in about.items()))

    def latest(self) -> List[Event]:
        """What is kept, oldest first."""
        return sorted(Event(*event) for room in self._latest.values() for event in _copied(room))


def _copied(room: Deque[_Kept]) -> List[_Kept]:
    while True:
        try:
            return list(room)
        except RuntimeError:  # somebody recorded meanwhile
            continue


#: The log that everything in this process writes to.
EVENTS = EventLog()
record = EVENTS.record
