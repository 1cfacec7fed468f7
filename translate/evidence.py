"""What it is worth that a text and a source agree, or do not, in what ``traits`` compares.

All values are likelihood ratios: how much likelier the text is as a translation of that source than as one of any cue
of the same dialogue. Every part is a mixture, "with some fidelity it is kept, else it is as in any cue", so rare
agreements tell much, common ones little, and no single part can decide.
"""

import math
from collections import Counter
from statistics import median
from typing import Dict, List, Optional, Sequence, Tuple

from translate.traits import Shape, Traits, Vocabulary

# How faithfully each part of the shape comes through, as in translated films (end mark 0.95-0.99, commas 0.83-0.92)
# but lower, since languages differ and the parts depend on each other. Line breaks are the model's whim.
_FIDELITY = (0.9, 0.8, 0.6, 0.4, 0.9, 0.95, 0.95, 0.9, 0.97)
_NUMBER_KEPT = 0.93
# Names are translated ("Dad", "Germany") or written by ear: how many are kept is learnt from the reply, up to this.
_NAMES_KEPT = 0.9
# Words that happen to be alike: 4-6 % between English and German, 0.5 % by chance.
_WORD_KEPT = 0.05
# A name or number that the source does not have.
_ADDED = 0.03
# A right translation may be unlike its source in everything: one odd cue is no shift.
_ODD = 0.02

# Variance of ln(length ratio) around its mean: a constant part and one that short cues add. (Films: 0.03-0.06.)
_SPREAD = 0.045
_SPREAD_SHORT = 0.25
# More of it for the halves of a split line, since it is split anywhere about its middle.
_SPREAD_HALF = 0.1
# Variance that any cue has at least: sources of one length leave nothing to compare.
_SPREAD_OF_ANY = 0.15
# The usual length ratio counts like so many cues of the reply.
_USUAL = 3

_KINDS = 4  # of ends, sentences, commas, lines; a flag has two

# A part of the shape that is distributed otherwise in the texts than in the sources, by so much of all cues, is written
# otherwise in that language (Thai has no full stops); a shift leaves the distribution as it is. So few cues tell that.
_OTHERWISE = 0.6
_TELLING = 4


class Evidence:
    """Weighs texts against the ``sources`` of one dialogue.

    :param usual_ratio: the length ratio to be expected before any text is known.
    """

    def __init__(self, sources: Sequence[Traits], vocabulary: Vocabulary, usual_ratio: float) -> None:
        self._usual = math.log(usual_ratio)
        self._ratio = self._usual
        self._names_kept = _NAMES_KEPT
        self._vocabulary = vocabulary
        self._rewards = [
            _rewards([source.shape[part] for source in sources], kept) for part, kept in enumerate(_FIDELITY)
        ]
        self._mean = sum(source.size for source in sources) / len(sources)
        self._variance = sum((source.size - self._mean) ** 2 for source in sources) / len(sources) + _SPREAD_OF_ANY
        self._steep_of_any = 0.5 / self._variance
        self._fidelity: Tuple[float, ...] = _FIDELITY
        self._spreads: Dict[Tuple[float, float], Tuple[float, float]] = {}
        self._shapes: Dict[Tuple[Shape, Shape], float] = {}

    def learn(self, pairs: Sequence[Tuple[Traits, Traits]]) -> None:
        """Take from (source, text) pairs what a shift hardly moves: length ratio, kept names, marks in use."""
        off = [text.size - source.size for source, text in pairs]
        self._ratio = (median(off) * len(off) + self._usual * _USUAL) / (len(off) + _USUAL) if off else self._usual
        there = sum(len(source.anchors) for source, _ in pairs)
        kept = sum(len(text.anchors) for _, text in pairs)
        self._names_kept = min(_NAMES_KEPT, (kept + 2 * _NAMES_KEPT) / (there + 2))
        self._fidelity = tuple(
            0.0 if _written_otherwise([(source.shape[part], text.shape[part]) for source, text in pairs]) else usual
            for part, usual in enumerate(_FIDELITY)
        )
        self._shapes.clear()

    def whole(self, source: Optional[Traits], text: Traits) -> float:
        """For the text being the translation of the source; 1 for a source that is not known."""
        if source is None:
            return 1.0
        factor = self._shape(source.shape, text.shape) * self._length(source, text, 0.0)
        if source.anchors or text.anchors or text.words:
            factor *= self._words(source, text)
        return (1.0 - _ODD) * factor + _ODD

    def halves(self, half: Traits, first: Traits, second: Traits) -> float:
        """For two texts being the halves of one line; ``half`` has the traits that its second half should have."""
        lengths = self._length(half, first, _SPREAD_HALF) * self._length(half, second, _SPREAD_HALF)
        return self._shape(half.shape, second.shape) * lengths

    def _length(self, source: Traits, text: Traits, more: float) -> float:
        found = self._spreads.get((source.length, more))
        if found is None:
            spread = _SPREAD + more + _SPREAD_SHORT / source.length
            found = self._spreads[source.length, more] = (math.sqrt(self._variance / spread), 0.5 / spread)
        peak, steep = found
        off = text.size - self._ratio - source.size
        off_any = text.size - self._ratio - self._mean
        return peak * math.exp(off_any * off_any * self._steep_of_any - off * off * steep)

    def _shape(self, source: Shape, text: Shape) -> float:
        factor = self._shapes.get((source, text))
        if factor is None:
            factor = 1.0
            for reward, kept, a, b in zip(self._rewards, self._fidelity, source, text):
                factor *= 1.0 if kept == 0.0 else reward[b] if a == b else 1.0 - kept
            self._shapes[source, text] = factor
        return factor

    def _words(self, source: Traits, text: Traits) -> float:
        factor = 1.0
        frequency = self._vocabulary.frequency
        for word in source.anchors:
            kept = _NUMBER_KEPT if word in self._vocabulary.numbers else self._names_kept
            common = frequency[word]
            factor *= kept / common + 1.0 - kept if word in text.anchors else 1.0 - kept * (1.0 - common)
        for word in text.anchors - source.anchors:
            factor *= min(1.0, _ADDED / frequency[word])
        for word in text.words & source.words:
            factor *= _WORD_KEPT / frequency[word] + 1.0 - _WORD_KEPT
        return factor


def _written_otherwise(pairs: Sequence[Tuple[int, int]]) -> bool:
    """Whether one part of the shape is distributed otherwise in the texts than in their sources."""
    if len(pairs) < _TELLING:
        return False
    excess = Counter(source for source, _ in pairs)
    excess.subtract(text for _, text in pairs)
    return sum(count for count in excess.values() if count > 0) > _OTHERWISE * len(pairs)


def _rewards(values: List[int], kept: float) -> List[float]:
    """For each kind, what agreement in it is worth: the more, the rarer it is in these sources."""
    counts = [0.5] * _KINDS
    for value in values:
        counts[value] += 1.0
    total = len(values) + 0.5 * _KINDS
    return [kept * total / count + 1.0 - kept for count in counts]
