"""What a provider's error body says, whichever of the many shapes it has."""

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Tuple

from api.redact import words_of
from api.shape import dig, list_at, load, text_at

# What status an error inside HTTP 200 stands for, when it brings no number of its own.
_STATUS_OF: Mapping[str, int] = {
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_denied": 403,
    "permission_error": 403,
    "not_found": 404,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "resource_exhausted": 429,
    "unavailable": 503,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_NO_SUCH_PATH = re.compile(r"invalid url|unexpected endpoint|^not found\.?$", re.IGNORECASE)
# Local servers say so in mid-stream, in words alone: less text at once may do.
_TOO_LONG = re.compile(r"\bcontext (length|size|window|overflows)", re.IGNORECASE)


@dataclass(frozen=True)
class Complaint:
    """What an error body says.

    :ivar status: the HTTP status, or for an error inside HTTP 200 the one it stands for.
    :ivar words: the provider's own message, fit to show; ``""`` when there is none.
    :ivar labels: every code, type, status and reason in it, in lower case.
    :ivar structured: whether it is the kind of error object that an API sends, and not some server in between.
    """

    status: int
    words: str
    code: str
    param: str
    labels: Tuple[str, ...]
    structured: bool

    @property
    def path_unknown(self) -> bool:
        """Whether it is the address that the server does not know, and not something behind it."""
        return bool(_NO_SUCH_PATH.search(self.words))


def error_in(data: object) -> Any:
    """The error inside a body that came with HTTP 200, or None. OpenRouter also puts one into the choice."""
    error = dig(data, "error")
    if error:
        return error
    if text_at(data, "choices", 0, "finish_reason") == "error":
        return dig(data, "choices", 0, "error") or {"message": "the model's answer broke off"}
    return dig(data, "choices", 0, "error")


def read(status: int, data: object, text: str, key: str) -> Complaint:
    """What ``data`` complains of, or ``text`` where that is no JSON.

    :param status: of the answer; 0 for an error inside HTTP 200, which tells itself what it stands for.
    :param key: taken out of the provider's words.
    """
    error = dig(data, "error")
    message = error if isinstance(error, str) else text_at(error, "message")
    raw = text_at(error, "metadata", "raw")  # OpenRouter: what the model's own host said
    upstream = load(raw)
    message = f"{message} {raw if upstream is None else text_at(upstream, 'error', 'message')}".strip()
    if not message:
        message = text_at(data, "message") or _detail(data) or ("" if text.lstrip().startswith("<") else text)
    words = words_of(message, key)
    labels = tuple(label.lower() for label in _labels(error)) + tuple(
        label.lower() for label in _labels(dig(upstream, "error"))
    )
    return Complaint(
        status=status or _status_inside(error, labels, words),
        words=words,
        code=text_at(error, "code") or text_at(error, "status") or text_at(upstream, "error", "code"),
        param=text_at(error, "param") or text_at(upstream, "error", "param"),
        labels=labels,
        structured=bool(error),
    )


def _detail(data: object) -> str:
    """The message of a FastAPI server, which lists what is wrong with each field."""
    detail = dig(data, "detail")
    if isinstance(detail, str):
        return detail
    return "; ".join(
        " ".join([*(str(step) for step in list_at(item, "loc")), text_at(item, "msg")]) for item in list_at(detail)
    )


def _labels(error: object) -> Iterator[str]:
    code = text_at(error, "details", "error_code")
    yield from filter(None, (text_at(error, "code"), text_at(error, "type"), text_at(error, "status"), code))
    for detail in list_at(error, "details"):
        yield from filter(None, (text_at(detail, "reason"),))
        for violation in list_at(detail, "violations"):
            yield from filter(None, (text_at(violation, "quotaId"),))
    if dig(error, "metadata", "flagged_input") or dig(error, "metadata", "reasons"):
        yield "moderation"


def _status_inside(error: object, labels: Tuple[str, ...], words: str) -> int:
    code = dig(error, "code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    if _NO_SUCH_PATH.search(words):
        return 404
    if _TOO_LONG.search(words):
        return 400
    return next((_STATUS_OF[label] for label in labels if label in _STATUS_OF), 500)
