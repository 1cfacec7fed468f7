"""A server whose every byte is scripted, and what else the tests of the network need; fixtures are in network_fixtures.

A script is a function that is given a ``Peer``, one connection, and plays the server's part on it.
"""

import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Callable, Iterator, List, Optional

import trustme

from core.cancel import CancelToken
from core.messages import Request

#: What a person feels: an end that is asked for must come within this.
SOON = 1.0


def raw(body: bytes = b"fine", status: str = "200 OK", *headers: str, length: Optional[int] = None) -> bytes:
    """An answer with its length, kept alive."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class Peer:
    """The server's side of one connection."""

    def __init__(self, server: "ScriptedServer", sock: socket.socket, number: int) -> None:
        self.server = server
        self.sock = sock
        self.number = number
        self._rest = b""

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def request(self) -> Optional[bytes]:
        """The next request, head and body; None when the client has left."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return None
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._rest = rest
        while len(self._rest) < length:
            if not self._more():
                return None
        whole, self._rest = head + b"\r\n\r\n" + self._rest[:length], self._rest[length:]
        self.server.requests.append(whole)
        self.server.asked.set()
        return whole

    def _more(self) -> bool:
        chunk = self.sock.recv(65536)
        self._rest += chunk
        return bool(chunk)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """Close with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def stall(self) -> None:
        """Say nothing until the test is over."""
        self.server.stopping.wait(30)


Script = Callable[[Peer], None]


def keep_alive(peer: Peer) -> None:
    """Answer whatever comes."""
    while peer.request() is not None:
        peer.send(raw())


def saying(*answers: bytes) -> Script:
    """Give these answers, one a request, and then close the connection without a word."""

    def script(peer: Peer) -> None:
        for answer in answers:
            if peer.request() is None:
                return
            peer.send(answer)

    return script


def saying_and_staying(*answers: bytes) -> Script:
    """Give these answers, one a request, and then say nothing more."""

    def script(peer: Peer) -> None:
        saying(*answers)(peer)
        peer.stall()

    return script


class ScriptedServer:
    """Plays the first script on the first connection and so on; the last one on all that follow.

    :ivar requests: what was received, each whole.
    :ivar accepted: connections so far.
    :ivar asked: set when a request is in. :ivar stopping: set when the test is over.
    """

    def __init__(self, *scripts: Script, tls: Optional[ssl.SSLContext] = None) -> None:
        self.requests: List[bytes] = []
        self.accepted = 0
        self.asked = threading.Event()
        self.stopping = threading.Event()
        self._scripts = scripts or (keep_alive,)
        self._tls = tls
        self._peers: List[Peer] = []
        self._threads: List[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1/chat"

    @property
    def origin(self) -> str:
        return self.url[: -len("/v1/chat")]

    def close(self) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in list(self._peers):
            with suppress(OSError):
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(self, sock, self.accepted)
            self.accepted += 1
            self._peers.append(peer)
            self._start(lambda peer=peer: self._play(peer))  # type: ignore[misc]

    def _play(self, peer: Peer) -> None:
        script = self._scripts[min(peer.number, len(self._scripts) - 1)]
        with suppress(OSError):  # the client went away
            if self._tls is not None:
                peer.start_tls(self._tls)
            script(peer)
        peer.sock.close()


def post(server: ScriptedServer, body: bytes = b"{}", **rest: Any) -> Request:
    """A request to the server."""
    rest.setdefault("url", server.url)
    return Request("POST", body=body, **rest)


# --- certificates ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=None)
def authority() -> trustme.CA:
    """The authority that the tests may trust."""
    return trustme.CA()


@lru_cache(maxsize=None)
def server_tls(*names: str, newest: Optional[ssl.TLSVersion] = None) -> ssl.SSLContext:
    """A server's context with a certificate of ``authority`` for these names, for 127.0.0.1 if there are none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if newest is not None:
        context.maximum_version = newest
    authority().issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context


# --- odd servers ----------------------------------------------------------------------------------------------------


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port where a connection is neither accepted nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            waiting.append(sock)
        try:
            yield listener.getsockname()[1]
        finally:
            for sock in waiting:
                sock.close()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# --- doing two things at once ---------------------------------------------------------------------------------------


class Doing:
    """A call on a thread of its own, and what came of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except Exception as error:  # noqa: BLE001  whatever it is, the test looks at it
            self.error = error

    def join(self, seconds: float = SOON) -> "Doing":
        """Wait for it; it must be over within ``seconds``."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "it did not end in time"
        return self


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what another thread will bring about."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it never came about"
        time.sleep(0.002)


def cancelled() -> CancelToken:
    token = CancelToken()
    token.cancel()
    return token
