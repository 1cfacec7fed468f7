"""urllib3's pool and connection classes with stamps, age limits and a handle for cancelling.

Only seams that urllib3 has kept since 1.26 are overridden (``_get_conn``, ``_put_conn``, ``_new_conn``, ``connect``,
``close``, ``is_connected``, ``_new_pool``), as mixins, because the SOCKS manager brings classes of its own.
This is the only module that subclasses urllib3; it is imported when the first pool is built.
"""

import contextlib
import queue
import random
import socket
import ssl
import time
from typing import Any, Callable, Dict, Optional

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from core.inflight import current_attempt
from core.pool_endpoint import PoolEndpoint
from core.sockets import open_socket, socket_options


class _Stamped:
    """A connection that knows its age and its use."""

    endpoint: PoolEndpoint
    sock: Any
    generation = 0
    _born = 0.0
    _age_limit = 0.0
    _used = 0.0
    _used_wall = 0.0

    def connect(self) -> None:
        attempt = current_attempt()
        began = time.monotonic()
        super().connect()  # type: ignore[misc]
        self._born = time.monotonic()
        config = self.endpoint.config
        self._age_limit = config.max_age * (1.0 - config.age_jitter * random.random())
        self.endpoint.stats.opened(self._born - began)
        self.stamp()
        if attempt is not None:
            attempt.established(self.sock, reused=False)

    def stamp(self) -> None:
        """It was used just now, so it belongs to the present generation."""
        self._used = time.monotonic()
        self._used_wall = time.time()
        self.generation = self.endpoint.generation

    def stale_reason(self) -> Optional[str]:
        """Why this idle connection should not be used any more, or None."""
        config = self.endpoint.config
        now = time.monotonic()
        if self.generation != self.endpoint.generation:
            return self.endpoint.purge_reason
        if now - self._born > self._age_limit:
            return "max_age"
        # The monotonic clock stands still while a machine sleeps; the wall clock may be set back.
        if max(now - self._used, time.time() - self._used_wall) > config.max_idle:
            return "max_idle"
        return None

    def retire(self, reason: str) -> None:
        self.endpoint.stats.recycled(reason)
        self.close()  # type: ignore[attr-defined]

    @property
    def is_connected(self) -> bool:
        if super().is_connected:  # type: ignore[misc]
            return True
        return self.sock is not None and _only_session_tickets(self.sock)


def _only_session_tickets(sock: Any) -> bool:
    """Whether a readable idle socket holds nothing but TLS 1.3 session tickets, which come after the handshake.

    They make the socket readable, which urllib3 takes for a connection that was dropped.
    """
    if not isinstance(sock, ssl.SSLSocket):
        return False
    timeout = sock.gettimeout()
    try:
        sock.settimeout(0)
        sock.recv(1)
    except (ssl.SSLWantReadError, BlockingIOError):
        return True
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            sock.settimeout(timeout)
    return False  # an end of stream, or data nobody asked for


class _OwnSocket:
    """Opens the socket itself, so that a cancel reaches a connection that is still being made."""

    endpoint: PoolEndpoint

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        attempt = current_attempt()
        host = connection._dns_host.strip("[]")
        try:
            sock = open_socket(host, connection.port, connection.timeout, socket_options(self.endpoint.config), attempt)
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except socket.timeout as error:
            raise ConnectTimeoutError(connection, f"{connection.host}: {error}") from error
        except OSError as error:
            raise NewConnectionError(connection, f"{connection.host}: {error}") from error
        if attempt is not None:
            attempt.hold_through_handshake(sock)
        return sock


class StampedHTTPConnection(_Stamped, _OwnSocket, HTTPConnection):
    """Plain HTTP."""


class StampedHTTPSConnection(_Stamped, _OwnSocket, HTTPSConnection):
    """HTTP over TLS."""


