"""What the client says it did, request by request, held against what the providers saw."""

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Tuple

from core import metrics
from core.exchange import Exchange
from core.messages import Request
from core.pool_stats import EndpointSnapshot
from core.transport import Transport
from tests_soak import NUMBER
from tests_soak.provider import Seen


class Entry:
    """One request. :ivar given: it was given a connection, or one was tried to be made for it."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.given = False

    @property
    def copies(self) -> int:
        """How often it went out at most: a second time where the peer had closed the connection meanwhile."""
        return self.given + self.exchange._attempt.fresh

    @property
    def answered(self) -> bool:
        return self.exchange.status > 0


class Books:
    """Every request since ``close`` was last called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: Dict[str, Entry] = {}
        self._next = 0

    def open(self) -> str:
        """A number for a request."""
        with self._lock:
            self._next += 1
            return str(self._next)

    def enter(self, number: str, exchange: Exchange) -> Entry:
        entry = Entry(exchange)
        with self._lock:
            self._entries[number] = entry
        return entry

    def close(self) -> Dict[str, Entry]:
        with self._lock:
            entries, self._entries = self._entries, {}
        return entries


class BookedTransport(Transport):
    """Gives every request a number and enters it into ``books``."""

    def __init__(self, books: Books, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._books = books

    def prepare(self, request: Request) -> Tuple[Exchange, Callable[[], None]]:
        number = self._books.open()
        exchange, send = super().prepare(replace(request, headers={**request.headers, NUMBER: number}))
        entry = self._books.enter(number, exchange)

        def booked() -> None:
            entry.given = True
            send()

        return exchange, booked


def _ended() -> int:
    """Requests that ended in this process, in whatever way."""
    return int(sum(sample["value"] for sample in metrics.REQUESTS.family()["samples"]))


@dataclass
class Account:
    """Sums over the whole soak; both sides of each pair must be the same.

    :ivar unread: copies of requests that no provider read: their connection was closed, by either side, before.
    """

    asked: int = 0
    given: int = 0
    read: int = 0
    unread: int = 0
    replayed: int = 0
    answered: int = 0
    accepted: int = 0
    ended_before: int = field(default_factory=_ended)

    def settle(self, entries: Mapping[str, Entry], seen: Seen) -> List[str]:
        """Add a film; what does not add up in it."""
        copies = Counter({number: entry.copies for number, entry in entries.items()})
        wrong = [f"request {number} came out of nowhere" for number in seen.numbers if number not in entries]
        for number, entry in entries.items():
            read = seen.numbers[number]
            if read > copies[number]:
                wrong.append(f"request {number} was read {read} times, but sent {copies[number]} times")
            if entry.answered and not read:
                wrong.append(f"request {number} was answered ({entry.exchange.status}), but never read")
            if entry.answered and not entry.exchange._attempt.fresh and read != 1:
                wrong.append(f"request {number} was answered, and read {read} times")
        self.asked += len(entries)
        self.given += sum(copies.values())
        self.read += seen.requests
        self.unread += sum((copies - seen.numbers).values())
        self.replayed += sum(entry.exchange._attempt.fresh for entry in entries.values())
        self.answered += sum(entry.answered for entry in entries.values())
        self.accepted += seen.connections
        return wrong

    def differences(self, figures: Mapping[str, EndpointSnapshot]) -> List[str]:
        """What the pool's statistics say otherwise, when nothing is in flight."""
        sums = {
            name: sum(getattr(snapshot, name) for snapshot in figures.values())
            for name in ("created", "open", "idle", "requests", "active", "waiting")
        }
        pairs = (
            ("connections made", sums["created"], "accepted", self.accepted),
            ("connections open", sums["open"], "of them idle", sums["idle"]),
            ("requests given a connection", sums["requests"], "of them sent", self.given),
            ("requests counted by how they ended", _ended() - self.ended_before, "of them asked for", self.asked),
            ("requests in flight", sums["active"] + sums["waiting"], "of them wanted", 0),
        )
        return [f"{count} {what}, {other} {counted}" for what, count, counted, other in pairs if count != other]
