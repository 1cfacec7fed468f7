"""The text of one cue: which of its tags wrap the whole and are set aside, and how new words are put in their place.

What a tag is, and how words are written, is each format's own; this is what they share.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from typing import Dict, Iterable, List, NamedTuple, Optional, Pattern, Sequence, Set, Tuple

TEXT, TAG, BREAK = "text", "tag", "break"

#: Roles of a tag. Besides these, ``+NAME`` opens what ``-NAME`` closes.
ALONE = ""  # concerns the whole cue or one place: a position, a comment, a time
SETS = "*"  # sets something until something else is set: a colour, a font

LINE_ENDS = re.compile(r"\r\n|\r|\n")
_ANY_LINE_END = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")

# From libass and the ASS specification: what concerns the whole line, wherever in it the block stands.
_OF_THE_LINE = re.compile(r"\\(?:an?\d+|q\d|(?:pos|move|org|fade?|i?clip)[ \t]*\([^()]*\)?)")
_TOGGLE = re.compile(r"\\([ibus])(\d+)")
_HTML_NAME = re.compile(r"<[ \t]*(/?)[ \t]*([A-Za-z]*)")
_UNTANGLE = 8  # rounds; tags that are nested as they should be take one or two


class Core(NamedTuple):
    """The part of a cue's raw text that a translation replaces.

    :ivar start, end: where in the raw text it is; what wraps it lies outside.
    :ivar line_break: what a line break is written as, with the tags around it where every line has its own.
    :ivar text: what is translated. :ivar tags: the tags in it. :ivar words: the same text without them.
    """

    start: int
    end: int
    line_break: str
    text: str
    tags: Tuple[str, ...]
    words: str


class Piece(NamedTuple):
    """A stretch of raw text: a tag, a line break, or words between them."""

    kind: str
    start: int
    end: int


class Markup(ABC):
    """How a cue's text is written in one format. Subclasses say what is special there."""

    #: What breaks a line in raw text, and what a break is written as ("" for the line end of the file).
    breaks: Pattern[str] = LINE_ENDS
    line_break = ""

    @abstractmethod
    def tags(self, raw: str) -> Iterable[Tuple[int, int]]:
        """Where the tags of ``raw`` begin and end, in order."""

    @abstractmethod
    def role(self, tag: str) -> str:
        """``ALONE``, ``SETS``, ``+NAME`` or ``-NAME``."""

    def plain(self, raw: str) -> str:
        """Words as they are read, from words as they are written."""
        return raw

    @abstractmethod
    def written(self, line: str, tags: Sequence[str]) -> str:
        """One line of a translation as it is written, harmless to the format; ``tags`` stay what they are."""

    def core(self, raw: str, line_end: str) -> Core:
        """Set aside what wraps ``raw``. ``line_end`` is that of the file."""
        pieces = self._pieces(raw)
        filled = [index for index, piece in enumerate(pieces) if piece.kind == TEXT and self._words(raw, piece)]
        line_break = self.line_break or line_end
        if not filled:
            return Core(0, 0, line_break, "", (), "")
        first, last = filled[0], filled[-1]
        around = _tags_of_each_line(raw, pieces, filled)
        if around is not None:
            closing, opening = around
            inner = [piece for piece in pieces[first : last + 1] if piece.kind != TAG]
            line_break = closing + line_break + opening
        else:
            first, last = self._unwrapped(raw, pieces, first, last)
            inner = pieces[first : last + 1]
        start, end = _trimmed(raw, inner[0].start, inner[-1].end)
        return Core(
            start,
            end,
            line_break,
            text=tidy("".join(self._read(raw, piece) for piece in inner)),
            tags=tuple(raw[piece.start : piece.end] for piece in inner if piece.kind == TAG),
            words="".join(self._words(raw, piece) for piece in inner if piece.kind == TEXT),
        )

    def fill(self, core: Core, translation: str) -> str:
        """What goes where ``core`` was; ``""`` when the translation is blank."""
        lines = tidy(translation).split("\n")
        return core.line_break.join(self.written(line, core.tags) for line in lines)

    def _pieces(self, raw: str) -> List[Piece]:
        pieces: List[Piece] = []
        position = 0
        for start, end in self.tags(raw):
            pieces += self._between(raw, position, start)
            pieces.append(Piece(TAG, start, end))
            position = end
        return pieces + self._between(raw, position, len(raw))

    def _between(self, raw: str, start: int, end: int) -> List[Piece]:
        pieces: List[Piece] = []
        for match in self.breaks.finditer(raw, start, end):
            if match.start() > start:
                pieces.append(Piece(TEXT, start, match.start()))
            pieces.append(Piece(BREAK, match.start(), match.end()))
            start = match.end()
        if start < end:
            pieces.append(Piece(TEXT, start, end))
        return pieces

    def _read(self, raw: str, piece: Piece) -> str:
        if piece.kind == BREAK:
            return "\n"
        text = raw[piece.start : piece.end]
        return text if piece.kind == TAG else self.plain(text)

    def _words(self, raw: str, piece: Piece) -> str:
        return self.plain(raw[piece.start : piece.end]).strip()

    def _unwrapped(self, raw: str, pieces: Sequence[Piece], first: int, last: int) -> Tuple[int, int]:
        """The pieces from and to which the core goes, given the first and the last that have words."""
        tags = [index for index, piece in enumerate(pieces) if piece.kind == TAG]
        roles = {index: self.role(raw[pieces[index].start : pieces[index].end]) for index in tags}
        before = [index for index in tags if index < first]
        after = [index for index in tags if index > last]
        kept = _kept_outside(roles, before, after)
        inside = [index for index in tags if index not in kept]
        return min([first, *inside]), max([last, *inside])


