"""Subtitles as literals, and what of a document the tests look at."""

from textwrap import dedent
from typing import List, Mapping, Tuple

from translate.documents import Document, parse


def text_of(literal: str) -> str:
    """A literal without its indentation and its first line end."""
    return dedent(literal).lstrip("\n")


def read(literal: str, name: str = "film.srt") -> Document:
    return parse(text_of(literal).encode("utf-8"), name)


def texts(document: Document) -> List[str]:
    return [cue.text for cue in document.cues]


def times(document: Document) -> List[Tuple[float, float]]:
    return [(cue.start, cue.end) for cue in document.cues]


def written(document: Document, translations: Mapping[int, str]) -> str:
    return document.render(translations).decode("utf-8")


def one_cue(text: str) -> Document:
    """A SubRip file of one cue with this raw text."""
    return parse(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n".encode(), "film.srt")


def text_after(document: Document, translation: str) -> str:
    """The raw text of the only cue of a SubRip file, once it is translated."""
    return written(document, {0: translation}).split("\n", 2)[2].rstrip("\n")
