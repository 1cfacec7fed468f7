"""The numbered JSON object of a reply, read while it streams: key and text of each cue as soon as both are there.

Knows nothing of cues; what a key or a text is worth is judged in ``align``.
"""

import re
from dataclasses import dataclass
from typing import Callable, List, Optional, Pattern, Tuple

from translate.json_string import decoded

# A text of None: the value was no string (null, a number, a list).
Pair = Tuple[str, Optional[str]]

_OBJECT_OR_THINKING = re.compile(r"\{|<(?:think|thinking|reasoning)>", re.IGNORECASE)
_THINKING_OVER = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_LONGEST_TAG = 12
_NOT_SPACE = re.compile(r"\S|\Z")
_STOP_IN_STRING = re.compile(r'["\\]')
_KEY_OR_END = re.compile(r'["}]')
_LITERAL_END = re.compile(r"[,}\]\s]|\Z")
_HTML = ("<!doctype", "<html", "<?xml", "<head", "<body")


@dataclass(frozen=True)
class Ending:
    """How a reply ended.

    :ivar kind: ``whole``; ``cut`` (inside the object); or, when there was no object: ``empty``, ``html``, ``prose``.
    :ivar key: the key whose text was cut, where one was begun.
    """

    kind: str
    key: str = ""


class ReplyParser:
    """Push parser for one reply, tolerant of what models put around and into JSON.

    Chatter, fences and ``<think>`` blocks around the object, an object or a list around it, raw line breaks and bare
    quotes inside a text, wrong escapes and trailing commas are read over. No input raises, and each character is
    looked at a bounded number of times.

    A text is complete once the bracket after it, or the comma and the next key's quote, were seen: only they tell its
    closing quote from a bare one.
    """

    def __init__(self) -> None:
        self._step: Callable[[str, int], int] = self._outside
        self._brackets: List[str] = []
        self._parts: List[str] = []
        self._held: List[str] = []
        self._tail = ""
        self._head = ""
        self._role = "key"
        self._escaped = False
        self._key = ""
        self._found: List[Pair] = []
        self._any_object = False

    def feed(self, chunk: str) -> List[Pair]:
        """The pairs that ``chunk`` completed, in the order of the reply; a key that comes twice is given twice."""
        if len(self._head) < _LONGEST_TAG:
            self._head = (self._head + chunk[: 2 * _LONGEST_TAG]).lstrip()
        self._found = []
        position, end = 0, len(chunk)
        while position < end:
            position = self._step(chunk, position)
        return self._found

    def finish(self) -> Ending:
        """How the reply ended; nothing may be fed afterwards."""
        if self._brackets:
            return Ending("cut", self._key)
        if self._any_object:
            return Ending("whole")
        if not self._head:
            return Ending("empty")
        return Ending("html" if self._head.lower().startswith(_HTML) else "prose")

    # Each step looks at the chunk from a position on, and returns the position it came to. It moves on by at least
    # one character or leaves to another step.

    def _outside(self, chunk: str, position: int) -> int:
        found, position = self._search(_OBJECT_OR_THINKING, chunk, position)
        if found == "{":
            self._brackets.append("{")
            self._step = self._first_key
        elif found:
            self._step = self._thinking
        return position

    def _thinking(self, chunk: str, position: int) -> int:
        found, position = self._search(_THINKING_OVER, chunk, position)
        if found:
            self._step = self._outside
        return position

    def _search(self, pattern: Pattern[str], chunk: str, position: int) -> Tuple[str, int]:
        """What ``pattern`` found and where it ends; a tag may have begun in an earlier chunk."""
        text = self._tail + chunk[position:]
        match = pattern.search(text)
        if match is None:
            self._tail = text[-_LONGEST_TAG:]
            return "", len(chunk)
        position += match.end() - len(self._tail)
        self._tail = ""
        return match.group(), position

    def _first_key(self, chunk: str, position: int) -> int:
        position = _skip_space(chunk, position)
        if position < len(chunk):
            if chunk[position] in '"}':
                self._any_object = True
                self._step = self._next_key
            else:  # a brace in the chatter
                self._brackets.clear()
                self._step = self._outside
        return position

    def _next_key(self, chunk: str, position: int) -> int:
        """Before a key; whatever else stands there (a comma, a comment) is passed over."""
        match = _KEY_OR_END.search(chunk, position)
        if match is None:
            return len(chunk)
        if match.group() == '"':
            return self._begin("key", match.end())
        return self._close(match.end())

    def _begin(self, role: str, position: int) -> int:
        self._role = role
        self._parts.clear()
        self._escaped = False
        self._step = self._string
        return position

    def _string(self, chunk: str, position: int) -> int:
        start = position
        if self._escaped:
            self._escaped = False
            position += 1
        while True:
            match = _STOP_IN_STRING.search(chunk, position)
            if match is None:
                self._parts.append(chunk[start:])
                return len(chunk)
            position = match.end()
            if match.group() == '"':
                self._parts.append(chunk[start : position - 1])
                self._held.clear()
                self._step = self._after_quote
                return position
            if position == len(chunk):
                self._escaped = True
            position += 1

    def _after_quote(self, chunk: str, position: int) -> int:
        """Closing quote or a bare one inside the string? The next character that is no space tells."""
        start, position = position, _skip_space(chunk, position)
        self._held.append(chunk[start:position])
        if position == len(chunk):
            return position
        following = chunk[position]
        if self._role == "key":
            if following != ":":
                return self._resume_string(position)
            self._key = decoded("".join(self._parts))
            self._step = self._value
            return position + 1
        if following in "}]":
            return self._end_value(position)
        if following != ",":
            return self._resume_string(position)
        self._held.append(",")
        self._step = self._after_comma
        return position + 1

    def _after_comma(self, chunk: str, position: int) -> int:
        start, position = position, _skip_space(chunk, position)
        self._held.append(chunk[start:position])
        if position == len(chunk):
            return position
        return self._end_value(position) if chunk[position] in '"}]' else self._resume_string(position)

    def _resume_string(self, position: int) -> int:
        self._parts.append('\\"' + "".join(self._held))
        self._step = self._string
        return position

    def _end_value(self, position: int) -> int:
        if self._role == "text":
            self._report(decoded("".join(self._parts)))
        self._step = self._next_value if self._brackets[-1] == "[" else self._next_key
        return position

    def _report(self, text: Optional[str]) -> None:
        self._found.append((self._key, text))
        self._key = ""

    def _value(self, chunk: str, position: int) -> int:
        position = _skip_space(chunk, position)
        if position == len(chunk):
            return position
        first = chunk[position]
        if first == '"':
            return self._begin("text", position + 1)
        if first == "{":
            self._brackets.append("{")
            self._step = self._next_key
            return position + 1
        if first == "[":
            self._brackets.append("[")
            self._step = self._next_value
            return position + 1
        self._report(None)
        self._step = self._literal
        return position

    def _literal(self, chunk: str, position: int) -> int:
        match = _LITERAL_END.search(chunk, position)
        position = match.start() if match else len(chunk)
        if position < len(chunk):
            self._step = self._next_value if self._brackets[-1] == "[" else self._next_key
        return position

    def _next_value(self, chunk: str, position: int) -> int:
        """Inside a list: objects are entered, anything else means that the list itself is some key's value."""
        while position < len(chunk) and (chunk[position].isspace() or chunk[position] == ","):
            position += 1
        if position == len(chunk):
            return position
        first = chunk[position]
        if first == "]":
            return self._close(position + 1)
        if first in "{[":
            self._brackets.append(first)
            self._step = self._next_key if first == "{" else self._next_value
            return position + 1
        if self._key:
            self._report(None)
        if first == '"':
            return self._begin("item", position + 1)
        self._step = self._literal
        return position + 1

    def _close(self, position: int) -> int:
        self._brackets.pop()
        self._key = ""
        if not self._brackets:
            self._step = self._outside
        else:
            self._step = self._next_value if self._brackets[-1] == "[" else self._next_key
        return position


def _skip_space(chunk: str, position: int) -> int:
    match = _NOT_SPACE.search(chunk, position)
    return match.start() if match else len(chunk)
