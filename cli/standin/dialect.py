"""What a provider's dialect is: where the prompt is in a request, and how answers, streams and errors look.

To add one: a subclass in a module of its own, and its place in ``server.DIALECTS``.
"""

import abc
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Optional, Sequence

from cli.standin.pace import count_tokens
from cli.standin.pseudo import cues_in
from cli.standin.wire import Piece, Request

MODEL = "stand-in"
STOP, LENGTH, BLOCKED = "stop", "length", "blocked"


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure
    """The stand-in says no, in the words that the provider would use.

    :ivar code: OpenAI's code for it. :ivar param: the parameter it is about. :ivar details: Google's ``error.details``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: Optional[str] = None,
        param: Optional[str] = None,
        details: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.details = details


@dataclass(frozen=True)
class Answer:
    """What the model says. :ivar text: None: the provider's null. :ivar refusal: what it says instead."""

    text: Optional[str]
    finish: str = STOP
    refusal: str = ""

    @property
    def tokens(self) -> int:
        return count_tokens((self.text or "") + self.refusal)


@dataclass(frozen=True)
class Chat:
    """A turn as asked for.

    :ivar number: of the request. :ivar texts: every message, the last one last. :ivar body: all that was sent.
    """

    number: int
    model: str
    texts: Sequence[str]
    stream: bool
    body: Mapping[str, Any]

    @cached_property
    def cues(self) -> Optional[Dict[str, str]]:
        """The batch to translate, or None when the last message is something else."""
        return cues_in(self.texts[-1])

    @property
    def prompt_tokens(self) -> int:
        return sum(map(count_tokens, self.texts))


class Dialect(abc.ABC):
    """Stateless: one instance serves every request.

    :cvar prefix: of the paths that are this provider's. :cvar key_header: in lower case.
    :cvar stream_type: the media type of an answer in pieces.
    """

    prefix: ClassVar[str]
    key_header: ClassVar[str]
    key_scheme: ClassVar[str] = ""
    stream_type: ClassVar[str] = "text/event-stream"

    def key_in(self, request: Request) -> str:
        """The key, where it is where it belongs."""
        value = request.headers.get(self.key_header, "")
        return value[len(self.key_scheme) :] if value.startswith(self.key_scheme) else ""

    @abc.abstractmethod
    def chat(self, request: Request, number: int) -> Optional[Chat]:
        """What is asked; None: for the list of models.

        :raises Refused: the provider would not take it.
        """

    @abc.abstractmethod
    def headers(self, number: int) -> Dict[str, str]:
        """What comes with every answer to request ``number``, besides the type of its content."""

    @abc.abstractmethod
    def models(self) -> Any:
        """The list of models: ``MODEL`` alone, though any name is answered."""

    @abc.abstractmethod
    def whole(self, chat: Chat, answer: Answer) -> Any:
        """The body of an answer in one piece."""

    @abc.abstractmethod
    def stream(self, chat: Chat, answer: Answer) -> Iterator[Piece]:
        """The events of an answer in pieces."""

    @abc.abstractmethod
    def event(self, document: Any) -> bytes:
        """One event of a stream."""

    @abc.abstractmethod
    def error(self, refused: Refused) -> Any:
        """The body of a refusal."""

    @abc.abstractmethod
    def bad_key(self, key: str) -> Refused:
        """The words for a key that is missing (``""``) or not known."""


def document_in(request: Request) -> Mapping[str, Any]:
    """:raises Refused: the body is not a JSON object."""
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "We could not parse the JSON body of your request.")
    return found


def texts_of(messages: object, parts: str) -> List[str]:
    """The text of each message, which may be a list of parts, under the name ``parts``.

    :raises Refused: there is none.
    """
    found = (
        [_text_of(message.get(parts)) for message in messages if isinstance(message, dict)]
        if isinstance(messages, list)
        else []
    )
    if not found:
        raise Refused(400, "There is no message to answer.")
    return found


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def nothing_here(request: Request) -> Refused:
    """What to say about a path that leads nowhere."""
    return Refused(404, f"Invalid URL ({request.method} {request.path})")
