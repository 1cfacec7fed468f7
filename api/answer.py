"""Gathering an answer from its pieces, and the judgement whether it can be used."""

import re
from dataclasses import dataclass
from typing import List, Optional

from api.base import ChatResult, Usage
from api.redact import words_of
from core.errors import AnswerError, BlockedError, EmptyAnswerError, LengthError, RefusalError

_SURROGATE = re.compile("[\ud800-\udfff]")
_HIGH_SURROGATE = re.compile("[\ud800-\udbff]")

STOP, LENGTH, BLOCKED = "stop", "length", "blocked"


@dataclass(frozen=True)
class Piece:
    """What one JSON object says, be it a whole reply or one event of a stream.

    :ivar finish: ``STOP``, ``LENGTH``, ``BLOCKED`` or the provider's own word for another end; ``""`` while it goes on.
    :ivar refusal: what the model says instead of an answer.
    :ivar reason: why the text was blocked.
    :ivar usage: counted from the beginning of the answer, not for this piece.
    """

    text: str = ""
    finish: str = ""
    refusal: str = ""
    reason: str = ""
    usage: Optional[Usage] = None
    model: str = ""


class Answer:
    """The pieces so far."""

    def __init__(self, provider: str, label: str, model: str) -> None:
        self._provider = provider
        self._label = label
        self._model = model
        self._thoughts = _Thoughts()
        self._text: List[str] = []
        self._half = ""
        self._refusal = ""
        self._finish = ""
        self._reason = ""
        self.usage = Usage()

    def add(self, piece: Piece) -> str:
        """Take the next piece in; returns the text that it adds to the answer."""
        if self._finish in ("", STOP):  # some say so in each event, until another reason comes in the last
            self._finish = piece.finish or self._finish
        self._reason = self._reason or piece.reason
        self._refusal += piece.refusal
        if piece.usage is not None:
            self.usage = _larger(self.usage, piece.usage)
        self._model = piece.model or self._model
        text = self._thoughts.without(self._whole(piece.text))
        self._text.append(text)
        return text

    def _whole(self, text: str) -> str:
        """``text`` with its surrogate pairs joined: some servers cut an emoji in two, half of it in each event."""
        text = self._half + text
        self._half = text[-1:] if _HIGH_SURROGATE.fullmatch(text[-1:]) else ""
        text = text[: len(text) - len(self._half)]
        if _SURROGATE.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text

    def result(self) -> ChatResult:
        """The whole answer.

        :raises BlockedError: a safety filter withheld it.
        :raises RefusalError: the model declined.
        :raises LengthError: it stopped at the output limit, maybe while still thinking.
        :raises EmptyAnswerError: it ended without any text.
        :raises AnswerError: the stream ended before the answer did; ``reason`` is ``cut``.
        """
        text, label = "".join(self._text), self._label
        if self._finish == BLOCKED:
            reason = f" ({words_of(self._reason, '')})" if self._reason else ""
            raise BlockedError(f"This text was blocked by {label}{reason}.", provider=self._provider)
        if self._refusal:
            raise RefusalError(f"The model declined: {words_of(self._refusal, '')}", provider=self._provider)
        if self._finish == LENGTH:
            message = f"The answer from {label} stopped at the output limit. Send less text at once."
            raise LengthError(message, partial=text, provider=self._provider)
        if not self._finish and text:
            cut = AnswerError(f"The answer from {label} was cut off.", provider=self._provider)
            cut.reason = "cut"
            raise cut
        if not text.strip():
            raise EmptyAnswerError(f"The answer from {label} is empty.", provider=self._provider)
        return ChatResult(text, self.usage, self._model, self._finish)


def _larger(one: Usage, other: Usage) -> Usage:
    """Counts only grow, and an event may bring one of them alone (Anthropic's last has no ``input_tokens``)."""
    return Usage(max(one.prompt_tokens, other.prompt_tokens), max(one.completion_tokens, other.completion_tokens))


class _Thoughts:
    """Sets aside the ``<think>`` block that local reasoning models put before their answer."""

    OPEN, CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held: str = ""
        self._inside = False
        self._over = False

    def without(self, text: str) -> str:
        if self._over:
            return text
        self._held += text
        if not self._inside:
            start = self._held.lstrip()
            if start.startswith(self.OPEN):
                self._inside = True
            elif self.OPEN.startswith(start):
                return ""  # too short to tell
            else:
                return self._release(0)
        end = self._held.find(self.CLOSE)
        if end >= 0:
            return self._release(end + len(self.CLOSE))
        self._held = self._held[-len(self.CLOSE) :]
        return ""

    def _release(self, at: int) -> str:
        self._over = True
        text, self._held = self._held[at:], ""
        return text
