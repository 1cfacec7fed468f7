"""A model of what comes back from a language model: the right translation in many hands, and all that goes wrong.

It knows nothing of the checker.
"""

import json
import random
from dataclasses import dataclass
from typing import Callable, Dict, FrozenSet, List, Sequence, Tuple

from dialogue_model import KINDS, NAMES, Line, Tongue, Translator, dialogue, tongue


@dataclass
class Value:
    """One entry of a reply: its text and the source positions that the text renders; ``whole`` when nothing is lost."""

    text: str
    origin: FrozenSet[int]
    whole: bool = True


@dataclass
class Scene:
    """A batch with its surroundings: ``lines`` are asked for, ``truth`` is the right reply."""

    lines: List[Line]
    before: List[str]
    after: List[str]
    language: Tongue
    truth: List[str]
    after_truth: List[str]


@dataclass
class Reply:
    """What the model sends, and what of it is right.

    :ivar right: position -> texts that are right there.
    :ivar shifted: positions that hold what belongs to other positions only.
    """

    kind: str
    text: str
    good: bool
    right: Dict[int, str]
    shifted: FrozenSet[int]


def scene(rng: random.Random, size: int) -> Scene:
    """A batch of ``size`` cues out of a dialogue; one in five is given without its surroundings."""
    language = tongue(rng, rng.choices(KINDS, (2, 1, 1))[0])
    lines = dialogue(rng, size + 6)
    translate = Translator(rng, language)
    batch, after = lines[3 : 3 + size], lines[3 + size :]
    surrounded = rng.random() < 0.8
    return Scene(
        batch,
        [line.text for line in lines[:3]] if surrounded else [],
        [line.text for line in after] if surrounded else [],
        language,
        [translate(line) for line in batch],
        [translate(line) for line in after],
    )


Values = List[Tuple[str, Value]]


def _truth(scene_: Scene) -> List[Value]:
    return [Value(text, frozenset([i])) for i, text in enumerate(scene_.truth)]


def _numbered(values: Sequence[Value]) -> Values:
    return [(str(i + 1), value) for i, value in enumerate(values)]


def _join(scene_: Scene, first: Value, second: Value) -> Value:
    joiner = " " if scene_.language.spaces else ""
    return Value(first.text + joiner + second.text, first.origin | second.origin)


