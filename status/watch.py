"""One pool under observation: its snapshot, its last hour and the latest events, for whoever shows them."""

from typing import Any, Dict, List, Optional, Protocol

from core.connection_pool import ConnectionPoolManager
from core.database import Database
from core.events import EVENTS
from status import snapshot
from status.history import History, Past
from status.snapshot import Snapshot


class Source(Protocol):
    """Where a view has its figures from: a pool of this process, or what another process wrote down."""

    def snapshot(self) -> Snapshot: ...

    def past(self) -> Past: ...

    def events(self) -> List[Dict[str, Any]]:
        """Oldest first, as ``core.events.Event.as_data`` gives them."""
        ...


class Watch:
    """A ``Source`` of this process. Call ``tick`` every second or so."""

    def __init__(self, pool: ConnectionPoolManager, database: Optional[Database] = None) -> None:
        self._pool = pool
        self._database = database
        self._history = History(self.snapshot)

    def tick(self) -> None:
        self._history.tick()

    def snapshot(self) -> Snapshot:
        return snapshot.take(self._pool, self._database)

    def past(self) -> Past:
        return self._history.past()

    def events(self) -> List[Dict[str, Any]]:
        return [event.as_data() for event in EVENTS.latest()]
