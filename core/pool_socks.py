"""The same pools through a SOCKS proxy, on urllib3's own SOCKS support (which needs PySocks)."""

import errno
import socket
from typing import Any, Callable, Dict
from urllib.parse import unquote

import socks  # first: without it urllib3 would print a warning of its own before it fails
from urllib3.contrib.socks import (
    SOCKSConnection,
    SOCKSHTTPConnectionPool,
    SOCKSHTTPSConnection,
    SOCKSHTTPSConnectionPool,
    SOCKSProxyManager,
)
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import parse_url

from core.attempt import Attempt, current_attempt
from core.checked_pool import CheckedPool
from core.pool_connections import Stamped
from core.pool_endpoint import PoolEndpoint
from core.pool_managers import EndpointPools
from core.sockets import open_socket


class _AlreadyConnected(socket.socket):
    """Comes after PySocks's class where methods are looked for, in place of the connect to the proxy."""

    def connect(self, address: object) -> None:
        """Nothing: ``core.sockets`` did it."""


class _Handshake(socks.socksocket, _AlreadyConnected):  # type: ignore[misc]
    """PySocks's socket, for a connection to a proxy that stands: its ``connect`` is the handshake alone."""


class _ProxiedSocket:
    """Opens the socket to the proxy itself and leaves PySocks the handshake, so that a cancel reaches all of it."""

    endpoint: PoolEndpoint

    def _new_conn(self) -> Any:
        connection: Any = self
        attempt = current_attempt() or Attempt()
        try:
            target = self._target(attempt)
            attempt.asking_proxy = True
            sock = self._connect_to_proxy(target, attempt)
        except socket.timeout as error:
            raise ConnectTimeoutError(connection, f"{connection.host}: {error}") from error
        except OSError as error:
            raise NewConnectionError(connection, f"{connection.host}: {error}") from error
        attempt.asking_proxy = False
        return sock

    def _target(self, attempt: Attempt) -> str:
        """What the proxy is asked for: the host's name if it looks names up, or else its address."""
        connection: Any = self
        options, host = connection._socks_options, connection.host.strip("[]")
        if options["rdns"]:
            return str(host)
        config, names = self.endpoint.config, self.endpoint.names
        only_ipv4 = options["socks_version"] == socks.SOCKS4
        for found in names.look_up(host, connection.port, connection.timeout, config.dns_ttl, attempt):
            if found[0] == socket.AF_INET or not only_ipv4:
                return str(found[4][0])
        raise OSError(errno.EAFNOSUPPORT, "it has no address for the proxy, which may know only IPv4")

    def _connect_to_proxy(self, target: str, attempt: Attempt) -> Any:
        connection: Any = self
        options, timeout = connection._socks_options, connection.timeout
        version, proxy = options["socks_version"], options["proxy_host"].strip("[]")
        port = options["proxy_port"] or socks.DEFAULT_PORTS[version]
        opened = open_socket(proxy, port, timeout, self.endpoint, attempt)
        connection.accepted()
        if attempt is current_attempt():  # who lets go of it afterwards
            attempt.hold_through_handshake(opened)
        sock = _Handshake(opened.family, opened.type, opened.proto, opened.detach())
        try:
            sock.settimeout(timeout)
            sock.set_proxy(version, proxy, port, options["rdns"], options["username"], options["password"])
            sock.connect((target, connection.port))
        except BaseException:
            sock.close()
            raise
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
