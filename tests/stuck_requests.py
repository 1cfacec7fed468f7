"""Requests that are stuck: one for each thing that a request can wait for."""

import socket
import threading
from typing import Any, Callable, List

from support_server import (
    Connect,
    Doing,
    Peer,
    Serve,
    deaf,
    full_backlog,
    post,
    raw,
    saying_and_staying,
    server_tls,
)
from waiting import until

from core.cancel import CancelToken
from core.transport import Transport


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


def trickling_headers(peer: Peer) -> None:
    """Headers for ever, a byte at a time: no pause is long enough for a read timeout."""
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not peer.server.stopping.wait(0.01):
        peer.send(b"x")


def reader(transport: Transport, **values: Any) -> Callable[[CancelToken, Any], object]:
    return lambda cancel, deadline: transport.send(post(cancel=cancel, deadline=deadline, **values))


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
