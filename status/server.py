"""A small HTTP server on this machine that shows what ``status`` knows. Off unless somebody starts it.

It listens on 127.0.0.1 only. What is let in is ``status.asked``'s, what is answered ``status.answers``'s.
"""

import contextlib
import logging
import socket
import threading
import time
from typing import Dict, Mapping

from core.errors import ConfigError
from status import answers
from status.asked import END, RefusedError, check_length, path_of
from status.watch import Source

log = logging.getLogger("subai.status")

HOST = "127.0.0.1"
PATIENCE = 5.0  # seconds for a client to ask and to take its answer
MOST_CLIENTS = 16  # at once; whoever comes then is not heard

_BREATH = 0.1  # seconds after an accept that failed
_LINGER = 0.5  # seconds that a client gets to read why it was refused, though it is still sending
_PHRASES: Mapping[int, str] = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
_ALWAYS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class StatusServer:
    """Answers from its start to ``close``; also a context manager.

    :param token: what a client has to know.
    :param port: 0 has the system choose one.
    :raises ConfigError: the port cannot be had.
    """

    def __init__(self, source: Source, token: str, port: int = 0) -> None:
        self._source = source
        self._token = token
        try:
            self._listener = socket.create_server((HOST, port))
        except OSError as error:
            words = f"The status server cannot have port {port}: {error.strerror}. Choose another, or 0 for any."
            raise ConfigError(words) from error
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._clients: Dict[socket.socket, threading.Thread] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="subai-status", daemon=True)
        self._thread.start()
        log.info("Status server at http://%s:%d/", HOST, self.port)

    def __enter__(self) -> "StatusServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where a browser finds the page; it holds the token."""
        return f"http://{HOST}:{self.port}/?token={self._token}"

    def close(self) -> None:
        """Answer no more; whoever is being answered is cut off."""
        with self._lock:
            self._closed.set()
            clients = dict(self._clients)
        for sock in (self._listener, *clients):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):  # where shutting a listener down does not wake who waits for it
            socket.create_connection((HOST, self.port), 0.1).close()
        self._listener.close()
        for thread in (self._thread, *clients.values()):
            thread.join(1.0)

    # --- clients ----------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # it was closed; or that client has left, or there are too many open files
                if self._closed.wait(_BREATH):
                    return
                continue
            if not self._hear(sock):
                sock.close()
            if self._closed.is_set():
                return

    def _hear(self, sock: socket.socket) -> bool:
        """Answer a client on a thread of its own, if there is room."""
        thread = threading.Thread(target=self._serve, args=(sock,), name="subai-status-client", daemon=True)
        with self._lock:
            if self._closed.is_set() or len(self._clients) >= MOST_CLIENTS:
                return False
            try:
                thread.start()
            except RuntimeError:  # no threads are left, or the interpreter ends
                return False
            self._clients[sock] = thread  # before it can leave: that needs the lock
        return True

    def _serve(self, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError), sock:  # the client went away, or the server closes
                self._answer(sock, time.monotonic() + PATIENCE)
        finally:
            with self._lock:
                del self._clients[sock]

    def _answer(self, sock: socket.socket, deadline: float) -> None:
        try:
            path = path_of(_read_head(sock, deadline), self._token)
            answer = answers.answer(path, self._source)
            status, headers, body = answer.status, {"Content-Type": answer.kind, **answer.headers}, answer.body
        except RefusedError as refused:
            path, status, body = "", refused.status, f"{refused.words}\n".encode()
            headers = {"Content-Type": "text/plain; charset=utf-8", **dict([refused.header] if refused.header else [])}
        except OSError:
            raise
        except Exception:  # the edge of a thread: nobody else would hear of it
            log.exception("A page of the status server could not be made")
            path, status, headers, body = "", 500, {"Content-Type": "text/plain; charset=utf-8"}, b"An error.\n"
        log.debug("status server: %d %s", status, path)
        sock.settimeout(max(0.1, deadline - time.monotonic()))
        sock.sendall(_encoded(status, {**headers, **_ALWAYS, "Content-Length": str(len(body))}, body))
        _let_it_read(sock)


def _read_head(sock: socket.socket, deadline: float) -> bytes:
    """Up to the empty line.

    :raises RefusedError: it is too long, or something follows it. :raises OSError: its time is over, or it broke off.
    """
    read = b""
    while END not in read:
        check_length(read)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the client took too much time")
        sock.settimeout(left)
        chunk = sock.recv(4096)
        if not chunk:
            raise ConnectionError("the client left")
        read += chunk
    head, end, rest = read.partition(END)
    if rest:
        raise RefusedError(413, "A request has no body here.")
    return head + end


def _encoded(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _let_it_read(sock: socket.socket) -> None:
    """A socket that is closed with something unread takes back what was sent on it."""
    sock.shutdown(socket.SHUT_WR)
    limit = time.monotonic() + _LINGER
    while time.monotonic() < limit:
        sock.settimeout(_LINGER)
        if not sock.recv(65536):
            return
