"""The same pools through a SOCKS proxy, on urllib3's own SOCKS support (which needs PySocks)."""

from typing import Any, Callable, Dict

from urllib3.contrib.socks import (
    SOCKSConnection,
    SOCKSHTTPConnectionPool,
    SOCKSHTTPSConnection,
    SOCKSHTTPSConnectionPool,
    SOCKSProxyManager,
)

from core.pool_classes import _CheckedPool, _EndpointPools, _Stamped
from core.pool_endpoint import PoolEndpoint


class StampedSOCKSConnection(_Stamped, SOCKSConnection):
    """Plain HTTP; a cancel reaches it once the proxy has answered, or at the connect timeout."""


class StampedSOCKSHTTPSConnection(_Stamped, SOCKSHTTPSConnection):
    """HTTP over TLS; a cancel reaches it once the proxy has answered, or at the connect timeout."""


class CheckedSOCKSPool(_CheckedPool, SOCKSHTTPConnectionPool):
    """Connections to one plain endpoint."""

    ConnectionCls = StampedSOCKSConnection


class CheckedSOCKSHTTPSPool(_CheckedPool, SOCKSHTTPSConnectionPool):
    """Connections to one TLS endpoint."""

    ConnectionCls = StampedSOCKSHTTPSConnection


class CheckedSOCKSManager(_EndpointPools, SOCKSProxyManager):
    """Connections through a SOCKS proxy."""


def make_manager(find_endpoint: Callable[[str], PoolEndpoint], proxy: str, settings: Dict[str, Any]) -> Any:
    """A pool manager for ``proxy`` (``socks5h://host:port`` looks names up at the proxy)."""
    manager: Any = CheckedSOCKSManager(proxy, **settings)
    manager.pool_classes_by_scheme = {"http": CheckedSOCKSPool, "https": CheckedSOCKSHTTPSPool}
    manager.find_endpoint = find_endpoint
    return manager
