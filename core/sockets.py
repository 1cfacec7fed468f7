"""Opening TCP sockets: keepalive options, and a connect that another thread can end.

Shared by the pool and by the fallback, so it needs the standard library only. Names are looked up by ``core.names``.
"""

import contextlib
import errno
import os
import selectors
import socket
import time

from core.attempt import Attempt
from core.config import PoolConfig
from core.pool_endpoint import PoolEndpoint
from core.pool_stats import CANCELLED

# 10035 is WSAEWOULDBLOCK, what Windows says while it connects.
_CONNECTING = (errno.EINPROGRESS, errno.EWOULDBLOCK, 10035)

# Linux wakes a select at once when the connecting socket is shut down; not every system does.
_STEP = 0.1


def set_options(sock: socket.socket, config: PoolConfig) -> None:
    """Have a dead peer found: keepalive notices it on an idle socket, the user timeout while data is on its way.

    Either alone leaves the other case to the read timeout (measured: docs/design.md, "Dead peers").
    """
    wanted = [
        ("TCP_KEEPIDLE", config.keepalive_idle),
        ("TCP_KEEPALIVE", config.keepalive_idle),  # the name macOS has for it
        ("TCP_KEEPINTVL", config.keepalive_interval),
        ("TCP_KEEPCNT", config.keepalive_count),
        ("TCP_USER_TIMEOUT", int(config.user_timeout * 1000)),
    ]
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in wanted:
        # Not every system has each of them, and some that know the name refuse it: no reason not to connect.
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def open_socket(host: str, port: int, timeout: float, endpoint: PoolEndpoint, attempt: Attempt) -> socket.socket:
    """Connect to the first address of ``host`` that accepts within ``timeout`` seconds (each); ``endpoint`` counts it.

    ``attempt`` holds what is waited for, so that interrupting it ends the wait; its deadline counts too.

    :raises socket.gaierror: the name has no address, or the resolver did not answer within ``timeout``.
    :raises OSError: no address accepted; the error is that of the last one tried.
    :raises SubAIError: why ``attempt`` must not go on.
    """
    config, names = endpoint.config, endpoint.names
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in names.look_up(host, port, timeout, config.dns_ttl, attempt):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # an address family that this machine does not have
            failure = error
            continue
        try:
            set_options(sock, config)
            _connect(sock, address, timeout, attempt)
            endpoint.stats.opened()
        except OSError as error:
            failure = error
            sock.close()
            names.refused(host, port, address)
        except BaseException:
            sock.close()
            raise
        else:
            ended = attempt.ended()
            if ended is not None:
                endpoint.stats.closed(CANCELLED)
                sock.close()
                raise ended
            sock.settimeout(timeout)
            return sock
    raise failure


def _connect(sock: socket.socket, address: object, timeout: float, attempt: Attempt) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)  # type: ignore[arg-type]
    if code in _CONNECTING:
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_WRITE)
            if not selector.select(0):
                _wait_for_peer(sock, selector, timeout, attempt)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        attempt.check()  # it may have been shut down while it was connecting
        raise OSError(code, os.strerror(code))


def _wait_for_peer(sock: socket.socket, selector: selectors.BaseSelector, timeout: float, attempt: Attempt) -> None:
    # Only now: shutting down a socket that has not begun to connect would be forgotten by the connect.
    attempt.hold(sock)
    expiry = time.monotonic() + timeout
    while not selector.select(_STEP):
        attempt.check()
        if time.monotonic() >= expiry:
            raise socket.timeout(f"no answer to the connect within {timeout:g} s")
