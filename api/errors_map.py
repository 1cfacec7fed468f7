"""From a provider's "no" to our errors: one table for all of them, since they borrow each other's words.

Rules: OpenAI's error codes, Google's ``google.rpc`` details, OpenRouter's "Errors and Debugging" page, Anthropic's
"Errors" page, Ollama's docs/api/errors.mdx.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional, Tuple, Type
from urllib.parse import urlsplit

from api.redact import words_of
from api.shape import dig, list_at, load, text_at
from core.errors import (
    BadRequestError,
    BlockedError,
    KeyRefusedError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    QuotaError,
    RateLimitError,
    ServerError,
    SubAIError,
)
from core.hints import retry_after, should_retry

_BY_STATUS: Mapping[int, Type[ProviderError]] = {
    401: KeyRefusedError,
    402: QuotaError,
    403: KeyRefusedError,
    408: ServerError,
    409: ServerError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}
# These words decide whatever the status is: a bad Gemini key is a 400, an unpaid OpenAI bill a 429.
_BY_LABEL: Mapping[str, Type[ProviderError]] = {
    "api_key_invalid": KeyRefusedError,
    "invalid_api_key": KeyRefusedError,
    "insufficient_quota": QuotaError,
    "billing_hard_limit_reached": QuotaError,
    "billing_not_active": QuotaError,
    "billing_error": QuotaError,
    "enforced_spend_limit_reached": QuotaError,
    "model_not_found": ModelNotFoundError,
}
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
_LEADS: Mapping[Type[ProviderError], str] = {
    KeyRefusedError: "{label} refused the key ({status}). {key_hint}",
    QuotaError: "The quota or the credit at {label} is used up ({status}). Add credit, or wait until it is renewed.",
    ModelNotFoundError: "{label} has no model {model!r} ({status}). {model_hint}",
    RateLimitError: "{label} wants a pause ({status}). Try again later, or send fewer requests at once.",
    OverloadedError: "{label} has no capacity for now ({status}). Try again later, or choose another model.",
    ServerError: "{label} failed ({status}). Try again later.",
    BadRequestError: "{label} did not accept the request ({status}).",
}
_BLOCKED = {"content_filter", "content_policy_violation", "moderation"}
_PER_DAY = re.compile(r"per[-_ ]?day", re.IGNORECASE)
_NO_SUCH_MODEL = re.compile(
    r"not a valid model|(unknown|no such) model|\bmodel\b.{0,100}\b(not found|not exist)", re.IGNORECASE
)
_NO_SUCH_PATH = re.compile(r"invalid url|unexpected endpoint|^not found\.?$", re.IGNORECASE)
# Anthropic says so with a 400 and no code.
_NO_CREDIT = re.compile(r"credit balance is too low|reached your specified .*usage limits", re.IGNORECASE)
# Local servers say so in mid-stream, in words alone: less text at once may do.
_TOO_LONG = re.compile(r"\bcontext (length|size|window|overflows)", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """Who said no. ``key`` is there to be taken out of what they said.

    :ivar model_hint: what to do about a model that they do not have; may name it as ``{model}``.
    """

    name: str
    label: str
    key_hint: str
    key: str = field(repr=False)
    model_hint: str = ""


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


def error_in(data: object) -> Any:
    """The error inside a body that came with HTTP 200, or None. OpenRouter also puts one into the choice."""
    error = dig(data, "error")
    if error:
        return error
    if text_at(data, "choices", 0, "finish_reason") == "error":
        return dig(data, "choices", 0, "error") or {"message": "the model's answer broke off"}
    return dig(data, "choices", 0, "error")


def error_for(source: Source, status: int, headers: Mapping[str, str], body: bytes, model: str = "") -> SubAIError:
    """The error for an answer with this status, 300 or more."""
    if status < 400:
        return _redirected(source, status, headers)
    data = load(body)
    if isinstance(data, list):
        data = dig(data, 0)
    complaint = _read(status, data, body.decode("utf-8", "replace") if data is None else "", source.key)
    return _judge(source, complaint, headers, data, model)


def error_inside(source: Source, data: object, headers: Mapping[str, str], model: str = "") -> Optional[SubAIError]:
    """The error that ``data``, which came with HTTP 200, turns out to hold; None when it is an answer."""
    error = error_in(data)
    if not error:
        return None
    wrapped = {"error": error}
    return _judge(source, _read(0, wrapped, "", source.key), headers, wrapped, model)


def _read(status: int, data: object, text: str, key: str) -> Complaint:
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


def _judge(source: Source, complaint: Complaint, headers: Mapping[str, str], data: object, model: str) -> SubAIError:
    if _BLOCKED.intersection(complaint.labels):
        return BlockedError(
            _with_words(f"This text was blocked by {source.label}.", complaint.words),
            provider=source.name,
            status=complaint.status,
        )
    kind = _kind(complaint, model)
    never_again = kind.permanent or should_retry(headers) is False
    return kind(
        _message(kind, source, complaint, model),
        code=complaint.code,
        param=complaint.param,
        provider=source.name,
        status=complaint.status,
        retry_after=retry_after(headers, data),
        permanent=never_again,
    )


def _kind(complaint: Complaint, model: str) -> Type[ProviderError]:
    status = complaint.status
    for label in complaint.labels:
        if label in _BY_LABEL:
            return _BY_LABEL[label]
    if status == 400 and _NO_CREDIT.search(complaint.words):
        return QuotaError
    if status == 429 and _PER_DAY.search(" ".join((complaint.words, *complaint.labels))):
        return QuotaError
    if model and status == 404 and complaint.structured and not _NO_SUCH_PATH.search(complaint.words):
        return ModelNotFoundError
    if model and status in (400, 404) and _NO_SUCH_MODEL.search(complaint.words):
        return ModelNotFoundError
    return _BY_STATUS.get(status, ServerError if status >= 500 else BadRequestError)


def _message(kind: Type[ProviderError], source: Source, complaint: Complaint, model: str) -> str:
    status, words = complaint.status, complaint.words
    lead = _LEADS[kind]
    if kind is KeyRefusedError and status == 403:
        lead = "{label} refused the request (403). {key_hint}"
    elif kind is KeyRefusedError:
        words = ""  # says nothing more than the status, and is where keys are echoed
    elif kind is BadRequestError and status in (404, 405):
        lead = "{label} has nothing at this address ({status}). Check the base URL."
    model_hint = source.model_hint.format(name=source.name, model=model)
    text = lead.format(label=source.label, key_hint=source.key_hint, model_hint=model_hint, status=status, model=model)
    return _with_words(text[:1].upper() + text[1:], words)


def _with_words(lead: str, words: str) -> str:
    return f"{lead} It says: {words}" if words else lead


def _redirected(source: Source, status: int, headers: Mapping[str, str]) -> ProviderError:
    where = "elsewhere"
    try:
        parts = urlsplit(headers.get("location", ""))
        if parts.scheme and parts.hostname:
            where = words_of(f"to {parts.scheme}://{parts.hostname}", source.key)
    except ValueError:
        pass  # a Location that is no URL tells nothing
    return BadRequestError(
        f"The base URL for {source.label} redirects {where} ({status}). Enter the address it leads to.",
        provider=source.name,
        status=status,
    )
