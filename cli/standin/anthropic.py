"""Anthropic's Messages API as the stand-in speaks it. Its prefix is its own, since the real one is OpenAI's too."""

import datetime as dt
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

_FINISH = {STOP: "end_turn", LENGTH: "max_tokens", BLOCKED: "refusal"}
_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic(Dialect):
    """api.anthropic.com."""

    prefix = "/anthropic/v1"
    key_header = "x-api-key"

    def chat(self, request: Request, number: int) -> Optional[Chat]:
        if "anthropic-version" not in request.headers:
            raise Refused(400, "anthropic-version: header is required")
        if (request.method, request.path) == ("GET", f"{self.prefix}/models"):
            return None
        if (request.method, request.path) != ("POST", f"{self.prefix}/messages"):
            raise nothing_here(request)
        body = document_in(request)
        model, limit = body.get("model"), body.get("max_tokens")
        if not (isinstance(model, str) and model):
            raise Refused(400, "model: Field required")
        if not isinstance(limit, int) or limit < 1:
            raise Refused(400, "max_tokens: Field required")
        texts = texts_of(body.get("messages"), "content")
        if any(message.get("role") not in ("user", "assistant") for message in body["messages"]):
            raise Refused(400, "messages: Unexpected role. The Messages API takes a top-level `system` parameter.")
        system = body.get("system")
        chat = Chat(number, model, [*([system] if system else ()), *texts], body.get("stream") is True, body)
        _check_format(chat)
        return chat

    def headers(self, number: int) -> Dict[str, str]:
        reset = (dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "request-id": f"req_{number:024d}",
            "anthropic-ratelimit-requests-limit": "4000",
            "anthropic-ratelimit-requests-remaining": "3999",
            "anthropic-ratelimit-requests-reset": reset,
            "anthropic-ratelimit-tokens-limit": "4000000",
            "anthropic-ratelimit-tokens-remaining": "3999000",
            "anthropic-ratelimit-tokens-reset": reset,
        }

    def models(self) -> Any:
        listed = {"type": "model", "id": MODEL, "display_name": MODEL, "created_at": "2026-01-01T00:00:00Z"}
        return {"data": [listed], "has_more": False, "first_id": MODEL, "last_id": MODEL}

    def whole(self, chat: Chat, answer: Answer) -> Any:
        content = [{"type": "text", "text": answer.text}] if answer.text is not None else []
        return {**_message(chat), **_end(answer), "content": content, "usage": _usage(chat, answer.tokens)}

    def stream(self, chat: Chat, answer: Answer) -> Iterator[Piece]:
        total = answer.tokens
        yield 0, self.event({"type": "message_start", "message": {**_message(chat), "usage": _usage(chat, 1)}})
        block = {"type": "text", "text": ""}
        yield 0, self.event({"type": "content_block_start", "index": 0, "content_block": block})
        yield 0, self.event({"type": "ping"})
        for tokens, part in in_events(answer.text or ""):
            delta = {"type": "text_delta", "text": part}
            yield tokens, self.event({"type": "content_block_delta", "index": 0, "delta": delta})
        yield total, self.event({"type": "content_block_stop", "index": 0})
        yield total, self.event({"type": "message_delta", "delta": _end(answer), "usage": {"output_tokens": total}})
        yield total, self.event({"type": "message_stop"})

    def event(self, document: Any) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (str(document.get("type", "message")).encode(), json_bytes(document))

    def error(self, refused: Refused) -> Any:
        kind = _TYPES.get(refused.status, "api_error" if refused.status >= 500 else "invalid_request_error")
        error: Dict[str, Any] = {"type": kind, "message": refused.message}
        if refused.code == "insufficient_quota":
            error["details"] = {"error_code": "enforced_spend_limit_reached"}
        return {"type": "error", "error": error, "request_id": "req_0"}

    def bad_key(self, key: str) -> Refused:
        return Refused(401, "invalid x-api-key" if key else "x-api-key header is required")


def _message(chat: Chat) -> Dict[str, Any]:
    return {
        "id": f"msg_{chat.number:024d}",
        "type": "message",
        "role": "assistant",
        "model": chat.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _end(answer: Answer) -> Dict[str, Any]:
    """How it ended; a refusal has its words apart from the text."""
    reason = "refusal" if answer.refusal else _FINISH[answer.finish]
    details = {"type": "refusal", "category": None, "explanation": answer.refusal or None}
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details if reason == "refusal" else None}


def _usage(chat: Chat, tokens: int) -> Mapping[str, int]:
    return {
        "input_tokens": chat.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": tokens,
    }


def _check_format(chat: Chat) -> None:
    """:raises Refused: the body asks for an output format that would not be taken."""
    config = chat.body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        return
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise Refused(400, "output_config.format.type: Input should be 'json_schema'")
    complaint = schema_complaint(wanted.get("schema"), chat.cues)
    if complaint:
        raise Refused(400, f"output_config.format.schema: {complaint}")
