"""What every provider takes and gives: the value objects of one chat turn, and the protocol they pass through.

How a request travels is ``api/http_provider.py`` and ``api/exchange.py``; what each provider's JSON looks like is its
own module.
"""

import abc
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Callable, ClassVar, Iterator, List, Optional, Tuple

from core import abandoned
from core.cancel import CancelToken
from core.errors import AnswerError, ConfigError, LengthError, ProviderError

CHECK_PROMPT = "Reply with the word OK."
CHECK_OUTPUT_TOKENS = 64  # caps what a reasoning model can spend on the check


@dataclass(frozen=True)
class Message:
    """One message of a conversation; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One turn to ask for.

    :ivar keys: the JSON keys the reply must have, in order, each with a string value; ``()`` asks for free text.
    :ivar temperature: dropped for a model that refuses it; ``None`` leaves it to the provider.
    :ivar max_output_tokens: ``None`` leaves it to the provider.
    :ivar deadline: an instant of ``time.monotonic``, over everything, retries included.
    :ivar tokens: what prompt and answer will take together, about; 0 if nobody counts.
    :ivar affinity: requests with the same one, such as those of a film, go to the same of several endpoints.
    """

    model: str
    messages: Tuple[Message, ...]
    keys: Tuple[str, ...] = ()
    temperature: Optional[float] = 0.4
    max_output_tokens: Optional[int] = None
    cancel: CancelToken = field(default_factory=CancelToken)
    deadline: Optional[float] = None
    tokens: int = 0
    affinity: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens as the provider counted them, zeros where it did not. Thinking counts as completion: it is billed so."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class ChatResult:
    """A whole answer.

    :ivar model: the model that answered, by the provider's own word for it.
    :ivar finish_reason: ``stop``, or the provider's own word where it is another one.
    """

    text: str
    usage: Usage
    model: str
    finish_reason: str


@dataclass(frozen=True)
class CheckResult:
    """A check that passed: seconds of a first request, connecting included, and of a second on the warm connection."""

    model: str
    first_seconds: float
    second_seconds: float


class ChatStream:
    """The text of an answer, piece by piece as it arrives.

    Iterating raises what the answer turns out to be: the ``TransportError`` family, a ``ProviderError`` sent in
    mid-stream, or an ``AnswerError``. The text that came before stays in ``text``. Nothing here is ever asked twice.
    """

    def __init__(
        self,
        deltas: Iterator[str],
        *,
        finish: Callable[[], ChatResult],
        usage: Callable[[], Usage],
        close: Callable[[], None],
    ) -> None:
        self._deltas = deltas
        self._finish = finish
        self._usage = usage
        self._close = close
        self._result: Optional[ChatResult] = None
        self.text = ""

    def __iter__(self) -> Iterator[str]:
        try:
            for delta in self._deltas:
                self.text += delta
                yield delta
            self._result = self._finish()
        finally:
            self.close()

    @property
    def result(self) -> ChatResult:
        """The whole answer, once the iteration has ended well."""
        if self._result is None:
            raise RuntimeError("the stream has not been read to its end")
        return self._result

    @property
    def usage(self) -> Usage:
        """What has been counted so far; providers tell at the end, even of an answer that cannot be used."""
        return self._usage()

    def close(self) -> None:
        """Give the connection back (dropped, if its answer was not read to the end). Calling it again does nothing."""
        close, self._close = self._close, _nothing
        close()

    def __del__(self) -> None:
        if self._close is not _nothing:
            abandoned.leave(self._close)

    def __enter__(self) -> "ChatStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _nothing() -> None:
    """It is closed already."""


class Provider(abc.ABC):
    """A service that answers chat turns. Safe to use from several threads.

    Every method raises ``CancelledError`` as soon as its token is set, the ``TransportError`` family when the network
    fails and a ``ProviderError`` when the provider refuses, each after the retries it deserves.

    :cvar name: what ``create`` and the settings call it.
    :cvar label: what a person calls it, as it stands inside a sentence.
    :cvar default_model: what ``pick_model`` takes when nobody chose; ``""`` when only the server can tell.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    default_model: ClassVar[str] = ""

    @abc.abstractmethod
    def complete(self, request: ChatRequest) -> ChatResult:
        """Ask and wait for the whole answer.

        :raises AnswerError: when what came cannot be used (see its subclasses).
        """

    @abc.abstractmethod
    def stream(self, request: ChatRequest) -> ChatStream:
        """Ask, and return once the provider has begun to answer."""

    @abc.abstractmethod
    def list_models(self, cancel: CancelToken) -> List[str]:
        """The names of the models that can chat, sorted."""

    def loaded_models(self, cancel: CancelToken) -> List[str]:
        """Those of them that the server holds in memory, and answers with at once; ``[]`` where it does not tell."""
        return []

    @abc.abstractmethod
    def forget_refusals(self) -> None:
        """Ask again where the provider has said no for good: a person may have paid, waited or mended the key."""

    @abc.abstractmethod
    def take_notices(self) -> List[str]:
        """What a person should know though requests went well: which keys or addresses are out. Each is told once."""

    def pick_model(self, wanted: str, cancel: CancelToken) -> str:
        """``wanted``, else the default, else the only model that the server offers, or holds in memory.

        :raises ConfigError: when the server offers none, or several to choose from.
        """
        if wanted or self.default_model:
            return wanted or self.default_model
        offered = self.list_models(cancel)
        if len(offered) == 1:
            return offered[0]
        if not offered:
            raise ConfigError(
                f"There is no model at {self.label}. Load one there first, or name one.", provider=self.name
            )
        with suppress(ProviderError, AnswerError):  # a server that does not know the question
            loaded = [model for model in self.loaded_models(cancel) if model in offered]
            if len(loaded) == 1:
                return loaded[0]
        some = ", ".join(offered[:5]) + (", ..." if len(offered) > 5 else "")
        raise ConfigError(f"Name the model to use; {self.label} offers {some}", provider=self.name)

    def ask(self, prompt: str, model: str = "") -> str:
        """One turn of free text."""
        cancel = CancelToken()
        model = self.pick_model(model, cancel)
        return self.complete(ChatRequest(model, (Message("user", prompt),), cancel=cancel)).text

    def check(self, model: str, cancel: CancelToken) -> CheckResult:
        """See that key, model and connection are good: sends ``CHECK_PROMPT`` twice and reads the short answers.

        Two requests, a few dozen tokens. ``model`` may be ``""``: see ``pick_model``.
        """
        self.forget_refusals()
        model = self.pick_model(model, cancel)
        request = ChatRequest(
            model, (Message("user", CHECK_PROMPT),), max_output_tokens=CHECK_OUTPUT_TOKENS, cancel=cancel
        )
        return CheckResult(model, self._seconds_of(request), self._seconds_of(request))

    def _seconds_of(self, request: ChatRequest) -> float:
        started = time.perf_counter()
        with suppress(LengthError):  # a model that thinks past the cap has shown all that is checked here
            self.complete(request)
        return time.perf_counter() - started
