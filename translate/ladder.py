"""What is done about cues that failed: asked again in ever smaller parts, isolated, sent elsewhere, or kept.

The ladder is climbed by whoever took the batch, so a hole near the playhead is mended before later scenes are asked.
"""

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from core.errors import BadRequestError, BlockedError, BodyTooLargeError, LengthError, RefusalError
from translate.asking import Outcome
from translate.documents import Cue


@dataclass(frozen=True)
class Step:
    """How the cues that are left are asked: at most ``size`` together, with anchored keys or plain ones."""

    size: int
    anchored: bool


#: The first repair asks all that failed together: most failures are of the answer, not of the cue. The last step is for
#: lone cues whose answer broke off; no question that was answered in full is asked twice. With three answers in ten bad
#: hardly a cue of a film is left in the end, for 1.4 times the requests (tests/test_film_with_faults.py).
LADDER = (Step(1000, False), Step(1000, True), Step(12, True), Step(4, True), Step(1, False), Step(1, False))

#: What a second route is asked for what the first could not: together, then each alone.
SECOND_LADDER = (Step(40, True), Step(1, False))

#: Requests that one batch may cost before what is left keeps its source: those of a large one asked cue by cue. Ten
#: withheld cues among a hundred take about 80.
MOST_REQUESTS = 100
#: What a batch may cost that has brought nothing yet: 6 answers without a usable cue, each of which takes 3, or 18 that
#: were withheld: if the first two of a hundred cues are to blame, that is how many it takes to find both.
PATIENCE = 18

#: Less at once may do: the answer, or with a small context the question too, was longer than the model can take.
TOO_MUCH = (LengthError, BadRequestError, BodyTooLargeError)

_WITHHELD = (BlockedError, RefusalError)

#: Cues, whether their keys are anchored, and whether the lines around them may be told.
Ask = Callable[[Sequence[Cue], bool, bool], Outcome]


class Climb:
    """One batch on its way up the ladder.

    :param ask: asks some cues once.
    :ivar reasons: index of a cue -> why it failed when it was last asked for.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._requests = 0
        self._patience = PATIENCE
        self._fruitful = False
        self._in_context = True
        self._had_prose = False
        self._futile: Set[Tuple[Tuple[int, ...], bool, bool]] = set()
        self._withheld: List[Cue] = []
        self.reasons: Dict[int, str] = {}

    def run(self, cues: Sequence[Cue], steps: Sequence[Step] = LADDER) -> List[Cue]:
        """The cues that no step could get translated, each with its reason in ``reasons``."""
        left = list(cues)
        for step in steps:
            left = [cue for part in _parts(left, step.size) for cue in self._climb_one(part, step.anchored)]
        failed = {cue.index for cue in left + self._withheld}
        return [cue for cue in cues if cue.index in failed]

    def _climb_one(self, part: Sequence[Cue], anchored: bool) -> List[Cue]:
        """Ask for ``part``; the cues that are worth another step."""
        answer = self._try(part, anchored)
        if answer is None:
            return list(part)
        if answer.withheld and answer.left:
            return self._isolate(answer.left, anchored, alone=answer.alone)
        if answer.too_much and len(answer.left) > 1:
            halves = _parts(answer.left, (len(answer.left) + 1) // 2)
            return [cue for half in halves for cue in self._climb_one(half, anchored)]
        return answer.left

    def _try(self, part: Sequence[Cue], anchored: bool) -> "Optional[_Answer]":
        """What came of asking for ``part``; None where there is no point in asking."""
        in_context = self._in_context
        question = (tuple(cue.index for cue in part), anchored, in_context)
        given_up = self._requests >= MOST_REQUESTS or (self._patience <= 0 and not self._fruitful)
        if given_up or question in self._futile:
            return None
        self._requests += 1
        outcome = self._ask(part, anchored, in_context)
        self.reasons.update(outcome.failed)
        self._fruitful = self._fruitful or bool(outcome.accepted)
        if outcome.error is None and not outcome.accepted:
            self._futile.add(question)  # it was answered in full: the same question would be answered the same way
        # A model's own words in place of the texts are chatter once; when they come again, they are how it declines.
        prose = set(outcome.failed.values()) == {"prose"}
        withheld = isinstance(outcome.error, _WITHHELD) or (prose and self._had_prose)
        self._had_prose = self._had_prose or prose
        if withheld or prose:
            self._in_context = False  # the line that is to blame may be one of those around
        self._patience -= 1 if withheld or prose else 3
        return _Answer(
            left=[cue for cue in part if cue.index not in outcome.accepted],
            withheld=withheld,
            alone=withheld and len(part) == 1 and not in_context,
            too_much=isinstance(outcome.error, TOO_MUCH),
        )

    def _isolate(self, part: Sequence[Cue], anchored: bool, *, alone: bool) -> List[Cue]:
        """Find the cue for which a whole answer is withheld, by halves: about log2(n) requests, one more for the rest.

        Returns what failed for other reasons. ``alone``: it is one cue, and was asked by itself.
        """
        suspects = list(part)
        before: List[Cue] = []
        after: List[Cue] = []
        while len(suspects) > 1:
            half, rest = suspects[: len(suspects) // 2], suspects[len(suspects) // 2 :]
            answer = self._try(half, anchored)
            if answer is None:
                return before + suspects + after
            if answer.withheld and answer.left:
                suspects, after, alone = answer.left, rest + after, answer.alone
            else:
                before, suspects, alone = before + answer.left, rest, False
        if alone:
            self._withheld += suspects
        else:
            before += self._climb_one(suspects, anchored)
        return before + (self._climb_one(after, anchored) if after else [])


@dataclass(frozen=True)
class _Answer:
    """:ivar left: what it did not bring. :ivar withheld: because of some of it. :ivar alone: which is this one cue."""

    left: List[Cue]
    withheld: bool
    alone: bool
    too_much: bool


def _parts(cues: Sequence[Cue], size: int) -> List[List[Cue]]:
    return [list(cues[start : start + size]) for start in range(0, len(cues), size)]
