"""One endpoint (scheme, host and port) as the pool sees it: its limits, permits, generation and statistics."""

import threading
from typing import Optional

from core.config import PoolConfig
from core.gate import Gate
from core.pool_stats import EndpointStats


class PoolEndpoint:
    """What outlives the pools of one endpoint.

    :ivar generation: connections of an older one are not used again.
    :ivar purge_reason: why the generation last changed.
    """

    def __init__(self, origin: str, config: PoolConfig) -> None:
        self.origin = origin
        self.config = config
        self.gate = Gate(config.maxsize)
        self.stats = EndpointStats()
        self.generation = 0
        self.purge_reason = ""
        self._wanted: Optional[int] = None  # requests at once; None: as many as there are connections
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<PoolEndpoint {self.origin} {self.gate!r}>"

    def allow(self, parallel: int) -> None:
        """At most ``parallel`` requests in flight, and never more than connections are kept."""
        if parallel != self._wanted:
            self._wanted = parallel
            self._resize()

    def reconfigure(self, config: PoolConfig) -> None:
        """Hold to other settings from now on; requests that are under way keep their permits."""
        self.config = config
        self._resize()

    def _resize(self) -> None:
        maxsize = self.config.maxsize
        self.gate.resize(maxsize if self._wanted is None else max(1, min(self._wanted, maxsize)))

    def outdate(self, generation: int, reason: str) -> None:
        """Have no connection of ``generation`` used again, unless a newer one has begun already."""
        with self._lock:
            if generation == self.generation:
                self.purge_reason = reason
                self.generation += 1
