"""A bare client, on ``http.client``, that speaks the providers' protocols to the stand-in word by word."""

import http.client
import json
import ssl
from types import TracebackType
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Type, Union
from urllib.parse import urlsplit

from cli.standin import StandIn

CUES = {"1": "Hello there, Marta.", "2": "Where are <i>you</i> going?\nIt is 19:47.", "3": "Not tonight.", "4": "..."}


class Got(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> List[Any]:
        """Each line of a stream that has one object a line."""
        return [json.loads(line) for line in self.body.decode().splitlines()]

    @property
    def events(self) -> List[Any]:
        """The data of each event, up to ``[DONE]``."""
        lines = (line[len("data: ") :] for line in self.body.decode().splitlines() if line.startswith("data: "))
        return [json.loads(line) for line in lines if line != "[DONE]"]


class Client:
    """One connection, opened anew when the other side has closed it."""

    def __init__(self, standin: StandIn, key: str = "", context: Optional[ssl.SSLContext] = None) -> None:
        where = urlsplit(standin.url)
        assert where.hostname
        if context:
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                where.hostname, where.port, timeout=10, context=context
            )
        else:
            self.connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
        self.key = key

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.connection.close()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, data, named)
        with self.connection.getresponse() as answer:
            return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def openai(self, said: Union[str, Mapping[str, str]] = CUES, prefix: str = "/v1", **more: Any) -> Got:
        """One turn; a mapping is sent as a batch. ``more`` goes into the body."""
        body = {"model": "m", "messages": [{"role": "user", "content": text_of(said)}], **more}
        return self.send("POST", f"{prefix}/chat/completions", body, **self.bearer)

    def gemini(self, said: Union[str, Mapping[str, str]] = CUES, *, stream: bool = False, **more: Any) -> Got:
        """The same to Gemini."""
        body = {"contents": [{"role": "user", "parts": [{"text": text_of(said)}]}], **more}
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return self.send("POST", f"/v1beta/models/m:{method}", body, **self.google)

    def anthropic(self, said: Union[str, Mapping[str, str]] = CUES, **more: Any) -> Got:
        """The same to Anthropic."""
        body = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": text_of(said)}], **more}
        return self.send("POST", "/anthropic/v1/messages", body, **self.versioned)

    def ollama(self, said: Union[str, Mapping[str, str]] = CUES, *, stream: bool = False, **more: Any) -> Got:
        """The same to Ollama."""
        body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": text_of(said)}], **more}
        return self.send("POST", "/api/chat", body, **self.bearer)

    @property
    def bearer(self) -> Dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def google(self) -> Dict[str, str]:
        return {"x_goog_api_key": self.key} if self.key else {}

    @property
    def versioned(self) -> Dict[str, str]:
        return {"anthropic_version": "2023-06-01", **({"x_api_key": self.key} if self.key else {})}


def text_of(said: Union[str, Mapping[str, str]]) -> str:
    return said if isinstance(said, str) else json.dumps(said)


def schema(*keys: str) -> Dict[str, Any]:
    """The schema that asks for these keys under strict rules."""
    return {
        "type": "object",
        "properties": {key: {"type": "string"} for key in keys},
        "required": list(keys),
        "additionalProperties": False,
    }
