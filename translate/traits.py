"""What of a cue survives its translation and can be compared across languages: size, marks, numbers and names.

Taking these traits is all that happens here; what agreement in them is worth is told in ``evidence``.
"""

import math
import re
import unicodedata
from functools import lru_cache
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Sequence, Set, Tuple

_TAG = re.compile(r"<[^<>\n]*>|\{[^{}\n]*\}")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,' \u00a0\u202f]\d{3}(?!\d))*")
_SEPARATOR = re.compile(r"\D")
_INSIDE_SENTENCE = re.compile(r"(?<=[\w,'’][ \n])[^\W\d_]{2,}")
_SENTENCE_END = re.compile(r"[.!?…。！？؟։।]+")
_COMMA = re.compile(r"[,;，、،؛]")
_DASH = re.compile(r"^\s*[-–—‐]", re.MULTILINE)
_NOTE = re.compile("[♪♫]")
_BRACKET = re.compile(r"[(\[（［【]")
_QUOTE = re.compile('["“”«»„「『]')
_MARKS = ".!?…。！？؟։।"
_CLOSERS = " \n\t\"'“”‘’«»›)]）】』」♪♫*-–—"

PLAIN, QUESTION, EXCLAMATION, TRAILING = range(4)
_ENDS = {"?": QUESTION, "？": QUESTION, "؟": QUESTION, "!": EXCLAMATION, "！": EXCLAMATION, "…": TRAILING}

# How it ends, further sentence ends (up to 3), commas (2), lines (3); and whether it has a dash, notes, a bracket,
# a quote, tags.
Shape = Tuple[int, int, int, int, bool, bool, bool, bool, bool]


class Traits(NamedTuple):
    """What is compared of a cue.

    :ivar length: characters without spaces and tags, plus 2 so that the logarithm of a short one is not all noise.
    :ivar size: ln of ``length``.
    :ivar stopped: the text ends like a sentence.
    :ivar anchors: ids of names and numbers in the vocabulary of the sources; ``words``: those of other words.
    """

    length: float
    size: float
    shape: Shape
    stopped: bool
    anchors: FrozenSet[int]
    words: FrozenSet[int]


def joined(first: Traits, second: Traits) -> Traits:
    """The traits of two cues that were made one."""
    a, b = first.shape, second.shape
    length = first.length + second.length - 2.0
    shape = (
        b[0], min(3, a[1] + b[1] + first.stopped), min(2, a[2] + b[2]), min(3, a[3] + b[3]),
        a[4] or b[4], a[5] or b[5], a[6] or b[6], a[7] or b[7], a[8] or b[8],
    )  # fmt: skip
    return Traits(
        length, math.log(length), shape, second.stopped, first.anchors | second.anchors, first.words | second.words
    )


def halved(whole: Traits) -> Traits:
    """The traits that the second half of a cue has on average."""
    length = whole.length / 2.0 + 1.0
    return whole._replace(length=length, size=math.log(length))


