"""From a provider's "no" to our errors: one table for all of them, since they borrow each other's words.

Rules: OpenAI's error codes, Google's ``google.rpc`` details, OpenRouter's "Errors and Debugging" page, Anthropic's
"Errors" page, Ollama's docs/api/errors.mdx.
"""

import re
from dataclasses import dataclass, field
from typing import Mapping, Optional, Type
from urllib.parse import urlsplit

from api.complaint import Complaint, error_in, read
from api.redact import words_of
from api.shape import dig, load
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
# Anthropic says so with a 400 and no code.
_NO_CREDIT = re.compile(r"credit balance is too low|reached your specified .*usage limits", re.IGNORECASE)


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


def error_for(source: Source, status: int, headers: Mapping[str, str], body: bytes, model: str = "") -> SubAIError:
    """The error for an answer with this status, 300 or more."""
    if status < 400:
        return _redirected(source, status, headers)
    data = load(body)
    if isinstance(data, list):
        data = dig(data, 0)
    complaint = read(status, data, body.decode("utf-8", "replace") if data is None else "", source.key)
    return _judge(source, complaint, headers, data, model)


def error_inside(source: Source, data: object, headers: Mapping[str, str], model: str = "") -> Optional[SubAIError]:
    """The error that ``data``, which came with HTTP 200, turns out to hold; None when it is an answer."""
    error = error_in(data)
    if not error:
        return None
    wrapped = {"error": error}
    return _judge(source, read(0, wrapped, "", source.key), headers, wrapped, model)


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
    if model and status == 404 and complaint.structured and not complaint.path_unknown:
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
