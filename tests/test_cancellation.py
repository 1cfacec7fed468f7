"""Whatever a request waits for, a cancel, a shutdown and its deadline end it at once, and nothing is left behind."""

import socket
import threading
import time
from typing import Any, Callable, Dict, List, Type

import pytest
from support_server import (
    Connect,
    Doing,
    Peer,
    Serve,
    cancelled,
    full_backlog,
    post,
    raw,
    saying_and_staying,
    server_tls,
    until,
)

from core.cancel import CancelToken
from core.errors import CancelledError, DeadlineError, PoolClosedError, SubAIError
from core.transport import Transport

pytest_plugins = ("network_fixtures",)


class Case:
    """A request that is stuck in one phase.

    :ivar stuck: whether it has got there.
    """

    def __init__(self, transport: Transport, ask: Callable[[CancelToken, Any], object]) -> None:
        self.transport = transport
        self.ask = ask
        self.stuck: Callable[[], bool] = lambda: True
        self.clean_up: Callable[[], object] = lambda: None


def silent(peer: Peer) -> None:
    """Accept, and say nothing."""
    peer.stall()


def deaf(peer: Peer) -> None:
    """Read the request, and say nothing."""
    peer.request()
    peer.stall()


def trickling_headers(peer: Peer) -> None:
    """Headers for ever, a byte at a time: no pause is long enough for a read timeout."""
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not peer.server.stopping.wait(0.01):
        peer.send(b"x")


def reader(transport: Transport, **values: Any) -> Callable[[CancelToken, Any], object]:
    return lambda cancel, deadline: transport.send(post(cancel=cancel, deadline=deadline, **values))


