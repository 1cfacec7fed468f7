"""A film to measure with: dialogue of a made-up evening, as many cues as wanted, the same each time."""

import random
from typing import List

from translate.documents import Cue

_WHO = ("Marta", "the captain", "my brother", "nobody", "Doctor Hale", "the girl next door", "we all", "you")
_WHAT = ("lost the key", "saw the light", "kept 12 letters", "went to the harbour", "never liked the sea", "paid 1947")
_WHEN = ("before the storm", "last night", "when the bell rang", "after supper", "for 3 days", "on the way home")
_SHORT = ("No.", "Wait!", "What was that?", "Come in.", "Marta?", "Are you sure?", "Listen...", "Not tonight.")


def make_cues(count: int) -> List[Cue]:
    """``count`` cues, about 35 characters each, some of two lines, some very short."""
    chance = random.Random(7)
    cues, clock = [], 10.0
    for index in range(count):
        clock += chance.choice((0.2, 0.4, 0.8, 1.5, 6.0))
        end = clock + chance.uniform(1.2, 4.0)
        cues.append(Cue(index=index, start=clock, end=end, text=_line(chance), tags=(), skip=""))
        clock = end
    return cues


def _line(chance: random.Random) -> str:
    if chance.random() < 0.2:
        return chance.choice(_SHORT)
    sentence = f"{chance.choice(_WHO)} {chance.choice(_WHAT)} {chance.choice(_WHEN)}"
    sentence = sentence[0].upper() + sentence[1:] + chance.choice((".", ".", ".", "?", "!"))
    if chance.random() < 0.3:
        return f"{sentence}\n{chance.choice(_SHORT)}"
    return sentence
