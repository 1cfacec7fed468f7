"""Ollama's own API as the stand-in speaks it. Where Ollama would cut the prompt without a word, it refuses."""

from typing import Any, Dict, Iterator, Optional

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

_CONTEXT = 4096  # tokens, where nobody says how many
_FINISH = {STOP: "stop", LENGTH: "length", BLOCKED: "stop"}  # it has no filter: there is just no text
_AT = "2026-01-01T00:00:00.000000Z"


class Ollama(Dialect):
    """A server of one's own."""

    prefix = "/api"
    key_header = "authorization"
    key_scheme = "Bearer "
    stream_type = "application/x-ndjson"

    def chat(self, request: Request, number: int) -> Optional[Chat]:
        if (request.method, request.path) == ("GET", f"{self.prefix}/tags"):
            return None
        if (request.method, request.path) != ("POST", f"{self.prefix}/chat"):
            raise nothing_here(request)
        body = document_in(request)
        model = body.get("model")
        if not (isinstance(model, str) and model):
            raise Refused(400, "model is required")
        chat = Chat(number, model, texts_of(body.get("messages"), "content"), body.get("stream") is not False, body)
        _check_context(chat)
        if body.get("format"):
            complaint = schema_complaint(body["format"], chat.cues)
            if complaint:
                raise Refused(400, f"invalid JSON schema in format: {complaint}")
        return chat

    def headers(self, number: int) -> Dict[str, str]:
        return {}

    def models(self) -> Any:
        details = {"format": "gguf", "family": "llama", "parameter_size": "8B", "quantization_level": "Q4_K_M"}
        return {"models": [{"name": MODEL, "model": MODEL, "modified_at": _AT, "size": 0, "details": details}]}

    def whole(self, chat: Chat, answer: Answer) -> Any:
        return {**_piece(chat, answer.text or answer.refusal), **_end(chat, answer)}

    def stream(self, chat: Chat, answer: Answer) -> Iterator[Piece]:
        for tokens, part in in_events(answer.text or answer.refusal):
            yield tokens, self.event(_piece(chat, part))
        yield answer.tokens, self.event({**_piece(chat, ""), **_end(chat, answer)})

    def event(self, document: Any) -> bytes:
        return json_bytes(document) + b"\n"

    def error(self, refused: Refused) -> Any:
        return {"error": refused.message}

    def bad_key(self, key: str) -> Refused:
        return Refused(401, "unauthorized")


def _piece(chat: Chat, text: str) -> Dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"model": chat.model, "created_at": _AT, "message": message, "done": False}


def _end(chat: Chat, answer: Answer) -> Dict[str, Any]:
    return {
        "done": True,
        "done_reason": _FINISH[answer.finish],
        "total_duration": 1,
        "prompt_eval_count": chat.prompt_tokens,
        "eval_count": answer.tokens,
    }


def _check_context(chat: Chat) -> None:
    """:raises Refused: the prompt is longer than the context."""
    options = chat.body.get("options")
    context = options.get("num_ctx") if isinstance(options, dict) else None
    if chat.prompt_tokens > (context if isinstance(context, int) else _CONTEXT):
        raise Refused(400, "the input length exceeds the context length")
