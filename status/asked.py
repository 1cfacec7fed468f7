"""What a client asks of the status server: the head of one request, from bytes to a path, or to a refusal.

Only what a browser, a script or Prometheus on this machine sends is taken: a short GET without a body, for this host,
with the token. A web page whose own name points to this machine (DNS rebinding) names another host.
"""

import hmac
import re
from typing import Dict, List, Optional, Tuple
from urllib.parse import parse_qs

MOST_HEAD = 8192  # bytes
MOST_LINE = 2048
MOST_HEADERS = 64
END = b"\r\n\r\n"

_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_ONCE = ("host", "authorization", "content-length")


class RefusedError(Exception):
    """:ivar status: HTTP status, ``words``: one line for whoever asked, ``header``: one more of the answer, or None."""

    def __init__(self, status: int, words: str, header: Optional[Tuple[str, str]] = None) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.header = header


def check_length(head: bytes) -> None:
    """:raises RefusedError: what came so far is too long already."""
    lines = head.split(b"\r\n")
    if len(lines[0]) > MOST_LINE:
        raise RefusedError(414, "The address is too long.")
    if len(head) > MOST_HEAD or len(lines) > MOST_HEADERS + 3 or any(len(line) > MOST_LINE for line in lines):
        raise RefusedError(431, "The headers are too long.")


def path_of(head: bytes, token: str) -> str:
    """The path that a whole ``head`` (its end included) asks for, without the query.

    :raises RefusedError: it is not to be answered.
    """
    check_length(head)
    lines = head[: -len(END)].decode("latin-1").split("\r\n")
    method, target = _request_line(lines[0])
    headers = _headers(lines[1:])
    if not _HOST.fullmatch(headers.get("host", "")):
        raise RefusedError(403, "This server answers for this machine only.")
    if method != "GET":
        raise RefusedError(405, "Only GET is answered.", ("Allow", "GET"))
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise RefusedError(413, "A request has no body here.")
    path, _, query = target.partition("?")
    if not hmac.compare_digest(_given(headers, query).encode("latin-1", "replace"), token.encode("latin-1")):
        raise RefusedError(401, "The token is missing or wrong.", ("WWW-Authenticate", "Bearer"))
    return path


def _request_line(line: str) -> Tuple[str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not _TEXT.fullmatch(line):
        raise RefusedError(400, "That is no request.")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise RefusedError(505, "HTTP/1.1 is spoken here.")
    if not target.startswith("/"):
        raise RefusedError(400, "A path is expected.")
    return method, target


def _headers(lines: List[str]) -> Dict[str, str]:
    """Names in lower case -> values."""
    found: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not _NAME.fullmatch(name) or not _TEXT.fullmatch(value) or (name in _ONCE and name in found):
            raise RefusedError(400, "The headers cannot be understood.")
        found[name] = value.strip(" \t")
    return found


def _given(headers: Dict[str, str], query: str) -> str:
    """The token in ``Authorization: Bearer``, as programs send it, or else in the address, as a browser can."""
    if "authorization" in headers:
        scheme, _, token = headers["authorization"].partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    try:
        return parse_qs(query, max_num_fields=8).get("token", [""])[-1]
    except ValueError:
        return ""
