"""What is done about cues that failed: asked again in ever smaller parts, isolated, sent elsewhere, or kept.

The ladder is climbed by whoever took the batch, so a hole near the playhead is mended before later scenes are asked.
"""

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence

from core.errors import BlockedError, RefusalError
from translate.asking import Outcome
from translate.documents import Cue


@dataclass(frozen=True)
class Step:
    """How the cues that are left are asked: at most ``size`` together, with anchored keys or plain ones."""

    size: int
    anchored: bool


#: The first repair asks all that failed together: most failures are of the answer, not of the cue. A lone cue is asked
#: twice, since the model's mood is all that is left to change.
LADDER = (Step(1000, False), Step(1000, True), Step(12, True), Step(4, True), Step(1, False), Step(1, False))

#: What a second route is asked for what the first could not: together, then each alone.
SECOND_LADDER = (Step(40, True), Step(1, False))

#: Requests that one batch may cost before what is left keeps its source: nobody wants to pay for a model that cannot.
MOST_REQUESTS = 24

Ask = Callable[[Sequence[Cue], bool], Outcome]


class Climb:
    """One batch on its way up the ladder.

    :param ask: asks some cues once, anchored or not.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._requests = 0
        self.reasons: Dict[int, str] = {}
        self.withheld: List[Cue] = []

    def run(self, cues: Sequence[Cue], steps: Sequence[Step] = LADDER) -> List[Cue]:
        """The cues that no step could get translated, each with its reason in ``reasons``."""
        left = list(cues)
        for step in steps:
            if not left:
                break
            left = [cue for part in _parts(left, step.size) for cue in self._climb_one(part, step.anchored)]
        return left + self.withheld

    def _climb_one(self, part: Sequence[Cue], anchored: bool) -> List[Cue]:
        outcome = self._try(part, anchored)
        if outcome is None:
            return list(part)
        left = [cue for cue in part if cue.index not in outcome.accepted]
        if left and isinstance(outcome.error, (BlockedError, RefusalError)):
            return self._isolate(left, anchored)
        return left

    def _try(self, part: Sequence[Cue], anchored: bool) -> Optional[Outcome]:
        if self._requests >= MOST_REQUESTS:
            return None
        self._requests += 1
        outcome = self._ask(part, anchored)
        self.reasons.update(outcome.failed)
        return outcome

    def _isolate(self, part: Sequence[Cue], anchored: bool) -> List[Cue]:
        """Find the cue for which the whole answer is withheld, by halves: about log2(n) requests, one more for the rest.

        Returns what failed for other reasons; the culprit is added to ``withheld``.
        """
        suspects = list(part)
        aside: List[Cue] = []
        left: List[Cue] = []
        while len(suspects) > 1:
            half = suspects[: len(suspects) // 2]
            outcome = self._try(half, anchored)
            if outcome is None:
                return left + suspects + aside
            missed = [cue for cue in half if cue.index not in outcome.accepted]
            if isinstance(outcome.error, (BlockedError, RefusalError)):
                aside = suspects[len(half) :] + aside
                suspects = missed or half[-1:]
            else:
                left += missed
                suspects = suspects[len(half) :]
        self.reasons[suspects[0].index] = "blocked"
        self.withheld += suspects
        return left + (self._climb_one(aside, anchored) if aside else [])


def _parts(cues: Sequence[Cue], size: int) -> List[Sequence[Cue]]:
    return [cues[start : start + size] for start in range(0, len(cues), size)]
