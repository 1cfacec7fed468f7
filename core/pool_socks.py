"""The same pools through a SOCKS proxy, on urllib3's own SOCKS support (which needs PySocks)."""

from typing import Any, Callable, Dict
from urllib.parse import unquote

import socks  # noqa: F401  first: without it urllib3 would print a warning of its own before it fails
from urllib3.contrib.socks import (
    SOCKSConnection,
    SOCKSHTTPConnectionPool,
    SOCKSHTTPSConnection,
    SOCKSHTTPSConnectionPool,
    SOCKSProxyManager,
)
from urllib3.util import parse_url

from core.attempt import current_attempt
from core.checked_pool import CheckedPool
from core.pool_connections import Stamped
from core.pool_endpoint import PoolEndpoint
from core.pool_managers import EndpointPools
from core.sockets import set_options


class _ProxiedSocket:
    """Takes the socket over from PySocks: a cancel reaches it from there on, and before that the connect timeout."""

    endpoint: PoolEndpoint

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        self.endpoint.stats.opened()
        self.accepted()  # type: ignore[attr-defined]
        try:
            set_options(sock, self.endpoint.config)
        except OSError:  # its peer has left already
            sock.close()
            raise
        attempt = current_attempt()
        if attempt is not None:
            attempt.hold_through_handshake(sock)
        return sock


class StampedSOCKSConnection(Stamped, _ProxiedSocket, SOCKSConnection):
    """Plain HTTP."""


class StampedSOCKSHTTPSConnection(Stamped, _ProxiedSocket, SOCKSHTTPSConnection):
    """HTTP over TLS."""


class CheckedSOCKSPool(CheckedPool, SOCKSHTTPConnectionPool):
    """Connections to one plain endpoint."""

    ConnectionCls = StampedSOCKSConnection


class CheckedSOCKSHTTPSPool(CheckedPool, SOCKSHTTPSConnectionPool):
    """Connections to one TLS endpoint."""

    ConnectionCls = StampedSOCKSHTTPSConnection


class CheckedSOCKSManager(EndpointPools, SOCKSProxyManager):
    """Connections through a SOCKS proxy."""


def make_manager(find_endpoint: Callable[[str], PoolEndpoint], proxy: str, settings: Dict[str, Any]) -> Any:
    """A pool manager for ``proxy`` (``socks5h://host:port`` looks names up at the proxy)."""
    name, _, password = (parse_url(proxy).auth or "").partition(":")
    manager: Any = CheckedSOCKSManager(
        find_endpoint, proxy, unquote(name) or None, unquote(password) or None, **settings
    )
    manager.pool_classes_by_scheme = {"http": CheckedSOCKSPool, "https": CheckedSOCKSHTTPSPool}
    return manager
