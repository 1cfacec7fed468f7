"""One request from its permit to the last byte of its answer: gate, pool, bounded read, and the one stale replay.

Retrying is not done here (``core.backoff``), with one exception that nobody above sees: a reused connection that the
peer had closed meanwhile costs nothing to ask again on a fresh one.
"""

import logging
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from core import body as bodies
from core import fallback
from core.cancel import CancelToken, remaining
from core.connection_pool import ConnectionPoolManager, PoolUnavailableError, origin_of
from core.errors import ConnectionDroppedError, DeadlineError, ProtocolError, TransportError
from core.failures import classify, expected, peer_left_before_answering
from core.gate import Permit
from core.inflight import Attempt, working_on
from core.pool_endpoint import PoolEndpoint
from core.tls import make_context

log = logging.getLogger("subai.transport")


@dataclass(frozen=True)
class Request:
    """What is sent, and how long anyone will wait for it.

    :ivar deadline: instant of ``time.monotonic`` after which nobody wants the answer; None: ``total_timeout`` from now.
    :ivar endpoint: opaque id of endpoint and key (``core.endpoints.endpoint_id``), under which failures are remembered.
    :ivar attempt: 1 for the first try; ``core.backoff`` counts on.
    :ivar on_headers: called with the status as soon as the answer's headers are in.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Optional[bytes] = field(default=None, repr=False)
    provider: str = ""
    model: str = ""
    cancel: CancelToken = field(default_factory=CancelToken, repr=False)
    deadline: Optional[float] = None
    endpoint: str = field(default="", repr=False)
    attempt: int = 1
    on_headers: Optional[Callable[[int], None]] = field(default=None, repr=False)


@dataclass(frozen=True)
class Response:
    """A whole answer; header names are in lower case, the body is decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass
class Counts:
    """What one transport was asked for: requests in all, those that were repetitions, those without a pool."""

    requests: int = 0
    retries: int = 0
    fallback: int = 0


class _StalePeerError(Exception):
    """Internal: a reused connection was closed by its peer before our request reached it."""


