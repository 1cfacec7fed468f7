"""SubRip: blocks of text under lines with two times. Read as loosely as players do."""

import re
from typing import Iterator, Match, Optional, Sequence, Tuple

from translate.documents.base import Format, Found, SpanDocument, seconds
from translate.documents.encoding import Decoded
from translate.documents.markup import Markup, html_role, override_role

_TIME = r"(-?)(?:(\d{1,4})[ \t]?:[ \t]?)?(\d{1,2})[ \t]?:[ \t]?(\d{1,2})(?:[ \t]?[,.:;][ \t]?(\d{1,9}))?"
# Of a whole line, so that what follows the times (coordinates, cue settings) belongs to it.
_TIMES = re.compile(rf"[ \t\ufeff]*{_TIME}[ \t]*(-{{1,3}}[ \t]?>)[ \t]*{_TIME}[^\r\n]*")
_TIMING_LINE = re.compile(rf"(?<![^\r\n]){_TIMES.pattern}(?:\r\n|\r|\n|\Z)")
_TAG = re.compile(r"<[ \t]*/?[ \t]*(?:i|b|u|s|em|strong|font|span|br|c)\b[^<>\r\n]*>|\{\\[^{}\r\n]*\}", re.IGNORECASE)
_ARROW = re.compile("-*[ \t]*>")
_ONE_LINE_END = re.compile(r"\r\n|\r|\n")


class SrtMarkup(Markup):
    """Tags as in HTML, and override blocks as in ASS; anything else in brackets is text."""

    def tags(self, raw: str) -> Iterator[Tuple[int, int]]:
        return (match.span() for match in _TAG.finditer(raw))

    def role(self, tag: str) -> str:
        return override_role(tag) if tag.startswith("{") else html_role(tag)

    def written(self, line: str, tags: Sequence[str]) -> str:
        line = line.replace("-->", "→")
        return _ARROW.sub("→", line) if _times(_TIMES.match(line)) else line


def timed_blocks(text: str) -> Iterator[Found]:
    """The text under each timing line, up to the next one or the number above that, without blank lines at its end.

    A blank line alone ends nothing: it is part of a cue as long as text and no timing line follows. A line of digits is
    a number, not text, when it stands directly above a timing line, or after a blank line as the last of a block.
    """
    current: Optional[Tuple[float, float]] = None
    first = 0
    for match in _TIMING_LINE.finditer(text):
        times = _times(match)
        if times is None:
            continue
        if current is not None:
            yield Found(*current, first, _end_of_text(text, first, match.start()))
        current, first = times, match.end()
    if current is not None:
        yield Found(*current, first, _end_of_text(text, first, len(text)))


def _times(match: Optional[Match[str]]) -> Optional[Tuple[float, float]]:
    """Start and end, in seconds. Dialogue has arrows too: one that is not ``-->`` counts only between full times."""
    if match is None:
        return None
    groups = match.groups()
    start, arrow, end = groups[:5], groups[5], groups[6:]
    if arrow != "-->" and None in (*start, *end):
        return None
    return _signed(*start), _signed(*end)


def _signed(sign: str, *time: str) -> float:
    return -seconds(*time) if sign else seconds(*time)


def _end_of_text(text: str, first: int, last: int) -> int:
    """Where the text of a block ends that reaches from ``first`` to ``last``, the next timing line or the end."""
    block = text[first:last]
    kept = block.rstrip()
    begin = max(kept.rfind("\n"), kept.rfind("\r")) + 1
    if kept[begin:].strip(" \t\ufeff").isdecimal():
        before = kept[:begin]
        directly_above = last < len(text) and len(_ONE_LINE_END.findall(block, len(kept))) == 1
        if directly_above or _ends_blank(before):
            kept = before.rstrip()
    return first + len(kept)


def _ends_blank(lines: str) -> bool:
    """Whether there is a last line, and it is blank. ``lines`` end in a line end."""
    head = lines[:-2] if lines.endswith("\r\n") else lines[:-1]
    return bool(lines) and head.rstrip(" \t")[-1:] in ("\r", "\n", "")


def _recognises(text: str, name: str) -> bool:
    del name
    return next(timed_blocks(text), None) is not None


def _read(decoded: Decoded, name: str) -> SpanDocument:
    del name
    return SpanDocument("srt", decoded, SrtMarkup(), timed_blocks(decoded.text))


FORMAT = Format(_recognises, _read)