def _halves(value: Value) -> Tuple[Value, Value]:
    text = value.text
    cuts = [i for i, char in enumerate(text) if char in " \n" and 0 < i < len(text) - 1] or [len(text) // 2]
    at = min(cuts, key=lambda i: abs(i - len(text) / 2))
    return Value(text[:at].strip(), value.origin, False), Value(text[at:].strip(), value.origin, False)


def _pad(rng: random.Random, scene_: Scene, values: List[Value], count: int) -> Values:
    """Bring a list that lost lines back to ``count`` entries, in one of the ways that models have."""
    size = len(values)
    way = rng.choice(("missing", "missing", "blank", "repeat", "halve", "next", "filler"))
    if way == "halve" and len(values[-1].text) > 3 and count - size == 1:
        values[-1:] = list(_halves(values[-1]))
    while way != "missing" and len(values) < count:
        extra = {
            "blank": Value("", frozenset()),
            "repeat": values[size - 1],
            "next": Value(scene_.after_truth[len(values) - size], frozenset([count + len(values) - size])),
        }
        values.append(extra.get(way, Value(rng.choice(("...", "-", "…")), frozenset())))
    return _numbered(values)


def good(rng: random.Random, s: Scene) -> Values:
    return _numbered(_truth(s))


def reordered(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    if rng.random() < 0.5:
        entries.sort(key=lambda entry: entry[0])  # "10" before "2", as some providers return them
    else:
        rng.shuffle(entries)
    return entries


def dropped(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    del entries[rng.randrange(len(entries))]
    return entries


def dropped_and_renumbered(rng: random.Random, s: Scene) -> Values:
    values = _truth(s)
    del values[rng.randrange(len(values) - 1)]
    return _pad(rng, s, values, len(s.truth))


def merged(rng: random.Random, s: Scene) -> Values:
    values = _truth(s)
    at = rng.randrange(len(values) - 1)
    joined = _join(s, values[at], values[at + 1])
    entries = _numbered(values)
    entries[at] = (str(at + 1), joined)
    if rng.random() < 0.5:
        del entries[at + 1]
    else:
        entries[at + 1] = (str(at + 2), Value(rng.choice(("", "", " ", "...")), frozenset()))
    return entries


def merged_and_renumbered(rng: random.Random, s: Scene) -> Values:
    values = _truth(s)
    lost = 2 if rng.random() < 0.1 and len(values) > 6 else 1
    for _ in range(lost):
        at = rng.randrange(len(values) - 1)
        values[at : at + 2] = [_join(s, values[at], values[at + 1])]
    return _pad(rng, s, values, len(s.truth))


def _overfull(rng: random.Random, s: Scene, values: List[Value]) -> Values:
    """What a model does with a line too many: one more key, or the last line is lost, or the last two are one."""
    count = len(s.truth)
    way = rng.choice(("extra", "lost", "joined"))
    if way == "lost":
        values = values[:count]
    elif way == "joined":
        values = [*values[: count - 1], _join(s, values[count - 1], values[count])]
    return _numbered(values)


def split(rng: random.Random, s: Scene) -> Values:
    values = _truth(s)
    longish = [i for i, value in enumerate(values) if len(value.text) > 6]
    at = rng.choice(longish or [0])
    values[at : at + 1] = list(_halves(values[at]))
    return _overfull(rng, s, values)


def repeated_and_renumbered(rng: random.Random, s: Scene) -> Values:
    values = _truth(s)
    at = rng.randrange(len(values))
    values.insert(at, values[at])
    return _overfull(rng, s, values)


def repeated(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    at = rng.randrange(len(entries) - 1)
    entries[at + 1] = (entries[at + 1][0], entries[at][1])
    return entries


def merged_then_split(rng: random.Random, s: Scene) -> Values:
    """Off by one for a stretch in the middle, every key there: nothing but the content tells."""
    values = _truth(s)
    at = rng.randrange(max(1, len(values) - 4))
    back = rng.randrange(at + 2, len(values))
    halves = list(_halves(values[back]))
    return _numbered(
        [*values[:at], _join(s, values[at], values[at + 1]), *values[at + 2 : back], *halves, *values[back + 1 :]]
    )


def blank(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(entries))
        entries[at] = (entries[at][0], Value(rng.choice(("", " ", "\n")), frozenset()))
    return entries


def untranslated(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    count = rng.choice((1, 2, 5, len(entries)))
    start = rng.randrange(max(1, len(entries) - count + 1))
    for at in range(start, min(start + count, len(entries))):
        entries[at] = (entries[at][0], Value(s.lines[at].text, frozenset(), False))
    return entries


def extra_keys(rng: random.Random, s: Scene) -> Values:
    """All is right, and something follows that nobody asked for."""
    note = rng.choice((("note", "ok"), (str(len(s.truth) + 1), rng.choice(s.after_truth)), ("0", "Subtitles")))
    return [*_numbered(_truth(s)), (note[0], Value(note[1], frozenset()))]


def refused(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    at = rng.randrange(len(entries))
    text = rng.choice(
        (
            "I'm sorry, but I can't translate this line.",
            "I cannot assist with that request.",
            "[This content violates the usage guidelines]",
            "As an AI language model, I am unable to provide a translation of this text.",
            "I'm unable to help with this content.",
            "Sorry, I can't comply with this request.",
        )
    )
    entries[at] = (entries[at][0], Value(text, frozenset()))
    return entries


def prompt_returned(rng: random.Random, s: Scene) -> Values:
    return [(str(i + 1), Value(line.text, frozenset(), False)) for i, line in enumerate(s.lines)]


def tags_changed(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    tagged = [i for i, line in enumerate(s.lines) if line.tags]
    at = rng.choice(tagged) if tagged else rng.randrange(len(entries))
    text = entries[at][1].text
    change: Callable[[str], str] = rng.choice(
        (
            lambda t: t.replace("</i>", ""),
            lambda t: t.replace("<i>", "<b>"),
            lambda t: t.replace("<i>", "").replace("</i>", ""),
            lambda t: t.replace("<i>", "</i>", 1),
        )
    )
    changed = change(text) if tagged else f"<b>{text}</b>"
    entries[at] = (entries[at][0], Value(changed, frozenset([at]), False))
    return entries


def other_script(rng: random.Random, s: Scene) -> Values:
    """A cue, or some, come in a language that nobody asked for."""
    entries = _numbered(_truth(s))
    kind = rng.choice([k for k in KINDS if tongue(rng, k).code != s.language.code])
    translate = Translator(rng, tongue(rng, kind))
    for at in rng.sample(range(len(entries)), rng.choice((1, 1, 2))):
        if len(s.lines[at].text) > 8:
            entries[at] = (entries[at][0], Value(translate(s.lines[at]), frozenset(), False))
    return entries


def key_in_text(rng: random.Random, s: Scene) -> Values:
    entries = _numbered(_truth(s))
    count = rng.choice((1, 3, len(entries)))
    form = rng.choice(('"{}": "{}"', "{}: {}", "{}. {}", "{} {}", "[{}] {}"))
    for at in rng.sample(range(len(entries)), min(count, len(entries))):
        key, value = entries[at]
        if key not in s.lines[at].text:
            entries[at] = (key, Value(form.format(key, value.text), frozenset(), False))
    return entries


GOOD: Dict[str, Callable[[random.Random, Scene], Values]] = {"good": good, "reordered": reordered, "chatter": good}
FAULTS: Dict[str, Callable[[random.Random, Scene], Values]] = {
    fault.__name__: fault
    for fault in (
        dropped,
        dropped_and_renumbered,
        merged,
        merged_and_renumbered,
        split,
        repeated,
        repeated_and_renumbered,
        merged_then_split,
        blank,
        untranslated,
        extra_keys,
        refused,
        prompt_returned,
        tags_changed,
        other_script,
        key_in_text,
    )
}
FAULTS["cut"] = good
FAULTS["no_json"] = good


def _surround(rng: random.Random, text: str) -> str:
    before = rng.choice(
        ("```json\n", "Here is the translation:\n\n", "<think>The user wants {a} film.</think>", "{Sure}\n")
    )
    return (
        before
        + text
        + rng.choice(("\n```", "\n\nLet me know if you need anything else!", "\n", "\n```\nNote: {1} was hard."))
    )


def _written(rng: random.Random, entries: Values) -> str:
    """The object as text, in the different hands of different models. Keys may repeat, so no dict."""
    ascii_only = rng.random() < 0.2
    colon, comma, start, end = rng.choice(
        ((": ", ", ", "{", "}"), (":", ",", "{", "}"), (": ", ",\n  ", "{\n  ", "\n}"), (": ", ",\n", "{\n", ",\n}"))
    )
    pairs = (f'"{key}"{colon}{json.dumps(value.text, ensure_ascii=ascii_only)}' for key, value in entries)
    return start + comma.join(pairs) + end


def _only_a_name(line: Line, value: Value) -> bool:
    """A name alone may come back as it was, in whatever script."""
    return value.text == line.text and line.text.strip('.!?"♪ ') in NAMES


def reply(rng: random.Random, kind: str, s: Scene) -> Reply:
    """The reply of ``kind`` to a scene, and what of it is right."""
    entries = (GOOD.get(kind) or FAULTS[kind])(rng, s)
    text = _written(rng, entries)
    if kind == "chatter" or rng.random() < 0.1:
        text = _surround(rng, text)
    if kind == "cut":
        text = text.encode()[: rng.randrange(len(text.encode()))].decode(errors="ignore")
    elif kind == "no_json":
        text = rng.choice(
            ("<!DOCTYPE html><html><body>502</body></html>", "I can't help with that.", "", "\n".join(s.truth))
        )
    right, shifted = {}, set()
    for key, value in entries:
        at = int(key) - 1 if key.isdigit() else -1
        if not 0 <= at < len(s.truth):
            continue
        if (value.origin == {at} and value.whole) or value.text == s.truth[at] or _only_a_name(s.lines[at], value):
            right[at] = value.text
        elif value.origin and at not in value.origin:
            shifted.add(at)
    return Reply(kind, text, kind in GOOD, right, frozenset(shifted))
