"""Google's Gemini API, version v1beta, as the stand-in speaks it."""

import re
from typing import Any, Dict, Iterator, Optional
from urllib.parse import unquote

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
from cli.standin.wire import Piece, Request, json_bytes, reason_of

_ASKED = re.compile("/v1beta/models/(?P<model>[^/:]+):(?P<method>(?:streamG|g)enerateContent)")
_FINISH = {STOP: "STOP", LENGTH: "MAX_TOKENS", BLOCKED: "SAFETY"}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Gemini(Dialect):
    """generativelanguage.googleapis.com."""

    prefix = "/v1beta"
    key_header = "x-goog-api-key"

    def chat(self, request: Request, number: int) -> Optional[Chat]:
        if (request.method, request.path) == ("GET", f"{self.prefix}/models"):
            return None
        asked = _ASKED.fullmatch(request.path)
        if request.method != "POST" or asked is None:
            raise nothing_here(request)
        streams = asked["method"] == "streamGenerateContent"
        if streams and "alt=sse" not in request.query.split("&"):
            raise Refused(400, "The stand-in streams server-sent events only: ask with ?alt=sse")
        body = document_in(request)
        system = body.get("systemInstruction")
        texts = [*(texts_of([system], "parts") if system else ()), *texts_of(body.get("contents"), "parts")]
        chat = Chat(number, unquote(asked["model"]), texts, streams, body)
        _check_format(chat)
        return chat

    def headers(self, number: int) -> Dict[str, str]:
        return {"Vary": "Origin, X-Origin, Referer", "Server": "scaffolding on HTTPServer2"}

    def models(self) -> Any:
        listed = {
            "name": f"models/{MODEL}",
            "version": "001",
            "displayName": MODEL,
            "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }
        return {"models": [listed]}

    def whole(self, chat: Chat, answer: Answer) -> Any:
        return _piece(chat, answer.text or answer.refusal or None, answer.tokens, answer.finish)

    def stream(self, chat: Chat, answer: Answer) -> Iterator[Piece]:
        for tokens, part in in_events(answer.text or answer.refusal):
            yield tokens, self.event(_piece(chat, part, tokens))
        yield answer.tokens, self.event(_piece(chat, None, answer.tokens, answer.finish))

    def event(self, document: Any) -> bytes:
        return b"data: %b\r\n\r\n" % json_bytes(document)

    def error(self, refused: Refused) -> Any:
        status = _STATUSES.get(refused.status) or reason_of(refused.status).upper().replace(" ", "_")
        error: Dict[str, Any] = {"code": refused.status, "message": refused.message, "status": status}
        if refused.details:
            error["details"] = list(refused.details)
        return {"error": error}

    def bad_key(self, key: str) -> Refused:
        reason = "API_KEY_INVALID" if key else "CREDENTIALS_MISSING"
        return Refused(
            401,
            "API key not valid. Please pass a valid API key." if key else "Request is missing an API key.",
            details=[
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
            ],
        )


def _piece(chat: Chat, text: Optional[str], tokens: int, finish: str = "") -> Dict[str, Any]:
    candidate: Dict[str, Any] = {"index": 0}
    if text is not None:
        candidate["content"] = {"parts": [{"text": text}], "role": "model"}
    if finish:
        candidate["finishReason"] = _FINISH[finish]
    asked = chat.prompt_tokens
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": asked, "candidatesTokenCount": tokens, "totalTokenCount": asked + tokens},
        "modelVersion": chat.model,
        "responseId": f"{chat.number:022d}",
    }


def _check_format(chat: Chat) -> None:
    """:raises Refused: ``generationConfig`` asks for an output format that would not be taken."""
    config = chat.body.get("generationConfig")
    if not isinstance(config, dict) or not ("responseJsonSchema" in config or "responseSchema" in config):
        return
    if config.get("responseMimeType") != "application/json":
        raise Refused(400, "A response schema needs response_mime_type: application/json")
    name = "responseJsonSchema" if "responseJsonSchema" in config else "responseSchema"
    schema = config[name]
    if name == "responseSchema":
        schema = _as_json_schema(schema)
    complaint = schema_complaint(schema, chat.cues)
    if not complaint and schema.get("propertyOrdering", schema["required"]) != schema["required"]:
        complaint = "propertyOrdering is not the order of the required keys."
    if complaint:
        raise Refused(400, f"Invalid value at 'generation_config.{name}': {complaint}")


def _as_json_schema(schema: Any) -> Any:
    """The older form: OpenAPI's types in capitals, and no word on other properties."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return schema
    if "additionalProperties" in schema:
        raise Refused(400, "Unknown name \"additionalProperties\" at 'generation_config.response_schema'")
    properties = {
        key: {"type": "string"} if value == {"type": "STRING"} else value for key, value in schema["properties"].items()
    }
    kind = "object" if schema.get("type") == "OBJECT" else schema.get("type")
    return {**schema, "type": kind, "properties": properties, "additionalProperties": False}
