"""The scripts that texts are written in: which letters are theirs, and how many characters they need."""

import re
from typing import Dict

_HAN, _KANA, _HANGUL = "㐀-鿿", "぀-ヿ", "가-힣ᄀ-ᇿ㄰-㆏"
# ISO 15924 code -> the letters, as in a character class. A script that is missing here is not checked for.
_LETTERS: Dict[str, str] = {
    "Latn": "A-Za-zªºÀ-ÖØ-öø-ʯḀ-ỿﬀ-ﬆ", "Cyrl": "Ѐ-ԯ", "Grek": "Ͱ-Ͽἀ-῿", "Armn": "Ա-֏", "Hebr": "א-״",
    "Arab": "ء-ۿݐ-ݿࢠ-ࣿﭐ-﷿ﹰ-ﻼ", "Thaa": "ހ-޿", "Deva": "ऀ-ॿ", "Beng": "ঀ-৿", "Guru": "਀-੿", "Gujr": "઀-૿",
    "Orya": "଀-୿", "Taml": "஀-௿", "Telu": "ఀ-౿", "Knda": "ಀ-೿", "Mlym": "ഀ-ൿ", "Sinh": "඀-෿", "Thai": "฀-๿",
    "Laoo": "຀-໿", "Tibt": "ༀ-࿿", "Mymr": "က-႟", "Geor": "Ⴀ-ჿ", "Ethi": "ሀ-፿", "Khmr": "ក-៿",
    "Hans": _HAN, "Hant": _HAN, "Jpan": _KANA + _HAN, "Kore": _HANGUL,
}  # fmt: skip
_OWN = {script: re.compile(f"[{letters}]") for script, letters in _LETTERS.items()}
# Letters that never occur in it, though a text may have plenty of its own beside them.
_NEVER = {script: re.compile(f"[{_KANA}{_HANGUL}]") for script in ("Hans", "Hant")}

_DENSE = re.compile(f"[{_KANA}{_HAN}{_HANGUL}]")
# Characters that say what one letter of an alphabet says.
_CHARACTERS_A_LETTER = {"Hans": 0.36, "Hant": 0.36, "Jpan": 0.5, "Kore": 0.55}
_LETTERS_A_CHARACTER = 2.5


def is_in(script: str, letters: str) -> bool:
    """Whether ``letters`` are those of ``script`` (ISO 15924), foreign names apart. Unknown scripts are not judged."""
    own = _OWN.get(script)
    if own is None:
        return True
    never = _NEVER.get(script)
    return len(own.findall(letters)) >= 0.6 * len(letters) and not (never and never.search(letters))


def letters_worth(text: str) -> float:
    """How many letters of an alphabet it would take to say ``text``, which has no spaces."""
    return len(text) + (_LETTERS_A_CHARACTER - 1.0) * len(_DENSE.findall(text))


def usual_ratio(text: str, script: str) -> float:
    """How many characters a translation into ``script`` has for each one of ``text``, which has no spaces."""
    return _CHARACTERS_A_LETTER.get(script, 1.0) * letters_worth(text) / max(1, len(text))
