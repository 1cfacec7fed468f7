"""What can be told of one translation by itself: is it there, whole, in the right script, with its tags, and no debris.

Whether it stands at the right key is not seen here; that takes its neighbours (``shift``).
"""

import re
from collections import Counter
from typing import List, Sequence

from translate import scripts

_TAG = re.compile(r"<\s*/?\s*[A-Za-z0-9][^<>\n]{0,60}>|\{\\[^{}\n]*\}")
_SPACE = re.compile(r"\s+")
_NOT_LETTERS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+")

# A key, a brace or a fence that slipped into the text, or an escape that was escaped twice.
_DEBRIS = re.compile(r'["“]\d+["”]\s*:|```|</?think|^\s*[{\[]\s*"|"\s*[}\]]+\s*$|\\u[0-9a-fA-F]{4}')

# Models speak of themselves and of their task; whatever the language asked for, they mostly do so in English.
_OF_ITSELF = re.compile(
    r"\bas an? (?:AI\b|(?:\w+ )?language model)|\b(?:usage|content|safety) (?:guideline|polic)"
    r"|^\W*(?:here (?:is|are) the translat|translat(?:ion|ed text)\s*:)",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:sorry|can(?:['’]|no)t|cannot|unable|not able|won['’]t)\b.{0,40}"
    r"\b(?:translat\w*|assist with|help with|comply|fulfil\w*|this (?:content|request|text|line))\b",
    re.IGNORECASE,
)

# Short cues have room to grow and shrink: "Hm?" may need a sentence elsewhere, "Would you mind?" one word.
_LONG, _LONG_FROM = 3.0, 24.0
_SHORT, _SHORT_FROM = 0.2, 18.0
_MORE_LINES = 2


def tidy(text: str, source: str, tags: Sequence[str]) -> str:
    """The text without what is harmless: space around it, escaped line breaks, tags written in another way."""
    text = text.strip()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\\" in text and "\\" not in source:
        text = text.replace("\\n", "\n").replace("\\N", "\n")
    if tags:
        spelled = {_canonical(tag): tag for tag in tags}
        text = _TAG.sub(lambda match: spelled.get(_canonical(match.group()), match.group()), text)
    return text


def check(
    source: str, text: str, tags: Sequence[str] = (), *, key: str = "", script: str = "", english: bool = False
) -> str:
    """What is wrong with ``text`` as the translation of ``source``, in a word; ``""`` when nothing is.

    :param tags: the inline tags that must be kept, in the order of the source.
    :param key: under which the text came.
    :param script: of the target language (ISO 15924), ``""`` when not known.
    :param english: the target language is English.
    :returns: ``empty``, ``tags``, ``debris``, ``refusal``, ``untranslated``, ``script``, ``long``, ``short`` or
        ``lines``.
    """
    if not text or (letters(source) and not letters(text)):
        return "empty"
    if (tags or "<" in text or "{" in text) and not _tags_kept(source, text, tags):
        return "tags"
    if (_DEBRIS.search(text) and not _DEBRIS.search(source)) or _starts_with_key(source, text, key):
        return "debris"
    seen_source, seen = _seen(source), _seen(text)
    expected = len(seen_source) * scripts.usual_ratio(seen_source, script)
    # In English, and no longer than expected, what sounds like a refusal may be dialogue.
    if _speaks_of_itself(text, plainly=english and len(seen) < 1.25 * expected + 5.0) and not _speaks_of_itself(source):
        return "refusal"
    if is_copy(source, text):
        return "" if may_stay(source) else "untranslated"
    if script and not _in_script(source, text, script):
        return "script"
    if len(seen) > _LONG * expected + _LONG_FROM:
        return "long"
    if len(seen) < _SHORT * expected and expected > _SHORT_FROM:
        return "short"
    return "lines" if text.count("\n") > source.count("\n") + _MORE_LINES else ""


def letters(text: str) -> str:
    """What two texts have in common that are the same: letters and digits, without case."""
    return _NOT_LETTERS.sub("", text).casefold()


def is_copy(source: str, text: str) -> bool:
    """The text is the source again, but for tags, spaces and the marks at its end.

    A model that leaves a line alone leaves it whole: another case, or brackets around it, somebody wanted.
    """
    return _words_of(source) == _words_of(text)


def _words_of(text: str) -> str:
    return " ".join(_TAG.sub("", text).split()).rstrip(".!?\u2026 ")


def may_stay(source: str) -> bool:
    """Short enough to read the same in another language: a name, a number, "OK"."""
    plain = _TAG.sub("", source)
    words = set(_WORD.findall(plain))
    return len(words) <= 1 or (len(words) <= 3 and all(word[0].isupper() for word in words)) or len(letters(plain)) <= 4


def _seen(text: str) -> str:
    if "<" in text or "{" in text:
        text = _TAG.sub("", text)
    return "".join(text.split())


def _canonical(tag: str) -> str:
    return _SPACE.sub("", tag).lower()


def _tags_kept(source: str, text: str, tags: Sequence[str]) -> bool:
    # What looks like a tag, is in the source and was not set aside as one, is text.
    found = [tag for tag in _TAG.findall(text) if tag in tags or tag not in source]
    if found == list(tags):
        return True
    paired, asked = [tag for tag in found if tag[0] == "<"], [tag for tag in tags if tag[0] == "<"]
    # Words change places in translation and take their tags along; override blocks hold from where they stand.
    same = Counter(found) == Counter(tags) and [tag for tag in found if tag[0] == "{"] == [
        t for t in tags if t[0] == "{"
    ]
    return same and (_nested(paired) or not _nested(asked))


def _nested(tags: Sequence[str]) -> bool:
    """Every closing tag closes the one that was opened last."""
    opened: List[str] = []
    for tag in tags:
        name = tag.strip("</ >").split(" ", 1)[0].split(".", 1)[0]
        if "/" not in tag[:3]:
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


def _starts_with_key(source: str, text: str, key: str) -> bool:
    """``7. Yes`` or ``[7] Yes`` under key 7, where the source has no 7."""
    number = key.split(" ", 1)[0]
    start = text.lstrip(" \"'“([#")
    if not number or not start.startswith(number) or number in _NUMBER.findall(source):
        return False
    following = start[len(number) : len(number) + 2]
    return not following[:1].isalnum() and not following[1:].isdigit()


def _speaks_of_itself(text: str, *, plainly: bool = False) -> bool:
    return bool(_OF_ITSELF.search(text)) or (not plainly and bool(_REFUSAL.search(text)))


def _in_script(source: str, text: str, script: str) -> bool:
    kept = source.casefold()
    added = "".join(word for word in _WORD.findall(_TAG.sub("", text)) if word.casefold() not in kept)
    return len(added) < 2 or scripts.is_in(script, added)
