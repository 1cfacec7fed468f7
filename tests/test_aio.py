"""Coroutines share the pool with threads: no thread for a call that waits, an end at once for one that is cancelled."""

import asyncio
import gc
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, AsyncContextManager, Awaitable, Callable, Coroutine, Dict, List, Tuple, Type

import pytest
from support_server import (
    Connect,
    Doing,
    Peer,
    ScriptedServer,
    Serve,
    cancelled,
    chunk,
    closed_port,
    deaf,
    full_backlog,
    keep_alive,
    post,
    raw,
    saying,
    saying_and_staying,
    server_tls,
)
from waiting import until

from cli.standin import StandIn
from core.aio import LINES_AHEAD, AsyncStream, AsyncTransport
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import (
    CancelledError,
    ConfigError,
    ConnectError,
    ConnectionDroppedError,
    DeadlineError,
    NothingSentError,
    PoolClosedError,
    ReadTimeoutError,
    SubAIError,
)
from core.transport import Transport

pytest_plugins = ("network_fixtures",)

ROOT = Path(__file__).resolve().parent.parent

#: A task that is cancelled must be over, and its permit be back, within this many seconds.
AT_ONCE = 0.1

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def threads() -> List[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "subai-aio"]


async def so(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait, on the loop, for what another thread will bring about."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it never came about"
        await asyncio.sleep(0.002)


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run it on a loop that complains of whatever blocks it or is never looked at; then no thread may be left."""
    complaints: List[Dict[str, Any]] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        try:
            return await main
        finally:
            gc.collect()

    result = asyncio.run(watched())
    assert complaints == []
    until(lambda: threads() == [])
    return result


async def take(answer: AsyncStream, lines: List[str]) -> None:
    async for line in answer:
        lines.append(line)  # noqa: PERF401  it is looked at meanwhile, or after an error


async def read(stream: AsyncContextManager[AsyncStream]) -> List[str]:
    async with stream as answer:
        return [line async for line in answer]


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
def test_one_connection_serves_coroutines_and_threads(
    serve: Serve, connect: Connect, trusted: str, secure: bool
) -> None:
    server = serve(keep_alive, tls=server_tls() if secure else None)
    transport = connect(ca_file=trusted)
    client = AsyncTransport(transport)

    async def ask() -> None:
        for _ in range(3):
            answer = await client.request(post(server, body=b"question"))
            assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"fine", "4")

    run(ask())
    transport.send(post(server))
    run(ask())
    assert server.accepted == 1
    assert server.requests[0].endswith(b"\r\n\r\nquestion")
    assert transport.counts.requests == 7


@pytest.mark.usefixtures("no_urllib3")
def test_where_there_is_no_pool_the_fallback_serves_coroutines_too(serve: Serve, connect: Connect) -> None:
    server, client = serve(keep_alive), AsyncTransport(connect())
    assert run(client.request(post(server))).body == b"fine"


def test_a_stream_gives_each_line_as_soon_as_it_is_whole(serve: Serve, connect: Connect) -> None:
    go_on = threading.Event()

    def slowly(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + chunk(b"one\ntw"))
        go_on.wait(5)
        peer.send(chunk(b"o\nthree") + b"0\r\n\r\n")
        keep_alive(peer)

    server, transport = serve(slowly), connect()
    client = AsyncTransport(transport)

    async def ask() -> None:
        async with client.stream(post(server)) as answer:
            assert answer.status == 200
            assert answer.headers["transfer-encoding"] == "chunked"
            lines = [await answer.__anext__()]
            go_on.set()
            lines += [line async for line in answer]
            assert lines == ["one", "two", "three"]
            assert [line async for line in answer] == [], "it has an end, however often it is read"
        assert (await client.request(post(server))).body == b"fine"

    run(ask())
    assert server.accepted == 1, "a stream that was read to its end gives its connection back"


def test_two_hundred_calls_go_through_eight_connections(serve: Serve, connect: Connect) -> None:
    """In order of arrival, with a thread for each permit and none for those that wait."""
    all_out = threading.Event()

    def answer(peer: Peer) -> None:
        while peer.request() is not None:
            all_out.wait(5)
            peer.send(raw())

    server, transport = serve(answer), connect(parallel=8)
    client = AsyncTransport(transport)
    most, order = [0], []

    async def ask(number: int) -> None:
        await client.request(post(server, body=str(number).encode()))
        most[0] = max(most[0], len(threads()))
        order.append(number)

    async def ask_all() -> None:
        calls = [asyncio.ensure_future(ask(number)) for number in range(200)]
        await so(lambda: len(server.requests) == 8)
        figures = transport.pool.stats()[server.origin]
        assert (figures.active, figures.waiting, len(threads())) == (8, 192, 8)
        all_out.set()
        await asyncio.gather(*calls)

    run(ask_all())
    assert sorted(order) == list(range(200))
    assert server.accepted <= 8
    assert most[0] <= 24, "some may be about to end"
    asked = [int(request.rpartition(b"\r\n")[2]) for request in server.requests]
    assert max(abs(number - place) for place, number in enumerate(asked)) < 100, "first come, first served"
    figures = transport.pool.stats()[server.origin]
    assert (figures.active, figures.waiting, figures.requests, figures.reused) == (0, 0, 200, 192)


def test_who_waits_for_a_permit_waits_longer_than_a_thread_would(serve: Serve, connect: Connect) -> None:
    """It costs nothing; only the deadline ends it."""
    server, transport = serve(deaf), connect(parallel=1, pool_timeout=0.01)
    client = AsyncTransport(transport)

    async def ask() -> None:
        holder = asyncio.ensure_future(client.request(post(server)))
        await so(lambda: len(server.requests) == 1)
        with pytest.raises(DeadlineError):
            await client.request(post(server, deadline=time.monotonic() + 0.1))
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder

    run(ask())
    assert transport.pool.stats()[server.origin].errors == {"deadline": 1}


def test_coroutines_and_threads_stand_in_one_line(serve: Serve, connect: Connect) -> None:
    go_on = threading.Event()

    def in_turn(peer: Peer) -> None:
        while peer.request() is not None:
            go_on.wait(5)
            peer.send(raw())

    server, transport = serve(in_turn), connect(parallel=1)
    client, gate = AsyncTransport(transport), transport.pool.endpoint(server.origin).gate
    workers: List[Doing] = []

    async def ask() -> None:
        calls: List[Awaitable[Any]] = [asyncio.ensure_future(client.request(post(server, body=b"0")))]
        await so(lambda: gate.in_flight == 1)
        for number in range(1, 7):
            body = str(number).encode()
            if number % 2:
                workers.append(Doing(lambda body=body: transport.send(post(server, body=body))))  # type: ignore[misc]
            else:
                calls.append(asyncio.ensure_future(client.request(post(server, body=body))))
            await so(lambda number=number: gate.waiting == number)  # type: ignore[misc]
        go_on.set()
        await asyncio.gather(*calls)

    run(ask())
    for worker in workers:
        assert worker.join().error is None
    assert [request[-1:] for request in server.requests] == [b"0", b"1", b"2", b"3", b"4", b"5", b"6"]


def test_several_loops_share_one_pool(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(parallel=3)
    client = AsyncTransport(transport)

    async def ask_all() -> List[bytes]:
        answers = await asyncio.gather(*(client.request(post(server)) for _ in range(50)))
        return [answer.body for answer in answers]

    loops = [Doing(lambda: asyncio.run(ask_all())) for _ in range(4)]
    for loop in loops:
        assert loop.join(20).result == [b"fine"] * 50
    assert server.accepted <= 3
    until(lambda: threads() == [])


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_errors_are_those_of_the_transport(serve: Serve, connect: Connect) -> None:
    client = AsyncTransport(connect(read_timeout=0.1, first_byte_timeout=0.1))
    cases: List[Tuple[Callable[[], Coroutine[Any, Any, Any]], Type[SubAIError]]] = [
        (lambda: client.request(post(url=f"http://127.0.0.1:{closed_port()}/")), ConnectError),
        (lambda: client.request(post(url="nonsense")), ConfigError),
        (lambda: client.request(post(serve(deaf))), ReadTimeoutError),
        (lambda: client.request(post(serve(saying(raw(b"12", length=9))))), ConnectionDroppedError),
        (lambda: client.request(post(serve(), cancel=cancelled())), CancelledError),
        (lambda: read(client.stream(post(serve(deaf)))), ReadTimeoutError),
        (lambda: read(client.stream(post(serve(saying(CHUNKED + chunk(b"a\n")))))), ConnectionDroppedError),
    ]
    for ask, kind in cases:
        with pytest.raises(SubAIError) as caught:
            run(ask())
        assert type(caught.value) is kind


def test_the_lines_before_an_error_come_before_it(serve: Serve, connect: Connect) -> None:
    server, client = serve(saying(CHUNKED + chunk(b"a\nb\n"))), AsyncTransport(connect())

    async def ask() -> None:
        lines: List[str] = []
        async with client.stream(post(server)) as answer:
            with pytest.raises(ConnectionDroppedError):
                await take(answer, lines)
            assert lines == ["a", "b"]
            assert [line async for line in answer] == []

    run(ask())


def test_a_system_without_threads_to_spare_says_so(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, transport = serve(), connect()
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "subai-aio":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(NothingSentError, match="No thread could be started"):
        run(AsyncTransport(transport).request(post(server)))
    assert transport.pool.stats()[server.origin].active == 0


# --- cancelling -------------------------------------------------------------------------------------------------------


class Stuck:
    """A coroutine that is stuck in one phase, and how to see that it is."""

    def __init__(self, transport: Transport, ask: Coroutine[Any, Any, Any], stuck: Callable[[], Any]) -> None:
        self.transport = transport
        self.ask = ask
        self.stuck = stuck


class Phases:
    """How to get stuck in each phase."""

    def __init__(self, serve: Serve, connect: Connect, request: pytest.FixtureRequest) -> None:
        self.serve = serve
        self.transport = connect(parallel=1, connect_timeout=60.0)
        self.client = AsyncTransport(self.transport)
        self.request = request

    def queued(self) -> Stuck:
        server = self.serve(deaf)
        token = CancelToken()
        holder = Doing(lambda: self.transport.send(post(server, cancel=token)))
        until(lambda: len(server.requests) == 1)
        self.request.addfinalizer(lambda: (token.cancel(), holder.join()))  # type: ignore[func-returns-value]
        gate = self.transport.pool.endpoint(server.origin).gate
        return Stuck(self.transport, self.client.request(post(server)), lambda: gate.waiting == 1)

    def connecting(self) -> Stuck:
        backlog = full_backlog()
        port = backlog.__enter__()
        self.request.addfinalizer(lambda: backlog.__exit__(None, None, None))
        url = f"http://127.0.0.1:{port}/"
        return Stuck(self.transport, self.client.request(post(url=url)), lambda: len(threads()) == 1)

    def handshake(self) -> Stuck:
        server = self.serve(lambda peer: peer.stall())
        url = server.url.replace("http:", "https:")
        return Stuck(self.transport, self.client.request(post(url=url)), lambda: server.accepted == 1)

    def headers(self) -> Stuck:
        server = self.serve(deaf)
        return Stuck(self.transport, self.client.request(post(server)), server.asked.is_set)

    def headers_of_a_stream(self) -> Stuck:
        server = self.serve(deaf)
        return Stuck(self.transport, read(self.client.stream(post(server))), server.asked.is_set)

    def body(self) -> Stuck:
        server = self.serve(saying_and_staying(raw(b"12", length=9)))
        return Stuck(self.transport, self.client.request(post(server)), server.asked.is_set)

    def streaming(self) -> Stuck:
        server = self.serve(saying_and_staying(CHUNKED + chunk(b"a\n")))
        lines: List[str] = []

        async def ask() -> None:
            async with self.client.stream(post(server)) as answer:
                await take(answer, lines)

        return Stuck(self.transport, ask(), lambda: lines == ["a"])

    def stream_that_nobody_reads(self) -> Stuck:
        server = self.serve(saying(CHUNKED + chunk(b"a\n" * 1000) + b"0\r\n\r\n"))
        streams: List[AsyncStream] = []

        async def ask() -> None:
            async with self.client.stream(post(server)) as answer:
                streams.append(answer)
                await asyncio.sleep(60)

        return Stuck(self.transport, ask(), lambda: streams and len(streams[0]._lines) == LINES_AHEAD)


PHASES = [name for name in vars(Phases) if not name.startswith("_")]


@pytest.fixture
def stuck(serve: Serve, connect: Connect, request: pytest.FixtureRequest) -> Stuck:
    return getattr(Phases(serve, connect, request), request.param)()  # type: ignore[no-any-return]


def in_use(transport: Transport) -> List[Tuple[int, int]]:
    return [(figures.active, figures.waiting) for figures in transport.pool.stats().values() if figures.active]


@pytest.mark.parametrize("stuck", PHASES, indirect=True)
def test_a_task_that_is_cancelled_ends_at_once_and_holds_nothing(stuck: Stuck, request: Any) -> None:
    waiting = "queued" in request.node.name

    async def cancel_it() -> float:
        task = asyncio.ensure_future(stuck.ask)
        await so(stuck.stuck)
        began = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        seconds = time.perf_counter() - began
        assert in_use(stuck.transport) == ([(1, 0)] if waiting else []), "the permit is back, and nobody waits"
        return seconds

    assert run(cancel_it()) < AT_ONCE
    assert {kind for figures in stuck.transport.pool.stats().values() for kind in figures.errors} == set()


@pytest.mark.parametrize("end", ["cancel", "close_all"])
@pytest.mark.parametrize("stuck", ["queued", "headers", "streaming"], indirect=True)
def test_an_end_of_everything_is_one_of_our_errors(stuck: Stuck, end: str) -> None:
    async def end_it() -> None:
        task = asyncio.ensure_future(stuck.ask)
        await so(stuck.stuck)
        await asyncio.get_running_loop().run_in_executor(None, getattr(stuck.transport.pool, end))
        with pytest.raises(PoolClosedError if end == "close_all" else CancelledError):
            await task

    run(end_it())


def test_a_token_ends_a_stream_that_nobody_reads(serve: Serve, connect: Connect) -> None:
    """Its permit is back at once; what had been read ahead can still be had, and then the reason."""
    server, transport = serve(saying(CHUNKED + chunk(b"a\n" * 1000) + b"0\r\n\r\n")), connect()
    client, token = AsyncTransport(transport), CancelToken()
    lines: List[str] = []

    async def ask() -> None:
        async with client.stream(post(server, cancel=token)) as answer:
            await so(lambda: len(answer._lines) == LINES_AHEAD)
            token.cancel()
            await so(lambda: in_use(transport) == [])
            with pytest.raises(CancelledError):
                await take(answer, lines)

    run(ask())
    assert lines == ["a"] * LINES_AHEAD


@pytest.mark.parametrize("waiting", [False, True])
def test_a_gate_that_is_closed_turns_coroutines_away(serve: Serve, connect: Connect, waiting: bool) -> None:
    server, transport = serve(), connect(parallel=1)
    client, gate = AsyncTransport(transport), transport.pool.endpoint(server.origin).gate
    place = gate.line_up(lambda: None)

    async def ask() -> None:
        if not waiting:
            gate.close()
        task = asyncio.ensure_future(client.request(post(server)))
        if waiting:
            await so(lambda: gate.waiting == 1)
            gate.close()
        with pytest.raises(PoolClosedError):
            await task

    run(ask())
    gate.leave(place)
    assert repr(client) == "<AsyncTransport over <ConnectionPoolManager 1 endpoints, 0 in flight>>"
    assert server.requests == []


def test_a_permit_that_meets_a_cancel_is_not_lost(serve: Serve, connect: Connect) -> None:
    """It is handed to a task that is cancelled in the same turn of the loop."""
    server, transport = serve(), connect(parallel=1)
    client, gate = AsyncTransport(transport), transport.pool.endpoint(server.origin).gate

    async def ask() -> None:
        place = gate.line_up(lambda: None)
        task = asyncio.ensure_future(client.request(post(server)))
        await so(lambda: gate.waiting == 1)
        gate.leave(place)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (gate.in_flight, gate.waiting) == (0, 0)
        assert (await client.request(post(server))).body == b"fine"

    run(ask())


def test_a_second_cancel_does_not_wait_for_the_end(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, transport, over = serve(deaf), connect(), threading.Event()
    client, exchange_end = AsyncTransport(transport), _slow_end(monkeypatch, over)

    async def ask() -> None:
        task = asyncio.ensure_future(client.request(post(server)))
        await so(server.asked.is_set)
        task.cancel()
        await so(exchange_end.is_set)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        over.set()
        await so(lambda: threads() == [])

    run(ask())


def _slow_end(monkeypatch: pytest.MonkeyPatch, over: threading.Event) -> threading.Event:
    """Closing takes until ``over``; the event that is returned tells that it began."""
    from core.exchange import Exchange

    began, close = threading.Event(), Exchange.close

    def slowly(exchange: Exchange) -> None:
        began.set()
        over.wait(5)
        close(exchange)

    monkeypatch.setattr(Exchange, "close", slowly)
    return began


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_stream_is_read_only_a_little_ahead_of_its_reader(serve: Serve, connect: Connect) -> None:
    """A provider that is faster than the reader has to wait, however much it has to say."""
    sent, line = [0], b"x" * 1023 + b"\n"

    def endless(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        while not peer.server.stopping.is_set():
            peer.send(chunk(line * 64))
            sent[0] += 64

    server, client = serve(endless), AsyncTransport(connect())

    async def ask() -> None:
        async with client.stream(post(server)) as answer:
            before = -1
            while sent[0] > before:  # until nothing more leaves the server
                before = sent[0]
                await asyncio.sleep(0.2)
            assert len(answer._lines) <= LINES_AHEAD
            for _ in range(2000):
                assert len(await answer.__anext__()) == 1023
            await so(lambda: sent[0] > before)

    run(ask())


def test_a_stream_that_is_left_early_gives_its_permit_back(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying_and_staying(CHUNKED + chunk(b"a\nb\n"))), connect(parallel=1)
    client = AsyncTransport(transport)

    async def ask() -> None:
        async with client.stream(post(server)) as answer:
            async for line in answer:
                assert line == "a"
                break
        assert in_use(transport) == []
        async with client.stream(post(server)) as answer:
            await answer.aclose()
            await answer.aclose()
            assert in_use(transport) == []
            with pytest.raises(CancelledError):  # not as if it had been read to its end
                await answer.__anext__()

    run(ask())


def test_a_reader_that_was_interrupted_can_go_on(serve: Serve, connect: Connect) -> None:
    go_on = threading.Event()

    def slowly(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        go_on.wait(5)
        peer.send(chunk(b"late\n") + b"0\r\n\r\n")

    server, client = serve(slowly), AsyncTransport(connect())

    async def ask() -> None:
        async with client.stream(post(server)) as answer:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(answer.__anext__(), 0.05)
            go_on.set()
            assert [line async for line in answer] == ["late"]

    run(ask())


# --- loops that end ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stuck", PHASES, indirect=True)
def test_what_is_under_way_when_a_loop_ends_ends_with_it(stuck: Stuck) -> None:
    async def leave() -> None:
        task = asyncio.ensure_future(stuck.ask)
        await so(stuck.stuck)
        del task

    asyncio.run(leave())
    until(lambda: threads() == [])


@pytest.mark.parametrize("phase", ["queued", "headers", "streaming"])
def test_a_loop_that_is_closed_over_its_calls_costs_nothing_in_the_end(
    serve: Serve, connect: Connect, phase: str
) -> None:
    """Nobody cancels them and nobody comes for what they hold: they give it back when it is their turn."""
    answer, given = threading.Event(), []

    def late(peer: Peer) -> None:
        if phase == "streaming":
            peer.request()
            peer.send(CHUNKED + chunk(b"a\n"))
            given.append(1)
            answer.wait(5)
            peer.send(chunk(b"b\n"))
            peer.stall()
        elif peer.request() is not None:
            given.append(1)
            answer.wait(5)
            peer.send(raw())

    server: ScriptedServer = serve(late)
    with ConnectionPoolManager(PoolConfig(maxsize=1)) as pool:
        transport = Transport(pool)
        client, gate = AsyncTransport(transport), pool.endpoint(server.origin).gate
        holder = Doing(lambda: transport.send(post(server))) if phase == "queued" else None
        if holder:
            until(lambda: len(given) == 1)
        loop = asyncio.new_event_loop()
        ask = read(client.stream(post(server))) if phase == "streaming" else client.request(post(server))
        task = loop.create_task(ask)
        ready = (lambda: gate.waiting == 1) if phase == "queued" else (lambda: len(given) == 1)
        loop.run_until_complete(so(ready))
        loop.close()
        answer.set()
        if holder:
            assert holder.join().error is None
        until(lambda: gate.in_flight == 0 and gate.waiting == 0)
        until(lambda: threads() == [])
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # the test wanted it so
        with suppress(RuntimeError):
            task.get_coro().close()


# --- docs/asyncio.md --------------------------------------------------------------------------------------------------


def test_the_example_in_the_documentation_works(standin: StandIn, key: str) -> None:
    page = (ROOT / "docs" / "asyncio.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BASE_URL": standin.openai_base_url, "API_KEY": key}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"40 answers, then a stream of [1-9][0-9]* events\n", done.stdout)
    assert standin.stats().requests == 41
    assert standin.stats().connections <= 8


def test_it_names_the_figures_of_the_code() -> None:
    page = (ROOT / "docs" / "asyncio.md").read_text(encoding="utf-8")
    assert f"at most {LINES_AHEAD} lines ahead" in page
