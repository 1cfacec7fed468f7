"""Whatever else the installed pysubs2 reads, and writes without losing a cue: its JSON, in newer releases TTML too."""

import copy
from typing import Any, Dict, Optional

from core.errors import InputError
from translate.documents.ass import AssMarkup
from translate.documents.base import COMMENT, Document, Format, Found
from translate.documents.encoding import Decoded

_OURS = frozenset({"srt", "vtt", "ass", "ssa", "microdvd", "mpl2", "tmp"})
_GUESSED_FROM = 10_000  # characters: as many as pysubs2 itself looks at
# What pysubs2's readers and writers let through on a file that is not as it should be (SyntaxError: that is XML's).
_FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)


class OtherDocument(Document):
    """A document that pysubs2 takes apart and puts together; what it knows nothing of is lost, cues are not."""

    def __init__(self, subtitles: Any, decoded: Decoded) -> None:
        super().__init__(subtitles.format, decoded, AssMarkup())
        self._text = decoded.text
        self._subtitles = subtitles
        self._add_cues(
            (Found(event.start / 1000, event.end / 1000, 0, 0, COMMENT if event.is_comment else ""), event.text)
            for event in subtitles
        )

    def _with(self, filled: Dict[int, str]) -> str:
        if not filled:
            return self._text
        changed = copy.copy(self._subtitles)
        changed.events = [event.copy() for event in self._subtitles.events]
        for index, text in filled.items():
            raw, core = changed.events[index].text, self._cores[index]
            changed.events[index].text = raw[: core.start] + text + raw[core.end :]
        written: str = changed.to_string(self.format)
        return written.replace("\n", self._line_end)


def _format_of(text: str) -> Optional[str]:
    """Not by pysubs2's own detection, which gives up where the words of one format look like another."""
    from pysubs2.formats import FORMAT_IDENTIFIER_TO_FORMAT_CLASS

    beginning = text[:_GUESSED_FROM]
    others = (entry for entry in FORMAT_IDENTIFIER_TO_FORMAT_CLASS.items() if entry[0] not in _OURS)
    return next((name for name, reader in others if reader.guess_format(beginning)), None)


def _recognises(text: str, name: str) -> bool:
    del name
    return _format_of(text) is not None


def _read(decoded: Decoded, name: str) -> OtherDocument:
    """:raises InputError: pysubs2 cannot read it, or would not write all of its cues, at their times."""
    from pysubs2 import SSAFile

    kind = _format_of(decoded.text)
    try:
        subtitles = SSAFile.from_string(decoded.text, kind)
        document = OtherDocument(subtitles, decoded)
        again = SSAFile.from_string(subtitles.to_string(kind), kind)
    except _FAULTS as error:
        raise InputError(f"{name} cannot be read, or not written again, as {kind}. Convert it to SRT first.") from error
    if [(event.start, event.end) for event in subtitles] != [(event.start, event.end) for event in again]:
        raise InputError(f"{name} would lose cues or times when written as {kind}. Convert it to SRT first.")
    return document


FORMAT = Format(_recognises, _read)
