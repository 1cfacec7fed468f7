"""One endpoint (scheme, host and port) as the pool sees it: its limits, permits, generation and statistics."""

import threading

from core.config import PoolConfig, pool_config_for
from core.gate import Gate
from core.pool_stats import EndpointStats


class PoolEndpoint:
    """What outlives the pools of one endpoint.

    :ivar provider: whose it is, as far as that matters: the one in ``core.config.PROVIDER_OVERRIDES``, or ``""``.
    :ivar generation: connections of an older one are not used again.
    :ivar purge_reason: why the generation last changed.
    """

    def __init__(self, origin: str, config: PoolConfig) -> None:
        self.origin = origin
        self.provider = ""
        self.config = config
        self.gate = Gate(config.maxsize)
        self.stats = EndpointStats()
        self.generation = 0
        self.purge_reason = ""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<PoolEndpoint {self.origin} {self.gate!r}>"

    def allow(self, parallel: int) -> None:
        """At most ``parallel`` requests in flight, and never more than connections are kept."""
        permits = max(1, min(parallel, self.config.maxsize))
        if permits != self.gate.permits:
            self.gate.resize(permits)

    def reconfigure(self, config: PoolConfig) -> None:
        """Hold to other settings from now on, and to its provider's; requests that are under way keep their permits."""
        self.config = pool_config_for(self.provider, config)
        self.gate.resize(min(self.gate.permits, config.maxsize))

    def outdate(self, generation: int, reason: str) -> None:
        """Have no connection of ``generation`` used again, unless a newer one has begun already."""
        with self._lock:
            if generation == self.generation:
                self.purge_reason = reason
                self.generation += 1
