"""The registry of connection pools: one urllib3 manager per proxy and TLS setting, shared by all who use an endpoint.

urllib3 itself is imported when the first pool is built (``core.pool_loading``).
"""

import logging
import threading
import time
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urlsplit

from core.attempt import Attempt, working_on
from core.cancel import CancelToken
from core.config import CONNECTION_POOL_CONFIG, PROVIDER_OVERRIDES, PoolConfig
from core.errors import CancelledError, ConfigError, PoolClosedError, TransportError
from core.failures import classify, expected, timed_out
from core.forking import renew_in_children
from core.health import HealthMonitor, utilisation
from core.inflight import InFlight
from core.names import Names
from core.origin import origin_of
from core.pool_endpoint import PoolEndpoint
from core.pool_loading import make_manager
from core.pool_stats import WOKE_UP, EndpointSnapshot
from core.sizing import open_file_limit, within_open_files

log = logging.getLogger("subai.pool")


class ConnectionPoolManager:
    """Pools, endpoints and everything in flight. Thread-safe; also a context manager that closes on the way out.

    Endpoints (limits, permits, statistics) live as long as this object, pools may come and go.

    :ivar names: what is known of the addresses of hosts.
    """

    def __init__(self, config: PoolConfig = CONNECTION_POOL_CONFIG) -> None:
        self.config, self._notice = within_open_files(config, open_file_limit())
        self._lock = threading.Lock()
        self._managers: Dict[Tuple[Optional[str], Optional[str]], Any] = {}
        self._endpoints: Dict[str, PoolEndpoint] = {}
        self._in_flight = InFlight()
        self.names = Names()
        self._monitor = HealthMonitor(self._look_after, config.health_interval)
        self._closed = False
        renew_in_children(self)

    def __enter__(self) -> "ConnectionPoolManager":
        return self

    def __exit__(self, *_: object) -> None:
        self.close_all()

    def __repr__(self) -> str:
        with self._lock:
            return f"<ConnectionPoolManager {len(self._endpoints)} endpoints, {len(self._in_flight)} in flight>"

    # --- finding ----------------------------------------------------------------------------------------------------

    def get_pool(self, proxy: Optional[str] = None, ca_file: Optional[str] = None) -> Any:
        """The urllib3 ``PoolManager`` (or ``ProxyManager``) for this proxy and these certificates, built at first use.

        :param proxy: ``http://``, ``https://``, ``socks5://`` or ``socks5h://`` URL, or None for a direct connection.
        :raises PoolUnavailableError: urllib3 cannot be imported, or is older than 2.0.
        :raises ConfigError: the proxy or the CA file cannot be used.
        :raises PoolClosedError: after ``close_all``.
        """
        with self._lock:
            self._raise_if_closed()
            manager = self._managers.get((proxy, ca_file))
            if manager is None:
                manager = make_manager(self.endpoint, self.config.num_pools, proxy, ca_file)
                self._managers[proxy, ca_file] = manager
            notice, self._notice = self._notice, ""
        if notice:
            log.warning("%s", notice)
        return manager

    def endpoint_pool(
        self, url: str, proxy: Optional[str] = None, ca_file: Optional[str] = None, provider: str = ""
    ) -> Any:
        """The urllib3 pool for the host of ``url``. It may be evicted by others, so don't keep it.

        :raises ConfigError, PoolUnavailableError, PoolClosedError: as ``get_pool``; also for what is no URL.
        """
        origin = origin_of(url)
        try:
            pool = self.get_pool(proxy, ca_file).pool_for(origin)
        except ValueError as error:
            raise ConfigError(f"{origin} is no address that can be reached: check the base URL.") from error
        self._adapt(pool.endpoint, provider)  # which is a proxy's, for plain http
        return pool

    def endpoint(self, origin: str, provider: str = "") -> PoolEndpoint:
        """What is known about ``scheme://host:port``; made at first mention.

        :param provider: who is asked there; one that needs other settings than the rest has them from here on.
        """
        with self._lock:
            known = self._endpoints.get(origin)
            if known is None:
                known = self._endpoints[origin] = PoolEndpoint(origin, self.config, self._monitor, self.names)
        self._adapt(known, provider)
        return known

    def _adapt(self, endpoint: PoolEndpoint, provider: str) -> None:
        if provider not in PROVIDER_OVERRIDES or endpoint.provider == provider:
            return
        endpoint.provider = provider
        endpoint.reconfigure(self.config)
        for pool in self._pools():
            if pool.endpoint is endpoint:
                pool.reconfigure()

    # --- requests ---------------------------------------------------------------------------------------------------

    def start(self, attempt: Attempt, cancel: CancelToken) -> Any:
        """Watch ``attempt`` for cancels and its deadline; the returned function ends that.

        :raises PoolClosedError: after ``close_all``.
        """
        done = self._in_flight.add(attempt, cancel)
        if self._closed:
            done()
            self._raise_if_closed()
        return done

    def warm_up(
        self,
        url: str,
        proxy: Optional[str] = None,
        ca_file: Optional[str] = None,
        cancel: Optional[CancelToken] = None,
        deadline: Optional[float] = None,
        provider: str = "",
    ) -> None:
        """Open the connection that the next request to ``url`` will use. Sends nothing on it, no key above all.

        :raises TransportError: it could not be opened.
        :raises PoolUnavailableError: there is no pool to warm.
        """
        pool = self.endpoint_pool(url, proxy, ca_file, provider)
        attempt = Attempt(deadline)
        done = self.start(attempt, cancel or CancelToken())
        try:
            with working_on(attempt):
                pool.warm_up(tunnel=urlsplit(url).scheme == "https")
        except expected() as error:
            failure = classify(error, attempt, urlsplit(url).hostname or "")
            if isinstance(failure, TransportError):
                pool.endpoint.failed(failure, timed_out=timed_out(failure, error))
            raise failure from error
        finally:
            attempt.let_go()
            done()

    # --- looking after ----------------------------------------------------------------------------------------------

    def purge(self, reason: str = WOKE_UP) -> None:
        """Retire every idle connection, after a sleep or whatever ``reason`` is, and ask for addresses anew.

        What is in flight goes on.
        """
        self.names.forget()
        for endpoint in self._known_endpoints():
            endpoint.outdate(endpoint.generation, reason)
        for pool in self._pools():
            pool.retire_idle(reason)

    def reconfigure(self, config: PoolConfig) -> None:
        """Hold to other settings from now on; connections and what is in flight go on.

        Timeouts and ages hold for the next request, smaller pools as connections are given back.
        """
        config, notice = within_open_files(config, open_file_limit())
        with self._lock:
            self.config, self._notice = config, notice
            managers = list(self._managers.values())
        self._monitor.interval = config.health_interval
        for manager in managers:
            manager.resize(config.num_pools)
        for endpoint in self._known_endpoints():
            endpoint.reconfigure(config)
        for pool in self._pools():
            pool.reconfigure()

    def renew(self) -> None:
        """In a forked process: nothing in flight and no connections; those of the parent stay open for the parent."""
        self._lock = threading.Lock()
        inherited, self._in_flight = self._in_flight, InFlight()
        managers, self._managers = self._managers, {}
        self._endpoints = {}
        self.names = Names()
        self._monitor = HealthMonitor(self._look_after, self.config.health_interval)
        inherited.abandon()
        for manager in managers.values():
            manager.abandon()

    def cancel(self) -> None:
        """Wake every request at once, wherever it waits; each ends with ``CancelledError``."""
        self._in_flight.interrupt_all(CancelledError("Cancelled."))

    def close_all(self, deadline: float = 1.0) -> bool:
        """Refuse new requests, wake those in flight, close every connection.

        :param deadline: seconds to wait for the requests in flight to end.
        :returns: True when nothing was left in flight.
        """
        with self._lock:
            self._closed = True
            managers = list(self._managers.values())
        began = time.monotonic()
        for endpoint in self._known_endpoints():
            endpoint.gate.close()
        self._in_flight.interrupt_all(PoolClosedError("The connection pool is closed."))
        idle = self._in_flight.close(max(0.0, deadline - (time.monotonic() - began)))
        self._monitor.close(max(0.1, deadline - (time.monotonic() - began)))
        for manager in managers:
            for pool in manager.each_pool():
                pool.close()
            manager.clear()
        return idle

    def stats(self) -> Dict[str, EndpointSnapshot]:
        """The figures of each endpoint, by ``scheme://host:port``."""
        idle: Dict[str, int] = {}
        for pool in self._pools():
            idle[pool.endpoint.origin] = idle.get(pool.endpoint.origin, 0) + pool.count_idle()
        return {
            endpoint.origin: endpoint.stats.snapshot(
                active=endpoint.gate.in_flight,
                idle=idle.get(endpoint.origin, 0),
                waiting=endpoint.gate.waiting,
                utilisation=utilisation(endpoint.gate.in_flight, endpoint.config.maxsize),
                failing=endpoint.health.failing,
            )
            for endpoint in self._known_endpoints()
        }

    def _look_after(self) -> int:
        """Retire idle connections that would not be used again, and warn of what is too much; how many are left."""
        for endpoint in self._known_endpoints():
            endpoint.watch()
        return sum(pool.retire_stale() for pool in self._pools())

    def _known_endpoints(self) -> List[PoolEndpoint]:
        with self._lock:
            return list(self._endpoints.values())

    def _pools(self) -> List[Any]:
        with self._lock:
            managers = list(self._managers.values())
        return [pool for manager in managers for pool in manager.each_pool()]

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise PoolClosedError("The connection pool is closed.")


#: The pool that everything in this process shares unless it is given another.
connection_pool_manager = ConnectionPoolManager()
