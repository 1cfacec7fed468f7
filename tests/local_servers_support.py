"""Servers that answer as Ollama, LM Studio and llama.cpp do; import ``serving`` from here to have them as a fixture."""

import itertools
import json
import re
from typing import Any, Callable, List, Mapping, Optional

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Bodies = Mapping[str, Any]

OLLAMA: Bodies = {
    "/": "Ollama is running",
    "/api/tags": {"models": [{"name": "qwen3:8b"}, {"name": "llama3.2"}, {"name": "e", "capabilities": ["embedding"]}]},
    "/api/ps": {"models": [{"name": "llama3.2"}]},
}
EMBEDDING = {"type": "embedding", "key": "text-embedding-x", "loaded_instances": []}
LM_STUDIO: Bodies = {
    "/api/v1/models": {
        "models": [
            {"type": "llm", "key": "gemma", "loaded_instances": [{"id": "gemma"}]},
            {"type": "llm", "key": "a qwen", "loaded_instances": []},
            EMBEDDING,
        ]
    }
}
OLDER_LM_STUDIO: Bodies = {
    "/api/v0/models": {"data": [{"id": "gemma", "type": "vlm", "state": "not-loaded"}, {"id": "e", "state": "loaded"}]}
}
# It has Ollama's paths too, and a page at its root.
LLAMA_CPP: Bodies = {
    "/": "<!doctype html>",
    "/api/tags": {"models": [{"name": "x.gguf"}]},
    "/v1/models": {"object": "list", "data": [{"id": "x.gguf", "object": "model", "owned_by": "llamacpp"}]},
}
#: What LM Studio says to whatever it does not know, with status 200.
NOTHING_HERE = {"error": "Unexpected endpoint or method."}


class Server:
    """One that has these bodies, and says ``otherwise`` to everything else (None: 404)."""

    def __init__(self, http: HTTPServer, root: str, bodies: Bodies, otherwise: Optional[Any] = None) -> None:
        self.asked: List[Request] = []
        self.place = f"{http.port}{root}"
        self.address = f"127.0.0.1:{self.place}"
        self._root, self._bodies, self._otherwise = root, bodies, otherwise
        http.expect_request(re.compile(re.escape(root) + "/.*")).respond_with_handler(self._answer)

    def path_of(self, request: Request) -> str:
        return request.path[len(self._root) :]

    def _answer(self, request: Request) -> Response:
        request.get_data()
        self.asked.append(request)
        body = self._bodies.get(self.path_of(request), self._otherwise)
        if body is None:
            return Response("404 page not found", 404)
        return Response(body if isinstance(body, str) else json.dumps(body), 200)


Serving = Callable[..., Server]


@pytest.fixture
def serving(httpserver: HTTPServer) -> Serving:
    """``serving(bodies, otherwise)``: each below a path of its own, as behind a proxy."""
    numbers = itertools.count()
    return lambda bodies, otherwise=None: Server(httpserver, f"/behind{next(numbers)}", bodies, otherwise)
