"""Answers that are odd, broken, or never end: each comes to an answer or one clear error, and the next request is fine.

Over plain connections and TLS, new ones and such as have served before, over the pool and without it.
"""

import gzip
import socket
import sys
import time
from typing import Callable, Dict, Tuple

import pytest
from fault_support import Expected, check, outcome
from support_server import Connect, Peer, Script, Serve, keep_alive, post, raw, saying, saying_and_staying, server_tls

from core.errors import BodyTooLargeError, ConnectionDroppedError, DeadlineError, ProtocolError, ReadTimeoutError

pytest_plugins = ("network_fixtures",)
pytestmark = pytest.mark.long

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MANY = b"X: y\r\n" * 101
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

BROKE: Expected = (ConnectionDroppedError, "broke")
NOT_HTTP: Expected = (ProtocolError, "did not answer in HTTP as expected")


def reset_after(data: bytes) -> Script:
    """Send so much, and then a RST."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(data)
            time.sleep(0.02)  # a RST overtakes what was sent just before
            peer.reset()

    return script


def ending_after(data: bytes) -> Script:
    """Send so much, and no more: over TLS without the alert that ends it properly, too."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(data)
            socket.socket.shutdown(peer.sock, socket.SHUT_WR)

    return script


def trickling(data: bytes, gap: float) -> Script:
    """A byte at a time."""

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            for byte in data:
                peer.send(bytes([byte]))
                if peer.server.stopping.wait(gap):
                    return

    return script


def packed(data: bytes) -> bytes:
    return raw(gzip.compress(data), "200 OK", "Content-Encoding: gzip")


def bomb(peer: Peer) -> None:
    """50 KB that would be 50 MB."""
    peer.request()
    peer.send(packed(bytes(50_000_000)))


BREAKS: Dict[str, Tuple[bytes, Expected]] = {
    "in the first line": (b"HTTP/1.1 2", BROKE),
    "after the first line": (b"HTTP/1.1 200 OK\r\n", BROKE),
    "in a header": (b"HTTP/1.1 200 OK\r\nContent-Le", BROKE),
    "after the headers": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", BROKE),
    "in the body": (raw(b"12", length=9), BROKE),
    "in a chunk": (CHUNKED + b"9\r\n12", BROKE),
    "between chunks": (CHUNKED + b"2\r\n12\r\n", BROKE),
    "after an interim answer": (HINTS, BROKE),
}

