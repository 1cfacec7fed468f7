"""How a chat turn travels, the same for every provider: request out, errors told apart, answer in.

A provider's module adds what differs: addresses, headers, the body, where the text and the usage are.
"""

import abc
import json
from contextlib import ExitStack, suppress
from itertools import chain
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
    TypeVar,
)

from api import adapt, sse
from api.answer import STOP, Answer, Piece
from api.base import ChatRequest, ChatResult, ChatStream, Provider, Usage
from api.endpoint import endpoints_of, labels_of, parts_of
from api.errors_map import Source, error_for, error_inside
from api.shape import load_answer
from core.backoff import rate_limited_backoff_on_429
from core.cancel import CancelToken
from core.config import BackoffConfig
from core.connection_pool import connection_pool_manager
from core.endpoint_group import STICKY, EndpointGroup
from core.endpoints import Target, endpoint_id
from core.errors import (
    BadRequestError,
    ConfigError,
    EmptyAnswerError,
    RateLimitError,
    SubAIError,
    TransportError,
)
from core.transport import Request, StreamingResponse, Transport

_T = TypeVar("_T")


class _Opened(NamedTuple):
    """A stream whose first piece is in, so that the provider can no longer refuse the whole of it."""

    request: Request
    response: StreamingResponse
    pieces: Iterator[Piece]


