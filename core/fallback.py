"""One request over ``urllib.request``, for when the pool cannot be had: same answers, same errors, no reuse.

Redirects and the environment's proxies are off, TLS is verified, and a cancel reaches it like any pooled request.
"""

import base64
import contextlib
import http.client
import socket
import ssl
import time
import urllib.request
from typing import Any, Dict, Optional
from urllib.parse import SplitResult, unquote, urlsplit

from core.attempt import Attempt
from core.errors import ConfigError
from core.final_response import FinalResponse
from core.pool_endpoint import PoolEndpoint
from core.pool_stats import ENDED, FAILED
from core.sockets import open_socket


class _Connection(http.client.HTTPConnection):
    """Opens its socket under the attempt's eye."""

    response_class = FinalResponse

    def __init__(
        self, host: str, *, attempt: Attempt, endpoint: PoolEndpoint, tls: Optional[ssl.SSLContext], **rest: Any
    ) -> None:
        super().__init__(host, **rest)
        self._attempt = attempt
        self._endpoint = endpoint
        self._tls = tls

    def connect(self) -> None:
        began = time.monotonic()
        config = self._endpoint.config
        self.sock = open_socket(self.host, self.port, config.connect_timeout, self._endpoint, self._attempt)
        try:
            self._make_ready(self.sock)
        except BaseException:
            self._endpoint.stats.closed(FAILED)
            raise
        self._endpoint.stats.ready(time.monotonic() - began)
        self._attempt.established(self.sock, 0, reused=False)
        self._attempt.set_timeout(config.first_byte_timeout)

    def _make_ready(self, sock: socket.socket) -> None:
        self._attempt.hold_through_handshake(sock)
        tunnel: Optional[str] = getattr(self, "_tunnel_host", None)
        if tunnel:
            self._go_through_tunnel(sock)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(sock, server_hostname=tunnel or self.host)

    def _go_through_tunnel(self, sock: socket.socket) -> None:
        self._attempt.asking_proxy = True
        try:
            self._tunnel()  # type: ignore[attr-defined]
            self._attempt.asking_proxy = False
        except BaseException:
            # Before Python 3.11.4 the proxy's answer is left open, and keeps the socket open with it.
            with contextlib.suppress(OSError):
                socket.close(sock.detach())
            raise


class _Handler(urllib.request.AbstractHTTPHandler):
    """Opens http and https with the connection above, the second one verified by our own context."""

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def __init__(self, attempt: Attempt, endpoint: PoolEndpoint, tls: ssl.SSLContext) -> None:
        super().__init__()
        self._settings: Dict[str, Any] = {"attempt": attempt, "endpoint": endpoint}
        self._tls = tls

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_Connection, request, tls=None, **self._settings)  # type: ignore[arg-type]

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_Connection, request, tls=self._tls, **self._settings)  # type: ignore[arg-type]


class Answer:
    """An answer that knows where its body ends: ``http.client`` neither stops there nor tells when it was cut.

    :ivar length_remaining: bytes of the body that are still to come, or None if it ends where it ends.
    """

    def __init__(self, answer: http.client.HTTPResponse, endpoint: PoolEndpoint) -> None:
        self._endpoint = endpoint
        self.status = answer.status
        self.headers = answer.headers
        self._answer = answer
        self.length_remaining = answer.length

    def read1(self, amount: int) -> bytes:
        """:raises http.client.IncompleteRead: the connection ended before the body did."""
        chunk = self._answer.read1(amount)
        if self.length_remaining is not None:
            if not chunk:
                raise http.client.IncompleteRead(b"", self.length_remaining)
            self.length_remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        if not self._answer.closed:
            self._endpoint.stats.closed(ENDED)
        self._answer.close()

    def release_conn(self) -> None:
        """As urllib3's answers do; but there is no pool to give the connection back to."""
        self.close()


def open_answer(
    method: str,
    url: str,
    headers: Dict[str, str],
    body: Optional[bytes],
    *,
    attempt: Attempt,
    endpoint: PoolEndpoint,
    tls: ssl.SSLContext,
    proxy: Optional[str],
) -> Answer:
    """The answer once its headers are in, whatever its status.

    :raises ConfigError: only the pool can use this proxy.
    :raises OSError, http.client.HTTPException: the network's failures, for ``core.failures`` to sort.
    """
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    if proxy:
        _go_through(request, urlsplit(proxy))
    opener = urllib.request.OpenerDirector()  # bare: no redirects, no error handling, no environment
    opener.add_handler(_Handler(attempt, endpoint, tls))
    endpoint.stats.checked_out(reused=False)
    try:
        answer: http.client.HTTPResponse = opener.open(request, timeout=endpoint.config.connect_timeout)
    except BaseException:
        if attempt.connected:
            endpoint.stats.closed(FAILED)
        raise
    return Answer(answer, endpoint)


def _go_through(request: urllib.request.Request, proxy: SplitResult) -> None:
    # Not urllib's ProxyHandler: it asks the environment which hosts to leave out.
    tunnel = request.type == "https"
    if proxy.scheme not in ("http", "https") or not proxy.hostname or (tunnel and proxy.scheme == "https"):
        raise ConfigError("Without urllib3 only a proxy like http://host:port works.")
    login, _, address = proxy.netloc.rpartition("@")
    request.set_proxy(address, proxy.scheme)
    if login:
        words = base64.b64encode(unquote(login).encode()).decode("ascii")
        request.add_unredirected_header("Proxy-authorization", f"Basic {words}")
