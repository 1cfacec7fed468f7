"""The formats with a cue on each line: MicroDVD (in frames), MPL2 (tenths of a second) and TMPlayer (starts only).

Documents of our own rather than pysubs2's, which in 1.5.0 writes the second line of a TMPlayer cue where no reader
finds it, refuses MicroDVD that does not tell its frame rate, and drops MicroDVD's colours and MPL2's italics.
"""

import re
from typing import Callable, Iterable, Iterator, List, Match, Optional, Pattern, Sequence, Tuple

from translate.documents.base import Format, Found, SpanDocument, seconds
from translate.documents.encoding import Decoded
from translate.documents.markup import ALONE, Markup, html_role

_LINE = re.compile(r"[^\r\n]+")
_MICRODVD = re.compile(r"(?<![^\r\n])[ \t\ufeff]*\{[ \t]?(\d{1,9})[ \t]?\}[ \t]*\{[ \t]?(\d{0,9})[ \t]?\}([^\r\n]*)")
_MPL2 = re.compile(r"(?<![^\r\n])[ \t\ufeff]*\[[ \t]?(\d{1,9})[ \t]?\][ \t]*\[[ \t]?(\d{0,9})[ \t]?\]([^\r\n]*)")
_TMPLAYER = re.compile(r"(?<![^\r\n])[ \t\ufeff]*(\d{1,3}):(\d{2}):(\d{2})[:=]([^\r\n]*)")

_MICRODVD_CODE = re.compile(r"\{[A-Za-z]+:[^{}]*\}")
_MPL2_CODE = re.compile(r"(?<![^|])[ \t]*([/\\_]+)")
_HTML_TAG = re.compile(r"</?(?:[ibus]|font|c)\b[^<>|]*>", re.IGNORECASE)

_FRAME_RATE = re.compile(r"\s*(\d{1,3}(?:[.,]\d{1,6})?)\s*")
_FILM = 23.976  # frames a second where the file does not tell; only the plan of the work depends on it

# What an end is guessed from, as pysubs2 does: half a second, and 15 characters a second.
_LEAST_SECONDS = 0.5
_SECONDS_A_CHARACTER = 0.067

_Times = Callable[[List[Match[str]]], Iterable[Tuple[float, float]]]


class LineMarkup(Markup):
    """``|`` breaks a line; ``codes`` are the tags."""

    breaks = re.compile(r"\|")
    line_break = "|"

    def __init__(self, codes: Pattern[str], role: Optional[Callable[[str], str]] = None) -> None:
        self._codes = codes
        self._role = role

    def tags(self, raw: str) -> Iterator[Tuple[int, int]]:
        return (match.span(match.lastindex or 0) for match in self._codes.finditer(raw))

    def role(self, tag: str) -> str:
        return self._role(tag) if self._role else ALONE

    def written(self, line: str, tags: Sequence[str]) -> str:
        del tags
        return line


def _format(name: str, pattern: Pattern[str], times: _Times, markup: LineMarkup) -> Format:
    """A format of which most lines match ``pattern``, whose last group is the text."""

    def recognises(text: str, _: str) -> bool:
        return _most_lines(text, pattern)

    def read(decoded: Decoded, _: str) -> SpanDocument:
        matches = list(pattern.finditer(decoded.text))
        spans = (match.span(match.lastindex or 0) for match in matches)
        found = (Found(start, end, *span) for (start, end), span in zip(times(matches), spans))
        return SpanDocument(name, decoded, markup, found)

    return Format(recognises, read)


def _most_lines(text: str, pattern: Pattern[str]) -> bool:
    """Whether at least half of the lines that are not blank match; a text with a time here and there is no subtitle."""
    matching = sum(1 for _ in pattern.finditer(text))
    return matching > 0 and matching * 2 >= sum(1 for line in _LINE.finditer(text) if not line.group().isspace())


def _in_frames(matches: List[Match[str]]) -> Iterator[Tuple[float, float]]:
    return _in_units(matches, _frame_rate(matches[0]))


def _in_tenths(matches: List[Match[str]]) -> Iterator[Tuple[float, float]]:
    return _in_units(matches, 10.0)


def _in_units(matches: List[Match[str]], per_second: float) -> Iterator[Tuple[float, float]]:
    for match in matches:
        start = int(match.group(1)) / per_second
        yield start, int(match.group(2)) / per_second if match.group(2) else start + _reading_time(match.group(3))


def _in_starts(matches: List[Match[str]]) -> Iterator[Tuple[float, float]]:
    starts = [seconds(match.group(1), match.group(2), match.group(3), None) for match in matches]
    for start, following, match in zip(starts, [*starts[1:], float("inf")], matches):
        end = start + _reading_time(match.group(4))
        yield start, min(end, following) if following > start else end


def _frame_rate(first: Match[str]) -> float:
    """By custom the first cue, which is over in the frame it begins in, tells it in place of a text."""
    told = _FRAME_RATE.fullmatch(first.group(3)) if first.group(1) == first.group(2) else None
    rate = float(told.group(1).replace(",", ".")) if told else 0.0
    return rate if rate > 0 else _FILM


def _reading_time(text: str) -> float:
    return _LEAST_SECONDS + _SECONDS_A_CHARACTER * len(text)


MICRODVD = _format("microdvd", _MICRODVD, _in_frames, LineMarkup(_MICRODVD_CODE))
MPL2 = _format("mpl2", _MPL2, _in_tenths, LineMarkup(_MPL2_CODE))
TMPLAYER = _format("tmp", _TMPLAYER, _in_starts, LineMarkup(_HTML_TAG, html_role))
