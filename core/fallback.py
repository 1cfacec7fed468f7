"""One request over ``urllib.request``, for when the pool cannot be had: same answers, same errors, no reuse.

Redirects and the environment's proxies are off, TLS is verified, and a cancel reaches it like any pooled request.
"""

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any, Dict, Optional

from core.config import PoolConfig
from core.errors import ConfigError
from core.inflight import Attempt
from core.sockets import open_socket, socket_options


class _Connection(http.client.HTTPConnection):
    """Opens its socket under the attempt's eye."""

    def __init__(self, host: str, *, attempt: Attempt, config: PoolConfig, tls: Optional[ssl.SSLContext], **rest: Any):
        super().__init__(host, **rest)
        self._attempt = attempt
        self._config = config
        self._tls = tls

    def connect(self) -> None:
        config, name = self._config, self.host.strip("[]")
        self.sock = open_socket(name, self.port, config.connect_timeout, socket_options(config), self._attempt)
        self._attempt.hold_through_handshake(self.sock)
        tunnel: Optional[str] = getattr(self, "_tunnel_host", None)
        if tunnel:
            self._tunnel()  # type: ignore[attr-defined]
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=tunnel or name)
        self._attempt.established(self.sock, reused=False)
        self._attempt.set_timeout(config.first_byte_timeout)


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens http and https with the connection above, the second one verified by our own context."""

    def __init__(self, attempt: Attempt, config: PoolConfig, tls: ssl.SSLContext) -> None:
        super().__init__()
        self._settings: Dict[str, Any] = {"attempt": attempt, "config": config}
        self._tls = tls

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_Connection, req, tls=None, **self._settings)  # type: ignore[arg-type]

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_Connection, req, tls=self._tls, **self._settings)  # type: ignore[arg-type]


def open_answer(
    method: str,
    url: str,
    headers: Dict[str, str],
    body: Optional[bytes],
    *,
    attempt: Attempt,
    config: PoolConfig,
    tls: ssl.SSLContext,
    proxy: Optional[str],
) -> http.client.HTTPResponse:
    """The answer once its headers are in, whatever its status.

    :raises ConfigError: the proxy speaks SOCKS, which only the pool can.
    :raises OSError, http.client.HTTPException: the network's failures, for ``core.failures`` to sort.
    """
    if proxy and not proxy.startswith("http"):
        raise ConfigError("A SOCKS proxy needs urllib3 and PySocks; without them only an http(s) proxy works.")
    opener = urllib.request.OpenerDirector()  # bare: no redirects, no error handling, no environment
    if proxy:
        opener.add_handler(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    opener.add_handler(_Handler(attempt, config, tls))
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        answer = opener.open(request, timeout=config.connect_timeout)
    except urllib.error.URLError as error:  # wraps what happened while connecting
        if isinstance(error.reason, Exception):
            raise error.reason from error
        raise
    if not isinstance(answer, http.client.HTTPResponse):
        raise OSError("the fallback got no answer")
    return answer