class StreamingResponse:
    """An answer whose headers are in. Read it once, by ``lines()`` or ``read()``, and close it; ``with`` does."""

    def __init__(self, exchange: "_Exchange", status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self._exchange = exchange

    def __enter__(self) -> "StreamingResponse":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lines(self) -> Iterator[str]:
        """Each text line as soon as it is whole. :raises TransportError, CancelledError: as ``Transport.send``."""
        return bodies.lines(self._exchange.chunks(self.headers))

    def read(self) -> bytes:
        """The rest of the body, decoded. :raises TransportError, CancelledError: as ``Transport.send``."""
        return b"".join(self._exchange.chunks(self.headers))

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
        self._count_lock = threading.Lock()
        self._parallel = parallel
        self._proxy = proxy
        self._ca_file = ca_file
        self._fallback_tls: Optional[ssl.SSLContext] = None

    def __repr__(self) -> str:
        return f"<Transport over {self.pool!r}>"

    def send(self, request: Request) -> Response:
        """One exchange, read to its end.

        :raises TransportError: the network failed; the subclass says how far the request got.
        :raises CancelledError: as soon as ``request.cancel`` is set.
        :raises ConfigError: the proxy, the CA file or a header cannot be used.
        """
        with self.open(request) as answer:
            return Response(answer.status, answer.headers, answer.read())

    def open(self, request: Request) -> StreamingResponse:
        """The same as ``send``, returning as soon as the headers are in."""
        self._count(requests=1, retries=int(request.attempt > 1))
        deadline = request.deadline
        if deadline is None:
            deadline = time.monotonic() + self.pool.config.total_timeout
        try:
            return self._open_once(request, deadline, fresh=False)
        except _StalePeerError:
            log.debug("%s: an idle connection had been closed by its peer; sending on a fresh one", request.provider)
        return self._open_once(request, deadline, fresh=True)

    def warm_up(self, url: str, cancel: Optional[CancelToken] = None) -> None:
        """Have a connection to ``url`` open before the first request; quietly does nothing where there is no pool.

        :raises TransportError: the connection could not be made.
        """
        try:
            self.pool.warm_up(url, self._proxy, self._ca_file, cancel)
        except PoolUnavailableError:
            log.debug("no pool to warm up")

    def _open_once(self, request: Request, deadline: float, *, fresh: bool) -> StreamingResponse:
        request.cancel.raise_if_cancelled()
        endpoint, pool = self._find(request)
        permit = endpoint.gate.acquire(self.pool.config.pool_timeout, request.cancel, deadline)
        exchange = _Exchange(request, endpoint, permit, Attempt(deadline, fresh))
        try:
            if remaining(deadline, 1.0) == 0.0:
                raise DeadlineError("The time given to the whole request was over before it could be sent.")
            exchange.begin(self.pool)
            if pool is not None:
                status, headers = exchange.over_pool(pool)
            else:
                status, headers = exchange.over_fallback(self._tls(), self._proxy)
        except BaseException:
            exchange.close()
            raise
        return StreamingResponse(exchange, status, headers)

    def _find(self, request: Request) -> Tuple[PoolEndpoint, Any]:
        """The endpoint and its pool, or None for the fallback."""
        try:
            pool = self.pool.get_pool(self._proxy, self._ca_file).connection_from_url(request.url)
            endpoint = pool.endpoint
        except PoolUnavailableError as error:
            if not self.counts.fallback:
                log.warning("%s Going on without connection reuse, over urllib.request.", error.user_message)
            self._count(fallback=1)
            pool, endpoint = None, self.pool.endpoint(origin_of(request.url))
        if self._parallel is not None:
            endpoint.allow(self._parallel)
        return endpoint, pool

    def _count(self, requests: int = 0, retries: int = 0, fallback: int = 0) -> None:
        with self._count_lock:
            self.counts.requests += requests
            self.counts.retries += retries
            self.counts.fallback += fallback

    def _tls(self) -> ssl.SSLContext:
        if self._fallback_tls is None:
            self._fallback_tls = make_context(self._ca_file)
        return self._fallback_tls


class _Exchange:
    """What one attempt holds (permit, connection, place among the requests in flight) and how it is given back."""

    def __init__(self, request: Request, endpoint: PoolEndpoint, permit: Permit, attempt: Attempt) -> None:
        self._request = request
        self._endpoint = endpoint
        self._permit = permit
        self._attempt = attempt
        self._done: Callable[[], None] = _nothing
        self._answer: Any = None
        self._finished = False
        self._status = 0
        self._received = 0
        self._began = time.monotonic()

    def begin(self, pool: ConnectionPoolManager) -> None:
        self._done = pool.start(self._attempt, self._request.cancel)

    def over_pool(self, pool: Any) -> Tuple[int, Mapping[str, str]]:
        from urllib3 import Timeout

        request, config = self._request, self._endpoint.config
        try:
            with working_on(self._attempt):
                self._answer = pool.urlopen(
                    request.method,
                    _target(request.url) if pool.proxy is None or pool.scheme == "https" else request.url,
                    body=request.body,
                    headers=dict(request.headers),
                    retries=False,
                    redirect=False,
                    assert_same_host=False,
                    timeout=Timeout(connect=config.connect_timeout, read=config.first_byte_timeout),
                    preload_content=False,
                    decode_content=False,
                )
        except expected() as error:
            self._fail(error, before_answer=True)
        headers = {name.lower(): value for name, value in self._answer.headers.items()}
        return self._headers_in(self._answer.status, headers)

    def over_fallback(self, tls: ssl.SSLContext, proxy: Optional[str]) -> Tuple[int, Mapping[str, str]]:
        request = self._request
        try:
            self._answer = fallback.open_answer(
                request.method,
                request.url,
                dict(request.headers),
                request.body,
                attempt=self._attempt,
                config=self._endpoint.config,
                tls=tls,
                proxy=proxy,
            )
        except expected() as error:
            self._fail(error, before_answer=True)
        return self._headers_in(self._answer.status, {k.lower(): v for k, v in self._answer.headers.items()})

    def _headers_in(self, status: int, headers: Mapping[str, str]) -> Tuple[int, Mapping[str, str]]:
        self._status = status
        if not headers:
            # http.client takes headers that were cut for an answer without headers, whose status may be 200.
            self._fail(ConnectionDroppedError("The connection broke inside the answer's headers."), before_answer=False)
        if status < 200:
            self._fail(ProtocolError(f"The server sent only an interim answer ({status})."), before_answer=False)
        self._attempt.set_timeout(self._endpoint.config.read_timeout)
        if self._request.on_headers is not None:
            self._request.on_headers(status)
        return status, headers

    def chunks(self, headers: Mapping[str, str]) -> Iterator[bytes]:
        """The decoded body, piece by piece as it arrives."""
        encoding = headers.get("content-encoding", "").strip().lower()
        try:
            yield from bodies.decoded(self._raw_chunks(), encoding, self._endpoint.config.max_body)
        except expected() as error:
            self._fail(error, before_answer=False)
        self._finished = True

    def _raw_chunks(self) -> Iterator[bytes]:
        while True:
            chunk = self._answer.read1(bodies.CHUNK)
            self._attempt.raise_if_interrupted()  # a socket that was shut down looks like the end of the body
            if not chunk:
                return
            self._received += len(chunk)
            yield chunk

    def close(self) -> None:
        self._attempt.let_go()
        if self._answer is not None:
            if not self._finished:
                self._answer.close()
            release = getattr(self._answer, "release_conn", self._answer.close)
            release()
            self._answer = None
            self._log()
        self._done()
        self._done = _nothing
        self._permit.release()

    def _fail(self, error: Exception, *, before_answer: bool) -> None:
        """Raise what ``error`` means to those above; count it."""
        failure = classify(error, self._attempt, self._host())
        if isinstance(failure, TransportError):
            failure.provider = failure.provider or self._request.provider
            if before_answer and self._attempt.reused and _is_stale(error, failure):
                self._endpoint.stats.recycled("dropped")
                self._endpoint.new_generation("dropped")
                raise _StalePeerError from error
            self._endpoint.stats.failed(failure.kind)
            log.debug("%s %s: %s", self._request.provider, self._request.model, failure.user_message)
        raise failure from (error if failure is not error else error.__cause__)

    def _host(self) -> str:
        return urlsplit(self._request.url).hostname or "the provider"

    def _log(self) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s %s: %d in %.3f s, %d bytes out, %d in, %s connection, attempt %d",
                self._request.provider or "-",
                self._request.model or "-",
                self._status,
                time.monotonic() - self._began,
                len(self._request.body or b""),
                self._received,
                "reused" if self._attempt.reused else "new",
                self._request.attempt,
            )


def _is_stale(error: Exception, failure: TransportError) -> bool:
    return isinstance(failure, ConnectionDroppedError) and peer_left_before_answering(error)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _nothing() -> None:
    """Nothing is held."""
