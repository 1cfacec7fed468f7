"""Texts that echo: the source come back unchanged, and one translation given for two different cues."""

import re
from typing import Dict, Optional, Sequence

from translate.checks import is_copy, letters, may_stay
from translate.scripts import letters_worth
from translate.traits import names

_WORD = re.compile(r"[^\W\d_]+")
# Short cues next to each other may well share a translation ("Yes." and "Yeah."); so many letters are a repetition.
_LONG = 10
# Cues apart from each other repeat themselves more often: "I don't know what you mean", again.
_LONG_APART = 20
# As many copies in a row as make nobody's names.
_IN_A_ROW = 3


class Echoes:
    """What the texts of one reply have in common with their sources and with each other."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources
        self._names = {name.casefold() for name in names(sources)}
        self._copied = [False] * len(sources)
        self._lengths = [0.0] * len(sources)
        self._last_with: Dict[str, int] = {}
        self._twins: Dict[int, int] = {}

    def note(self, at: int, text: str) -> None:
        """Take note of the text that came for position ``at``."""
        source = self._sources[at]
        self._copied[at] = is_copy(source, text)
        own = letters(text)
        self._lengths[at] = letters_worth(own)
        other = self._last_with.get(own)
        self._last_with[own] = at
        if not own or other is None or _alike(source, self._sources[other]):
            return
        if abs(at - other) == 1 or self._lengths[at] >= _LONG_APART:
            self._twins[at], self._twins[other] = other, at

    def twin(self, at: int) -> Optional[int]:
        """A position with the same text and another source, when there is one."""
        return self._twins.get(at)

    def is_long(self, at: int) -> bool:
        """The text is too long to be the same as another by chance."""
        return self._lengths[at] >= _LONG

    def left_untranslated(self, at: int) -> bool:
        """A short cue unchanged is fine ("OK", a name); beside longer ones or one of many, it was not translated."""
        if not self._copied[at] or self._is_name(at):
            return False
        first = last = at
        while at - first < _IN_A_ROW and first > 0 and self._copied[first - 1]:
            first -= 1
        while last - at < _IN_A_ROW and last + 1 < len(self._copied) and self._copied[last + 1]:
            last += 1
        row = self._sources[first : last + 1]
        # Someone who is called three times counts once.
        return len({letters(source) for source in row}) >= _IN_A_ROW or not all(may_stay(source) for source in row)

    def _is_name(self, at: int) -> bool:
        return all(word in self._names for word in _WORD.findall(self._sources[at].casefold()))


def _alike(a: str, b: str) -> bool:
    """Half of their words are the same: one translation may do for both, as in the lines of a song."""
    words, others = set(_WORD.findall(a.casefold())), set(_WORD.findall(b.casefold()))
    return is_copy(a, b) or 2 * len(words & others) >= len(words | others) > 0