class HTTPProvider(Provider):
    """What every provider over HTTP shares.

    :cvar key_name: the environment variable that holds the key, for messages.
    :cvar key_page: where a person makes a key; ``""`` when there is no such page.
    :cvar needs_key: False for a server that may run without.
    :cvar stream_type: the media type of an answer in pieces.
    :cvar model_hint: what to do about a model that the provider does not have.
    :cvar optional: the body's parameters that a request can do without -> the words by which servers name them.

    :param api_key: or several, with commas between; ``base_url`` likewise (see ``api.endpoint.endpoints_of``).
    :param transport: how to reach it; over the shared pool if None.
    :param balance: how requests are spread over several endpoints.
    :param backoff: how to ask again; the provider's usual way if None.
    :raises ConfigError: for a key or a base URL that cannot be used.
    """

    default_base_url: ClassVar[str] = ""
    key_name: ClassVar[str]
    key_page: ClassVar[str] = ""
    needs_key: ClassVar[bool] = True
    stream_type: ClassVar[str] = "text/event-stream"
    model_hint: ClassVar[str] = "See what it has: ./subai models --provider {name}"
    optional: ClassVar[Mapping[str, Tuple[str, ...]]]

    def __init__(
        self,
        *,
        api_key: str = "",
        base_url: Optional[str] = None,
        transport: Optional[Transport] = None,
        balance: str = STICKY,
        backoff: Optional[BackoffConfig] = None,
    ) -> None:
        if not (base_url or self.default_base_url):
            raise ConfigError(
                f"There is no base URL for {self.label}. Enter one like http://localhost:1234/v1", provider=self.name
            )
        roots = ",".join(map(self._root, parts_of(base_url or self.default_base_url)))
        self._endpoints = endpoints_of(self.label, roots, api_key)
        if self.needs_key and not all(endpoint.key for endpoint in self._endpoints):
            raise ConfigError(
                f"There is no key for {self.label}. Set {self.key_name}; make one{self._at_page()}.", provider=self.name
            )
        targets = [
            Target(endpoint_id(one.base_url, one.key), one.base_url, self._auth(one.key) if one.key else {}, label)
            for one, label in zip(self._endpoints, labels_of(self._endpoints))
        ]
        self.group = EndpointGroup(targets, balance)
        self._sources = {
            target.id: Source(self.name, self.label, self._key_hint(), one.key, self.model_hint)
            for target, one in zip(targets, self._endpoints)
        }
        self._transport = transport or Transport(connection_pool_manager)
        self._backoff = backoff
        persistent = rate_limited_backoff_on_429(provider=self.name, settings=backoff)
        self._fetch = persistent(self._fetch_once)
        self._answer = persistent(self._answer_once)
        self._open = rate_limited_backoff_on_429(provider=self.name, settings=backoff, goes_on=True)(self._open_once)

    def __repr__(self) -> str:
        return f"<{self.label} at {', '.join(dict.fromkeys(endpoint.host for endpoint in self._endpoints))}>"

    @property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end; of several the first."""
        return self._endpoints[0].base_url

    @property
    def has_key(self) -> bool:
        """Whether requests carry one."""
        return any(endpoint.key for endpoint in self._endpoints)

    def each(self) -> Dict[str, "HTTPProvider"]:
        """What each endpoint is called -> the same provider with no other one."""
        return {
            label: type(self)(api_key=one.key, base_url=one.base_url, transport=self._transport, backoff=self._backoff)
            for one, label in zip(self._endpoints, labels_of(self._endpoints))
        }

    def warm_up(self) -> None:
        """Have a connection open before the first request; sends nothing on it.

        :raises TransportError: it could not be opened, nor to any other base URL.
        """
        *others, last = dict.fromkeys(endpoint.base_url for endpoint in self._endpoints)
        for url in others:
            with suppress(TransportError):
                self._transport.warm_up(url, provider=self.name)
                return
        self._transport.warm_up(last, provider=self.name)

    def forget_refusals(self) -> None:
        self.group.enable()

    def take_notices(self) -> List[str]:
        return self.group.take_notices()

    def complete(self, request: ChatRequest) -> ChatResult:
        return self._answer(self._chat_request(request, streaming=False), request)

    def stream(self, request: ChatRequest) -> ChatStream:
        opened = self._open(self._chat_request(request, streaming=True), request)
        answer = Answer(self.name, self.label, request.model)
        deltas = (delta for delta in map(answer.add, _watched(opened)) if delta)

        def close() -> None:
            opened.response.close()
            if opened.request.turn is not None:
                opened.request.turn.over()
            _settle(opened.request, answer.usage)

        return ChatStream(deltas, finish=answer.result, usage=lambda: answer.usage, close=close)

    # --- what a provider's module says --------------------------------------------------------------------------------

    @abc.abstractmethod
    def _auth(self, key: str) -> Dict[str, str]:
        """The headers that carry the key."""

    @abc.abstractmethod
    def _turn(self, chat: ChatRequest, refused: FrozenSet[str], *, streaming: bool) -> Tuple[str, Dict[str, Any]]:
        """What follows the base URL, and the body: they ask for a turn, without what this model has ``refused``."""

    @abc.abstractmethod
    def _parameters(self, body: Mapping[str, Any]) -> Iterable[str]:
        """The names, as in ``optional``, of what ``body`` holds."""

    @abc.abstractmethod
    def _piece(self, data: Mapping[str, Any]) -> Piece:
        """What one JSON object, a whole reply or an event of a stream, says."""

    def _root(self, base_url: str) -> str:
        """What a person may have entered as the base URL, as this provider's requests need it."""
        return base_url

    def _events(self, lines: Iterable[str]) -> Iterator[str]:
        """The JSON of each event, from the lines of a stream."""
        return sse.events(lines)

    # --- one try of a request; repeated by the backoff decorator ------------------------------------------------------

    def _fetch_once(self, request: Request) -> Dict[str, Any]:
        answered, request = _withheld(request)
        response = self._transport.send(request)
        if response.status >= 300:
            raise self._refusal(request, response.status, response.headers, response.body)
        data = self._loaded(request, response.body, response.headers)
        answered(response.status)
        return data

    def _answer_once(self, request: Request, chat: ChatRequest) -> ChatResult:
        answer = Answer(self.name, self.label, chat.model)
        answer.add(self._piece(self._adapted(request, chat, self._fetch_once, streaming=False)))
        answer.add(Piece(finish=STOP))  # a whole body is a whole answer, even without a word on why it ended
        _settle(request, answer.usage)
        return answer.result()

    def _open_once(self, request: Request, chat: ChatRequest) -> _Opened:
        return self._adapted(request, chat, self._begin, streaming=True)

    def _begin(self, request: Request) -> _Opened:
        answered, request = _withheld(request)
        with ExitStack() as stack:
            response = stack.enter_context(self._transport.open(request))
            if response.status >= 300:
                raise self._refusal(request, response.status, response.headers, response.read())
            pieces = self._pieces(request, response)
            first = next(pieces, None)
            if first is None:
                raise EmptyAnswerError(f"The answer from {self.label} is empty.", provider=self.name)
            answered(response.status)
            stack.pop_all()
        return _Opened(request, response, chain([first], pieces))

    def _pieces(self, request: Request, response: StreamingResponse) -> Iterator[Piece]:
        """Each piece as it comes. A server that does not stream, or fails before it can, sends one JSON body."""
        kind = response.headers.get("content-type", "")
        if self.stream_type not in kind and ("json" in kind or "html" in kind):
            yield self._piece(self._loaded(request, response.read(), response.headers))
            yield Piece(finish=STOP)
            return
        for data in self._events(response.lines()):
            if data == sse.DONE:
                yield Piece(finish=STOP)  # read on: a connection is used again only if its answer was read to the end
            else:
                yield self._piece(self._loaded(request, data.encode(), response.headers))

    def _adapted(self, request: Request, chat: ChatRequest, send: Callable[[Request], _T], *, streaming: bool) -> _T:
        """Send, and again without the parameter that a 400 names, as often as there are parameters to do without.

        All within one try: whoever waits for this request as the endpoint's probe then starts with what it learnt.
        """
        while True:
            refused = adapt.refused_by(request.url, chat.model)
            path, body = self._turn(chat, refused, streaming=streaming)
            try:
                return send(request.but(url=request.url + path, body=_encoded(body)))
            except BadRequestError as error:
                parameter = adapt.named_in(error, self._parameters(body), self.optional)
                if parameter is None:
                    raise
                adapt.remember(request.url, chat.model, parameter)

    def _loaded(self, request: Request, body: bytes, headers: Mapping[str, str]) -> Dict[str, Any]:
        data = load_answer(body, self.label, self.name)
        error = error_inside(self._sources[request.endpoint], data, headers, request.model)
        if isinstance(error, RateLimitError):
            self._transport.refused(request.url)
        if error is not None:
            raise error
        return data

    # --- requests -----------------------------------------------------------------------------------------------------

    def _chat_request(self, chat: ChatRequest, *, streaming: bool) -> Request:
        accept = self.stream_type if streaming else "application/json"
        request = self._request("POST", "", chat.cancel, accept)
        headers = {**request.headers, "content-type": "application/json"}
        return request.but(
            headers=headers,
            model=chat.model,
            deadline=chat.deadline,
            tokens=chat.tokens,
            affinity=chat.affinity,
        )

    def _request(self, method: str, path: str, cancel: CancelToken, accept: str = "application/json") -> Request:
        """``path`` follows the base URL."""
        return Request(method, path, {"accept": accept}, provider=self.name, cancel=cancel, group=self.group)

    def _refusal(self, request: Request, status: int, headers: Mapping[str, str], body: bytes) -> SubAIError:
        return error_for(self._sources[request.endpoint], status, headers, body, request.model)

    def _key_hint(self) -> str:
        return f"Check {self.key_name} or make a new key{self._at_page()}."

    def _at_page(self) -> str:
        return f" at {self.key_page}" if self.key_page else ""


def _settle(request: Request, usage: Usage) -> None:
    """Count what was really used, where the provider said so, against the budget of a minute."""
    used = usage.prompt_tokens + usage.completion_tokens
    if request.charge is not None and used:
        request.charge.settle(used)


def _watched(opened: _Opened) -> Iterator[Piece]:
    """The pieces; one that does not come in full speaks against the endpoint, though it began well."""
    try:
        yield from opened.pieces
    except SubAIError as error:
        if opened.request.turn is not None:
            opened.request.turn.failed(error)
        raise


def _withheld(request: Request) -> Tuple[Callable[[int], None], Request]:
    """``request`` without its ``on_headers``, and that: a 200 proves nothing before we know that it holds no error."""
    return request.on_headers or _nobody_waits, request.but(on_headers=None)


def _encoded(body: Mapping[str, Any]) -> bytes:
    # "replace": half a surrogate pair, from a damaged subtitle, must not stop the other cues.
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _nobody_waits(status: int) -> None:
    """Nobody wanted to know."""
