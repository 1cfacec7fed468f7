"""Ollama's own API: lines of JSON, and a context whose size each request names.

Sources: docs/api.md, docs/api/errors.mdx, docs/context-length.mdx and docs/capabilities/thinking.mdx of
github.com/ollama/ollama; for what they do not say, server/routes.go and server/sched.go.

``keep_alive`` is not sent: it would override what whoever runs the server has set, and the requests of a film follow
each other well within its default of 5 minutes.
"""

from typing import Any, ClassVar, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from api.answer import LENGTH, STOP, Piece
from api.base import ChatRequest, Message, Usage
from api.http_provider import HTTPProvider
from api.schema import asked_in_words, json_schema
from api.shape import count_at, dig, list_at, text_at
from core.cancel import CancelToken
from core.forking import OwnLock
from core.transport import Transport

PORT = 11434

#: Tokens of context, for prompt and answer together. Ollama's own default is 4,096 on most machines; what does not fit
#: is cut out of the prompt without a word. No request of ours asks for less than this, since another size than the last
#: one makes the server load the model anew; 100 cues fit in most languages.
LEAST_CONTEXT = 8192

_lock = OwnLock()
_contexts: Dict[Tuple[str, str], int] = {}  # the largest that each model was asked for; never a smaller one again

_FINISH = {"": STOP, "stop": STOP, "length": LENGTH}


class Ollama(HTTPProvider):
    """The server on this machine, another one at home, or ollama.com with a key."""

    name = "ollama"
    label = "Ollama"
    default_base_url = f"http://127.0.0.1:{PORT}"
    key_name = "OLLAMA_API_KEY"
    key_page = "https://ollama.com/settings/keys"
    needs_key = False
    stream_type = "application/x-ndjson"
    model_hint = "Get it with: ollama pull {model}"
    optional: ClassVar[Mapping[str, Tuple[str, ...]]] = {
        "think": ("think",),
        "format": ("format", "schema", "grammar"),
    }

    def list_models(self, cancel: CancelToken) -> List[str]:
        return sorted(models_in(self._fetch(self._request("GET", "/api/tags", cancel))))

    def loaded_models(self, cancel: CancelToken) -> List[str]:
        return sorted(models_in(self._fetch(self._request("GET", "/api/ps", cancel))))

    def _auth(self, key: str) -> Dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def _turn(self, chat: ChatRequest, refused: FrozenSet[str], *, streaming: bool) -> Tuple[str, Dict[str, Any]]:
        messages = chat.messages
        body: Dict[str, Any] = {"model": chat.model, "stream": streaming}
        if chat.keys and "format" in refused:
            messages = asked_in_words(messages, chat.keys)
        elif chat.keys:
            body["format"] = json_schema(chat.keys)
        if "think" not in refused:
            # A model that can think does, unless told not to; this one knows only how much.
            body["think"] = "low" if "gpt-oss" in chat.model.lower() else False
        # What does not fit after all is an error then, and an answer that fills the context ends there. Older versions
        # do not know the two, and go on for as long as the number of tokens allows.
        body.update(truncate=False, shift=False)
        context = _context_for(self.base_url, chat.model, messages)
        options: Dict[str, Any] = {"num_ctx": context, "num_predict": chat.max_output_tokens or context}
        if chat.temperature is not None:
            options["temperature"] = chat.temperature
        spoken = [{"role": message.role, "content": message.content} for message in messages]
        return "/api/chat", {**body, "messages": spoken, "options": options}

    def _parameters(self, body: Mapping[str, Any]) -> Iterable[str]:
        return body

    def _piece(self, data: Mapping[str, Any]) -> Piece:
        done = dig(data, "done") is True
        reason = text_at(data, "done_reason")
        return Piece(
            text=text_at(data, "message", "content"),
            finish=_FINISH.get(reason, reason) if done else "",
            usage=Usage(count_at(data, "prompt_eval_count"), count_at(data, "eval_count")) if done else None,
            model=text_at(data, "model"),
        )

    def _events(self, lines: Iterable[str]) -> Iterator[str]:
        return (line for line in lines if line.strip())

    def _root(self, base_url: str) -> str:
        """Without the paths of its APIs, which belong to an address as other programs want it."""
        bare = base_url.strip().rstrip("/")
        return next((bare[: -len(path)] for path in ("/api", "/v1") if bare.endswith(path)), bare)

    def _key_hint(self) -> str:
        return f"Sign in with: ollama signin. Or check {self.key_name}, or make a new key{self._at_page()}."


def models_in(data: object) -> List[str]:
    """The models of ``/api/tags`` or ``/api/ps`` that can chat; older versions do not tell what each can do."""
    return [
        name
        for model in list_at(data, "models")
        for name in [text_at(model, "name")]
        if name and "completion" in (list_at(model, "capabilities") or ["completion"])
    ]


def call(prompt: str, model: str, api_key: str, *, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` for the one that is loaded."""
    return Ollama(api_key=api_key, transport=client).ask(prompt, model)


def _context_for(base_url: str, model: str, messages: Sequence[Message]) -> int:
    wanted = LEAST_CONTEXT
    while wanted < _tokens(messages):
        wanted *= 2
    with _lock:
        _contexts[base_url, model] = max(wanted, _contexts.get((base_url, model), 0))
        return _contexts[base_url, model]


def _tokens(messages: Sequence[Message]) -> int:
    """What prompt and answer take together, rather too many: three bytes of UTF-8 a token, the answer two.

    Measured in translate/costs.py: 1.4 characters a token in Chinese, of three bytes each, to 4.1 of one byte.
    """
    sizes = [len(message.content.encode("utf-8", "replace")) for message in messages]
    return sum(sizes) // 3 + (sizes[-1] if sizes else 0) // 2
