"""Translation memories as translators' tools exchange them: TMX 1.4 out, any TMX 1.x in, a unit at a time.

What a unit means to our memory is memory.py's. Format: https://www.gala-global.org/tmx-14b
"""

import calendar
import re
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Dict, Iterable, Iterator, List, Mapping, NoReturn, Optional, Tuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from core.errors import InputError

ANY_LANGUAGE = "*all*"
UNDETERMINED = "und"  # BCP 47 for a language that is not known

_CHUNK = 1 << 16  # bytes read at once
_DATE = "%Y%m%dT%H%M%SZ"
_NATIVE_CODE = frozenset({"bpt", "ept", "it", "ph", "ut"})  # elements that hold another format's codes, not text
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4">
<header creationtool="sub-ai-translator" creationtoolversion="1" segtype="block" o-tmf="sub-ai-translator"
 adminlang="en" srclang="*all*" datatype="plaintext" creationdate="{date}"/>
<body>
"""
_TAIL = "</body>\n</tmx>\n"


@dataclass(frozen=True)
class Unit:
    """A text and its translation.

    :ivar source: language as BCP 47 or as the file has it, ``""`` where it is not known; ``target`` likewise.
    :ivar props: what else is told of the unit; names begin with ``x-``.
    :ivar created: seconds since the epoch, and ``last_used`` too; 0 where the file does not say.
    :ivar uses: how often it was used.
    """

    text: str
    translation: str
    source: str
    target: str
    props: Mapping[str, str] = field(default_factory=dict)
    created: int = 0
    last_used: int = 0
    uses: int = 0


def legal(text: str) -> str:
    """``text`` without the characters that XML 1.0 cannot hold: most control characters, halves of surrogate pairs."""
    return _ILLEGAL.sub("", text)


# --- out ------------------------------------------------------------------------------------------------------------


def write(stream: BinaryIO, units: Iterable[Unit], now: int) -> int:
    """Write ``units`` as a TMX 1.4 file, in UTF-8; returns how many there were."""
    stream.write(_HEAD.format(date=_date(now)).encode())
    count = 0
    for count, unit in enumerate(units, 1):  # noqa: B007 - what is left in it is the answer
        stream.write(_element(unit).encode())
    stream.write(_TAIL.encode())
    return count


def _element(unit: Unit) -> str:
    source, target = unit.source or UNDETERMINED, unit.target or UNDETERMINED
    dates = f' creationdate="{_date(unit.created)}" lastusagedate="{_date(unit.last_used)}" usagecount="{unit.uses}"'
    props = "".join(f"<prop type={quoteattr(name)}>{_text(value)}</prop>\n" for name, value in unit.props.items())
    variants = _variant(source, unit.text) + _variant(target, unit.translation)
    return f"<tu srclang={quoteattr(source)}{dates}>\n{props}{variants}</tu>\n"


def _variant(language: str, text: str) -> str:
    return f"<tuv xml:lang={quoteattr(language)}><seg>{_text(text)}</seg></tuv>\n"


def _text(text: str) -> str:
    # A bare carriage return would be read as a line feed.
    return escape(legal(text), {"\r": "&#13;"})


@lru_cache  # a film's units have the same
def _date(seconds: int) -> str:
    return time.strftime(_DATE, time.gmtime(seconds))


# --- in -------------------------------------------------------------------------------------------------------------


def read(stream: BinaryIO, name: str) -> Iterator[Unit]:
    """The units of a TMX file, one for each target language of a ``tu``; those without a text are left out.

    Codes of other formats inside a segment (``ph``, ``bpt``, ...) are dropped, the text around them stays.

    :param name: what to call the file in an error.
    :raises InputError: it is no TMX, no XML, or declares entities (which could be made to grow without end).
    """
    reader = _Reader(name)
    while True:
        chunk = stream.read(_CHUNK)
        yield from reader.feed(chunk)
        if not chunk:
            return


class _Reader:
    """Turns what expat finds into units."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._units: List[Unit] = []
        self._path: List[str] = []
        self._header_source = ""
        self._tu: Dict[str, str] = {}
        self._props: Dict[str, str] = {}
        self._prop = ""
        self._variants: List[Tuple[str, str]] = []
        self._language = ""
        self._text: Optional[List[str]] = None  # of the prop or seg that is open
        self._native = 0  # elements of native code that are open
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse_entity
        self._parser.SkippedEntityHandler = self._refuse_entity

    def feed(self, chunk: bytes) -> List[Unit]:
        """The units that ``chunk`` completes; an empty one is the end of the file."""
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise InputError(
                f"{self._name} is not well-formed XML: line {error.lineno}, {expat.ErrorString(error.code)}."
            ) from error
        except (LookupError, ValueError) as error:  # an encoding that Python does not know, or expat can't use
            raise InputError(f"{self._name} is in an encoding that can't be read: {error}.") from error
        units, self._units = self._units, []
        return units

    def _start(self, name: str, attributes: Dict[str, str]) -> None:
        if not self._path and name != "tmx":
            raise InputError(f"{self._name} is not a TMX file: it begins with <{name}>.")
        self._path.append(name)
        if name == "header":
            self._header_source = attributes.get("srclang", "")
        elif name == "tu":
            self._tu, self._props, self._variants = attributes, {}, []
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang", "")  # `lang` until TMX 1.2
        elif name == "seg" or (name == "prop" and self._path[-2:-1] == ["tu"]):
            self._text = []
            self._prop = attributes.get("type", "")
        elif name in _NATIVE_CODE:
            self._native += 1

    def _characters(self, data: str) -> None:
        if self._text is not None and not self._native:
            self._text.append(data)

    def _end(self, name: str) -> None:
        self._path.pop()
        if name in _NATIVE_CODE:
            self._native -= 1
        elif name == "tu":
            self._units.extend(self._whole())
        elif name in ("seg", "prop") and self._text is not None:
            text, self._text = "".join(self._text), None
            if name == "seg":
                self._variants.append((self._language, text))
            else:
                self._props[self._prop] = text

    def _refuse_entity(self, *details: object) -> NoReturn:
        raise InputError(f"{self._name} declares or uses entities of its own, which are not read. Remove its DOCTYPE.")

    def _whole(self) -> Iterator[Unit]:
        """The units of the ``tu`` that has just ended."""
        wanted = self._tu.get("srclang") or self._header_source
        source = _pick(self._variants, wanted)
        if source is None:
            return
        language, text = source
        for other in self._variants:
            if other is not source and text.strip() and other[1].strip():
                yield Unit(
                    text,
                    other[1],
                    _known(language),
                    _known(other[0]),
                    self._props,
                    created=_seconds(self._tu.get("creationdate", "")),
                    last_used=_seconds(self._tu.get("lastusagedate", "")),
                    uses=_number(self._tu.get("usagecount", "")),
                )


def _pick(variants: List[Tuple[str, str]], wanted: str) -> Optional[Tuple[str, str]]:
    """The variant in the source language, by its whole code or else its base; the first if any language will do."""
    wanted = wanted.lower()
    if wanted in ("", ANY_LANGUAGE):
        return variants[0] if variants else None
    for same in (str.lower, _base):
        for variant in variants:
            if same(variant[0]) == same(wanted):
                return variant
    return None


def _base(language: str) -> str:
    return language.lower().replace("_", "-").split("-")[0]


def _known(language: str) -> str:
    return "" if language.lower() == UNDETERMINED else language


@lru_cache
def _seconds(date: str) -> int:
    """Seconds since the epoch of a TMX date (``20261121T093000Z``), 0 for anything else."""
    try:
        return max(0, calendar.timegm(time.strptime(date, _DATE)))
    except ValueError:
        return 0


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