def html_role(tag: str) -> str:
    """The role of ``<i>``, ``</i>``, ``<font ...>``; anything without a name, and a line break, stands alone."""
    match = _HTML_NAME.match(tag)
    if not match or match.group(2).lower() in ("", "br"):
        return ALONE
    return ("-" if match.group(1) else "+") + match.group(2).lower()


def override_role(block: str) -> str:
    """The role of an override block ``{...}`` of ASS; without a command it is a comment."""
    commands = _OF_THE_LINE.sub("", block[1:-1]).strip()
    if "\\" not in commands:
        return ALONE
    toggle = _TOGGLE.fullmatch(commands)
    if toggle is None:
        return SETS
    return ("+" if toggle.group(2).strip("0") else "-") + toggle.group(1)


def _tags_of_each_line(raw: str, pieces: Sequence[Piece], filled: Sequence[int]) -> Optional[Tuple[str, str]]:
    """The tags that close each line and those that open the next, when no others are inside.

    Both are "" in a text without tags inside. None when a tag stands inside a line, or lines differ in theirs.
    """
    found: Optional[Tuple[str, str]] = None
    for before, after in zip(filled, filled[1:]):
        between = pieces[before + 1 : after]
        breaks = [index for index, piece in enumerate(between) if piece.kind == BREAK]
        if not breaks:
            return None
        here = (_tags_in(raw, between[: breaks[0]]), _tags_in(raw, between[breaks[-1] :]))
        if _tags_in(raw, between[breaks[0] : breaks[-1]]) or (found or here) != here:
            return None
        found = here
    closing, opening = found or ("", "")
    first, last = _tags_in(raw, pieces[: filled[0]]), _tags_in(raw, pieces[filled[-1] + 1 :])
    return (closing, opening) if first.endswith(opening) and last.startswith(closing) else None


def _tags_in(raw: str, pieces: Iterable[Piece]) -> str:
    return "".join(raw[piece.start : piece.end] for piece in pieces if piece.kind == TAG)


def _kept_outside(roles: Dict[int, str], before: List[int], after: List[int]) -> Set[int]:
    """Which of the tags before and after all words can stay outside without parting what belongs together."""
    partners = _partners(roles)
    edge = {*before, *after}
    if any(role == SETS for index, role in roles.items() if index not in edge):
        edge -= {index for index in edge if roles[index] == SETS}
    for _ in range(_UNTANGLE):
        outside = {*_run(before, edge), *_run(after[::-1], edge)}
        parted = {index for index in outside if partners.get(index, index) not in outside}
        if not parted:
            return outside
        edge = outside - parted
    return set()


def _run(indices: Iterable[int], allowed: Set[int]) -> List[int]:
    """The indices up to the first that is not allowed."""
    run = []
    for index in indices:
        if index not in allowed:
            break
        run.append(index)
    return run


def _partners(roles: Dict[int, str]) -> Dict[int, int]:
    """Each opening tag to what closes it, and back. Those without a partner are left out."""
    partners: Dict[int, int] = {}
    open_tags: Dict[str, List[int]] = {}
    for index, role in roles.items():
        if role.startswith("+"):
            open_tags.setdefault(role[1:], []).append(index)
        elif role.startswith("-") and open_tags.get(role[1:]):
            partner = open_tags[role[1:]].pop()
            partners[index], partners[partner] = partner, index
    return partners


def _trimmed(raw: str, start: int, end: int) -> Tuple[int, int]:
    """Without the space at both ends."""
    text = raw[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def tidy(text: str) -> str:
    """Lines without space around them, blank lines, or characters that are no text."""
    lines = (_printable(line).strip() for line in _ANY_LINE_END.split(text))
    return "\n".join(line for line in lines if line)


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cs") or char == "\t")
