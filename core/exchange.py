"""One request on its way: what it holds (permit, connection, place among those in flight) and how that is given back.

The one replay that nobody above sees is here: a reused connection that the peer had closed meanwhile costs nothing to
ask again on a fresh one. Every other failure becomes one of our errors and goes up.
"""

import logging
import ssl
import threading
import time
from functools import partial
from typing import Any, Callable, Iterator, Mapping, NoReturn, Optional
from urllib.parse import urlsplit

from core import body, fallback, metrics
from core.attempt import Attempt, working_on
from core.connection_pool import ConnectionPoolManager
from core.errors import ConnectionDroppedError, ProtocolError, SubAIError, TransportError, kind_of
from core.failures import broke, classify, expected, peer_left, proxy_refusal, timed_out
from core.gate import Place
from core.messages import Request
from core.pool_endpoint import PoolEndpoint
from core.rate_limit import limiter_for
from core.sizing import Timing

log = logging.getLogger("subai.transport")

_MOMENT = 0.2  # seconds for the end of an answer that has said all


class Exchange:
    """Begin it, send it one way or the other, read it, and close it whatever happened.

    :ivar status: of the answer; 0 before there is one.
    :ivar headers: of the answer, names in lower case.
    """

    def __init__(self, request: Request, endpoint: PoolEndpoint, deadline: float) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._request = request
        self._endpoint = endpoint
        self._attempt = Attempt(deadline)
        self._leave: Callable[[], None] = _nothing
        self._release: Callable[[], None] = _nothing
        self._answer: Any = None
        self._finished = self._has_all = False
        self._received = 0
        self._outcome = "cancelled"  # nothing else ends it before it is sent, but what `_fail` is told
        self._began = self._permitted = time.monotonic()
        self._first_byte = self._last_byte = self._silence = 0.0

    def begin(self, pools: ConnectionPoolManager) -> None:
        """Join the requests in flight, so that a cancel finds it from here on, and wait for a permit."""
        self._leave = pools.start(self._attempt, self._request.cancel)
        try:
            permit = self._endpoint.gate.acquire(self._endpoint.config.pool_timeout, self._attempt)
        except SubAIError as error:
            self._fail(error)
        self._release = permit.release
        self._permitted = time.monotonic()

    def line_up(self, pools: ConnectionPoolManager, wake: Callable[[], None]) -> Callable[[], None]:
        """As ``begin``, but without waiting: however long the line, only the deadline sends anyone away.

        :param wake: called, from any thread, when it is known what came of it. Then call what is returned here, which
            raises one of our errors if that is no permit.
        """
        self._leave = pools.start(self._attempt, self._request.cancel)
        self._attempt.call_when_interrupted(wake)
        try:
            place = self._endpoint.gate.line_up(wake)
        except SubAIError as error:
            self._fail(error)
        self._release = partial(self._endpoint.gate.leave, place)
        return partial(self._enter, place)

    def _enter(self, place: Place) -> None:
        self._attempt.call_when_interrupted(None)
        try:
            self._attempt.check()
            self._endpoint.gate.collect(place)
        except SubAIError as error:
            self._fail(error)
        self._permitted = time.monotonic()

    def interrupt(self, error: SubAIError) -> None:
        """End it from another thread, wherever it is; it fails with ``error``."""
        self._attempt.interrupt(error)

    # --- out --------------------------------------------------------------------------------------------------------

    def send_over(self, pool: Any) -> None:
        """Send it over a ``core.checked_pool`` and wait for the answer's headers."""
        began = time.monotonic()
        try:
            self._answer = self._ask(pool)
        except expected() as error:
            if not self._had_been_dropped(error, time.monotonic() - began):
                self._fail(error)
        if self._answer is None:
            log.debug("%s: the peer had closed an idle connection; once more on a fresh one", self._request.provider)
            self._attempt.start_afresh()
            try:
                self._answer = self._ask(pool)
            except expected() as error:
                self._fail(error)
        self._headers_in()

    def send_without_pool(self, tls: ssl.SSLContext, proxy: Optional[str]) -> None:
        """Send it over ``urllib.request`` and wait for the answer's headers."""
        request = self._request
        try:
            self._answer = fallback.open_answer(
                request.method,
                request.url,
                dict(request.headers),
                request.body,
                attempt=self._attempt,
                endpoint=self._endpoint,
                tls=tls,
                proxy=proxy,
            )
        except expected() as error:
            self._fail(error)
        self._headers_in()

    def _ask(self, pool: Any) -> Any:
        request = self._request
        with working_on(self._attempt):
            return pool.ask(request.method, request.url, dict(request.headers), request.body)

    def _had_been_dropped(self, error: Exception, seconds: float) -> bool:
        """Whether the connection was gone when the request went out on it, and not only ``seconds`` later."""
        attempt = self._attempt
        if not attempt.reused or attempt.answered or attempt.ended() is not None or not peer_left(error):
            return False
        # A peer that has left says so within a round trip. What breaks later was under way, and may be billed; over TLS
        # a dead path looks the same, since some ssl modules (Python 3.10 to 3.12.2) take a timeout for an end.
        if seconds > self._endpoint.config.connect_timeout:
            return False
        self._endpoint.stats.recycled("dropped")
        self._endpoint.outdate(attempt.generation, "dropped")
        return True

    # --- back -------------------------------------------------------------------------------------------------------

    def _headers_in(self) -> None:
        self.status = self._answer.status
        self.headers = {name.lower(): value for name, value in self._answer.headers.items()}
        self._outcome = str(self.status)
        if not self.headers:
            # http.client takes headers that were cut for an answer without headers, whose status may be 200.
            self._fail(broke(self._host()))
        self._endpoint.answered(self.status)
        if self.status < 200:
            self._fail(ProtocolError(f"The server sent only an interim answer ({self.status})."))
        if self.status == 407:
            self._fail(proxy_refusal(407, self._host()))
        if self._request.endpoint:
            limiter_for(self._request.endpoint).observe(self.headers)
        if self._request.on_headers is not None:
            self._request.on_headers(self.status)

    def chunks(self) -> Iterator[bytes]:
        """The decoded body, piece by piece as it arrives."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        try:
            yield from body.decoded(self._raw_chunks(), encoding, self._endpoint.config.max_body)
        except expected() as error:
            if not self._has_all:
                self._fail(error)
            return
        self._finished = True

    def has_all(self) -> None:
        """Whatever comes now is not wanted, nor is it a failure if it does not come."""
        self._has_all = True
        self._attempt.set_timeout(_MOMENT)

    def pause(self, event: threading.Event) -> None:
        """Read on only when ``event`` is set; what ends a request ends this too."""
        try:
            self._attempt.wait(event, threading.TIMEOUT_MAX)
        except SubAIError as error:
            self._fail(error)

    def read(self) -> bytes:
        """The whole decoded body."""
        return b"".join(self.chunks())

    def _raw_chunks(self) -> Iterator[bytes]:
        answer = self._answer
        while answer.length_remaining != 0:
            chunk = answer.read1(body.CHUNK)
            self._attempt.check()  # a socket that was shut down looks like the end of the body
            if not chunk:
                break
            now = time.monotonic()
            if self._received:
                self._silence = max(self._silence, now - self._last_byte)
            else:
                self._first_byte = now
                # Only now: a model may think for long after the headers.
                self._attempt.set_timeout(self._endpoint.config.read_timeout)
            self._last_byte = now
            self._received += len(chunk)
            yield chunk
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self._received and not framed and self.status == 200:
            raise broke(self._host())

    # --- the end ----------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """It holds nothing any more, or nothing yet."""
        return self._leave is _nothing

    def close(self) -> None:
        """Give everything back; a connection whose answer was not read to its end is closed. Again: does nothing."""
        if self.closed:
            return
        answer, self._answer = self._answer, None
        leave, self._leave = self._leave, _nothing
        release, self._release = self._release, _nothing
        self._attempt.let_go()
        try:
            if answer is not None:
                if not self._finished:
                    answer.close()
                answer.release_conn()
        finally:
            try:
                leave()
                self._endpoint.ended(self._timing())
            finally:
                release()
            seconds = time.monotonic() - self._began
            metrics.request_ended(self._request.provider, self._request.model, self._outcome, seconds)
            self._log(seconds)

    def _timing(self) -> Optional[Timing]:
        """How long it took, if it went well."""
        if not ((self._finished or self._has_all) and self._received and 200 <= self.status < 300):
            return None
        began, first, last = self._permitted, self._first_byte, self._last_byte
        return Timing(last, last - began, first - began, self._silence)

    def _fail(self, error: Exception) -> NoReturn:
        """Raise what ``error`` means to those above; count it."""
        failure = classify(error, self._attempt, self._host())
        self._outcome = kind_of(failure)
        if isinstance(failure, TransportError):
            failure.provider = failure.provider or self._request.provider
            self._endpoint.failed(failure, timed_out=timed_out(failure, error))
            if isinstance(failure, ConnectionDroppedError) and self._attempt.reused and not self._attempt.answered:
                self._endpoint.outdate(self._attempt.generation, "dropped")
        raise failure from (error if failure is not error else error.__cause__)

    def _host(self) -> str:
        return urlsplit(self._request.url).hostname or "the provider"

    def _log(self, seconds: float) -> None:
        if log.isEnabledFor(logging.DEBUG):
            attempt, request = self._attempt, self._request
            log.debug(
                "%s %s: %s in %.3f s, %d bytes out, %d in, %s connection, attempt %d",
                request.provider or "-",
                request.model or "-",
                self._outcome,
                seconds,
                len(request.body or b""),
                self._received,
                "reused" if attempt.reused else "new" if attempt.connected else "no",
                request.attempt,
            )


def _nothing() -> None:
    """Nothing is held."""
