"""Which language a person, a setting or a file name means: codes, names and free text to one ``Language``.

The rows themselves are in language_table.py; telling a language from its text is language_guess.py.
"""

import difflib
import re
import unicodedata
import zlib
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from core.errors import ConfigError
from translate.language_table import ROWS

OTHER = "other:"
MAX_OTHER = 80  # characters of free text: enough for "Spanish as spoken in the north of Mexico", too few for a prompt

_RIGHT_TO_LEFT = frozenset({"Arab", "Hebr", "Thaa"})
_REGION = re.compile(r"[a-z]{2}|[0-9]{3}")
# Letters that are not a base letter and an accent to Unicode, though people who type without accents think they are.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ə": "e"}
)
# Codes that are also words of film titles: "I.Am.srt" is not in Amharic, "film.am.srt" is.
_TITLE_WORDS = frozenset(
    (
        "Am", "An", "Arm", "As", "Az", "Be", "Cat", "Da", "Dan", "De", "Do", "El", "Es", "Et", "Eu", "Fin", "Ha",
        "He", "Hi", "Hu", "Ice", "Is", "It", "La", "Mac", "Mal", "Mar", "May", "Mi", "Mon", "My", "Ne", "No", "Or",
        "Os", "Pan", "Per", "Pol", "Ro", "Rum", "Se", "Si", "So", "Ta", "Tam", "Te", "Tel", "To",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Language:
    """A language as the rest of the program needs it.

    :ivar code: BCP 47, or ``x-`` and a slug for free text; safe in a file name (``film.pt-BR.srt``).
    :ivar name: English name, what the prompt says.
    :ivar native: its own name, what a menu shows.
    :ivar script: ISO 15924 code (``Latn``, ``Cyrl``, ``Hans``, ``Hant``, ``Jpan``, ...), or ``""`` when not known.
    :ivar other_codes: lower-case codes that files, tracks and Kodi use for it too, ISO 639-2 ones first.
    :ivar code_pages: Python codec names of its usual encodings before Unicode, likeliest first.
    """

    code: str
    name: str
    native: str
    script: str = ""
    other_codes: Tuple[str, ...] = ()
    code_pages: Tuple[str, ...] = ()

    @property
    def rtl(self) -> bool:
        """Written from right to left."""
        return self.script in _RIGHT_TO_LEFT

    @property
    def base(self) -> str:
        """The code without script and region: ``pt`` of ``pt-BR``."""
        return self.code if self.code.startswith("x-") else self.code.split("-")[0]


def find(text: str) -> Language:
    """The language that a person means by a code, an English or native name, or ``other:`` and any text.

    Case, accents, ``_`` for ``-`` and the order of words do not matter; a region that we keep no name for is dropped
    (``sv-SE`` is ``sv``).

    :raises ConfigError: nothing fits; the message names what comes closest.
    """
    wanted = text.strip()
    if wanted[: len(OTHER)].lower() == OTHER:
        return _other(wanted[len(OTHER) :].strip())
    language = _by_code(wanted) or _BY_NAME.get(_fold(wanted))
    if language is None:
        raise ConfigError(_not_found(wanted))
    return language


def from_suffix(part: str) -> Optional[Language]:
    """The language that one dot-separated part of a file name stands for (``en``, ``eng``, ``pt-br``, ``Spanish``).

    None for anything else, and for a capitalised word that only happens to be a code (the ``Am`` of ``I.Am.srt``).
    ``hi`` is Hindi here: whether it means "hearing impaired" beside another language is for the caller to know.
    """
    if part != part.strip() or part in _TITLE_WORDS:
        return None
    return _by_code(part) or _BY_NAME.get(_fold(part))


def _by_code(text: str) -> Optional[Language]:
    tags = text.replace("_", "-").lower().split("-")
    base = _BY_CODE.get(tags[0])
    if base is None:
        return None
    tags[0] = base.code.lower()
    while True:
        found = _BY_CODE.get("-".join(tags))
        if found is not None:
            return found
        dropped = tags.pop()
        if not _REGION.fullmatch(dropped) and dropped != base.script.lower():
            return None


def _fold(name: str) -> str:
    """A key under which spellings of one name meet: no case, accents, punctuation or order of words."""
    letters = unicodedata.normalize("NFKD", name.casefold()).translate(_PLAIN_LETTERS)
    letters = "".join(char for char in letters if not unicodedata.combining(char) and char not in "'ʻ’")
    return " ".join(sorted(re.findall(r"\w+", letters)))


def _other(text: str) -> Language:
    if not text:
        raise ConfigError(f"No language after {OTHER!r}: write its name, such as {OTHER}Klingon.")
    if len(text) > MAX_OTHER:
        raise ConfigError(
            f"The text after {OTHER!r} has {len(text)} characters; {MAX_OTHER} are allowed. Make it shorter."
        )
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text):
        raise ConfigError(f"The text after {OTHER!r} must be one line without control characters.")
    return Language(code=f"x-{_slug(text)}", name=text, native=text)


def _slug(text: str) -> str:
    """Lower-case ASCII words joined by hyphens; a check sum keeps texts apart that lose letters on the way."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN_LETTERS)
    whole = re.sub(r"[\W_]+", "-", "".join(char for char in plain if not unicodedata.combining(char))).strip("-")
    slug = re.sub(r"[^a-z0-9]+", "-", whole)[:32].strip("-")
    if slug != whole or not slug:
        slug = f"{slug}-{zlib.crc32(text.encode('utf-8', 'replace')):08x}".lstrip("-")
    return slug


def _not_found(text: str) -> str:
    if not text:
        return f"No language given: use a code (es), a name (Spanish) or {OTHER}TEXT."
    shown = text if len(text) <= 40 else text[:37] + "..."
    near = _closest(text)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"No language is known as {shown!r}.{hint} For any other language write {OTHER}TEXT, such as {OTHER}Klingon."


def _closest(text: str) -> List[str]:
    base = _BY_CODE.get(re.split("[-_]", text.lower())[0])
    if base is not None:
        return [f"{base.name} ({base.code})"]
    keys = difflib.get_close_matches(_fold(text), list(_BY_NAME), n=6, cutoff=0.7)
    names: Dict[str, None] = {f"{_BY_NAME[key].name} ({_BY_NAME[key].code})": None for key in keys}
    return list(names)[:3]


def _build() -> Tuple[Language, ...]:
    return tuple(
        Language(code, name, native, script, tuple(codes.split()), tuple(pages.split()))
        for code, name, native, script, codes, _, pages in ROWS
    )


def _names() -> Dict[str, Language]:
    """Every spelling to its language. The first row wins, so a plain language goes before its regional forms."""
    found: Dict[str, Language] = {}
    for language, row in zip(LANGUAGES, ROWS):
        for name in (language.name, language.native, *row[5].split(";")):
            if name.strip():
                found.setdefault(_fold(name), language)
    return found


LANGUAGES = _build()
_BY_CODE = {code.lower(): language for language in LANGUAGES for code in (language.code, *language.other_codes)}
_BY_NAME = _names()
