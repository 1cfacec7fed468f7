"""One try of a chat turn, the same for every provider: request out, errors told apart, answer in.

A provider's module adds what differs: the path, headers, the body, where the text and the usage are.
"""

import abc
import json
from contextlib import ExitStack
from itertools import chain
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    Mapping,
    NamedTuple,
    Tuple,
    TypeVar,
)

from api import adapt, sse
from api.answer import STOP, Answer, Piece
from api.base import ChatRequest, ChatResult, Provider, Usage
from api.errors_map import Source, error_for, error_inside
from api.shape import load_answer
from core import metrics
from core.errors import BadRequestError, EmptyAnswerError, RateLimitError, SubAIError
from core.transport import Request, StreamingResponse, Transport

_T = TypeVar("_T")


class Opened(NamedTuple):
    """A stream whose first piece is in, so that the provider can no longer refuse the whole of it."""

    request: Request
    response: StreamingResponse
    pieces: Iterator[Piece]


class ChatExchange(Provider):
    """What the tries of a request have in common. ``api.http_provider`` decides where they go, and repeats them.

    :cvar stream_type: the media type of an answer in pieces.
    :cvar optional: the body's parameters that a request can do without -> the words by which servers name them.
    """

    stream_type: ClassVar[str] = "text/event-stream"
    optional: ClassVar[Mapping[str, Tuple[str, ...]]]

    _transport: Transport
    _sources: Mapping[str, Source]  # id of a target -> who answers there, for errors

    # --- what a provider's module says --------------------------------------------------------------------------------

    @abc.abstractmethod
    def _turn(self, chat: ChatRequest, refused: FrozenSet[str], *, streaming: bool) -> Tuple[str, Dict[str, Any]]:
        """What follows the base URL, and the body: they ask for a turn, without what this model has ``refused``."""

    @abc.abstractmethod
    def _parameters(self, body: Mapping[str, Any]) -> Iterable[str]:
        """The names, as in ``optional``, of what ``body`` holds."""

    @abc.abstractmethod
    def _piece(self, data: Mapping[str, Any]) -> Piece:
        """What one JSON object, a whole reply or an event of a stream, says."""

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
        settle(request, answer.usage)
        return answer.result()

    def _open_once(self, request: Request, chat: ChatRequest) -> Opened:
        return self._adapted(request, chat, self._begin, streaming=True)

    def _begin(self, request: Request) -> Opened:
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
        return Opened(request, response, chain([first], pieces))

    def _pieces(self, request: Request, response: StreamingResponse) -> Iterator[Piece]:
        """Each piece as it comes. A server that does not stream, or fails before it can, sends one JSON body."""
        kind = response.headers.get("content-type", "")
        if self.stream_type not in kind and ("json" in kind or "html" in kind):
            yield self._piece(self._loaded(request, response.read(), response.headers))
            yield Piece(finish=STOP)
            return
        for data in self._events(response.lines()):
            if data == sse.DONE:
                # Read on: a connection is used again only if its answer was read to the end.
                response.has_all()
                yield Piece(finish=STOP)
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

    def _refusal(self, request: Request, status: int, headers: Mapping[str, str], body: bytes) -> SubAIError:
        return error_for(self._sources[request.endpoint], status, headers, body, request.model)


def settle(request: Request, usage: Usage) -> None:
    """Count what was really used, where the provider said so, against the budget of a minute."""
    metrics.used(request.provider, request.model, usage.prompt_tokens, usage.completion_tokens)
    used = usage.prompt_tokens + usage.completion_tokens
    if request.charge is not None and used:
        request.charge.settle(used)


def _withheld(request: Request) -> Tuple[Callable[[int], None], Request]:
    """``request`` without its ``on_headers``, and that: a 200 proves nothing before we know that it holds no error."""
    return request.on_headers or _nobody_waits, request.but(on_headers=None)


def _encoded(body: Mapping[str, Any]) -> bytes:
    # "replace": half a surrogate pair, from a damaged subtitle, must not stop the other cues.
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _nobody_waits(status: int) -> None:
    """Nobody wanted to know."""
