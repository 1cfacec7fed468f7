"""What an answer may weigh, however it is packed, and how lines are cut out of it."""

import gzip
import itertools
import zlib
from typing import Iterator, List

import pytest
from support_server import Connect, Serve, post, raw, saying, saying_and_staying

from core import body
from core.errors import BodyTooLargeError, ProtocolError

pytest_plugins = ("network_fixtures",)

TEXT = b'{"text": "' + b"Hola. " * 2000 + b'"}'


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", TEXT),
        ("", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
    ],
    ids=["identity", "empty", "gzip", "x-gzip", "deflate"],
)
def test_an_answer_is_unpacked(serve: Serve, connect: Connect, encoding: str, packed: bytes) -> None:
    server, transport = serve(saying(*[raw(packed, "200 OK", f"Content-Encoding: {encoding}")] * 2)), connect()
    for _ in range(2):
        assert transport.send(post(server)).body == TEXT
    assert server.accepted == 1


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", b"not packed at all"),
        ("gzip", gzip.compress(TEXT)[:-20]),
        ("deflate", zlib.compress(TEXT)[:-20]),
        ("br", b"whatever"),
        ("gzip, br", b"whatever"),
    ],
    ids=["not packed", "cut gzip", "cut deflate", "unknown", "twice"],
)
def test_what_cannot_be_unpacked_says_so(serve: Serve, connect: Connect, encoding: str, packed: bytes) -> None:
    server, transport = serve(saying(raw(packed, "200 OK", f"Content-Encoding: {encoding}"))), connect()
    with pytest.raises(ProtocolError):
        transport.send(post(server))


def test_nothing_packed_is_nothing(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying(raw(b"", "200 OK", "Content-Encoding: gzip"))), connect()
    assert transport.send(post(server)).body == b""


def test_an_answer_over_the_cap_is_refused_at_once(serve: Serve, connect: Connect) -> None:
    """Whatever it says of its length; it is not read to its end."""
    server, transport = serve(saying_and_staying(raw(b"x" * 3000, length=10**9))), connect(max_body=2048)
    with pytest.raises(BodyTooLargeError, match="larger than 2 KB") as caught:
        transport.send(post(server))
    assert caught.value.permanent
    (after,) = transport.pool.stats().values()
    assert after.errors == {"too_large": 1}


def test_a_gzip_bomb_does_not_go_off(serve: Serve, connect: Connect) -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    assert len(bomb) < 200_000
    server, transport = serve(saying(raw(bomb, "200 OK", "Content-Encoding: gzip"))), connect(max_body=1 << 20)
    with pytest.raises(BodyTooLargeError):
        transport.send(post(server))


def test_unpacking_goes_in_small_steps() -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = packer.compress(bytes(1 << 24)) + packer.flush()
    sizes = [len(piece) for piece in itertools.islice(body.decoded(iter([bomb]), "gzip", 1 << 30), 50)]
    assert max(sizes) <= body.CHUNK


def test_an_answer_of_exactly_the_cap_passes() -> None:
    assert b"".join(body.decoded(iter([b"1234", b"5678"]), "", 8)) == b"12345678"


# --- lines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a\r\nb"], ["a", "b"]),
        ([b"a\r", b"\nb\r\n"], ["a", "b"]),
        ([b"a", b"b", b"c\n\n", b"d"], ["abc", "", "d"]),
        ([b"\xc3", b"\xa9\n"], ["\u00e9"]),
        ([b"\xff\n"], ["\ufffd"]),
        ([b"a\n\xc3"], ["a", "\ufffd"]),
        ([b"a\rb\n"], ["a\rb"]),
    ],
)
def test_lines_come_whole_whatever_the_pieces(chunks: List[bytes], lines: List[str]) -> None:
    assert list(body.lines(iter(chunks))) == lines


def test_a_line_comes_as_soon_as_it_is_whole() -> None:
    seen: List[str] = []

    def chunks() -> Iterator[bytes]:
        yield b"a\nb"
        seen.append("went on")
        yield b"\n"

    lines = body.lines(chunks())
    assert next(lines) == "a"
    assert seen == []
    assert list(lines) == ["b"]


def test_an_endless_line_is_refused(serve: Serve, connect: Connect) -> None:
    server = serve(saying_and_staying(raw(b"x" * (body.LONGEST_LINE + 70_000), length=10**9)))
    transport = connect()
    with transport.open(post(server)) as answer, pytest.raises(ProtocolError, match="endless line"):
        next(answer.lines())


def test_a_long_line_in_small_pieces_takes_no_quadratic_time() -> None:
    pieces = itertools.repeat(b"x" * 50, 60_000)
    (line,) = body.lines(pieces)
    assert len(line) == 3_000_000