@pytest.fixture
def phases(
    serve: Serve, connect: Connect, trusted: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Case:
    return getattr(Phases(serve, connect, trusted, monkeypatch, request), request.param)()  # type: ignore[no-any-return]


class Phases:
    """How to get stuck in each phase."""

    def __init__(self, serve: Serve, connect: Connect, trusted: str, monkeypatch: Any, request: Any) -> None:
        self.serve = serve
        self.connect = connect
        self.trusted = trusted
        self.monkeypatch = monkeypatch
        self.request = request

    def gate(self) -> Case:
        server, transport = self.serve(deaf), self.connect(parallel=1, pool_timeout=60.0)
        holder = Doing(lambda: transport.send(post(server)))
        until(lambda: len(server.requests) == 1)
        case = Case(transport, reader(transport, server=server))
        case.stuck = lambda: transport.pool.endpoint(server.origin).gate.waiting == 1

        def clean_up() -> None:
            transport.pool.cancel()
            holder.join()

        case.clean_up = clean_up
        return case

    def lookup(self) -> Case:
        real, asked, over = socket.getaddrinfo, threading.Event(), threading.Event()

        def never(host: str, port: int, **rest: Any) -> Any:
            if "flags" in rest:
                return real(host, port, **rest)
            asked.set()
            over.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")

        self.monkeypatch.setattr(socket, "getaddrinfo", never)
        self.request.addfinalizer(over.set)
        transport = self.connect(connect_timeout=60.0)
        case = Case(transport, reader(transport, server=None, url="http://slow.example/"))
        case.stuck = asked.is_set
        return case

    def connecting(self) -> Case:
        backlog = full_backlog()
        port = backlog.__enter__()
        self.request.addfinalizer(lambda: backlog.__exit__(None, None, None))
        transport = self.connect(connect_timeout=60.0)
        case = Case(transport, reader(transport, server=None, url=f"http://127.0.0.1:{port}/"))
        gate = transport.pool.endpoint(f"http://127.0.0.1:{port}").gate
        case.stuck = lambda: gate.in_flight == 1
        return case

    def handshake(self) -> Case:
        server = self.serve(silent)
        transport = self.connect(connect_timeout=60.0)
        case = Case(transport, reader(transport, server=server, url=server.url.replace("http:", "https:")))
        case.stuck = lambda: server.accepted == 1
        return case

    def tunnel(self) -> Case:
        proxy = self.serve(deaf)
        transport = self.connect(connect_timeout=60.0, proxy=proxy.origin)
        case = Case(transport, reader(transport, server=None, url="https://far.example/"))
        case.stuck = proxy.asked.is_set
        return case

    def headers(self) -> Case:
        server, transport = self.serve(deaf), self.connect()
        case = Case(transport, reader(transport, server=server))
        case.stuck = server.asked.is_set
        return case

    def headers_over_tls(self) -> Case:
        server, transport = self.serve(deaf, tls=server_tls()), self.connect(ca_file=self.trusted)
        case = Case(transport, reader(transport, server=server))
        case.stuck = server.asked.is_set
        return case

    def headers_reused(self) -> Case:
        """A connection that was used before: the interrupt must not pass for a peer that left."""
        server, transport = self.serve(saying_and_staying(raw())), self.connect()
        transport.send(post(server))
        case = Case(transport, reader(transport, server=server))
        case.stuck = lambda: transport.pool.endpoint(server.origin).gate.in_flight == 1
        return case

    def trickled_headers(self) -> Case:
        server, transport = self.serve(trickling_headers), self.connect()
        case = Case(transport, reader(transport, server=server))
        case.stuck = server.asked.is_set
        return case

    def body(self) -> Case:
        server, transport = self.serve(saying_and_staying(raw(b"12", length=9))), self.connect()
        case = Case(transport, reader(transport, server=server))
        case.stuck = server.asked.is_set
        return case

    def body_until_close(self) -> Case:
        """Without a length, a socket that is shut down looks like the end of the answer."""
        server = self.serve(saying_and_staying(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n12"))
        transport = self.connect()
        case = Case(transport, reader(transport, server=server))
        case.stuck = server.asked.is_set
        return case

    def stream(self) -> Case:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n"
        server, transport = (
            self.serve(saying_and_staying(chunked), tls=server_tls()),
            self.connect(ca_file=self.trusted),
        )
        lines: List[str] = []

        def ask(cancel: CancelToken, deadline: Any) -> None:
            with transport.open(post(server, cancel=cancel, deadline=deadline)) as answer:
                for line in answer.lines():
                    lines.append(line)  # noqa: PERF402  it is looked at meanwhile

        case = Case(transport, ask)
        case.stuck = lambda: lines == ["a"]
        return case


PHASES = [name for name in vars(Phases) if not name.startswith("_")]

ENDS: Dict[str, Type[SubAIError]] = {
    "cancel": CancelledError,
    "cancel_all": CancelledError,
    "close_all": PoolClosedError,
    "deadline": DeadlineError,
}


@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("phases", PHASES, indirect=True)
def test_every_wait_ends_at_once(phases: Case, end: str) -> None:
    token = CancelToken()
    deadline = time.monotonic() + 0.2 if end == "deadline" else None
    doing = Doing(lambda: phases.ask(token, deadline))
    if end != "deadline":
        until(phases.stuck)
        time.sleep(0.01)
    if end == "cancel":
        token.cancel()
    elif end == "cancel_all":
        phases.transport.pool.cancel()
    elif end == "close_all":
        assert phases.transport.pool.close_all(1.0)
    error = doing.join().error
    assert type(error) is ENDS[end]
    phases.clean_up()
    kinds = {kind for snapshot in phases.transport.pool.stats().values() for kind in snapshot.errors}
    assert kinds == {"deadline": {"deadline"}, "close_all": {"pool_closed"}}.get(end, set())


def test_what_is_cancelled_before_it_starts_is_not_sent(serve: Serve, connect: Connect) -> None:
    server, transport = serve(), connect()
    with pytest.raises(CancelledError):
        transport.send(post(server, cancel=cancelled()))
    with pytest.raises(CancelledError):
        transport.pool.warm_up(server.url, cancel=cancelled())
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() - 1))
    assert server.requests == []


def test_a_warm_up_can_be_cancelled_and_has_a_deadline(serve: Serve, connect: Connect) -> None:
    server, transport, token = serve(silent), connect(connect_timeout=60.0), CancelToken()
    url = server.url.replace("http:", "https:")
    doing = Doing(lambda: transport.warm_up(url, token))
    until(lambda: server.accepted == 1)
    token.cancel()
    assert isinstance(doing.join().error, CancelledError)
    with pytest.raises(DeadlineError):
        transport.pool.warm_up(url, deadline=time.monotonic() + 0.05)


def test_a_cancel_of_one_request_leaves_the_others_alone(serve: Serve, connect: Connect) -> None:
    go_on, token = threading.Event(), CancelToken()

    def wait_for_the_word(peer: Peer) -> None:
        peer.request()
        go_on.wait(5)
        peer.send(raw())

    server, transport = serve(wait_for_the_word), connect()
    doomed = Doing(lambda: transport.send(post(server, cancel=token)))
    other = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 2)
    token.cancel()
    assert isinstance(doomed.join().error, CancelledError)
    go_on.set()
    assert other.join().result.body == b"fine"


def test_each_request_that_is_cancelled_gets_an_error_of_its_own(serve: Serve, connect: Connect) -> None:
    server, transport = serve(deaf), connect()
    several = [Doing(lambda: transport.send(post(server))) for _ in range(4)]
    until(lambda: len(server.requests) == 4)
    transport.pool.cancel()
    errors = [doing.join().error for doing in several]
    assert all(isinstance(error, CancelledError) for error in errors)
    assert len({id(error) for error in errors}) == 4


def test_the_pool_goes_on_after_a_cancel_of_everything(serve: Serve, connect: Connect) -> None:
    server, transport = serve(deaf, saying_and_staying(raw())), connect()
    doomed = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 1)
    transport.pool.cancel()
    assert isinstance(doomed.join().error, CancelledError)
    assert transport.send(post(server)).body == b"fine"


def test_an_earlier_deadline_wakes_the_watcher(serve: Serve, connect: Connect) -> None:
    """The watcher already sleeps towards a later one."""
    server, transport = serve(deaf), connect()
    patient = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 1)
    time.sleep(0.02)
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() + 0.1))
    transport.pool.cancel()
    patient.join()
