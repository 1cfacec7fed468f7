"""Whether the texts of a reply stand at their own keys, or at those of their neighbours.

A hidden Markov model: the state is how far the reply is off (-3..3 cues), what is seen is how well a text goes with the
sources that it would then render (``evidence``). It says how doubtful each position is; what follows from that is
decided in ``align``.
"""

from typing import List, Optional, Sequence

from translate.evidence import Evidence
from translate.traits import Traits, Vocabulary, halved, joined

FARTHEST = 3
_WIDTH = 2 * FARTHEST + 1
_STATES = range(_WIDTH)
# States into which a merge or a split is looked for; slips farther off are rare enough to go by what follows them.
_SLIPPED_UP = range(FARTHEST, FARTHEST + 3)
_SLIPPED_DOWN = range(FARTHEST - 2, FARTHEST + 1)

# How often a reply slips by one cue, up (a line merged with the next, or left out) or down (split, told twice, made
# up): at any cue, and once a batch. Far more than models do, so that doubt outweighs; set by the share of good replies
# that may be refused (tests/test_align_property.py).
_SLIP = 0.001
_SLIP_BATCH = 0.03
# Slipping by two at once, against by one.
_DOUBLE = 0.2
# Back towards the right place: a model that has lost a line fills its keys by splitting a later one.
_RETURN = 0.03
# A text that is the one before it once more, against one made up in another way.
_TOLD_TWICE = 30.0

Weights = List[float]


class Shift:
    """The texts of one reply against the sources they may belong to.

    :param sources: of the batch, at least one. :param before: sources just before them. :param after: behind them.
    :param usual_ratio: length of a translation for each character of its source, to begin with.
    """

    def __init__(
        self, sources: Sequence[str], before: Sequence[str] = (), after: Sequence[str] = (), usual_ratio: float = 1.0
    ) -> None:
        texts = [*before[-FARTHEST:], *sources, *after[:FARTHEST]]
        self._vocabulary = Vocabulary(texts)
        known = [self._vocabulary.traits(text) for text in texts]
        unknown: List[Optional[Traits]] = [None] * FARTHEST
        # Index at + k is the source that position ``at`` renders in state k; the middle state is its own.
        self._sources = [*unknown[len(before) :], *known, *unknown[len(after) :]]
        self._pairs = [joined(a, b) if a and b else None for a, b in zip(self._sources, self._sources[1:])]
        self._halves = [halved(source) if source else None for source in self._sources]
        self._evidence = Evidence(known, self._vocabulary, usual_ratio)
        self._moves = _Moves(_SLIP + _SLIP_BATCH / len(sources))
        self._texts: List[Optional[Traits]] = [None] * len(sources)
        self._told_twice = [False] * len(sources)
        self._reach = 0
        self._seen = 0
        self._learnt = 0
        self._steps: List[_Step] = []
        self._forward: List[Weights] = []

    def put(self, at: int, text: str, *, told_twice: bool = False) -> None:
        """The text at position ``at``; positions without one say nothing. ``told_twice``: it repeats the one before."""
        self._texts[at] = self._vocabulary.traits(text)
        self._told_twice[at] = told_twice
        self._reach = max(self._reach, at + 1)
        self._seen += 1
        del self._steps[at:], self._forward[at:]

    def relearn(self, start: int) -> None:
        """Weigh the positions from ``start`` on anew, if much more is known of the language than when that was done."""
        if self._seen >= 2 * self._learnt:
            del self._steps[start:], self._forward[start:]
            self._learnt = self._seen
            pairs = zip(self._sources[FARTHEST:], self._texts)
            self._evidence.learn([(source, text) for source, text in pairs if source and text])

    def fit(self, at: int) -> float:
        """How well the text at ``at`` goes with its own source; 0 where there is none."""
        self._advance()
        return self._steps[at].same[FARTHEST] if self._texts[at] else 0.0

    def swallowed(self, at: int, other: int) -> float:
        """How well the text at ``at`` goes with its own source and that of its neighbour ``other`` together."""
        self._advance()
        text = self._texts[at]
        return self._evidence.whole(self._pairs[min(at, other) + FARTHEST], text) if text else 0.0

    def doubts(self, start: int, tail: Sequence[float]) -> List[float]:
        """For each position from ``start`` on: the probability that its text is not just the whole of its own cue.

        :param tail: a weight for each of the states -3..3 that the reply may end in.
        """
        self._advance()
        after: Weights = list(tail)
        whole = after[FARTHEST]
        out = []
        for at in range(len(self._steps) - 1, start - 1, -1):
            step = self._steps[at]
            came_from = self._forward[at - 1][FARTHEST] if at else 1.0
            total = step.scale * sum(a * b for a, b in zip(self._forward[at], after))
            out.append(1.0 - came_from * self._moves.stay[FARTHEST] * step.same[FARTHEST] * whole / total)
            before = _backward(step, after, self._moves)
            scale = 1.0 / sum(before)
            # Without the way down: on it, the text before is only the first half of its cue.
            first_half = self._moves.down[FARTHEST - 1] * step.down[FARTHEST - 1] * after[FARTHEST - 1]
            whole = scale * (before[FARTHEST] - first_half)
            after = [value * scale for value in before]
        out.reverse()
        return out

    def _advance(self) -> None:
        for at in range(len(self._steps), self._reach):
            step = self._step(at)
            ahead = _forward(step, self._forward[-1] if at else _ALIGNED, self._moves)
            step.scale = sum(ahead)
            self._steps.append(step)
            self._forward.append([value / step.scale for value in ahead])

    def _step(self, at: int) -> "_Step":
        text = self._texts[at]
        if text is None:
            return _Step(_NOTHING_SEEN, _NOTHING_SEEN, _NOTHING_SEEN)
        whole = self._evidence.whole
        same = [whole(self._sources[at + k], text) for k in _STATES]
        # Up: the line in between is merged into this text, or left out.
        up = list(same)
        for k in _SLIPPED_UP:
            up[k] = 0.5 * (same[k] + whole(self._pairs[at + k - 1], text))
        # Down: this text is the second half of what the one before began, or comes from nowhere.
        made_up = 0.5 * (_TOLD_TWICE if self._told_twice[at] else 1.0)
        down = [made_up + 0.5] * _WIDTH
        for k in _SLIPPED_DOWN:
            down[k] = made_up + 0.5 * self._split(at, k, text)
        return _Step(same, up, down)

    def _split(self, at: int, k: int, text: Traits) -> float:
        """For this text and the one before being the halves of one line: instead of what that one told by itself."""
        first, half = self._texts[at - 1] if at else None, self._halves[at + k]
        if first is None or half is None:
            return 1.0
        return self._evidence.halves(half, first, text) / self._steps[at - 1].same[k + 1]


