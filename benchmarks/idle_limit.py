"""Requests to a server that closes idle connections, at gaps around its limit: how many are lost.

Sockets and TLS are real. The clock is simulated, for the server and for the ages of our connections, so that an hour of
gaps takes seconds; when the server closes, it does so before, while or after the next request goes out.
"""

import contextlib
import random
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, List
from unittest import mock

from benchmarks.servers import certificates
from core import pool_connections
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.transport import Request, Transport

#: Seconds that the server of the table lets a connection be idle, and the requests it is asked.
LIMIT = 3.0
REQUESTS = 1000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Clock:
    """Both clocks of a machine, which go on only when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


class _Connection:
    """The server's side of one: closed when it was idle for too long, whatever is on its way then."""

    def __init__(self, server: "IdleServer", sock: socket.socket) -> None:
        self._server = server
        self._sock = sock
        self._lock = threading.Lock()
        self._idle = False
        self._closed = False
        self.idle_since = 0.0

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            self._sock = self._server.context.wrap_socket(self._sock, server_side=True)
            while True:
                with self._lock:
                    self.idle_since, self._idle = self._server.clock.now, True
                data = self._sock.recv(65536)
                while data and b"\r\n\r\n" not in data:
                    data += self._sock.recv(65536)
                with self._lock:
                    if self._closed or not data or self.expired():
                        self._closed = True
                        break
                    self._idle = False
                self._server.answered[data.partition(b"\r\n")[0]] += 1
                self._sock.sendall(ANSWER)
        self._end()

    def expired(self) -> bool:
        return self._server.clock.now - self.idle_since >= self._server.limit

    def close_if_expired(self) -> None:
        with self._lock:
            if self._idle and not self._closed and self.expired():
                self._closed = True
                with contextlib.suppress(OSError):  # the client may have closed it first
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _end(self) -> None:
        if self._server.chance.random() < 0.5:  # half of them with a RST
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()
        self._server.forget(self)


class IdleServer:
    """Answers over TLS, and closes connections that were idle for ``limit`` seconds of ``clock``.

    :ivar answered: how often each request line was.
    """

    def __init__(self, clock: Clock, limit: float, context: ssl.SSLContext, chance: random.Random) -> None:
        self.clock = clock
        self.limit = limit
        self.context = context
        self.chance = chance
        self.answered: Counter[bytes] = Counter()
        self._connections: List[_Connection] = []
        self._threads: List[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def pass_time(self, seconds: float) -> None:
        """The next request may find what is idle too long closed, just being closed, or closed once it has arrived."""
        self.clock.now += seconds
        expired = [connection for connection in list(self._connections) if connection.expired()]
        way = self.chance.choice(("before", "while", "after"))
        for connection in expired:
            if way == "before":
                connection.close_if_expired()
            elif way == "while":
                self._start(connection.close_if_expired)

    def forget(self, connection: _Connection) -> None:
        """It is over."""
        self._connections.remove(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            connection.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = _Connection(self, sock)
                self._connections.append(connection)
                self._start(connection.serve)


@dataclass(frozen=True)
class Losses:
    """What came of the requests.

    :ivar lost: ended with an error. :ivar twice: answered more than once. :ivar connections: that were opened.
    :ivar replaced: found dead when the request went out, and replaced unseen.
    """

    requests: int
    lost: int
    twice: int
    connections: int
    replaced: int


@contextlib.contextmanager
def _idle_server(clock: Clock, limit: float, chance: random.Random) -> "Iterator[tuple[IdleServer, str]]":
    with tempfile.TemporaryDirectory() as folder:
        ca_file, certificate, key = certificates(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = IdleServer(clock, limit, context, chance)
        try:
            yield server, ca_file
        finally:
            server.close()


def measure(limit: float, max_idle: float, gap: Callable[[random.Random], float], requests: int, seed: int) -> Losses:
    """So many requests, one after the other, without any retry; ``gap`` says how many seconds lie between two."""
    chance, clock = random.Random(seed), Clock()
    lost = 0
    with _idle_server(clock, limit, chance) as (server, ca_file), mock.patch.object(pool_connections, "time", clock):
        with ConnectionPoolManager(PoolConfig(max_idle=max_idle)) as pool:
            transport = Transport(pool, ca_file=ca_file)
            for number in range(requests):
                server.pass_time(gap(chance))
                try:
                    transport.send(Request("GET", f"{server.url}/{number}"))
                except SubAIError:
                    lost += 1
            (seen,) = pool.stats().values()
        twice = sum(count > 1 for count in server.answered.values())
    return Losses(requests, lost, twice, seen.created, seen.recycled.get("dropped", 0))


def main() -> None:
    """Print a line a setting."""
    print(f"\nServer with {LIMIT:g} s idle limit, {REQUESTS} requests over TLS at gaps of 0.5-6 s (to be lost: 0):")
    for max_idle in (60.0, LIMIT):
        began = time.perf_counter()
        seen = measure(LIMIT, max_idle, lambda chance: chance.uniform(0.5, 6.0), REQUESTS, seed=1)
        verdict = "met" if not seen.lost else "NOT MET"
        print(
            f"  our max idle {max_idle:4g} s: {seen.lost} lost, {seen.twice} answered twice, {seen.connections} "
            f"connections, {seen.replaced} found dead: {verdict} ({time.perf_counter() - began:.1f} s)"
        )


if __name__ == "__main__":
    main()