class _CheckedPool:
    """Hands out a connection only if it is young, recently used, of this generation and not dropped by its peer."""

    endpoint: PoolEndpoint
    pool: Any

    def _new_conn(self) -> Any:
        connection = super()._new_conn()  # type: ignore[misc]
        connection.endpoint = self.endpoint
        return connection

    def _get_conn(self, timeout: Optional[float] = None) -> Any:
        attempt = current_attempt()
        connection = self._new_conn() if attempt is not None and attempt.fresh else self._usable(timeout)
        reused = connection.sock is not None
        self.endpoint.stats.checked_out(reused=reused)
        if attempt is not None and reused:
            attempt.established(connection.sock, reused=True)
        return connection

    def _usable(self, timeout: Optional[float]) -> Any:
        while True:
            connection = super()._get_conn(timeout)  # type: ignore[misc]
            if connection.sock is None:
                if connection._born:
                    self.endpoint.stats.recycled("dropped")
                    connection._born = 0.0
                return connection
            reason = connection.stale_reason()
            if reason is None:
                return connection
            connection.retire(reason)
            # What lies deeper was used longer ago, but it may be younger: go on looking.

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            if conn.sock is None:
                conn._born = 0.0  # closed on purpose, by us or with a "Connection: close"; nothing was dropped
            else:
                conn.stamp()
        super()._put_conn(conn)  # type: ignore[misc]

    def retire_idle(self, reason: str) -> None:
        """Close what waits in the pool now."""
        waiting = self.pool
        while waiting is not None:
            try:
                connection = waiting.get(block=False)
            except queue.Empty:
                return
            if connection is not None and connection.sock is not None:
                connection.retire(reason)

    def count_idle(self) -> int:
        waiting = self.pool
        if waiting is None:
            return 0
        with waiting.mutex:
            return sum(1 for connection in waiting.queue if connection is not None and connection.sock is not None)

    def warm_up(self) -> None:
        """Have one connection open and waiting on top of the pool."""
        pool: Any = self
        connection = self._usable(None)
        try:
            if connection.is_closed:
                connection.timeout = self.endpoint.config.connect_timeout
                if pool.proxy is not None and pool.scheme == "https":
                    pool._prepare_proxy(connection)
                if connection.is_closed:
                    connection.connect()
        except BaseException:
            connection.close()
            raise
        self._put_conn(connection)


class CheckedHTTPPool(_CheckedPool, HTTPConnectionPool):
    """Connections to one plain endpoint."""

    ConnectionCls = StampedHTTPConnection


class CheckedHTTPSPool(_CheckedPool, HTTPSConnectionPool):
    """Connections to one TLS endpoint."""

    ConnectionCls = StampedHTTPSConnection


class _EndpointPools:
    """A pool manager whose pools know what is configured and counted for their endpoint."""

    find_endpoint: Callable[[str], PoolEndpoint]
    pools: Any

    def _new_pool(self, scheme: str, host: str, port: int, request_context: Optional[Dict[str, Any]] = None) -> Any:
        endpoint = self.find_endpoint(f"{scheme}://{host}:{port}")
        context = dict(request_context or self.connection_pool_kw)  # type: ignore[attr-defined]
        context["maxsize"] = endpoint.config.maxsize
        pool = super()._new_pool(scheme, host, port, context)  # type: ignore[misc]
        pool.endpoint = endpoint
        return pool

    def each_pool(self) -> Any:
        """The pools that exist now."""
        for key in list(self.pools.keys()):
            pool = self.pools.get(key)
            if pool is not None:
                yield pool


class CheckedPoolManager(_EndpointPools, urllib3.PoolManager):
    """Direct connections."""


class CheckedProxyManager(_EndpointPools, urllib3.ProxyManager):
    """Connections through an http(s) proxy."""


_POOL_CLASSES = {"http": CheckedHTTPPool, "https": CheckedHTTPSPool}


def make_manager(
    find_endpoint: Callable[[str], PoolEndpoint], num_pools: int, context: ssl.SSLContext, proxy: Optional[str]
) -> Any:
    """A pool manager for one proxy (or none) and one TLS context.

    :raises ImportError: a SOCKS proxy was asked for and PySocks is not there.
    """
    settings: Dict[str, Any] = {"num_pools": num_pools, "ssl_context": context, "retries": False, "block": False}
    manager: Any
    if proxy is None:
        manager = CheckedPoolManager(**settings)
    elif proxy.startswith("socks"):
        from core import pool_socks

        return pool_socks.make_manager(find_endpoint, proxy, settings)
    else:
        url = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=url.auth) if url.auth else None
        bare = url._replace(auth=None).url
        manager = CheckedProxyManager(bare, proxy_headers=headers, proxy_ssl_context=context, **settings)
    # A dictionary of its own: the class attribute is shared by every pool manager of the process.
    manager.pool_classes_by_scheme = _POOL_CLASSES
    manager.find_endpoint = find_endpoint
    return manager
