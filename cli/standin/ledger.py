"""What the stand-in was asked and how its connections did: a log of the latest requests, and counts of everything."""

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Deque, List, Mapping, Tuple

from cli.standin.wire import Request

KEPT = 10_000  # records; the counts go on


@dataclass
class Record:
    """One request to a provider, and what became of it.

    :ivar number: from 1, in the order in which requests were read. :ivar connection: the connection's number, from 1.
    :ivar target: path and query. :ivar headers: all of them, the key too; names in lower case.
    :ivar model: ``""`` when none was named. :ivar keys: of the batch, in order; ``()`` when it was none.
    :ivar status: of the answer, from just before it is sent; 0 where it was never sent as a whole.
    :ivar started: when the request was in, by ``time.monotonic``. :ivar sent: bytes of the answer, its head included.
    """

    number: int
    connection: int
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    started: float
    model: str = ""
    keys: Tuple[str, ...] = ()
    status: int = 0
    sent: int = 0


@dataclass
class Stats:
    """:ivar open: connections that are open now. :ivar in_flight: requests that are being answered now."""

    requests: int = 0
    connections: int = 0
    handshakes: int = 0
    open: int = 0
    max_open: int = 0
    in_flight: int = 0
    max_in_flight: int = 0


class Ledger:
    """Written by every connection's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: Deque[Record] = deque(maxlen=KEPT)
        self._stats = Stats()

    def records(self) -> List[Record]:
        with self._lock:
            return list(self._records)

    def stats(self) -> Stats:
        with self._lock:
            return replace(self._stats)

    def reset(self) -> None:
        """Forget what was; connections that are open and requests that are under way stay counted as such."""
        with self._lock:
            self._records.clear()
            still = self._stats
            self._stats = Stats(
                open=still.open, max_open=still.open, in_flight=still.in_flight, max_in_flight=still.in_flight
            )

    def connected(self) -> int:
        """Count a new connection; returns its number."""
        with self._lock:
            stats = self._stats
            stats.connections += 1
            stats.open += 1
            stats.max_open = max(stats.max_open, stats.open)
            return stats.connections

    def secured(self) -> None:
        """Count a TLS handshake that was completed."""
        with self._lock:
            self._stats.handshakes += 1

    def disconnected(self) -> None:
        with self._lock:
            self._stats.open -= 1

    def begin(self, request: Request, connection: int) -> Record:
        """Open the record of a request that has just been read."""
        with self._lock:
            stats = self._stats
            stats.requests += 1
            stats.in_flight += 1
            stats.max_in_flight = max(stats.max_in_flight, stats.in_flight)
            record = Record(
                stats.requests,
                connection,
                request.method,
                request.target,
                request.headers,
                request.body,
                time.monotonic(),
            )
            self._records.append(record)
            return record

    def end(self) -> None:
        """A request has been answered, or given up."""
        with self._lock:
            self._stats.in_flight -= 1
