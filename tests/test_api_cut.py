"""A stream that ends anywhere, even between two bytes of a letter: what came is right, and no part passes for all."""

import json
from typing import Any, Dict, Iterable, List, Mapping, Sequence

import pytest
from api_support import (
    OPENAI_USAGE,
    Script,
    anthropic_events,
    chat,
    gemini_reply,
    ollama_piece,
    ollama_reply,
    openai_delta,
    respond,
)

from core.errors import AnswerError

pytest_plugins = ("api_fixtures",)

TEXT = ["¿Qué", " – ", "字\n幕?"]


def sse_bytes(events: Iterable[Mapping[str, Any]], end: str = "") -> bytes:
    return "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events).encode() + end.encode()


def openai() -> bytes:
    return sse_bytes([*map(openai_delta, TEXT), openai_delta("", "stop"), OPENAI_USAGE], "data: [DONE]\n\n")


def gemini() -> bytes:
    parts = [gemini_reply({"text": text}, finish=None) for text in TEXT]
    return sse_bytes([*parts, gemini_reply()])


def anthropic() -> bytes:
    return b"".join(f"event: {event['type']}\n".encode() + sse_bytes([event]) for event in anthropic_events(*TEXT))


def ollama() -> bytes:
    lines: List[Dict[str, Any]] = [*map(ollama_piece, TEXT), ollama_reply("")]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


#: Provider -> its stream, the media type of that, and what tells that the answer is whole.
STREAMS: Dict[str, Sequence[Any]] = {
    "openai": (openai, "text/event-stream", b'"finish_reason": "stop"}]}'),
    "gemini": (gemini, "text/event-stream", b'"STOP"'),
    "anthropic": (anthropic, "text/event-stream", b'"stop_reason": "end_turn"'),
    "ollama": (ollama, "application/x-ndjson", b'"done": true'),
    "lmstudio": (openai, "text/event-stream", b'"finish_reason": "stop"}]}'),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_at_any_byte_never_passes_for_whole(script: Script, name: str) -> None:
    make, kind, sign = STREAMS[name]
    whole = make()
    told = whole.index(sign) + len(sign)
    ends = {at + 1 for at, byte in enumerate(whole) if byte == ord("\n")}
    cuts = sorted({*range(0, len(whole), 5), *ends, *(end - 1 for end in ends)})
    script.says(*(respond(whole[:at], kind=kind) for at in cuts), "")
    provider = script.provider(name)
    for at in cuts:
        came = _read(provider, is_whole=at >= told)
        assert "".join(TEXT).startswith(came), at
        provider.forget_refusals()


def _read(provider: Any, *, is_whole: bool) -> str:
    """The text of the next stream, which ends well if ``is_whole``, and else does not."""
    try:
        stream = provider.stream(chat())
    except AnswerError:
        assert not is_whole
        return ""
    try:
        list(stream)
    except AnswerError:
        return str(stream.text)
    assert is_whole
    assert stream.result.text == "".join(TEXT)
    return str(stream.text)
