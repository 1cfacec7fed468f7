"""Bytes to text and back: byte order marks, UTF-8, what is no text at all, and old encodings once they are chosen.

Which of the old encodings it is, is told by ``code_pages``; what the text means is for the formats.
"""

import codecs
import re
from functools import lru_cache
from typing import NamedTuple, Optional, Sequence, Tuple, Union

from core.errors import InputError
from translate.documents import code_pages

# UTF-32 goes first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What people take for a subtitle, by where in the file which bytes are, and what to do about it.
_EXTRACT = "Extract its subtitle track first"
_UNPACK = "Unpack it first"
_KINDS = (
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM video", _EXTRACT),
    (4, b"ftyp", "an MP4 video", _EXTRACT),
    (0, b"RIFF", "an AVI video or a sound", _EXTRACT),
    (0, b"\0\0\x01\xba", "a DVD video or a subtitle made of pictures", "Choose a subtitle made of text"),
    (0, b"PK\x03\x04", "a zip archive", _UNPACK),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (0, b"%PDF", "a PDF document", "Choose a subtitle file"),
    (0, b"{\\rtf", "a word processor's document", "Save it as plain text"),
)
_ISO_2022_JP = re.compile(rb"\x1b\$[@B](?:[!-~]{2})+\x1b\([BJ]")  # over to two bytes a character, and back
# Well-formed UTF-8 characters for each byte that is none: measured in other encodings, 0.4 in three lines of dialogue.
_WELL_FORMED_PER_STRAY = 1
_ONE_SIDED = 4  # so many times more zero bytes on one side than on the other are those of UTF-16


class Decoded(NamedTuple):
    """A file as text. ``encoding`` is Python's name for it; ``bom``: the file began with a byte order mark."""

    text: str
    encoding: str
    bom: bool


def decode(data: bytes, name: str, source_language: Optional[str] = None) -> Decoded:
    """Read ``data`` in the encoding that its mark, its form, or else its letters speak for.

    Amid UTF-8, stray bytes (a pasted credit line) are read in the language's usual code page; bytes that a code page
    leaves undefined become C1 controls, as the Encoding Standard (WHATWG) has it for the windows code pages.

    :param source_language: code of the language, if known; it weighs in the choice of a code page.
    :raises InputError: the data is no text, or damaged UTF-16, UTF-32 or East Asian text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            if encoding == "utf-8":
                return _unmarked(data, len(mark), name, source_language)._replace(bom=True)
            return Decoded(_wide(data, len(mark), encoding, name), encoding, bom=True)
    for offset, magic, kind, advice in _KINDS:
        if data.startswith(magic, offset):
            raise InputError(f"{name} is {kind}, not a text subtitle. {advice}.")
    return _unmarked(data, 0, name, source_language)


def encode(text: str, *, bom: bool) -> bytes:
    """UTF-8, with a byte order mark if ``bom``."""
    return (codecs.BOM_UTF8 if bom else b"") + text.encode("utf-8", "replace")


def _unmarked(data: bytes, start: int, name: str, source_language: Optional[str]) -> Decoded:
    body = data[start:]
    if _ISO_2022_JP.search(body) and body.isascii():
        return Decoded(_strictly(data, start, "iso2022_jp", name, ["iso2022_jp"]), "iso2022_jp", bom=False)
    if b"\0" in body:
        encoding = _utf16_without_mark(body, name)
        return Decoded(_wide(data, start, encoding, name), encoding, bom=False)
    try:
        return Decoded(body.decode("utf-8"), "utf-8", bom=False)
    except UnicodeDecodeError:
        pages = code_pages.of_language(source_language)
    if _is_mostly_utf8(body):
        page = next((page for page in pages if page in code_pages.SINGLE_BYTE), code_pages.WESTERN)
        return Decoded(body.decode("utf-8", _strays_as(page)), "utf-8", bom=False)
    likely = code_pages.by_likelihood(body, pages)
    if likely[0] in code_pages.SINGLE_BYTE:
        return Decoded(body.decode(likely[0], _strays_as("latin-1")), likely[0], bom=False)
    return Decoded(_strictly(data, start, likely[0], name, ["utf-8", *likely[:3]]), likely[0], bom=False)


def _strictly(data: bytes, start: int, encoding: str, name: str, tried: Sequence[str]) -> str:
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = start + error.start
        raise InputError(
            f"{name} cannot be read: byte 0x{data[offset]:02X} at offset {offset} fits no encoding that was tried "
            f"({', '.join(tried)}). Save the file as UTF-8 and try again."
        ) from error


def _wide(data: bytes, start: int, encoding: str, name: str) -> str:
    text = _strictly(data, start, encoding, name, [encoding])
    if "\0" in text:
        raise _binary(name)
    return text


def _utf16_without_mark(body: bytes, name: str) -> str:
    """Digits and line ends have a zero byte in UTF-16, always on the same side; few letters (U+4E00) on the other."""
    even, odd = body[0::2].count(0), body[1::2].count(0)
    if min(even, odd) * _ONE_SIDED > max(even, odd) or (even + odd) * 10 < len(body):
        raise _binary(name)
    return "utf-16-le" if odd > even else "utf-16-be"


def _binary(name: str) -> InputError:
    return InputError(f"{name} is a binary file, not a subtitle. Choose a file such as .srt, .ass or .vtt.")


def _is_mostly_utf8(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    strays = text.count("\ufffd") - body.count("\ufffd".encode())
    beyond_ascii = sum(char > "\x7f" for char in text)
    return beyond_ascii - strays >= _WELL_FORMED_PER_STRAY * strays


@lru_cache(maxsize=None)
def _strays_as(page: str) -> str:
    """The name of an error handler that reads what cannot be decoded in ``page``, and what that lacks in Latin-1."""

    def read(error: UnicodeError) -> Tuple[Union[str, bytes], int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        stray = error.object[error.start : error.end]
        try:
            return stray.decode(page), error.end
        except UnicodeDecodeError:
            return stray.decode("latin-1"), error.end

    handler = f"subtitle-strays-as-{page}"
    codecs.register_error(handler, read)
    return handler
