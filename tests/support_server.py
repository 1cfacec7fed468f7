"""A server whose every byte is scripted, and what else the tests of the network need; fixtures are in network_fixtures.

A script is a function that is given a ``Peer``, one connection, and plays the server's part on it.
"""

import base64
import select
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Callable, Iterator, List, Optional, Tuple
from urllib.parse import urlsplit

import trustme

from core.cancel import CancelToken
from core.messages import Request
from core.transport import Transport

#: What a person feels: an end that is asked for must come within this.
SOON = 1.0


def raw(body: bytes = b"fine", status: str = "200 OK", *headers: str, length: Optional[int] = None) -> bytes:
    """An answer with its length, kept alive."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    """One chunk of a body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


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


def deaf(peer: Peer) -> None:
    """Read the request, and say nothing."""
    peer.request()
    peer.stall()


def leaving(peer: Peer) -> None:
    """Read a request and leave."""
    peer.request()


def resetting(peer: Peer) -> None:
    """Read a request and break off."""
    peer.request()
    peer.reset()


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

    def __init__(
        self, *scripts: Script, tls: Optional[ssl.SSLContext] = None, address: Tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self.requests: List[bytes] = []
        self.accepted = 0
        self.asked = threading.Event()
        self.stopping = threading.Event()
        self._scripts = scripts or (keep_alive,)
        self._tls = tls
        self._peers: List[Peer] = []
        self._threads: List[threading.Thread] = []
        self._listener = socket.create_server(address)
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


#: What the fixtures ``serve`` and ``connect`` are.
Serve = Callable[..., ScriptedServer]
Connect = Callable[..., Transport]


def post(server: Optional[ScriptedServer] = None, body: bytes = b"{}", **rest: Any) -> Request:
    """A request to the server, or to ``url``."""
    if server is not None:
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


# --- proxies --------------------------------------------------------------------------------------------------------


def proxying(login: str = "") -> Script:
    """An http proxy: CONNECT for https, and whole URLs for http; with ``user:password`` if there is a ``login``."""
    wanted = b"proxy-authorization: basic " + base64.b64encode(login.encode()).lower()

    def script(peer: Peer) -> None:
        while True:
            asked = peer.request()
            if asked is None:
                return
            head, _, body = asked.partition(b"\r\n\r\n")
            if login and wanted not in head.lower():
                peer.send(raw(b"", "407 Proxy Authentication Required", "Proxy-Authenticate: Basic"))
                continue
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                relay(peer.sock, (host, int(port)))
                return
            parts = urlsplit(target)
            path = target[len(f"{parts.scheme}://{parts.netloc}") :]
            with socket.create_connection((parts.hostname or "", parts.port or 80)) as far:
                far.sendall(head.replace(target.encode(), path.encode(), 1) + b"\r\n\r\n" + body)
                peer.send(far.recv(65536))

    return script


def socks5(login: str = "") -> Script:
    """A SOCKS 5 proxy (RFC 1928, RFC 1929)."""
    name, _, password = login.partition(":")

    def script(peer: Peer) -> None:
        _, methods = peer.sock.recv(2)
        peer.sock.recv(methods)
        peer.send(b"\x05\x02" if login else b"\x05\x00")
        if login:
            given = peer.sock.recv(1000)
            right = given == bytes([1, len(name), *name.encode(), len(password), *password.encode()])
            peer.send(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        kind = peer.sock.recv(4)[3]
        if kind == 3:
            host = peer.sock.recv(peer.sock.recv(1)[0]).decode()
            peer.server.requests.append(host.encode())
        else:
            host = socket.inet_ntoa(peer.sock.recv(4))
        (port,) = struct.unpack(">H", peer.sock.recv(2))
        peer.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        relay(peer.sock, (host, port))

    return script


def socks4(peer: Peer) -> None:
    """A SOCKS 4 proxy, which looks names up too (SOCKS 4A)."""
    port, given = struct.unpack(">xxH4s", peer.sock.recv(8))
    host = socket.inet_ntoa(given)
    _, name, *_ = peer.sock.recv(1000).split(b"\0")
    peer.server.requests.append(name or host.encode())
    peer.send(b"\x00\x5a" + bytes(6))
    relay(peer.sock, (name.decode() or host, port))


def relay(near: socket.socket, address: Tuple[str, int]) -> None:
    """Pass everything on, both ways, until one side leaves."""
    with socket.socket() as far:
        far.connect(address)
        other = {near: far, far: near}
        while True:
            buffered = isinstance(near, ssl.SSLSocket) and near.pending()
            for sock in [near] if buffered else select.select([near, far], [], [], 30)[0]:
                data = sock.recv(65536)
                if not data:
                    return
                other[sock].sendall(data)


_getaddrinfo = socket.getaddrinfo


class Resolver:
    """In place of the system's: says what it is told to, as late as it is told to.

    :ivar says: the addresses of every name; none: it fails. :ivar asked: each name it was asked for.
    """

    def __init__(self) -> None:
        self.says: List[str] = ["127.0.0.1"]
        self.asked: List[str] = []
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, host: str, port: int, *more: Any, **rest: Any) -> Any:
        if "flags" in rest:  # only what is an address already
            return _getaddrinfo(host, port, *more, **rest)
        self.asked.append(host)
        self.answers.wait(10)
        if not self.says:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [info for says in self.says for info in _getaddrinfo(says, port, type=socket.SOCK_STREAM)]


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


def cancelled() -> CancelToken:
    token = CancelToken()
    token.cancel()
    return token


# --- clocks ---------------------------------------------------------------------------------------------------------


class Clocks:
    """Both clocks of this machine, to be moved; the waits of threads go by the real one."""

    def __init__(self, monkeypatch: Any) -> None:
        self.monotonic_ahead = self.wall_ahead = 0.0
        monotonic, wall = time.monotonic, time.time
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + self.monotonic_ahead)
        monkeypatch.setattr(time, "time", lambda: wall() + self.wall_ahead)
