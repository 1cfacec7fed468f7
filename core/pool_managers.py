"""urllib3's pool managers, with pools (``core.checked_pool``) that know what is configured for their endpoint.

Only a seam that urllib3 has kept since 1.26 is overridden (``_new_pool``), as a mixin, because the SOCKS manager is a
class of its own. Imported when the first pool is built.
"""

import ssl
import weakref
from typing import Any, Callable, Dict, Iterator, Optional
from urllib.parse import unquote

import urllib3

from core import events
from core.checked_pool import CheckedHTTPPool, CheckedHTTPSPool, CheckedPool, timeout_of
from core.pool_endpoint import PoolEndpoint


class EndpointPools:
    """A pool manager whose pools know what is configured and counted for their endpoint."""

    pools: Any

    def __init__(self, find_endpoint: Callable[[str], PoolEndpoint], *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.pools.dispose_func = CheckedPool.evict
        self._find_endpoint = find_endpoint
        self._keys: Dict[str, Any] = {}

    def pool_for(self, origin: str) -> Any:
        """``connection_from_url``, without working the key out each time, which costs more than all our checks."""
        pool = self.pools.get(self._keys.get(origin))
        if pool is None:
            pool = self.connection_from_url(origin)  # type: ignore[attr-defined]
            self._keys[origin] = pool.key
        return pool

    def _new_pool(self, scheme: str, host: str, port: int, request_context: Optional[Dict[str, Any]] = None) -> Any:
        endpoint = self._find_endpoint(f"{scheme}://{host}:{port}")
        context = dict(request_context or {})
        key = self.key_fn_by_scheme[scheme](context)  # type: ignore[attr-defined]
        config = endpoint.config
        context["maxsize"] = config.maxsize
        context["timeout"] = timeout_of(config)
        pool = super()._new_pool(scheme, host, port, context)  # type: ignore[misc]
        pool.endpoint = endpoint
        pool.key = key
        events.record(events.CONNECTION_POOL_CREATED, {"endpoint": endpoint.origin, "maxsize": config.maxsize})
        pool.given_up = weakref.finalize(
            pool, events.record, events.CONNECTION_POOL_CLOSED, {"endpoint": endpoint.origin}
        )
        pool.given_up.atexit = False
        return pool

    def resize(self, num_pools: int) -> None:
        """Keep so many pools; those that were used longest ago go first."""
        surplus = []
        with self.pools.lock:
            self.pools._maxsize = num_pools
            while len(self.pools._container) > num_pools:
                surplus.append(self.pools._container.popitem(last=False)[1])
        for pool in surplus:
            pool.evict()

    def abandon(self) -> None:
        """In a forked process: have nothing of the parent's. Its lock may be held by a thread that is not here."""
        for pool in list(self.pools._container.values()):
            pool.abandon()

    def each_pool(self) -> Iterator[Any]:
        """The pools that exist now."""
        for key in list(self.pools.keys()):
            pool = self.pools.get(key)
            if pool is not None:
                yield pool


class CheckedPoolManager(EndpointPools, urllib3.PoolManager):
    """Direct connections."""


class CheckedProxyManager(EndpointPools, urllib3.ProxyManager):
    """Connections through an http(s) proxy."""


_POOL_CLASSES = {"http": CheckedHTTPPool, "https": CheckedHTTPSPool}


def make_manager(
    find_endpoint: Callable[[str], PoolEndpoint], num_pools: int, context: ssl.SSLContext, proxy: Optional[str]
) -> Any:
    """A pool manager for one proxy (or none) and one TLS context.

    :raises ValueError, urllib3.exceptions.HTTPError: ``proxy`` is no address.
    :raises ImportError: a SOCKS proxy was asked for and PySocks is not there.
    """
    settings: Dict[str, Any] = {"num_pools": num_pools, "ssl_context": context, "retries": False, "block": False}
    manager: Any
    if proxy is not None and not urllib3.util.parse_url(proxy).host:
        raise ValueError("a proxy without a host")
    if proxy is None:
        manager = CheckedPoolManager(find_endpoint, **settings)
    elif proxy.startswith("socks"):
        from core import pool_socks

        return pool_socks.make_manager(find_endpoint, proxy, settings)
    else:
        url = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=unquote(url.auth)) if url.auth else None
        bare = url._replace(auth=None).url
        manager = CheckedProxyManager(find_endpoint, bare, proxy_headers=headers, proxy_ssl_context=context, **settings)
    # A dictionary of its own: the class attribute is shared by every pool manager of the process.
    manager.pool_classes_by_scheme = _POOL_CLASSES
    return manager
