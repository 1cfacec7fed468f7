"""One pool under observation: its snapshot, its last hour and the latest events, for whoever shows them."""

from typing import Any, Callable, Dict, List, Optional, Protocol, Sequence

from core.connection_pool import ConnectionPoolManager
from core.database import Database
from core.endpoint_group import EndpointGroup
from core.events import EVENTS
from status import snapshot
from status.history import History, Past
from status.snapshot import Snapshot


class Run(Protocol):
    """The figures of one process."""

    def snapshot(self) -> Snapshot: ...

    def past(self) -> Past: ...

    def events(self) -> List[Dict[str, Any]]:
        """Oldest first, as ``core.events.Event.as_data`` gives them."""
        ...


class Source(Protocol):
    """Where a server has its figures from: a pool of this process, or what other processes wrote down."""

    def one(self) -> Run:
        """What one answer is made from, so that all of it speaks of the same run."""
        ...


class Watch:
    """A ``Source``, and the ``Run`` of this process. Call ``tick`` every second or so.

    :param groups: returns the endpoints of the providers that are in use.
    """

    def __init__(
        self,
        pool: ConnectionPoolManager,
        database: Optional[Database] = None,
        groups: Callable[[], Sequence[EndpointGroup]] = tuple,
    ) -> None:
        self._pool = pool
        self._database = database
        self._groups = groups
        self._history = History(self.snapshot)

    def tick(self, *, now: bool = False) -> bool:
        """Whether the last hour was added to; ``now``: though the step is not over yet."""
        return self._history.tick(now=now)

    def one(self) -> "Watch":
        return self

    def snapshot(self) -> Snapshot:
        return snapshot.take(self._pool, self._database, self._groups())

    def past(self) -> Past:
        return self._history.past()

    def events(self) -> List[Dict[str, Any]]:
        return [event.as_data() for event in EVENTS.latest()]
