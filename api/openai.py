"""OpenAI's chat completions, and the dialect that OpenRouter and most local servers speak after it."""

from typing import Any, ClassVar, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from api.answer import BLOCKED, LENGTH, STOP, Piece
from api.base import ChatRequest, Usage
from api.http_provider import HTTPProvider
from api.schema import asked_in_words, json_schema
from api.shape import count_at, dig, list_at, text_at
from core.cancel import CancelToken
from core.transport import Transport

_FINISH = {"stop": STOP, "length": LENGTH, "content_filter": BLOCKED}


class ChatCompletions(HTTPProvider):
    """The dialect. A provider that speaks it is the class attributes that differ.

    :cvar length_parameters: the names for the output limit, the likeliest first.
    """

    length_parameters: ClassVar[Tuple[str, ...]] = ("max_tokens", "max_completion_tokens")
    optional: ClassVar[Mapping[str, Tuple[str, ...]]] = {
        "temperature": ("temperature",),
        "max_completion_tokens": ("max_completion_tokens",),
        "max_tokens": ("max_tokens",),
        "response_format": ("response_format", "json_schema", "schema", "structured output", "json mode", "grammar"),
        "stream_options": ("stream_options",),
    }

    def list_models(self, cancel: CancelToken) -> List[str]:
        data = self._fetch(self._request("GET", "/models", cancel))
        return sorted(filter(None, (text_at(model, "id") for model in list_at(data, "data"))))

    def _auth(self, key: str) -> Dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def _turn(self, chat: ChatRequest, refused: FrozenSet[str], *, streaming: bool) -> Tuple[str, Dict[str, Any]]:
        body: Dict[str, Any] = {}
        messages = chat.messages
        if chat.keys and "response_format" in refused:
            messages = asked_in_words(messages, chat.keys)
        elif chat.keys:
            schema = {"name": "reply", "strict": True, "schema": json_schema(chat.keys)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if chat.temperature is not None and "temperature" not in refused:
            body["temperature"] = chat.temperature
        limit = next((name for name in self.length_parameters if name not in refused), None)
        if chat.max_output_tokens is not None and limit is not None:
            body[limit] = chat.max_output_tokens
        if streaming:
            body["stream"] = True
            if "stream_options" not in refused:
                body["stream_options"] = {"include_usage": True}
        spoken = [{"role": message.role, "content": message.content} for message in messages]
        return "/chat/completions", {"model": chat.model, "messages": spoken, **body}

    def _parameters(self, body: Mapping[str, Any]) -> Iterable[str]:
        return body

    def _piece(self, data: Mapping[str, Any]) -> Piece:
        choice = dig(data, "choices", 0)
        message = dig(choice, "delta") or dig(choice, "message")
        finish = text_at(choice, "finish_reason")
        return Piece(
            text=_text(dig(message, "content")),
            finish=_FINISH.get(finish, finish),
            refusal=text_at(message, "refusal"),
            usage=_usage(data),
            model=text_at(data, "model"),
        )


class OpenAI(ChatCompletions):
    """api.openai.com. The default model is small, takes a temperature and does not think before it translates."""

    name = "openai"
    label = "OpenAI"
    default_base_url = "https://api.openai.com/v1"
    default_model = "gpt-4.1-mini"
    key_name = "OPENAI_API_KEY"
    key_page = "https://platform.openai.com/api-keys"
    length_parameters = ("max_completion_tokens", "max_tokens")


def call(prompt: str, model: str, api_key: str, *, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` for the default."""
    return OpenAI(api_key=api_key, transport=client).ask(prompt, model)


def _text(content: object) -> str:
    """The text of a message, which some servers send in parts; thinking and images are not text."""
    if isinstance(content, str):
        return content
    return "".join(text_at(part, "text") for part in list_at(content) if dig(part, "type") in (None, "text"))


def _usage(data: Mapping[str, Any]) -> Optional[Usage]:
    if not isinstance(dig(data, "usage"), dict):
        return None
    return Usage(count_at(data, "usage", "prompt_tokens"), count_at(data, "usage", "completion_tokens"))
