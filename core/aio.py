"""The same pool from asyncio: a waiting call costs no thread, and one that holds a permit has one for as long.

So there are never more threads at work than permits, and each ends with its call. Any number of loops and threads
share one pool and stand in one line for its permits. What is sent and how it is read is ``core.exchange``'s.
"""

import asyncio
import contextlib
import threading
from collections import deque
from typing import Any, AsyncContextManager, AsyncIterator, Callable, Deque, Mapping, Optional

from core import body
from core.connection_pool import ConnectionPoolManager
from core.errors import CancelledError, NothingSentError
from core.exchange import Exchange
from core.messages import Request, Response
from core.transport import Transport

#: Lines of a stream that wait for their reader. Then nothing more is read, and in the end the provider has to wait.
LINES_AHEAD = 64


class AsyncTransport:
    """A ``Transport`` for coroutines, of any loop. It keeps nothing of its own, so there is nothing to close.

    Errors are the transport's. A task that is cancelled ends at once, wherever its request is: the socket is woken, and
    permit and connection are given back before ``asyncio.CancelledError`` goes up.

    The first request over a pool builds it, for 0.1 s on the loop; ``Transport.warm_up`` does so beforehand.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        return f"<AsyncTransport over {self._transport.pool!r}>"

    async def request(self, request: Request) -> Response:
        """One exchange, read to its end. Unlike a thread's, it waits for its permit as long as it has time at all.

        :raises TransportError, CancelledError, ConfigError: as ``Transport.send``.
        """
        async with self._admitted(request) as call:
            call.start(call.whole)
            await call.until_over()
            call.raise_error()
            return call.response

    def stream(self, request: Request) -> AsyncContextManager["AsyncStream"]:
        """``async with client.stream(request) as answer``: as ``request``, but it goes on once the headers are in."""
        return self._stream(request)

    @contextlib.asynccontextmanager
    async def _stream(self, request: Request) -> AsyncIterator["AsyncStream"]:
        async with self._admitted(request) as call:
            answer = AsyncStream(call)
            await answer._headers_in()
            yield answer

    @contextlib.asynccontextmanager
    async def _admitted(self, request: Request) -> AsyncIterator["_Call"]:
        """A call with a permit. In the end it holds nothing, however that came."""
        call = _Call(*self._transport.prepare(request))
        try:
            await call.admit(self._transport.pool)
            yield call
        finally:
            await call.aclose()


class AsyncStream:
    """The text lines of an answer, each as soon as it is whole: ``async for line in answer``.

    :raises TransportError, CancelledError: from the iteration, as ``Transport.send``; after the lines that came.
    :ivar status: of the answer. :ivar headers: names in lower case.
    """

    def __init__(self, call: "_Call") -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._call = call
        self._lines: Deque[str] = deque()
        self._room = threading.Event()

    def __aiter__(self) -> "AsyncStream":
        return self

    async def __anext__(self) -> str:
        await self._call.until(lambda: bool(self._lines))
        if not self._lines:
            self._call.raise_error()
            raise StopAsyncIteration
        line = self._lines.popleft()
        self._room.set()
        return line

    async def aclose(self) -> None:
        """Be done with it before its end, which costs the connection; leaving the ``async with`` does the same."""
        await self._call.aclose()
        self._lines.clear()

    async def _headers_in(self) -> None:
        self._call.start(self._read)
        await self._call.until(lambda: self.status > 0)
        if not self.status:
            self._call.raise_error()

    def _read(self) -> None:
        """On the call's thread."""
        call, exchange = self._call, self._call.exchange
        call.send()
        self.headers = exchange.headers
        self.status = exchange.status
        call.wake()
        for line in body.lines(exchange.chunks()):
            self._lines.append(line)
            call.wake()
            self._wait_for_room()

    def _wait_for_room(self) -> None:
        while len(self._lines) >= LINES_AHEAD:
            self._room.clear()
            if len(self._lines) >= LINES_AHEAD:  # it may have been read between these two lines
                self._call.exchange.pause(self._room)


class _Call:
    """One exchange: the coroutine that waits for it, and the thread that does what blocks.

    :ivar send: sends it, and blocks until the answer's headers are in.
    :ivar response: of ``whole``.
    """

    response: Response

    def __init__(self, exchange: Exchange, send: Callable[[], None]) -> None:
        self.exchange = exchange
        self.send = send
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._started = False
        self._over = False
        self._error: Optional[BaseException] = None

    # --- on the loop ------------------------------------------------------------------------------------------------

    async def admit(self, pool: ConnectionPoolManager) -> None:
        """Wait for a permit. :raises SubAIError: as ``Transport.send``."""
        enter = self.exchange.line_up(pool, self.wake)
        await self._news.wait()
        enter()

    def start(self, work: Callable[[], Any]) -> None:
        """Have ``work`` done on a thread, which closes the exchange in the end.

        :raises NothingSentError: the system has no thread to give.
        """
        self._started = True
        try:
            threading.Thread(target=self._run, args=(work,), name="subai-aio", daemon=True).start()
        except RuntimeError as error:
            self._started = False
            raise NothingSentError("No thread could be started: fewer parallel requests would help.") from error

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so, or the thread is over; who brings it about calls ``wake``."""
        while True:
            self._news.clear()  # before it is looked up: what happens from here on is not missed
            if self._over or so():
                return
            await self._news.wait()

    async def until_over(self) -> None:
        await self.until(lambda: False)

    def raise_error(self) -> None:
        """Raise what the thread raised, once."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # it and this frame would keep each other alive

    async def aclose(self) -> None:
        """End it wherever it is. Whoever is cancelled once more while it ends need not wait for that."""
        self._give_up()
        if self._started:
            await self.until_over()

    # --- on any thread ----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something happened that the coroutine may wait for."""
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the loop was closed over it, and nobody will come for what is held here
            self._give_up()

    def _give_up(self) -> None:
        if self._started:
            self.exchange.interrupt(CancelledError("Cancelled."))
        else:
            self.exchange.close()

    def whole(self) -> None:
        """Work for ``start``: the whole exchange."""
        self.send()
        self.response = Response(self.exchange.status, self.exchange.headers, self.exchange.read())

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            try:
                work()
            finally:
                self.exchange.close()
        except BaseException as error:  # noqa: BLE001  the edge of a thread: it is raised again on the loop
            self._error = error
        self._over = True
        self.wake()
