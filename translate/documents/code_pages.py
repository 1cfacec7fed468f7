"""Which of the encodings from before Unicode a text is in: by chardet, its language, and how odd it would read.

Reading the text in the chosen one is ``encoding``'s.
"""

import codecs
import re
import unicodedata
from functools import lru_cache
from typing import Dict, List, Optional, Sequence, Tuple

from core.errors import ConfigError
from translate.language_guess import guess_source
from translate.languages import find

WESTERN = "cp1252"
#: What subtitles come in, commonest first; all of these are weighed, whatever chardet says.
SINGLE_BYTE = (
    WESTERN, "cp1250", "cp1251", "cp1254", "cp1253", "cp1256", "cp1255", "cp1257", "cp1258", "cp874", "koi8_r",
    "koi8_u", "iso8859_2", "iso8859_3", "iso8859_14", "iso8859_15", "iso8859_16", "iso8859_13", "iso8859_5",
    "iso8859_7", "iso8859_6", "iso8859_8", "cp866",
)  # fmt: skip
# Much that is something else can be read as one of these: weighed only where the language or chardet says so.
_MULTI_BYTE = ("gb18030", "big5", "big5hkscs", "cp932", "euc_jp", "cp949", "euc_kr")
# What a detector calls by a name on the left is, in a subtitle, best read as its superset on the right.
_SUPERSETS = {
    "ascii": WESTERN, "iso8859_1": WESTERN, "iso8859_9": "cp1254", "iso8859_11": "cp874", "tis_620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "johab": "cp949",
}  # fmt: skip

_LINE = re.compile(rb"[^\r\n]+")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_C1_BYTE = re.compile(rb"[\x80-\x9f]")
_HIGH_SAMPLE = 8_192  # bytes of lines with more than ASCII in them: more would change no verdict, and chardet is slow
_PLAIN_SAMPLE = 4_096  # bytes of other lines, for the small words in them

_WORD = re.compile(r"[^\W\d_]+")
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][^\w\s\x00-\x7f’‘´·\u0300-\u036f](?=[^\W\d_])")
# Scripts, by the first word of Unicode's character names, that share a word without anything being wrong.
_AT_HOME_TOGETHER = (
    frozenset({"LATIN", "FEMININE", "MASCULINE", "MODIFIER"}),
    frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "FULLWIDTH", "HALFWIDTH", "HANGUL", "LATIN"}),
)

# Weights of the evidence, in the unit of one oddity for each character beyond ASCII. Set on short dialogues in 28
# languages and all their code pages, with chardet 5.1, 5.2 and 7.7; tests/test_encodings.py holds them to it.
_LANGUAGE_KNOWN = 0.5
_LANGUAGE_TOLD_FROM_WORDS = 0.5
_LANGUAGE_TOLD_FROM_SCRIPT = 0.2
_LESS_USUAL = 0.05  # for each place further down in the list of a language's code pages
_CHARDET = 0.3
_NO_C1_BYTES = 0.2
_ENOUGH_BYTES = 20


def of_language(code: Optional[str]) -> Tuple[str, ...]:
    """The encodings that a language was usually written in; none for a language that is not known."""
    if not code:
        return ()
    try:
        return find(code).code_pages
    except ConfigError:
        return ()


def by_likelihood(data: bytes, pages: Sequence[str]) -> List[str]:
    """All encodings that come into question, likeliest first. ``pages`` are those of the language, if known.

    Besides those and chardet's opinion it counts when the text, read in an encoding, is in a language that is usually
    in this encoding, and how odd it would be.
    """
    high, plain = _sample(data)
    detected = _detected(high)
    words = plain.decode("ascii", "replace")
    scores: Dict[str, float] = {}
    for encoding in dict.fromkeys([*pages, *detected, *SINGLE_BYTE]):
        text = high.decode(encoding, "replace")
        score = _oddity(text) - _CHARDET * detected.get(encoding, 0.0) - _usual(encoding, pages, _LANGUAGE_KNOWN)
        guessed = guess_source([text, words])
        if guessed is not None:
            told_from_words = guessed.script in ("Latn", "Cyrl", "Arab")
            weight = _LANGUAGE_TOLD_FROM_WORDS if told_from_words else _LANGUAGE_TOLD_FROM_SCRIPT
            score -= _usual(encoding, guessed.code_pages, weight)
        # Polish, Czech, Croatian ... have letters there in cp1250; without any, it is ISO's encoding of the same ones.
        if encoding == "cp1250" and len(high) >= _ENOUGH_BYTES and not _C1_BYTE.search(high):
            score += _NO_C1_BYTES
        scores[encoding] = score
    return sorted(scores, key=lambda encoding: scores[encoding])


def _usual(encoding: str, pages: Sequence[str], weight: float) -> float:
    return weight - _LESS_USUAL * pages.index(encoding) if encoding in pages else 0.0


def _sample(data: bytes) -> Tuple[bytes, bytes]:
    """Lines with bytes beyond ASCII, and lines without."""
    high: List[bytes] = []
    plain: List[bytes] = []
    high_left, plain_left = _HIGH_SAMPLE, _PLAIN_SAMPLE
    for match in _LINE.finditer(data):
        line = match.group()
        if _HIGH_BYTE.search(line):
            high.append(line[:high_left])
            high_left -= len(line)
            if high_left <= 0:
                break
        elif plain_left > 0:
            plain.append(line[:plain_left])
            plain_left -= len(line)
    return b"\n".join(high), b"\n".join(plain)


def _detected(sample: bytes) -> Dict[str, float]:
    """What chardet thinks: encoding -> its confidence, as a share of the highest one."""
    try:
        import chardet
    except ImportError:  # then the language and the oddities have to do
        return {}
    found: Dict[str, float] = {}
    for entry in chardet.detect_all(sample):
        encoding = _canonical(entry["encoding"])
        if encoding:
            found[encoding] = max(found.get(encoding, 0.0), entry["confidence"])
    highest = max(found.values(), default=0.0)
    return {encoding: confidence / highest for encoding, confidence in found.items() if highest}


def _canonical(encoding: Optional[str]) -> str:
    """The name that our tables have for it, or ``""`` when subtitles do not come in it."""
    try:
        name = codecs.lookup(encoding or "").name.replace("-", "_")
    except LookupError:
        return ""
    name = _SUPERSETS.get(name, name)
    return name if name in SINGLE_BYTE or name in _MULTI_BYTE else ""


def _oddity(text: str) -> float:
    """What does not happen in a text that was read right, for each character beyond ASCII.

    Characters that nobody types, symbols inside words, accents on nothing, capitals after small letters, two scripts
    in one word.
    """
    characters = [char for char in text if char > "\x7f"]
    odd = sum(map(_rarity, characters)) + len(_SYMBOL_IN_WORD.findall(text))
    odd += sum(_is_mark(after) and not (before.isalpha() or _is_mark(before)) for before, after in zip(text, text[1:]))
    for word in _WORD.findall(text):
        if not word.isascii():
            odd += sum(before.islower() and after.isupper() for before, after in zip(word, word[1:]))
            scripts = set(map(_script, word))
            odd += len(scripts) > 1 and not any(scripts <= together for together in _AT_HOME_TOGETHER)
    return odd / max(1, len(characters))


@lru_cache(maxsize=4096)
def _rarity(char: str) -> int:
    return 2 if char == "\ufffd" or unicodedata.category(char) in ("Cc", "Co", "Cn") else 0


@lru_cache(maxsize=4096)
def _is_mark(char: str) -> bool:
    return char > "\x7f" and unicodedata.category(char) in ("Mn", "Mc")


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return unicodedata.name(char, "?").split()[0]
