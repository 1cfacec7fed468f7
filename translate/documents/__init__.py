"""Subtitle files of any format and encoding: read into cues, written again with other words and nothing else changed.

The formats are a module each, and how to add one is told at ``base.Document``; names and bytes on the disk are in
``files``, bytes to text in ``encoding``.
"""

from typing import Optional, Tuple

from core.errors import InputError
from translate.documents import ass, files, lines, other, srt, vtt
from translate.documents.base import Cue, Document, Format
from translate.documents.encoding import decode
from translate.documents.files import (
    output_path,
    refuse_other_format,
    refuse_other_than_file,
    replacing,
    same_file,
    write_atomically,
)

__all__ = [
    "Cue",
    "Document",
    "load",
    "output_path",
    "parse",
    "refuse_other_format",
    "refuse_other_than_file",
    "replacing",
    "same_file",
    "write_atomically",
]

#: Asked in turn. WebVTT knows itself by its header and ASS by its events; a timing line makes anything else SubRip.
FORMATS: Tuple[Format, ...] = (
    vtt.FORMAT,
    ass.FORMAT,
    srt.FORMAT,
    lines.MICRODVD,
    lines.MPL2,
    lines.TMPLAYER,
    other.FORMAT,
)


def load(path: str, *, source_language: Optional[str] = None) -> Document:
    """Read the subtitle at ``path``.

    :param source_language: its language's code, if known; it helps where the encoding has to be guessed.
    :raises InputError: it cannot be read or is no subtitle; the message says why and what to do.
    """
    return parse(files.read(path), path, source_language=source_language)


def parse(data: bytes, name: str, *, source_language: Optional[str] = None) -> Document:
    """Read a subtitle from memory; ``name`` is what errors call it.

    :raises InputError: as ``load``.
    """
    if not data.strip():
        raise InputError(f"{name} is empty. Choose another subtitle.")
    decoded = decode(data, name, source_language)
    for candidate in FORMATS:
        if candidate.recognises(decoded.text, name):
            document = candidate.read(decoded, name)
            if document.cues:
                return document
    raise InputError(f"{name} has no subtitles in any format that is known. Choose a file such as .srt, .ass or .vtt.")
