"""urllib3's connections with stamps, age limits and a handle for cancelling.

Only seams that urllib3 has kept since 1.26 are overridden (``_new_conn``, ``connect``, ``is_connected``), as mixins,
because SOCKS connections have classes of their own. Imported when the first pool is built.
"""

import contextlib
import random
import socket
import ssl
import time
from typing import Any, Optional

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from core.attempt import Attempt, current_attempt
from core.final_response import FinalResponse
from core.pool_endpoint import PoolEndpoint
from core.pool_stats import CANCELLED, DROPPED, ENDED, FAILED, MAX_AGE, MAX_IDLE, POOL_CLOSED
from core.sockets import open_socket


class Stamped:
    """A connection that knows its age and its use.

    :ivar holder: the attempt that would shut it down when interrupted; None while it waits in the pool.
    """

    response_class: Any = FinalResponse

    endpoint: PoolEndpoint
    sock: Any
    holder: Optional[Attempt] = None
    generation = 0
    _born = 0.0
    _age_limit = 0.0
    _used = 0.0
    _used_wall = 0.0
    _counted = False  # as opened, and not yet as closed
    _retired = ""
    _head: Optional[bytes] = None  # of a request that is being put together; held back until there is a body

    def connect(self) -> None:
        attempt = current_attempt()
        began = time.monotonic()
        super().connect()  # type: ignore[misc]
        self._born = time.monotonic()
        config = self.endpoint.config
        self._age_limit = config.max_age * (1.0 - config.age_jitter * random.random())
        self.endpoint.stats.ready(self._born - began)
        self.stamp()
        if attempt is not None:
            attempt.established(self.sock, self.generation, reused=False)

    def request(self, *args: Any, **kwargs: Any) -> None:
        """As urllib3's, but head and body leave in one piece: one packet less, and one wake-up less at either end."""
        self._head = b""
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        finally:
            head, self._head = self._head, None
        if head:
            self.send(head)  # no body came after it

    def send(self, data: Any) -> None:
        if self._head == b"":
            self._head = data
            return
        if self._head is not None:
            data, self._head = self._head + data, None
        super().send(data)  # type: ignore[misc]

    def _tunnel(self) -> None:
        attempt = current_attempt() or Attempt()
        attempt.asking_proxy = True
        super()._tunnel()  # type: ignore[misc]
        attempt.asking_proxy = False

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
            return MAX_AGE
        # The monotonic clock stands still while a machine sleeps; the wall clock may be set back.
        if max(now - self._used, time.time() - self._used_wall) > config.max_idle:
            return MAX_IDLE
        return None

    def accepted(self, *, counted: bool = True) -> None:
        """Its peer accepted it, and the endpoint has ``counted`` it as open."""
        self._counted = counted
        self._retired = ""

    def retire(self, reason: str) -> None:
        self.endpoint.stats.recycled(reason)
        self._retired = reason
        self.close()

    def close(self) -> None:
        if self._counted:
            self._counted = False
            self.endpoint.stats.closed(self._retired or self._end())
        super().close()  # type: ignore[misc]

    def _end(self) -> str:
        """Why it is being closed, if it was not retired: by whom, and when, tells."""
        if self.holder is None:  # by urllib3: it lies in the pool
            return POOL_CLOSED if self.is_connected else DROPPED
        if self.holder.interrupted:
            return CANCELLED
        return ENDED if self.holder.answered else FAILED

    @property
    def is_connected(self) -> bool:
        if super().is_connected:  # type: ignore[misc]
            return True
        return self.sock is not None and _only_session_tickets(self.sock)


def _only_session_tickets(sock: Any) -> bool:
    """Whether a readable idle socket holds nothing but TLS 1.3 session tickets, which come after the handshake.

    They make the socket readable, which urllib3 takes for a connection that was dropped.
    """
    if not hasattr(sock, "version"):  # neither an SSLSocket nor urllib3's TLS inside TLS
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
            sock = open_socket(host, connection.port, connection.timeout, self.endpoint, attempt or Attempt())
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except socket.timeout as error:
            raise ConnectTimeoutError(connection, f"{connection.host}: {error}") from error
        except OSError as error:
            raise NewConnectionError(connection, f"{connection.host}: {error}") from error
        connection.accepted()
        if attempt is not None:
            attempt.hold_through_handshake(sock)
        return sock


class StampedHTTPConnection(Stamped, _OwnSocket, HTTPConnection):
    """Plain HTTP."""


class StampedHTTPSConnection(Stamped, _OwnSocket, HTTPSConnection):
    """HTTP over TLS."""
