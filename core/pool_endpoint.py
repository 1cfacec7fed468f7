"""One endpoint (scheme, host and port) as the pool sees it: its limits, permits, generation, statistics and health."""

import threading
from typing import Optional

from core.adaptive import AdaptiveConcurrency
from core.config import PoolConfig, pool_config_for
from core.errors import TransportError
from core.gate import Gate
from core.health import EndpointHealth, HealthMonitor
from core.names import Names
from core.pool_stats import FAILING, EndpointStats
from core.sizing import Timing


class PoolEndpoint:
    """What outlives the pools of one endpoint.

    :ivar provider: whose it is, as far as that matters: the one in ``core.config.PROVIDER_OVERRIDES``, or ``""``.
    :ivar generation: connections of an older one are not used again.
    :ivar purge_reason: why the generation last changed.
    :ivar monitor: to be told of idle connections. :ivar names: to be asked for addresses.
    """

    def __init__(self, origin: str, config: PoolConfig, monitor: HealthMonitor, names: Names) -> None:
        self.origin = origin
        self.provider = ""
        self.config = config
        self.monitor = monitor
        self.names = names
        self.gate = Gate(config.maxsize)
        self.concurrency = AdaptiveConcurrency(origin, self.gate)
        self.stats = EndpointStats(origin)
        self.health = EndpointHealth(origin)
        self.generation = 0
        self.purge_reason = ""
        self._wanted: Optional[int] = None  # requests at once; None: as many as there are connections
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<PoolEndpoint {self.origin} {self.gate!r}>"

    # --- limits -----------------------------------------------------------------------------------------------------

    def allow(self, parallel: int) -> None:
        """At most ``parallel`` requests in flight, and never more than connections are kept."""
        if parallel != self._wanted:
            self._wanted = parallel
            self._set_permits()

    def reconfigure(self, config: PoolConfig) -> None:
        """Hold to other settings from now on, and to its provider's; requests that are under way keep their permits."""
        self.config = pool_config_for(self.provider, config)
        self._set_permits()

    def _set_permits(self) -> None:
        maxsize = self.config.maxsize
        wanted = maxsize if self._wanted is None else max(1, self._wanted)
        self.concurrency.configure(min(wanted, maxsize), fewer=wanted > maxsize)

    def outdate(self, generation: int, reason: str) -> None:
        """Have no connection of ``generation`` used again, unless a newer one has begun already."""
        with self._lock:
            if generation == self.generation:
                self.purge_reason = reason
                self.generation += 1

    # --- what happened ----------------------------------------------------------------------------------------------

    def answered(self, status: int) -> None:
        """The headers of an answer are in."""
        self.health.answered()
        if status == 429:
            self.concurrency.troubled()

    def failed(self, failure: TransportError, *, timed_out: bool = False) -> None:
        """A request found no answer, or no permit; ``timed_out``: because the peer was too slow."""
        self.stats.failed(failure.kind)
        if timed_out:
            self.concurrency.troubled()
        if self.health.failed(failure):
            self.outdate(self.generation, FAILING)  # the network may have changed under the idle ones too

    def ended(self, timing: Optional[Timing]) -> None:
        """A request is over, well if there is a ``timing``. To be told before its permit is given back."""
        if timing is not None:
            self.concurrency.succeeded()
            self.stats.timed(timing)
        self.watch()

    def watch(self) -> None:
        """Warn of what is too much."""
        self.health.watch(self.gate, self.config.maxsize, self.stats.handed_out)
