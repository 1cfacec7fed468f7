"""WebVTT: a header, and blocks between blank lines: cues, notes, styles, regions. Follows the W3C's parser rules."""

import html
import re
from typing import Iterator, List, Sequence, Tuple

from translate.documents.base import Format, Found, SpanDocument
from translate.documents.encoding import Decoded
from translate.documents.markup import ALONE, Core, Markup, html_role, tidy
from translate.documents.srt import timed_blocks

_HEADER = re.compile(r"WEBVTT(?![^ \t\r\n])")
_BLANK_LINE = re.compile(r"(?:\A|\r\n|\n|\r(?!\n))(?=[\r\n])")
_TAG = re.compile(r"</?[A-Za-z][^<>\r\n]*>|</>|<[0-9][0-9:.]*>")
_PLAIN_TAG = re.compile(r"</?[ibu]>")
# What speech recognition writes for each word: a time, and the word in a class.
_WORD_TIMING = re.compile(r"<[0-9][0-9:.]*><c[^<>]*>")
_WORD_TIMING_TAG = re.compile(r"<[0-9][0-9:.]*>|</?c(?:\.[^<>]*)?>")


class VttMarkup(Markup):
    """Tags as in HTML, times in angle brackets, and HTML's character references.

    Times of single words are left out of the text, and of a translation: its words are others, in another order.
    """

    def tags(self, raw: str) -> Iterator[Tuple[int, int]]:
        return (match.span() for match in _TAG.finditer(raw))

    def role(self, tag: str) -> str:
        return ALONE if tag[1].isdigit() else html_role(tag)

    def plain(self, raw: str) -> str:
        return html.unescape(raw)

    def written(self, line: str, tags: Sequence[str]) -> str:
        pieces: List[str] = []
        position = 0
        for match in _TAG.finditer(line):
            if match.group() in tags or _PLAIN_TAG.fullmatch(match.group()):
                pieces += (_escaped(line[position : match.start()]), match.group())
                position = match.end()
        return "".join((*pieces, _escaped(line[position:])))

    def core(self, raw: str, line_end: str) -> Core:
        core = super().core(raw, line_end)
        if not _WORD_TIMING.search(raw):
            return core
        tags = tuple(tag for tag in core.tags if not _WORD_TIMING_TAG.fullmatch(tag))
        return core._replace(text=tidy(_WORD_TIMING_TAG.sub("", core.text)), tags=tags)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cues(text: str) -> Iterator[Found]:
    for block in timed_blocks(text):
        blank = _BLANK_LINE.search(text[block.first : block.last])
        yield block._replace(last=block.first + blank.start()) if blank else block


def _recognises(text: str, name: str) -> bool:
    return _HEADER.match(text) is not None or name.lower().endswith(".vtt")


def _read(decoded: Decoded, name: str) -> SpanDocument:
    del name
    return SpanDocument("vtt", decoded, VttMarkup(), _cues(decoded.text))


FORMAT = Format(_recognises, _read)
