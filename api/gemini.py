"""Google's Gemini API, version v1beta: ``generateContent`` and its stream."""

from itertools import chain
from typing import Any, ClassVar, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple
from urllib.parse import quote

from api.answer import BLOCKED, LENGTH, STOP, Piece
from api.base import ChatRequest, Message, Usage
from api.http_provider import HTTPProvider
from api.schema import asked_in_words, json_schema, openapi_schema
from api.shape import count_at, dig, list_at, text_at
from core.cancel import CancelToken
from core.transport import Transport

_MOST_PAGES = 20
_FINISH = {
    "STOP": STOP,
    "MAX_TOKENS": LENGTH,
    "SAFETY": BLOCKED,
    "RECITATION": BLOCKED,
    "BLOCKLIST": BLOCKED,
    "PROHIBITED_CONTENT": BLOCKED,
    "SPII": BLOCKED,
    "LANGUAGE": BLOCKED,
}


class Gemini(HTTPProvider):
    """generativelanguage.googleapis.com. The default model is the small one meant for volume, with a free tier."""

    name = "gemini"
    label = "Gemini"
    default_base_url = "https://generativelanguage.googleapis.com/v1beta"
    default_model = "gemini-3.5-flash-lite"
    key_name = "GEMINI_API_KEY"
    key_page = "https://aistudio.google.com/apikey"
    optional: ClassVar[Mapping[str, Tuple[str, ...]]] = {
        "temperature": ("temperature",),
        "maxOutputTokens": ("maxoutputtokens", "max_output_tokens"),
        "responseMimeType": ("json mode", "responsemimetype", "response_mime_type"),
        "responseJsonSchema": ("schema",),
        "responseSchema": ("schema",),
        "systemInstruction": ("systeminstruction", "system_instruction", "developer instruction"),
    }

    def list_models(self, cancel: CancelToken) -> List[str]:
        names: List[str] = []
        token = ""
        for _ in range(_MOST_PAGES):
            path = "/models?pageSize=1000" + (f"&pageToken={quote(token, safe='')}" if token else "")
            data = self._fetch(self._request("GET", path, cancel))
            names += [_bare(text_at(model, "name")) for model in list_at(data, "models") if _chats(model)]
            token = text_at(data, "nextPageToken")
            if not token:
                break
        return sorted(filter(None, names))

    def _auth(self, key: str) -> Dict[str, str]:
        return {"x-goog-api-key": key}

    def _turn(self, chat: ChatRequest, refused: FrozenSet[str], *, streaming: bool) -> Tuple[str, Dict[str, Any]]:
        config: Dict[str, Any] = {}
        if chat.temperature is not None and "temperature" not in refused:
            config["temperature"] = chat.temperature
        if chat.max_output_tokens is not None and "maxOutputTokens" not in refused:
            config["maxOutputTokens"] = chat.max_output_tokens
        messages = chat.messages
        schema = _schema(chat.keys, refused) if chat.keys else {}
        if chat.keys and not schema:
            messages = asked_in_words(messages, chat.keys)
        config.update(schema)
        method = "streamGenerateContent?alt=sse" if streaming else "generateContent"
        path = f"/models/{quote(_bare(chat.model), safe='')}:{method}"
        return path, {**_conversation(messages, "systemInstruction" not in refused), "generationConfig": config}

    def _parameters(self, body: Mapping[str, Any]) -> Iterable[str]:
        return chain(body, body["generationConfig"])

    def _piece(self, data: Mapping[str, Any]) -> Piece:
        blocked = text_at(data, "promptFeedback", "blockReason")
        candidate = dig(data, "candidates", 0)
        finish = text_at(candidate, "finishReason")
        parts = list_at(candidate, "content", "parts")
        return Piece(
            text="".join(text_at(part, "text") for part in parts if not dig(part, "thought")),
            finish=BLOCKED if blocked else _FINISH.get(finish, finish),
            reason=blocked or finish,
            usage=_usage(data),
            model=text_at(data, "modelVersion"),
        )


def call(prompt: str, model: str, api_key: str, *, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` for the default."""
    return Gemini(api_key=api_key, transport=client).ask(prompt, model)


def _chats(model: object) -> bool:
    return "generateContent" in list_at(model, "supportedGenerationMethods")


def _bare(model: str) -> str:
    return model[len("models/") :] if model.startswith("models/") else model


def _schema(keys: Iterable[str], refused: FrozenSet[str]) -> Dict[str, Any]:
    """The newest form that the model has not refused; ``{}`` when it takes none."""
    keys = list(keys)
    if "responseMimeType" in refused:
        return {}
    if "responseJsonSchema" not in refused:
        schema = {**json_schema(keys), "propertyOrdering": keys}
        return {"responseMimeType": "application/json", "responseJsonSchema": schema}
    if "responseSchema" not in refused:
        return {"responseMimeType": "application/json", "responseSchema": openapi_schema(keys)}
    return {}


def _conversation(messages: Iterable[Message], apart: bool) -> Dict[str, Any]:
    """System messages go ``apart``; for a model that takes none (Gemma) they open the conversation as a user's."""
    system = [message.content for message in messages if message.role == "system"]
    turns = [
        {"role": "model" if message.role == "assistant" else "user", "parts": [{"text": message.content}]}
        for message in messages
        if message.role != "system"
    ]
    parts = [{"text": "\n\n".join(system)}]
    if not system:
        return {"contents": turns}
    if apart:
        return {"systemInstruction": {"parts": parts}, "contents": turns}
    return {"contents": [{"role": "user", "parts": parts}, *turns]}


def _usage(data: Mapping[str, Any]) -> Optional[Usage]:
    counts = dig(data, "usageMetadata")
    if not isinstance(counts, dict):
        return None
    thinking = count_at(counts, "thoughtsTokenCount")
    return Usage(count_at(counts, "promptTokenCount"), count_at(counts, "candidatesTokenCount") + thinking)