class _Step:
    """What one text tells: for each state, the factor of staying in it, and of coming to it from below or above.

    ``scale`` is the sum of the weights that it leads to, before they are made to sum to 1.
    """

    __slots__ = ("down", "same", "scale", "up")

    def __init__(self, same: Weights, up: Weights, down: Weights) -> None:
        self.same = same
        self.up = up
        self.down = down
        self.scale = 1.0


class _Moves:
    """The probability of each way to come to a state: from itself, from one or two below, from one or two above."""

    def __init__(self, slip: float) -> None:
        off = range(-FARTHEST, FARTHEST + 1)
        self.up = [_RETURN if to <= 0 else slip for to in off]
        self.down = [_RETURN if to >= 0 else slip for to in off]
        self.twice = slip * _DOUBLE
        self.stay = [
            1.0 - 2 * self.twice - (slip if at >= 0 else _RETURN) - (slip if at <= 0 else _RETURN) for at in off
        ]


_ALIGNED = [0.0] * FARTHEST + [1.0] + [0.0] * FARTHEST
_NOTHING_SEEN = [1.0] * _WIDTH


def _forward(step: _Step, f: Weights, moves: _Moves) -> Weights:
    """The weights of the states after ``step``, from those before it."""
    f = [0.0, 0.0, *f, 0.0, 0.0]
    return [
        same * (stay * f[k + 2] + moves.twice * f[k])
        + up * moves.up[k] * f[k + 1]
        + down * (moves.down[k] * f[k + 3] + moves.twice * f[k + 4])
        for k, same, up, down, stay in zip(_STATES, step.same, step.up, step.down, moves.stay)
    ]


def _backward(step: _Step, b: Weights, moves: _Moves) -> Weights:
    """The weights of the states before ``step``, from those after it."""
    same = [0.0, 0.0, *(a * c for a, c in zip(step.same, b)), 0.0, 0.0]
    up = [*(a * c * d for a, c, d in zip(step.up, b, moves.up)), 0.0]
    down = [a * c for a, c in zip(step.down, b)]
    one_down = [0.0, *(a * c for a, c in zip(down, moves.down))]
    down = [0.0, 0.0, *down]
    return [
        stay * same[k + 2] + moves.twice * (same[k + 4] + down[k]) + up[k + 1] + one_down[k]
        for k, stay in zip(_STATES, moves.stay)
    ]
