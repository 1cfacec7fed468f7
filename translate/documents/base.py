"""What a document is, whatever its format: cues that can be translated, and a file around them that stays as it is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from translate.documents.encoding import Decoded, encode
from translate.documents.markup import Core, Markup

EMPTY = "empty"
SYMBOLS = "symbols"
DRAWING = "drawing"
KARAOKE = "karaoke"
COMMENT = "comment"


@dataclass(frozen=True)
class Cue:
    r"""One subtitle: a text and when it is shown.

    :ivar index: position in the document, from 0; not the number that the file may give it.
    :ivar start: seconds, as ``end``. Neither order nor ``start <= end`` is promised: files have it otherwise.
    :ivar text: what is translated. ``"\n"`` breaks a line in every format. Tags around the whole are set aside.
    :ivar tags: the tags left in ``text``, in order; a translation has to have them too.
    :ivar skip: why it is not translated (``empty``, ``symbols``, ``drawing``, ``karaoke``, ``comment``), or ``""``.
    """

    index: int
    start: float
    end: float
    text: str
    tags: Tuple[str, ...]
    skip: str


class Found(NamedTuple):
    """A cue as a format finds it: times in seconds, and where its raw text begins and ends.

    ``skip`` is set when the format knows why it cannot be translated.
    """

    start: float
    end: float
    first: int
    last: int
    skip: str = ""


class Document(ABC):
    """A subtitle file that was read, and can be written with other words in it.

    To add a format: write a module with a ``Markup`` (what is a tag in a cue's text, and how a line of it is written),
    a function that yields a ``Found`` for each cue, and a ``Format`` made of ``recognises(text, name)`` and
    ``read(decoded, name)``, which returns a ``SpanDocument``; then add that to ``FORMATS`` in ``__init__.py``, before
    any format that would take its files for its own, and its file extensions to ``files.py``.

    :ivar format: ``srt``, ``vtt``, ``ass``, ``ssa``, ``microdvd``, ...
    :ivar encoding: what the source was read as, by Python's name for it. What is written is UTF-8 always.
    """

    def __init__(self, name: str, decoded: Decoded, markup: Markup) -> None:
        self.format = name
        self.encoding = decoded.encoding
        self.cues: Tuple[Cue, ...] = ()
        self._bom = decoded.bom
        self._markup = markup
        self._cores: Tuple[Core, ...] = ()
        self._line_end = _usual_line_end(decoded.text)

    def render(self, translations: Mapping[int, str]) -> bytes:
        """The file in UTF-8, with each cue that ``translations`` has the index of in the new words.

        A cue keeps its source text when it has no translation, a blank one, or is one to skip. Without any translation
        the file comes back as it was.
        """
        filled: Dict[int, str] = {}
        for cue in self.cues:
            if not cue.skip and cue.index in translations:
                text = self._markup.fill(self._cores[cue.index], translations[cue.index])
                if text:
                    filled[cue.index] = text
        return encode(self._with(filled), bom=self._bom)

    @abstractmethod
    def _with(self, filled: Dict[int, str]) -> str:
        """The whole file, with the cores of these cues (index -> raw text) replaced."""

    def _add_cues(self, texts: Iterable[Tuple[Found, str]]) -> None:
        cues, cores = [], []
        for index, (found, raw) in enumerate(texts):
            core = self._markup.core(raw, self._line_end)
            skip = found.skip or _nothing_to_translate(core)
            cues.append(Cue(index, found.start, found.end, core.text, core.tags, skip))
            cores.append(core)
        self.cues, self._cores = tuple(cues), tuple(cores)


class SpanDocument(Document):
    """A document of which only the cores of translated cues are replaced; every other character stays."""

    def __init__(self, name: str, decoded: Decoded, markup: Markup, found: Iterable[Found]) -> None:
        super().__init__(name, decoded, markup)
        self._text = decoded.text
        self._found = tuple(found)
        self._add_cues((item, self._text[item.first : item.last]) for item in self._found)

    def _with(self, filled: Dict[int, str]) -> str:
        pieces: List[str] = []
        position = 0
        for index, text in filled.items():
            first, core = self._found[index].first, self._cores[index]
            pieces += (self._text[position : first + core.start], text)
            position = first + core.end
        pieces.append(self._text[position:])
        return "".join(pieces)


class Format(NamedTuple):
    """How the registry knows a format: whether a text is in it, and how to read it. Both are given the file's name too.

    ``read`` may raise ``InputError``.
    """

    recognises: Callable[[str, str], bool]
    read: Callable[[Decoded, str], Document]


def _usual_line_end(text: str) -> str:
    r"""The line end that most lines of ``text`` have; ``"\n"`` where there is none."""
    windows = text.count("\r\n")
    counts = {"\n": text.count("\n") - windows, "\r\n": windows, "\r": text.count("\r") - windows}
    return max(counts, key=lambda line_end: counts[line_end])


def seconds(hours: Optional[str], minutes: str, whole: str, fraction: Optional[str]) -> float:
    """Seconds from the digits of a time; ``fraction`` is what stood behind the point."""
    exact = int(hours or 0) * 3600.0 + int(minutes) * 60 + int(whole)
    return exact + float(f"0.{fraction}") if fraction else exact


def _nothing_to_translate(core: Core) -> str:
    if not core.words:
        return EMPTY
    return "" if any(char.isalpha() for char in core.words) else SYMBOLS
