"""OpenAI's chat completions as the stand-in speaks them, and OpenRouter, which differs in little."""

import time
from typing import Any, Dict, Iterator, Mapping, Optional

from cli.standin.dialect import (
    BLOCKED,
    LENGTH,
    MODEL,
    STOP,
    Answer,
    Chat,
    Dialect,
    Refused,
    document_in,
    nothing_here,
    texts_of,
)
from cli.standin.pace import in_events
from cli.standin.pseudo import schema_complaint
from cli.standin.wire import Piece, Request, json_bytes

_FINISH = {STOP: "stop", LENGTH: "length", BLOCKED: "content_filter"}
_TYPES = {403: "request_forbidden", 429: "requests"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_SINCE = 1735689600  # when the model was made


class OpenAI(Dialect):
    """api.openai.com."""

    prefix = "/v1"
    key_header = "authorization"
    key_scheme = "Bearer "

    def chat(self, request: Request, number: int) -> Optional[Chat]:
        if (request.method, request.path) == ("GET", f"{self.prefix}/models"):
            return None
        if (request.method, request.path) != ("POST", f"{self.prefix}/chat/completions"):
            raise nothing_here(request)
        body = document_in(request)
        model = body.get("model")
        if not (isinstance(model, str) and model):
            raise Refused(400, "you must provide a model parameter", param="model")
        chat = Chat(number, model, texts_of(body.get("messages"), "content"), body.get("stream") is True, body)
        _check_format(chat)
        return chat

    def headers(self, number: int) -> Dict[str, str]:
        return {
            "x-request-id": f"req_{number:032x}",
            "openai-version": "2020-10-01",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "30000000",
            "x-ratelimit-remaining-tokens": "29998976",
            "x-ratelimit-reset-tokens": "2ms",
        }

    def models(self) -> Any:
        listed = {"id": MODEL, "object": "model", "created": _SINCE, "owned_by": "system"}
        return {"object": "list", "data": [listed]}

    def whole(self, chat: Chat, answer: Answer) -> Any:
        message: Dict[str, Any] = {
            "role": "assistant",
            "content": answer.text,
            "refusal": answer.refusal or None,
            "annotations": [],
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[answer.finish]}
        return {**_envelope(chat, "chat.completion"), "choices": [choice], "usage": _usage(chat, answer)}

    def stream(self, chat: Chat, answer: Answer) -> Iterator[Piece]:
        total = answer.tokens
        yield 0, self._delta(chat, {"role": "assistant", "content": "" if answer.text else None, "refusal": None})
        for name, text in (("content", answer.text or ""), ("refusal", answer.refusal)):
            # Only this part differs from event to event: the rest is laid out once.
            before, _, after = self._delta(chat, {name: ""}).partition(b'""')
            for tokens, part in in_events(text):
                yield tokens, before + json_bytes(part) + after
        yield total, self._delta(chat, {}, _FINISH[answer.finish])
        if _wants_usage(chat.body):
            yield total, self.event({**_envelope(chat, _CHUNK), "choices": [], "usage": _usage(chat, answer)})
        yield total, b"data: [DONE]\n\n"

    def event(self, document: Any) -> bytes:
        return b"data: %b\n\n" % json_bytes(document)

    def _delta(self, chat: Chat, delta: Mapping[str, Any], finish: Optional[str] = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self.event({**_envelope(chat, _CHUNK), "choices": [choice], "usage": None})

    def error(self, refused: Refused) -> Any:
        code = refused.code or _CODES.get(refused.status)
        kind = "server_error" if refused.status >= 500 else _TYPES.get(refused.status, "invalid_request_error")
        if code == "insufficient_quota":
            kind = code
        return {"error": {"message": refused.message, "type": kind, "param": refused.param, "code": code}}

    def bad_key(self, key: str) -> Refused:
        if not key:
            return Refused(
                401, "You didn't provide an API key. Provide it in an Authorization header using Bearer auth."
            )
        # OpenAI does repeat a key, with its middle left out: nobody who reads this may pass it on.
        return Refused(401, f"Incorrect API key provided: {key[:8]}{'*' * 12}{key[-4:]}.")


class OpenRouter(OpenAI):
    """openrouter.ai: numbers for codes, comments in its streams, and no rate headers unless a limit is hit."""

    prefix = "/api/v1"

    def headers(self, number: int) -> Dict[str, str]:
        return {}

    def models(self) -> Any:
        return {"data": [{"id": MODEL, "name": MODEL, "created": _SINCE, "context_length": 131072}]}

    def stream(self, chat: Chat, answer: Answer) -> Iterator[Piece]:
        yield None, b": OPENROUTER PROCESSING\n\n"
        yield from super().stream(chat, answer)

    def error(self, refused: Refused) -> Any:
        return {"error": {"message": refused.message, "code": refused.status}}

    def bad_key(self, key: str) -> Refused:
        return Refused(401, "No auth credentials found" if not key else "User not found.")


_CHUNK = "chat.completion.chunk"


def _envelope(chat: Chat, kind: str) -> Dict[str, Any]:
    return {
        "id": f"chatcmpl-{chat.number:029d}",
        "object": kind,
        "created": int(time.time()),
        "model": chat.model,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


def _usage(chat: Chat, answer: Answer) -> Dict[str, Any]:
    asked, answered = chat.prompt_tokens, answer.tokens
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _wants_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _check_format(chat: Chat) -> None:
    """:raises Refused: the body asks for an output format that would not be taken."""
    wanted = chat.body.get("response_format")
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind in ("text", "json_object"):
        return
    described = wanted.get("json_schema") if kind == "json_schema" else None
    if not (isinstance(described, dict) and described.get("name") and described.get("strict") is True):
        raise Refused(400, "response_format needs a json_schema with a name and strict: true", param="response_format")
    complaint = schema_complaint(described.get("schema"), chat.cues)
    if complaint:
        message = f"Invalid schema for response_format '{described['name']}': In context=(), {complaint}"
        raise Refused(400, message, param="response_format")