ODD: Dict[str, Tuple[Script, Expected]] = {
    # Well meant, and to be understood.
    "103 before the answer": (saying(HINTS + raw()), b"fine"),
    "103 again and again": (saying(HINTS * 5 + raw()), b"fine"),
    "100 that nobody waited for": (saying(CONTINUE + raw()), b"fine"),
    "100, 102 and 103": (saying(CONTINUE + b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS + raw()), b"fine"),
    "HTTP/1.0": (saying(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nfine"), b"fine"),
    "extensions and trailers": (saying(CHUNKED + b"4;x=y\r\nfine\r\n0\r\nX: y\r\n\r\n"), b"fine"),
    "a length beside chunks": (saying(CHUNKED[:-2] + b"Content-Length: 9\r\n\r\n4\r\nfine\r\n0\r\n\r\n"), b"fine"),
    "one length twice": (saying(raw(b"fine", "200 OK", "Content-Length: 4")), b"fine"),
    "a length that is none": (saying(raw(b"fine").replace(b": 4", b": some")), b"fine"),
    "a byte at a time": (trickling(raw(b"fine"), 0.002), b"fine"),
    "more than its length": (saying(raw(b"fine and more", length=4)), b"fine"),
    "packed": (saying(packed(b"fine")), b"fine"),
    # Beyond understanding.
    "less than its length": (ending_after(raw(b"fine", length=9)), BROKE),
    "two lengths": (saying(raw(b"fine", "200 OK", "Content-Length: 9")), (ProtocolError, "Content-Length")),
    "a chunk of no size": (saying(CHUNKED + b"zz\r\nfine"), BROKE),
    "a chunk of negative size": (saying(CHUNKED + b"-4\r\nfine\r\n0\r\n\r\n"), BROKE),
    "a chunk larger than the world": (saying(CHUNKED + b"f" * 18 + b"\r\nfine"), BROKE),
    "an endless chunk size": (saying(CHUNKED + b"4" + b";x" * 50000), NOT_HTTP),
    "too many headers": (saying(b"HTTP/1.1 200 OK\r\n" + MANY + b"\r\n"), (ProtocolError, "100 headers")),
    "too many early": (
        saying(b"HTTP/1.1 103 Early Hints\r\n" + MANY + b"\r\n" + raw()),
        (ProtocolError, "100 headers"),
    ),
    "a header too large": (
        saying(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n"),
        (ProtocolError, "header line"),
    ),
    "a first line too long": (saying(b"HTTP/1.1 200 " + b"y" * 70000 + b"\r\n\r\n"), (ProtocolError, "status line")),
    "headers that are none": (saying(b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 4\r\n\r\nfine"), BROKE),
    "no such status": (saying(raw(b"fine", "1000 What")), NOT_HTTP),
    "another protocol": (saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), (ProtocolError, "interim")),
    "HTTP/2": (saying(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"), NOT_HTTP),
    "HTTP/0.9": (saying(b"fine\r\n"), NOT_HTTP),
    "words for the terminal": (saying(b"\x1b]0;owned\x07\x1b[2J\r\n"), NOT_HTTP),
    "blank lines": (saying(b"\r\n\r\n"), NOT_HTTP),
    "a packing nobody asked for": (saying(raw(b"fine", "200 OK", "Content-Encoding: br")), (ProtocolError, "br")),
    "damaged packing": (saying(raw(b"fine", "200 OK", "Content-Encoding: gzip")), (ProtocolError, "damaged")),
    "packing cut": (
        saying(raw(gzip.compress(b"fine")[:-9], "200 OK", "Content-Encoding: gzip")),
        (ProtocolError, "off"),
    ),
    "a bomb": (bomb, (BodyTooLargeError, "larger than 1024 KB")),
    "a body that is too large": (saying_and_staying(raw(b"x" * (1 << 21))), (BodyTooLargeError, "larger than 1024 KB")),
    # Slow.
    "no first byte": (saying_and_staying(), (ReadTimeoutError, "stopped answering")),
    "no byte after the headers": (saying_and_staying(raw(b"", length=9)), (ReadTimeoutError, "stopped answering")),
    "no next byte": (saying_and_staying(raw(b"12", length=9)), (ReadTimeoutError, "stopped answering")),
    "headers for ever": (trickling(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 90, 0.05), (DeadlineError, "longer")),
    "early hints for ever": (trickling(HINTS * 90, 0.05), (DeadlineError, "longer")),
    "a body a byte at a time": (trickling(raw(b"slow" * 90), 0.05), (DeadlineError, "longer")),
    "chunks a byte at a time": (trickling(CHUNKED + b"1\r\nx\r\n" * 90, 0.05), (DeadlineError, "longer")),
}


def after_one_answer(fault: Script, *, reused: bool) -> Script:
    """The fault, as the first thing on its connection or as the second."""

    def script(peer: Peer) -> None:
        if reused:
            saying(raw())(peer)
        fault(peer)

    return script


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("how", ["new", "reused", "without urllib3"])
class TestEverywhere:
    @pytest.fixture(autouse=True)
    def surroundings(
        self,
        nothing_leaks: None,
        serve: Serve,
        connect: Connect,
        trusted: str,
        monkeypatch: pytest.MonkeyPatch,
        how: str,
        secure: bool,
    ) -> None:
        if how == "without urllib3":
            monkeypatch.setitem(sys.modules, "urllib3", None)
        self.serve, self.reused, self.tls = serve, how == "reused", server_tls() if secure else None
        self.connect, self.trusted = connect, trusted

    def judge(self, fault: Script, expected: Expected) -> None:
        """Meet it, and go on."""
        kind = None if isinstance(expected, bytes) else expected[0]
        patience = 0.3 if kind is ReadTimeoutError else 20.0
        transport = self.connect(
            ca_file=self.trusted, max_body=1 << 20, first_byte_timeout=patience, read_timeout=patience
        )
        server = self.serve(after_one_answer(fault, reused=self.reused), keep_alive, tls=self.tls)
        if self.reused:
            assert transport.send(post(server)).body == b"fine"
        deadline = time.monotonic() + (0.5 if kind is DeadlineError else 60.0)
        check(outcome(transport, post(server, deadline=deadline)), expected)
        assert transport.send(post(server)).body == b"fine"
        assert transport.counts.requests == 2 + self.reused

    @pytest.mark.parametrize("where", list(BREAKS))
    @pytest.mark.parametrize("way", [reset_after, ending_after])
    def test_a_connection_that_breaks(self, way: Callable[[bytes], Script], where: str) -> None:
        data, expected = BREAKS[where]
        self.judge(way(data), expected)

    @pytest.mark.parametrize("way", [reset_after, ending_after])
    def test_a_connection_that_breaks_before_the_first_byte(self, way: Callable[[bytes], Script]) -> None:
        """One that has served before had died meanwhile: it is replaced, and nobody sees."""
        self.judge(way(b""), b"fine" if self.reused else BROKE)

    @pytest.mark.parametrize("name", list(ODD))
    def test_an_odd_answer(self, name: str, how: str) -> None:
        fault, expected = ODD[name]
        if name == "two lengths" and how == "without urllib3":
            expected = b"fine"  # http.client takes the first
        self.judge(fault, expected)
