"""A provider's server on loopback that gives scripted replies and keeps what it was asked."""

import itertools
import json
import re
import threading
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Union

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import api
from api.base import ChatRequest, Message
from api.http_provider import HTTPProvider
from core.transport import Transport

KEY = "sk-test-0123456789abcdefghijKLMNOP"
_numbers = itertools.count(1)

Reply = Union[Response, Mapping[str, Any], str, bytes]


class Asked(NamedTuple):
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any


class Script:
    """Replies in order; the last one is given again and again."""

    def __init__(self, server: HTTPServer, transport: Transport) -> None:
        self.root = f"/n{next(_numbers)}"  # endpoints and refused parameters are remembered: each test has its own
        self.url = server.url_for(self.root)
        self.asked: List[Asked] = []
        self._transport = transport
        self._replies: List[Reply] = []
        self._lock = threading.Lock()
        server.expect_request(re.compile(re.escape(self.root) + "/.*")).respond_with_handler(self._answer)

    def says(self, *replies: Reply) -> "Script":
        self._replies += replies
        return self

    def provider(self, name: str, key: str = KEY) -> HTTPProvider:
        provider = api.create(name, api_key=key, base_url=self.url, transport=self._transport)
        assert isinstance(provider, HTTPProvider)
        return provider

    @property
    def bodies(self) -> List[Any]:
        return [asked.body for asked in self.asked]

    def _answer(self, request: Request) -> Response:
        with self._lock:
            body = request.get_data()
            path = request.path[len(self.root) :]
            query = request.query_string.decode()
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.asked.append(Asked(request.method, path, query, headers, json.loads(body) if body else None))
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return reply if isinstance(reply, Response) else respond(reply)


def respond(
    body: Union[Mapping[str, Any], List[Any], str, bytes],
    status: int = 200,
    headers: Optional[Dict[str, str]] = None,
    kind: str = "application/json",
) -> Response:
    raw = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return Response(raw, status, headers, content_type=kind)


def sse(*events: Union[Mapping[str, Any], str], end: str = "\n\n") -> Response:
    """A stream of these events; a string is the data as it is."""
    data = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return raw_sse("".join(f"data: {text}{end}" for text in data))


def raw_sse(text: Union[str, Iterable[bytes]]) -> Response:
    return Response(text, 200, content_type="text/event-stream")


def openai_reply(text: Any, finish: Optional[str] = "stop", **message: Any) -> Dict[str, Any]:
    return {
        "model": "some-model-2026",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7},
    }


def openai_delta(text: Any = None, finish: Optional[str] = None, **delta: Any) -> Dict[str, Any]:
    return {"model": "some-model-2026", "choices": [{"delta": {"content": text, **delta}, "finish_reason": finish}]}


OPENAI_USAGE = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}


def gemini_reply(*parts: Mapping[str, Any], finish: Optional[str] = "STOP") -> Dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 5, "thoughtsTokenCount": 2},
        "modelVersion": "gemini-2026",
    }


def anthropic_reply(text: Any, reason: Optional[str] = "end_turn", **more: Any) -> Dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-2026",
        "content": [{"type": "text", "text": text}],
        "stop_reason": reason,
        "usage": {"input_tokens": 8, "cache_read_input_tokens": 3, "output_tokens": 7},
        **more,
    }


def anthropic_events(*texts: str, reason: Optional[str] = "end_turn", **end: Any) -> List[Dict[str, Any]]:
    """The events of a whole stream."""
    usage = {"input_tokens": 8, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3, "output_tokens": 1}
    message = {**anthropic_reply("", None), "content": [], "usage": usage}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts
    ]
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, **end}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]


def anthropic_error(kind: str, message: str, **more: Any) -> Dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_1"}


def ollama_piece(text: Any = "", **more: Any) -> Dict[str, Any]:
    return {"model": "llama-2026", "message": {"role": "assistant", "content": text}, "done": False, **more}


def ollama_reply(text: Any, reason: Optional[str] = "stop", **more: Any) -> Dict[str, Any]:
    """A whole answer, or the last line of a stream."""
    counts = {"prompt_eval_count": 11, "eval_count": 7}
    return {**ollama_piece(text), "done": True, "done_reason": reason, **counts, **more}


def ndjson(*lines: Union[Mapping[str, Any], str]) -> Response:
    """A stream of these lines; a string is the line as it is."""
    data = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return Response("".join(f"{text}\n" for text in data), 200, content_type="application/x-ndjson")


def openai_error(message: str, code: Any = None, param: Optional[str] = None) -> Dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def gemini_error(code: int, status: str, message: str, *details: Mapping[str, Any]) -> Dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def chat(text: str = "Hello", model: str = "m", **more: Any) -> ChatRequest:
    return ChatRequest(model, (Message("system", "Translate."), Message("user", text)), **more)
