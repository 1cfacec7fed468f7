"""HTTP/1.1 as bytes (RFC 9112): requests are read from a connection, replies laid out for it.

Just what clients of JSON APIs send: a body comes with its length. What is asked and replied is decided elsewhere.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

LONGEST_HEAD = 64 * 1024
LARGEST_BODY = 64 * 1024 * 1024
_RECEIVE = 64 * 1024
_REASONS = {**{status.value: status.phrase for status in HTTPStatus}, 529: "Overloaded"}


def reason_of(status: int) -> str:
    """The words that go with a status."""
    return _REASONS.get(status, "Unknown")


#: A part of a body, and how many tokens of the answer are made when it can leave; None: it takes no making.
Piece = Tuple[Optional[int], bytes]


class MalformedRequestError(Exception):
    """What came is not a request that can be answered; the connection is of no more use."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    """:ivar headers: names in lower case; of several with one name the last. :ivar path: ``target`` up to the ``?``."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


class Reader:
    """Cuts what ``receive`` brings (as ``socket.recv`` does) into requests; they may be pipelined."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._buffer = b""

    def request(self) -> Optional[Request]:
        """The next request, or None when the client sends no more.

        :raises MalformedRequestError: it cannot be understood.
        """
        head = self._head()
        if head is None:
            return None
        first, *rest = head.split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise MalformedRequestError(400, "The first line is not that of an HTTP/1.1 request.")
        headers = _headers(rest)
        body = self._body(_length(headers))
        if body is None:
            return None
        keep_alive = words[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return Request(words[0], words[1], headers, body, keep_alive)

    def _head(self) -> Optional[str]:
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if end:
                self._buffer = rest
                return head.decode("latin-1")
            if len(self._buffer) > LONGEST_HEAD:
                raise MalformedRequestError(431, "The headers are too long.")
            received = self._receive(_RECEIVE)
            if not received:
                return None
            self._buffer += received

    def _body(self, length: int) -> Optional[bytes]:
        pieces = [self._buffer[:length]]
        self._buffer = self._buffer[length:]
        missing = length - len(pieces[0])
        while missing:
            received = self._receive(min(missing, _RECEIVE))
            if not received:
                return None
            pieces.append(received)
            missing -= len(received)
        return b"".join(pieces)


def _headers(lines: List[str]) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise MalformedRequestError(400, "A header has no name.")
        headers[name.lower()] = value.strip()
    return headers


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise MalformedRequestError(411, "The body must come with its length.")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise MalformedRequestError(400, "The length of the body is not a number.")
    if int(text) > LARGEST_BODY:
        raise MalformedRequestError(413, "The body is too large.")
    return int(text)


@dataclass(frozen=True)
class Reply:
    """:ivar pieces: the body in the parts in which it leaves. :ivar chunked: a chunk each; no length is told."""

    status: int
    pieces: Tuple[Piece, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False

    @property
    def body(self) -> bytes:
        """What the client sees of it, without the framing of chunks."""
        return b"".join(data for _, data in self.pieces)

    def head(self) -> bytes:
        """The status line and the headers, up to the first byte of the body."""
        lines = [f"HTTP/1.1 {self.status} {reason_of(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append("Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def frames(self) -> Iterator[Piece]:
        """The bytes of the connection, in the parts in which they leave; the head leaves with the first."""
        before = self.head()
        for tokens, data in self.pieces:
            yield tokens, before + (b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
            before = b""
        after = b"0\r\n\r\n" if self.chunked else b""
        if before or after:
            yield None, before + after

    def encode(self) -> bytes:
        """All the bytes of the connection."""
        return b"".join(data for _, data in self.frames())


def json_bytes(document: Any) -> bytes:
    """``document`` as compact JSON in UTF-8; half a surrogate pair becomes ``?``."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_reply(document: Any, status: int = 200, tokens: Optional[int] = None, **headers: str) -> Reply:
    """``document`` as the whole of a reply."""
    return Reply(status, ((tokens, json_bytes(document)),), {"Content-Type": "application/json", **headers})
