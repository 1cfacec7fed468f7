"""Who is let into the status server, byte by byte."""

import hmac
from typing import List, Tuple

import pytest

from status.asked import END, MOST_HEAD, MOST_HEADERS, MOST_LINE, RefusedError, check_length, path_of

TOKEN = "Kq3-xY_" + "a" * 36
AUTHORISED = f"Authorization: Bearer {TOKEN}"


def head(line: str = "GET /health HTTP/1.1", *headers: str, host: str = "127.0.0.1:8000") -> bytes:
    lines = [line, *([f"Host: {host}"] if host else []), *headers]
    return "\r\n".join(lines).encode("latin-1") + END


def refused(asked: bytes) -> int:
    """The status that a request is refused with."""
    with pytest.raises(RefusedError) as caught:
        path_of(asked, TOKEN)
    assert TOKEN not in caught.value.words
    return caught.value.status


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000", "127.0.0.1"])
def test_programs_of_this_machine_send_the_token_in_a_header(host: str) -> None:
    assert path_of(head("GET /health HTTP/1.1", AUTHORISED, host=host), TOKEN) == "/health"
    assert path_of(head("GET /health HTTP/1.0", AUTHORISED.replace("Bearer", "bearer"), host=host), TOKEN) == "/health"


def test_browsers_have_it_in_the_address() -> None:
    assert path_of(head(f"GET /?token={TOKEN} HTTP/1.1"), TOKEN) == "/"
    assert path_of(head(f"GET /x?y=1&token={TOKEN} HTTP/1.1", "Content-Length: 0"), TOKEN) == "/x"


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("GET / HTTP/1.1", "Accept: */*"),
        ("GET /?token= HTTP/1.1", "Accept: */*"),
        (f"GET /?token={TOKEN[:-1]} HTTP/1.1", "Accept: */*"),
        (f"GET /?token={TOKEN}x HTTP/1.1", "Accept: */*"),
        (f"GET /?TOKEN={TOKEN} HTTP/1.1", "Accept: */*"),
        (f"GET /{TOKEN} HTTP/1.1", "Accept: */*"),
        ("GET / HTTP/1.1", f"Authorization: Bearer {TOKEN[:-1]}"),
        ("GET / HTTP/1.1", f"Authorization: Basic {TOKEN}"),
        ("GET / HTTP/1.1", f"Authorization: {TOKEN}"),
        ("GET / HTTP/1.1", "Authorization: Bearer"),
        ("GET / HTTP/1.1", "Authorization: Bearer \xe9\xe9"),
        (f"GET /?token={TOKEN} HTTP/1.1", "Authorization: Bearer wrong"),
        ("GET /?token=%e2%82%ac HTTP/1.1", "Accept: */*"),
        ("GET /?" + "a=1&" * 50 + f"token={TOKEN} HTTP/1.1", "Accept: */*"),
    ],
)
def test_without_the_right_token_nothing_is_told(line: str, header: str) -> None:
    assert refused(head(line, header)) == 401


@pytest.mark.parametrize("given", [TOKEN, TOKEN[:-1] + "b", ""])
def test_how_long_a_refusal_takes_does_not_tell_how_much_of_the_token_is_right(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is the library's, and its answer is the one that counts."""
    compared: List[Tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return True

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert path_of(head("GET /health HTTP/1.1", f"Authorization: Bearer {given}"), TOKEN) == "/health"
    assert compared == [(given.encode(), TOKEN.encode())]


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example:8000", "192.168.1.5", "127.0.0.1:x",
     "127.0.0.1:8000, evil.example", "evil.example@127.0.0.1", "0.0.0.0:8000", "2130706433"],
)  # fmt: skip
def test_a_name_that_somebody_let_point_to_this_machine_is_refused(host: str) -> None:
    assert refused(head("GET / HTTP/1.1", AUTHORISED, host=host)) == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get"])
def test_only_get_is_answered(method: str) -> None:
    assert refused(head(f"{method} /health HTTP/1.1", AUTHORISED)) == 405


@pytest.mark.parametrize("header", ["Content-Length: 1", "Content-Length: -1", "Transfer-Encoding: chunked"])
def test_a_body_is_refused(header: str) -> None:
    assert refused(head("GET / HTTP/1.1", AUTHORISED, header)) == 413


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (head("GET /"), 400),
        (head("GET  / HTTP/1.1"), 400),
        (head("GET /a b HTTP/1.1"), 400),
        (head(""), 400),
        (head("G(T / HTTP/1.1", AUTHORISED), 400),
        (head("GET /\x00 HTTP/1.1", AUTHORISED), 400),
        (head("GET /\n HTTP/1.1", AUTHORISED), 400),
        (head("GET http://127.0.0.1/ HTTP/1.1", AUTHORISED), 400),
        (head("GET * HTTP/1.1", AUTHORISED), 400),
        (head("GET / HTTP/2.0", AUTHORISED), 505),
        (head("GET / HTTP/0.9", AUTHORISED), 505),
        (head("GET / HTTP/1.1", AUTHORISED, "Host: evil.example"), 400),
        (head("GET / HTTP/1.1", AUTHORISED, AUTHORISED), 400),
        (head("GET / HTTP/1.1", AUTHORISED, "no colon"), 400),
        (head("GET / HTTP/1.1", AUTHORISED, " folded: value"), 400),
        (head("GET / HTTP/1.1", AUTHORISED, "Host : 127.0.0.1"), 400),
        (head("GET / HTTP/1.1", AUTHORISED, "X: a\x00b"), 400),
        (head("GET / HTTP/1.1", AUTHORISED, "X: a\nHost: evil.example"), 400),
    ],
)
def test_what_is_no_clean_request_is_refused(asked: bytes, status: int) -> None:
    assert refused(asked) == status


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"GET /" + b"a" * MOST_LINE, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MOST_LINE, 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * (MOST_HEADERS + 2), 431),
        (b"GET / HTTP/1.1\r\n" + (b"X: " + b"a" * 1000 + b"\r\n") * (MOST_HEAD // 1000 + 1), 431),
    ],
)
def test_what_is_too_long_is_refused_before_it_ends(asked: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        check_length(asked)
    assert caught.value.status == status
    assert refused(asked + END) == status


def test_as_many_headers_as_a_browser_sends_are_fine() -> None:
    check_length(head("GET / HTTP/1.1", *("X: y" for _ in range(MOST_HEADERS - 1))))
