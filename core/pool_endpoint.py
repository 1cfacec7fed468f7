"""One endpoint (scheme, host and port) as the pool sees it: its limits, permits, generation and statistics."""

import threading

from core.adaptive import AdaptiveConcurrency
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
        self.concurrency = AdaptiveConcurrency(origin, self.gate)
        self.stats = EndpointStats()
        self.generation = 0
        self.purge_reason = ""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<PoolEndpoint {self.origin} {self.gate!r}>"

    def allow(self, parallel: int) -> None:
        """At most ``parallel`` requests in flight, and never more than connections are kept."""
        self.concurrency.configure(max(1, min(parallel, self.config.maxsize)))

    def reconfigure(self, config: PoolConfig) -> None:
        """Hold to other settings from now on; requests that are under way keep their permits."""
        self.config = config
        self.concurrency.configure(min(self.concurrency.configured, config.maxsize))

    def outdate(self, generation: int, reason: str) -> None:
        """Have no connection of ``generation`` used again, unless a newer one has begun already."""
        with self._lock:
            if generation == self.generation:
                self.purge_reason = reason
                self.generation += 1