class Vocabulary:
    """The words of some sources that a translation may take over: names, numbers, and words that languages share.

    Names and numbers are anchors, which a translation keeps; other words it takes over now and then.

    :ivar frequency: id -> share of the sources that have the word. :ivar numbers: the ids of numbers.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.frequency: List[float] = []
        self.numbers: Set[int] = set()
        self._anchors: Set[int] = set()
        self._ids: Dict[str, int] = {}
        texts = [_TAG.sub("", source) for source in sources]
        known = names(texts)
        self._by_sound = any(_key(name)[0].isupper() for name in known)
        for text in texts:
            for word in set(_words(text)):
                self.frequency[self._learn(word, is_name=word in known)] += 1.0 / len(texts)

    def traits(self, text: str) -> Traits:
        """The traits of a source, or of a translation of any of the sources."""
        plain = _TAG.sub("", text) if "<" in text or "{" in text else text
        found = self._find(plain)
        length = len("".join(plain.split())) + 2.0
        body = plain.rstrip(_CLOSERS)
        shape = _shape(plain, body, tagged=len(plain) != len(text))
        anchors, words = frozenset(found & self._anchors), frozenset(found - self._anchors)
        return Traits(length, math.log(length), shape, body[-1:] in _MARKS, anchors, words)

    def _learn(self, word: str, *, is_name: bool) -> int:
        key = _key(word)
        number = self._ids.setdefault(key, len(self.frequency))
        if number == len(self.frequency):
            self.frequency.append(0.0)
            if key.isdigit():
                self.numbers.add(number)
            if is_name:
                # Written in another script, a name can only be told by its sound.
                self._ids.setdefault(_sound(word), number)
            if is_name or key.isdigit():
                self._anchors.add(number)
        return number

    def _find(self, text: str) -> Set[int]:
        ids = self._ids
        words = _words(text)
        found = {ids[key] for key in map(_key, words) if key in ids}
        if self._by_sound:
            found |= {ids[key] for key in (_sound(word) for word in words if word[0].isupper()) if key in ids}
        return found


def _shape(text: str, body: str, *, tagged: bool) -> Shape:
    end = body[-3:]
    return (
        TRAILING if end == "..." else _ENDS.get(end[-1:], PLAIN),
        min(3, len(_SENTENCE_END.findall(body.rstrip(_MARKS)))),
        min(2, len(_COMMA.findall(text))),
        min(3, text.count("\n") + 1),
        _DASH.search(text) is not None,
        _NOTE.search(text) is not None,
        _BRACKET.search(text) is not None,
        _QUOTE.search(text) is not None,
        tagged,
    )


def _words(text: str) -> List[str]:
    """Numbers, and words of three letters or more (shorter ones only where letters are not those of English)."""
    return _NUMBER.findall(text) + [word for word in _WORD.findall(text) if len(word) > 2 or not word.isascii()]


@lru_cache(maxsize=8192)
def _key(word: str) -> str:
    """What a word is found again by: its digits, its first letters without accents, or in other scripts its sound."""
    if word[0].isdigit():
        return str(int(_SEPARATOR.sub("", word)))
    plain = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return plain[:5] if plain.isascii() else _sound(word)


def names(texts: Iterable[str]) -> Set[str]:
    """Words with a capital inside a sentence. None where so many have one that it means something else (German)."""
    out: Set[str] = set()
    inside = 0
    found = 0
    for text in texts:
        for word in _INSIDE_SENTENCE.findall(text):
            inside += 1
            if word[0].isupper() and not word.isupper():
                found += 1
                out.add(word)
    return out if found * 6 <= inside else set()


# The sound of a letter is read from its Unicode name: CYRILLIC SMALL LETTER SHA, HANGUL SYLLABLE GANG, KATAKANA
# LETTER KA. Consonants that scripts and tongues mix up count as one; vowels do not count.
_LETTER = re.compile(r"(?:LETTER|SYLLABLE)(?: (?:SMALL|CAPITAL|FINAL|SHORT|HARD|SOFT|SIGN))* (\S+)")
_SYLLABIC = ("CYRILLIC", "HANGUL", "KATAKANA", "HIRAGANA", "DEVANAGARI")
_ALIKE = str.maketrans("BPFVCGQKXJZSDTLRMNHWYAEIOU", "PPFFKKKKKSSSTTLRMN\0\0\0\0\0\0\0\0")


@lru_cache(maxsize=4096)
def _sound(word: str) -> str:
    """The first consonants of a word, much the same in every script that writes sounds; upper case."""
    spelled = "".join(_letter_sound(char) for char in word)
    squeezed = spelled.translate(_ALIKE).replace("\0", "").replace("TS", "S")
    out = "".join(char for at, char in enumerate(squeezed) if at == 0 or char != squeezed[at - 1])
    return out[:4] if len(out) > 1 else f"{out}:{len(word)}"


@lru_cache(maxsize=2048)
def _letter_sound(char: str) -> str:
    name = unicodedata.name(char, "")
    match = _LETTER.search(name)
    if match is None:
        return ""
    letter = match.group(1)
    if name.startswith(_SYLLABIC):
        return letter
    return letter[0] if name.startswith("LATIN") or letter[0] not in "AEIOU" else ""
