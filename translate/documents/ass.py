"""Advanced SubStation Alpha and its ancestor SSA: events with comma-separated fields, whose last is the text."""

import re
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from translate.documents.base import COMMENT, DRAWING, KARAOKE, Format, Found, SpanDocument, seconds
from translate.documents.encoding import Decoded
from translate.documents.markup import ALONE, Markup, override_role

_LINE = re.compile(r"(?<![^\r\n])[ \t\ufeff]*(Format|Dialogue|Comment)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_EVENT = re.compile(r"(?<![^\r\n])[ \t\ufeff]*(?:Dialogue|Comment)[ \t]*:[^\r\n]*?\d:\d\d?:\d\d", re.IGNORECASE)
_SECTION = re.compile(r"(?<![^\r\n])[ \t\ufeff]*\[(?:Script Info|Events|V4\+? Styles)\]", re.IGNORECASE)
_TIME = re.compile(r"\s*(\d{1,4}):(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,9}))?")
_DRAWING_ON = re.compile(r"\\p[ \t]*0*[1-9]")
_DRAWING_OFF = re.compile(r"\\p[ \t]*0+(?!\d)|\\r")
_KARAOKE = re.compile(r"\\(?:k[fot]?|K)[ \t]*\d")
_KARAOKE_EFFECTS = ("karaoke", "fx")  # as Aegisub's templater names the lines it takes and those it makes


class AssMarkup(Markup):
    """Override blocks in braces. A drawing, from where it is switched on to where it ends, counts as one tag."""

    breaks = re.compile(r"\\[Nn]|\r\n|\r|\n")
    line_break = "\\N"

    def tags(self, raw: str) -> Iterator[Tuple[int, int]]:
        drawing_from: Optional[int] = None
        for start, end in _blocks(raw):
            block = raw[start:end]
            if drawing_from is None and _DRAWING_ON.search(block):
                drawing_from = start
            elif drawing_from is not None and _DRAWING_OFF.search(block):
                yield drawing_from, end
                drawing_from = None
            elif drawing_from is None:
                yield start, end
        if drawing_from is not None:
            yield drawing_from, len(raw)

    def role(self, tag: str) -> str:
        return ALONE if _DRAWING_ON.search(tag) else override_role(tag)

    def plain(self, raw: str) -> str:
        return raw.replace("\\h", "\u00a0")

    def written(self, line: str, tags: Sequence[str]) -> str:
        pieces: List[str] = []
        position = 0
        for start, end in self.tags(line):
            if line[start:end] in tags:
                pieces += (_harmless(line[position:start]), line[start:end])
                position = end
        return "".join((*pieces, _harmless(line[position:])))


class _Fields(NamedTuple):
    """Which comma-separated fields an event has, in which order."""

    total: int
    start: int
    end: int
    effect: Optional[int]
    text: int


_STANDARD = _Fields(total=10, start=1, end=2, effect=8, text=9)


def _blocks(raw: str) -> Iterator[Tuple[int, int]]:
    """Where override blocks are: each reaches to the first closing brace, and an open one is text."""
    end = 0
    while True:
        start = raw.find("{", end)
        end = raw.find("}", start) + 1
        if start < 0 or not end:
            return
        yield start, end


def _harmless(text: str) -> str:
    """No braces, which would hide words, and line breaks and hard spaces as ASS has them."""
    return text.replace("{", "(").replace("}", ")").replace("\u00a0", "\\h")


def _cues(text: str) -> Iterator[Found]:
    fields = _STANDARD
    for match in _LINE.finditer(text):
        kind = match.group(1).lower()
        if kind == "format":
            fields = _fields([name.strip().lower() for name in match.group(2).split(",")]) or fields
        else:
            found = _event(match.group(2), match.start(2), fields, kind)
            if found is not None:
                yield found


def _fields(names: Sequence[str]) -> Optional[_Fields]:
    """None for fields that are not those of events."""
    if not {"start", "end", "text"}.issubset(names):
        return None
    effect = names.index("effect") if "effect" in names else None
    return _Fields(len(names), names.index("start"), names.index("end"), effect, names.index("text"))


def _event(line: str, offset: int, fields: _Fields, kind: str) -> Optional[Found]:
    """The event in ``line``, or None where there are too few fields. Only the text may have commas of its own."""
    values = line.split(",", fields.text)
    if len(values) <= fields.text:
        return None
    first = len(line) - len(values[-1])
    values += values.pop().rsplit(",", fields.total - fields.text - 1)
    if len(values) < fields.total:
        return None
    text = values[fields.text]
    effect = values[fields.effect].strip().lower() if fields.effect is not None else ""
    skip = COMMENT if kind == "comment" else _skip(text, effect)
    begin = offset + first
    return Found(_seconds(values[fields.start]), _seconds(values[fields.end]), begin, begin + len(text), skip)


def _skip(text: str, effect: str) -> str:
    blocks: List[str] = [text[start:end] for start, end in _blocks(text)]
    if effect in _KARAOKE_EFFECTS or any(_KARAOKE.search(block) for block in blocks):
        return KARAOKE
    if not any(_DRAWING_ON.search(block) for block in blocks):
        return ""
    core = AssMarkup().core(text, "")
    return "" if any(char.isalpha() for char in core.words) else DRAWING


def _seconds(time: str) -> float:
    """0 for what is no time, as libass has it."""
    match = _TIME.match(time)
    if match is None:
        return 0.0
    return seconds(*match.groups())


def _recognises(text: str, name: str) -> bool:
    """By an event, and by a section or the file's name: what is said in another format may look like an event."""
    likely = _SECTION.search(text) is not None or name.lower().endswith((".ass", ".ssa"))
    return likely and _EVENT.search(text) is not None


def _read(decoded: Decoded, name: str) -> SpanDocument:
    del name
    old = "[v4 styles]" in decoded.text.lower()
    return SpanDocument("ssa" if old else "ass", decoded, AssMarkup(), _cues(decoded.text))


FORMAT = Format(_recognises, _read)
