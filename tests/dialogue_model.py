"""Dialogue of films, and its translation into pseudo-words with stated noise.

The noise was set from the project's targets and from what four German films and their English
subtitles show (spread of the length ratio 0.20-0.25 in its logarithm, final marks kept in 97 %, commas in 87 %), not
from the checker. Nothing here imports it.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Dict, List, Sequence, Tuple

# --- dialogue ---------------------------------------------------------------------------------------------------------

NAMES = (
    "Sintel Scales Martha Oliver Bruno Katya Rosalind Danko Miguel Harper Tobias Ingrid Yusuf Priya Lorenzo Emma Jack "
    "Ruth Amos Clarke Benson Whitmore Delgado Novak Petrov London Boston Havana Lisbon Arkham Berlin Santiago"
).split()
NOUNS = (
    "door house letter train money brother sister father mother car gun key river winter summer dragon dog doctor "
    "police boat window kitchen story answer problem job city road night morning phone photo coffee hospital school "
    "captain ship island war king village mountain bridge station office plan secret promise mistake truth idea chance "
    "bag book map light machine engine garden church lawyer judge contract ticket passport wedding funeral birthday"
).split()
VERBS = (
    "see find know want need love hate take leave open close break fix follow remember forget believe trust help call "
    "kill save watch hear tell show bring lose sell buy hide steal burn paint move hold catch carry choose finish start"
).split()
ADJECTIVES = (
    "old new small big dark cold warm strange beautiful dangerous empty quiet broken different wrong perfect tired "
    "afraid ready lucky serious crazy honest terrible wonderful impossible expensive famous lonely"
).split()
SHORT = (
    "Yes.|No.|What?|Why?|Okay.|Thank you.|Come on!|Wait!|I know.|Really?|Sorry.|Hey!|Good.|Right.|Stop!|Please.|Now!|"
    "Never.|Who?|Where?|Fine.|Sure.|Hello?|Let's go.|Shut up!|Of course.|Not yet.|Me too.|I see.|Oh, God.|Help!|"
    "You're right.|Get out!|How?|So...|Well...|Hm.|Go!|Good night.|Be careful.|Nothing.|Listen.|Maybe.|Excuse me?|"
    "{N}!|{N}?|{N}...|Hi, {N}.|Bye.|Dad?|Mom!|Sir?|OK."
).split("|")
CLAUSES = (
    "I {v} the {n}|you never {v} anything|we have to {v} it|he wants to {v} my {n}|she is {a}|the {n} was {a}|"
    "there is a {a} {n} here|they will {v} us|I don't {v} you|my {n} is in {N}|{N} can {v} the {n}|we should {v} {N}|"
    "nobody {v}s a {a} {n} like that|it took {d} years|he owes me {d} dollars|the {n} leaves at {d}|"
    "I've been {a} all day|you said the {n} would be {a}|everything about this {n} is {a}|I saw {N} at the {n}|"
    "your {n} told me to {v} it|that is not my {n}|it's just a {n}|I want you to {v} this {n} before the {n}|"
    "nothing is {a} anymore|the {a} {n} belongs to {N}|we can't {v} without the {n}|I'm going to {v} him|"
    "this {n} has a {a} past"
).split("|")
QUESTIONS = (
    "do you {v} me|where is the {n}|who is {N}|why did you {v} it|what did {N} say|can you {v} the {n}|"
    "is that your {n}|how many {n}s are there|did they {v} the {a} {n}|are you {a}|what time is the {n}|"
    "have you seen {N}|what brings you to this {a} {n}|you think I'm {a}|should we {v} {d} of them|"
    "when did the {n} get so {a}"
).split("|")
ORDERS = (
    "{v} the {n}|don't {v} that {n}|get me the {a} {n}|tell {N} to {v} it|look at the {n}|give me {d} minutes|"
    "leave the {n} alone|help me {v} this|put the {n} in the {n}|come back to the {n}"
).split("|")
JOINERS = (", and ", ", but ", " because ", " when ", " so ", " if ", ", you know, ", " before ", " until ")


@dataclass(frozen=True)
class Line:
    """One source cue and the inline tags in it."""

    text: str
    tags: Tuple[str, ...] = ()


def _fill(rng: random.Random, template: str, names: Sequence[str]) -> str:
    words = {"n": NOUNS, "v": VERBS, "a": ADJECTIVES, "N": names}
    out = []
    for piece in template.replace("{", "\0").replace("}", "\0").split("\0"):
        if piece == "d":
            out.append(str(rng.choice((2, 3, 5, 7, 10, 12, 15, 20, 48, 100, 250, 1984, 2000))))
        else:
            out.append(rng.choice(words[piece]) if piece in words else piece)
    return "".join(out)


def _sentence(rng: random.Random, names: Sequence[str], size: int) -> str:
    kind = rng.random()
    if kind < 0.24:
        body, mark = _fill(rng, rng.choice(QUESTIONS), names), "?"
    elif kind < 0.38:
        body, mark = _fill(rng, rng.choice(ORDERS), names), rng.choice("!.")
    else:
        body, mark = _fill(rng, rng.choice(CLAUSES), names), rng.choices((".", "!", "..."), (85, 8, 7))[0]
    while len(body) < size - 12:
        body += rng.choice(JOINERS) + _fill(rng, rng.choice(CLAUSES), names)
    if rng.random() < 0.06:
        body += f", {rng.choice(names)}"
    return body[0].upper() + body[1:] + mark


def _words(rng: random.Random, names: Sequence[str]) -> str:
    """The words of one cue: short answers, one sentence, or several up to a length drawn as in films."""
    if rng.random() < 0.16:
        return _fill(rng, rng.choice(SHORT), names)
    size = min(84.0, max(6.0, rng.lognormvariate(math.log(27), 0.5)))
    text = ""
    if rng.random() < 0.12:
        text = _fill(rng, rng.choice(SHORT), names) + " "
    text += _sentence(rng, names, int(size) - len(text))
    while len(text) < size - 14:
        text += " " + _sentence(rng, names, int(size) - len(text))
    return text


def _wrap(text: str) -> str:
    if len(text) <= 40:
        return text
    spaces = [i for i, char in enumerate(text) if char == " "]
    middle = min(spaces, key=lambda i: abs(i - len(text) // 2))
    return text[:middle] + "\n" + text[middle + 1 :]


def _tagged(rng: random.Random, text: str) -> Line:
    words = text.split(" ")
    at = rng.randrange(len(words))
    if len(words) < 3 or "\n" in words[at]:
        return Line(text)
    words[at] = f"<i>{words[at]}</i>"
    return Line(" ".join(words), ("<i>", "</i>"))


def dialogue(rng: random.Random, count: int) -> List[Line]:
    """``count`` cues of a scene or two: some sentences run over two cues, some cues hold two speakers, some sing."""
    names = rng.sample(NAMES, 7)
    lines: List[Line] = []
    while len(lines) < count:
        kind = rng.random()
        if kind < 0.06:
            lines.append(Line(f"- {_fill(rng, rng.choice(SHORT), names)}\n- {_sentence(rng, names, 18)}"))
        elif kind < 0.08:
            lines.append(Line(f"♪ {_words(rng, names)} ♪"))
        elif kind < 0.10:
            lines.append(Line(f"({rng.choice(NOUNS)} {rng.choice(VERBS)}s)"))
        elif kind < 0.17:
            sentence = _sentence(rng, names, 60)
            half = sentence.find(" ", len(sentence) // 2)
            tail = rng.choice((",", "...", "", ""))
            lines.append(Line(_wrap(sentence[:half] + tail)))
            lines.append(Line(_wrap(sentence[half + 1 :])))
        elif kind < 0.25:
            lines.append(_tagged(rng, _wrap(_words(rng, names))))
        elif kind < 0.27:
            lines.append(Line(_wrap(f'"{_words(rng, names)}"')))
        else:
            lines.append(Line(_wrap(_words(rng, names))))
    return lines[:count]


# --- its translation --------------------------------------------------------------------------------------------------


# How a right translation differs from its source. The length ratio is one of the language times one of the cue, which
# is drawn with this standard deviation of its logarithm; the product stays between 0.6 and 1.6.
RATIO_SPREAD = 0.28
RATIO_LOW, RATIO_HIGH = 0.6, 1.6
# Shares that come through: of names and numbers, of marks at the end of sentences, of commas, of line breaks, and of
# dashes, notes, brackets and quotes.
WORDS_KEPT = 0.97
ENDS_KEPT = 0.96
COMMAS_KEPT = 0.8
BREAKS_KEPT = 0.8
MARKS_KEPT = 0.97
# Words that get a comma which the source has not.
COMMAS_ADDED = 0.016


@dataclass(frozen=True)
class Tongue:
    """A target language made of pseudo-words."""

    code: str
    syllables: Tuple[str, ...]
    ratio: float  # mean length, in characters a source character
    spaces: bool = True
    marks: Dict[str, str] = field(default_factory=dict)
    letters: Dict[str, str] = field(default_factory=dict)  # how names are written
    drops_final_period: float = 0.0


_LATIN = tuple("a e i o u ka te mi ros lan per sto ñi vé chu dor qua bel zim ja ent ar ish ö gra fu".split())
_CYRILLIC = tuple("а е и о у ка те ми рос лан пер сто ни вы чу дор ква бел зим я ент ар иш ё гра фу щи".split())
_HAN = tuple("我你他的了是不在有人这中大来上国个到说们为子和那地出道也时年得就下过都以会自后看心")
_RUSSIAN = dict(zip("abcdefghijklmnopqrstuvwxyz", "абкдефгхийклмнопкрстувваиз"))
_WIDE = {"?": "？", "!": "！", ".": "。", ",": "，", "...": "……", '"': "“", "(": "（", ")": "）", ":": "："}


KINDS = ("latin", "cyrillic", "han")


def tongue(rng: random.Random, kind: str) -> Tongue:
    """A language of ``kind`` ``latin``, ``cyrillic`` or ``han`` with its own mean ratio."""
    if kind == "cyrillic":
        return Tongue("ru", _CYRILLIC, rng.uniform(0.85, 1.2), letters=_RUSSIAN)
    if kind == "han":
        names = {name: "".join(rng.sample(_HAN, rng.choice((2, 3)))) for name in NAMES}
        return Tongue("zh", _HAN, rng.uniform(0.3, 0.4), False, _WIDE, names, rng.choice((0.0, 0.95)))
    return Tongue("es", _LATIN, rng.uniform(0.85, 1.25))


class Translator:
    """Turns cues into ``language``, one at a time."""

    def __init__(self, rng: random.Random, language: Tongue) -> None:
        self._rng = rng
        self._language = language
        self._ratio = language.ratio
        self._debt = 0.0

    def __call__(self, line: Line) -> str:
        rng, language = self._rng, self._language
        # Scripts that need few characters keep to their own mean; an alphabet's cue to the mean of all alphabets.
        scale = 1.0 if language.spaces else language.ratio
        ratio = rng.lognormvariate(0.0, RATIO_SPREAD) * language.ratio
        self._ratio = min(RATIO_HIGH * scale, max(RATIO_LOW * scale, ratio))
        self._debt = 0.0
        text, dashes = line.text, line.text.startswith("- ")
        if not dashes and rng.random() > BREAKS_KEPT:
            text = text.replace("\n", " ")
            if language.spaces and rng.random() < 0.4:
                text = _wrap(text)
        text = "\n".join(self._line(part) for part in text.split("\n"))
        return text.replace("- ", "") if dashes and rng.random() > MARKS_KEPT else text

    def _line(self, text: str) -> str:
        out = [self._token(token) for token in text.split(" ")]
        joiner = " " if self._language.spaces else ""
        joined = joiner.join(part for part in out if part)
        return joined or self._pseudo(2.0)

    def _token(self, token: str) -> str:
        if token in ("-", "♪"):
            return self._mark(token) + ("" if self._language.spaces else " ")
        opening = ""
        while token and token[0] in '"(<':
            cut = token.index(">") + 1 if token[0] == "<" else 1
            opening, token = opening + self._mark(token[:cut]), token[cut:]
        closing = ""
        while token and not token[-1].isalnum():
            cut = token.rindex("<") if token[-1] == ">" else len(token) - (3 if token.endswith("...") else 1)
            closing, token = self._mark(token[cut:]) + closing, token[:cut]
        if token and not closing and self._rng.random() < COMMAS_ADDED:
            closing = self._language.marks.get(",", ",")
        return opening + (self._word(token) if token else "") + closing

    def _mark(self, mark: str) -> str:
        rng = self._rng
        if mark[0] in "<-":
            return mark
        if mark == "." and rng.random() < self._language.drops_final_period:
            return ""
        kept = COMMAS_KEPT if mark == "," else MARKS_KEPT if mark in '"()♪' else ENDS_KEPT
        if rng.random() > kept:
            mark = {"...": ".", "!": ".", ".": "!", "?": "."}.get(mark, "")
        return self._language.marks.get(mark, mark)

    def _word(self, word: str) -> str:
        kept = self._rng.random() < WORDS_KEPT
        if word.isdigit():
            return word if kept else self._pseudo(len(word) * 3 + 2)
        if word in NAMES and kept:
            return self._name(word)
        made = self._pseudo(len(word) + (0.0 if self._language.spaces else 1.0))
        return made[:1].upper() + made[1:] if word[0].isupper() else made

    def _name(self, word: str) -> str:
        language = self._language
        if word in language.letters:
            return language.letters[word]
        if not language.letters:
            return word
        ending = self._rng.choice(("", "", "а", "у", "ом")) if self._rng.random() < 0.5 else ""
        return "".join(language.letters.get(c, c) for c in word.lower()).capitalize() + ending

    def _pseudo(self, length: float) -> str:
        """A word of about ``length`` times the ratio; what rounding leaves over goes to the next word."""
        self._debt += length * self._ratio
        word = ""
        while self._debt >= 0.5:
            syllable = self._rng.choice(self._language.syllables)[: max(1, round(self._debt))]
            word += syllable
            self._debt -= len(syllable)
        return word
