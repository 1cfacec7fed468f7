"""Anthropic's Messages API: typed events, the system message apart, and an output limit that must always be named.

Sources: platform.claude.com, "Create a Message", "Streaming", "Structured outputs", "Errors", "Adaptive thinking", and
the migration guides of the models since 4.7.
"""

import re
from typing import Any, ClassVar, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple
from urllib.parse import quote

from api.answer import LENGTH, STOP, Piece
from api.base import ChatRequest, Usage
from api.endpoint import with_version
from api.http_provider import HTTPProvider
from api.schema import asked_in_words, json_schema
from api.shape import count_at, dig, list_at, text_at
from core.cancel import CancelToken
from core.transport import Transport

VERSION = "2023-06-01"

#: Output tokens when nobody says how many: room for the largest batch, and for thoughts where a model insists on them.
#: The later models take 128,000, some of the early ones no more than their own figure here.
OUTPUT_TOKENS = 32_000
OUTPUT_TOKENS_EARLY = 8192

_MOST_PAGES = 20
_FINISH = {
    "end_turn": STOP,
    "stop_sequence": STOP,
    "max_tokens": LENGTH,
    "model_context_window_exceeded": LENGTH,
}
# Models up to 4.6 take a temperature and think only when asked to. The later ones refuse the one and do the other by
# themselves, each new one too; so these are all there will ever be.
_EARLY = re.compile(r"claude-(?:[23]\b|instant|(?:opus|sonnet|haiku)-4(?:[-.][0-6]\b|[-@]\d{8}|$))")
# How a model is told not to think before it translates; which of them it takes is found out from its 400s.
_WITHOUT_THOUGHTS = ("disabled", "between_tools")


class Anthropic(HTTPProvider):
    """api.anthropic.com. The default model is the small one meant for volume, which can do without thinking."""

    name = "anthropic"
    label = "Anthropic"
    default_base_url = "https://api.anthropic.com/v1"
    default_model = "claude-haiku-5-5"
    key_name = "ANTHROPIC_API_KEY"
    key_page = "https://platform.claude.com/settings/keys"
    optional: ClassVar[Mapping[str, Tuple[str, ...]]] = {
        "temperature": ("temperature",),
        "effort": ("effort",),
        **dict.fromkeys(_WITHOUT_THOUGHTS, ("thinking",)),
        "format": ("output_config", "output_format", "output format", "schema", "structured output", "grammar"),
    }

    def _root(self, base_url: str) -> str:
        return with_version(base_url)

    def list_models(self, cancel: CancelToken) -> List[str]:
        names: List[str] = []
        after = ""
        for _ in range(_MOST_PAGES):
            path = "/models?limit=1000" + (f"&after_id={quote(after, safe='')}" if after else "")
            data = self._fetch(self._request("GET", path, cancel))
            names += [text_at(model, "id") for model in list_at(data, "data")]
            after = text_at(data, "last_id")
            if dig(data, "has_more") is not True or not after:
                break
        return sorted(filter(None, names))

    def _auth(self, key: str) -> Dict[str, str]:
        return {"x-api-key": key, "anthropic-version": VERSION}

    def _turn(self, chat: ChatRequest, refused: FrozenSet[str], *, streaming: bool) -> Tuple[str, Dict[str, Any]]:
        early = bool(_EARLY.search(chat.model))
        limit = chat.max_output_tokens or (OUTPUT_TOKENS_EARLY if early else OUTPUT_TOKENS)
        body: Dict[str, Any] = {"model": chat.model, "max_tokens": limit, "stream": streaming}
        output: Dict[str, Any] = {}
        messages = chat.messages
        if chat.keys and "format" in refused:
            messages = asked_in_words(messages, chat.keys)
        elif chat.keys:
            output["format"] = {"type": "json_schema", "schema": json_schema(chat.keys)}
        thinking = next((kind for kind in _WITHOUT_THOUGHTS if kind not in refused), None)
        if early and chat.temperature is not None and "temperature" not in refused:
            body["temperature"] = chat.temperature
        elif not early and thinking is not None:
            body["thinking"] = {"type": thinking}
        elif not early and "effort" not in refused:
            output["effort"] = "low"
        if output:
            body["output_config"] = output
        system = [message.content for message in messages if message.role == "system"]
        if system:
            body["system"] = "\n\n".join(system)
        spoken = [{"role": one.role, "content": one.content} for one in messages if one.role != "system"]
        return "/messages", {**body, "messages": spoken}

    def _parameters(self, body: Mapping[str, Any]) -> Iterable[str]:
        return {*body, *body.get("output_config", ()), text_at(body, "thinking", "type")}

    def _piece(self, data: Mapping[str, Any]) -> Piece:
        event = text_at(data, "type")
        message = dig(data, "message") if event == "message_start" else data
        end = dig(data, "delta") if event == "message_delta" else message
        reason = "end_turn" if event == "message_stop" else text_at(end, "stop_reason")
        return Piece(
            text=_text(event, data),
            finish=_FINISH.get(reason, reason),
            refusal=_refusal(dig(end, "stop_details")) if reason == "refusal" else "",
            usage=_usage(dig(message, "usage")),
            model=text_at(message, "model"),
        )


def call(prompt: str, model: str, api_key: str, *, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` for the default."""
    return Anthropic(api_key=api_key, transport=client).ask(prompt, model)


def _text(event: str, data: Mapping[str, Any]) -> str:
    """The text of a whole message, or what an event adds to it; thoughts are neither."""
    if event == "content_block_start":
        return _text_of(dig(data, "content_block"))
    if event == "content_block_delta":
        return _text_of(dig(data, "delta"))
    return "".join(map(_text_of, list_at(data, "content")))


def _text_of(block: object) -> str:
    return text_at(block, "text") if dig(block, "type") in ("text", "text_delta") else ""


def _refusal(details: object) -> str:
    return text_at(details, "explanation") or text_at(details, "category") or "it gave no reason"


def _usage(counts: object) -> Optional[Usage]:
    """What was read from a cache, or written to one, was asked all the same ("Usage" in the API reference)."""
    if not isinstance(counts, dict):
        return None
    asked = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Usage(sum(count_at(counts, name) for name in asked), count_at(counts, "output_tokens"))
