"""Sending requests over the shared pool, or without one where it cannot be had: what ``api`` knows of the network.

Retrying is not done here (``core.backoff``). What one request holds meanwhile is ``core.exchange``'s.
"""

import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple

from core import abandoned, body, events, metrics
from core.cancel import CancelToken
from core.connection_pool import ConnectionPoolManager
from core.errors import ConfigError, PoolClosedError
from core.exchange import Exchange
from core.forking import OwnLock
from core.messages import Request, Response
from core.origin import origin_of
from core.pool_endpoint import PoolEndpoint
from core.pool_loading import PoolUnavailableError
from core.tls import make_context

__all__ = ["Counts", "Request", "Response", "StreamingResponse", "Transport"]

log = logging.getLogger("subai.transport")


@dataclass
class Counts:
    """What went through one transport. The replay of a request whose connection had died idle is the same request.

    :ivar requests: those that got a permit. :ivar retries: of them, those that repeated another one.
    :ivar fallback: those that had to do without a pool.
    """

    requests: int = 0
    retries: int = 0
    fallback: int = 0


class StreamingResponse:
    """An answer whose headers are in. Read it once, by ``lines()`` or ``read()``, and close it; ``with`` does.

    One that is dropped unclosed is closed before the next request.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.status = exchange.status
        self.headers: Mapping[str, str] = exchange.headers
        self._exchange = exchange

    def __enter__(self) -> "StreamingResponse":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._exchange.closed:
            abandoned.leave(self._exchange.close)

    def lines(self) -> Iterator[str]:
        """Each text line as soon as it is whole. :raises TransportError, CancelledError: as ``Transport.send``."""
        return body.lines(self._exchange.chunks())

    def has_all(self) -> None:
        """What is wanted has come. Reading on ends soon, and never fails: it is for the sake of the connection."""
        self._exchange.has_all()

    def read(self) -> bytes:
        """The rest of the body, decoded. :raises TransportError, CancelledError: as ``Transport.send``."""
        return self._exchange.read()

    def close(self) -> None:
        """Give the connection back (or close it, if the body was not read to its end) and free the permit."""
        self._exchange.close()


class Transport:
    """Sends requests over one shared pool; cheap to make, so each provider instance has its own.

    :ivar counts: how many requests went through it.
    :param parallel: requests in flight at once to one endpoint; the pool's ``maxsize`` if None.
    :param proxy: URL of a proxy, or None.
    :param ca_file: PEM file of certificates to trust besides the usual ones, or None.
    """

    def __init__(
        self,
        pool: ConnectionPoolManager,
        *,
        parallel: Optional[int] = None,
        proxy: Optional[str] = None,
        ca_file: Optional[str] = None,
    ) -> None:
        self.pool = pool
        self.counts = Counts()
        self._count_lock = OwnLock()
        self._parallel = parallel
        self._proxy = proxy
        self._ca_file = ca_file

    def __repr__(self) -> str:
        return f"<Transport over {self.pool!r}>"

    def send(self, request: Request) -> Response:
        """One exchange, read to its end.

        :raises TransportError: the network failed; the subclass says how far the request got.
        :raises CancelledError: as soon as ``request.cancel`` is set.
        :raises ConfigError: the proxy, the CA file or a header cannot be used.
        """
        exchange = self._begin(request)
        try:
            return Response(exchange.status, exchange.headers, exchange.read())
        finally:
            exchange.close()

    def open(self, request: Request) -> StreamingResponse:
        """The same as ``send``, returning as soon as the headers are in."""
        return StreamingResponse(self._begin(request))

    def _begin(self, request: Request) -> Exchange:
        """An exchange whose headers are in; whoever is given it closes it."""
        exchange, send = self.prepare(request)
        try:
            exchange.begin(self.pool)
            send()
        except BaseException:
            exchange.close()
            raise
        return exchange

    def prepare(self, request: Request) -> Tuple[Exchange, Callable[[], None]]:
        """The exchange that ``request`` will be, and what sends it once it holds a permit. Waits for nothing.

        :raises ConfigError: as ``send``.
        """
        _check_headers(request.headers)
        abandoned.close_all()
        endpoint, pool = self._find(request.url, request.provider)
        deadline = request.deadline
        if deadline is None:
            deadline = time.monotonic() + self.pool.config.total_timeout
        exchange = Exchange(request, endpoint, deadline)
        if pool is not None:
            return exchange, partial(self._send, request, partial(exchange.send_over, pool))
        without_pool = partial(exchange.send_without_pool, make_context(self._ca_file), self._proxy)
        return exchange, partial(self._send, request, without_pool)

    def _send(self, request: Request, send: Callable[[], None]) -> None:
        """Now that it has its permit: one that was cancelled before that was no request."""
        with self._count_lock:
            self.counts.requests += 1
            self.counts.retries += request.attempt > 1
        send()

    def allow(self, parallel: int) -> None:
        """So many requests in flight at once to one endpoint, from the next request on."""
        self._parallel = parallel

    def refused(self, url: str) -> None:
        """An answer from ``url`` whose status was good told, inside, that it was one request too many."""
        try:
            endpoint: PoolEndpoint = self.pool.endpoint_pool(url, self._proxy, self._ca_file).endpoint
        except (PoolUnavailableError, PoolClosedError):
            endpoint = self.pool.endpoint(origin_of(url))
        endpoint.concurrency.troubled()

    def warm_up(self, url: str, cancel: Optional[CancelToken] = None, provider: str = "") -> None:
        """Have a connection to ``url`` open before the first request; quietly does nothing where there is no pool.

        :raises TransportError: the connection could not be made.
        """
        try:
            self.pool.warm_up(url, self._proxy, self._ca_file, cancel, provider=provider)
        except PoolUnavailableError:
            log.debug("no pool to warm up")

    def _find(self, url: str, provider: str) -> Tuple[PoolEndpoint, Any]:
        """The endpoint and its pool, or None for the fallback."""
        try:
            pool = self.pool.endpoint_pool(url, self._proxy, self._ca_file, provider)
            endpoint: PoolEndpoint = pool.endpoint
        except PoolUnavailableError as error:
            pool, endpoint = None, self.pool.endpoint(origin_of(url), provider)
            metrics.FALLBACKS.add(1, provider)
            events.record(events.FALLBACK_USED, {"endpoint": endpoint.origin})
            if self._count_fallback():
                log.warning("%s Going on without connection reuse, over urllib.request.", error.user_message)
        if self._parallel is not None:
            endpoint.allow(self._parallel)
        return endpoint, pool

    def _count_fallback(self) -> bool:
        """Whether it is the first."""
        with self._count_lock:
            self.counts.fallback += 1
            return self.counts.fallback == 1


def _check_headers(headers: Mapping[str, str]) -> None:
    # Here, because http.client would put the value, which may be the key, into its error.
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ConfigError(f"The header {name} holds a character that HTTP cannot carry. If it is a key, check it.")
