"""From a reply to cues: which texts may be kept, told while the reply streams in.

Reading the object is left to ``reply``, what one text shows by itself to ``checks``, whether texts stand at their own
keys to ``shift``. Here the decisions are made; what is asked again is the job's.
"""

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from translate import scripts
from translate.checks import check, letters, tidy
from translate.echoes import Echoes
from translate.languages import Language
from translate.reply import ReplyParser
from translate.shift import Shift

PROVISIONAL, ACCEPTED, FAILED = "provisional", "accepted", "failed"

# A cue is accepted before the reply ends when so many later ones were seen and it is this sure to be in its place.
_LATER = 4
_SURE = 3e-4
# Looking back is done every few cues, and over so many: the price stays linear.
_EVERY = 4
_WINDOW = 24
# At the end: what is doubted more than this, for so many cues in a row, is asked again, and what lies beside it from a
# smaller doubt on. One or two odd cues are no shift yet: they must be doubted more, unless the reply ends oddly too.
_DOUBT = 0.002
_RUN = 3
_DOUBT_SHORT_RUN = 0.02
_DOUBT_BESIDE = 0.0004
# When one text stands at two cues: how much better it must fit the one that keeps it; and what is no fit at all.
_MUCH_BETTER = 8.0
_UNLIKELY = 0.3
# Beside a cue without a text: fits of both sources together and of its own alone at which this one has taken it in.
_MERGED = 0.5

# What a slip leaves at the end of a reply: a model that merged two lines runs out of texts for its last keys (or
# pads them), one that split a line has one too many. Weights of the states -3..3.
_NOTHING_ODD = (0.05, 0.1, 0.3, 1.0, 0.1, 0.05, 0.05)
_TOO_FEW = (0.01, 0.01, 0.02, 0.03, 1.0, 1.0, 1.0)
_TOO_MANY = (1.0, 1.0, 1.0, 0.03, 0.02, 0.01, 0.01)
_NOT_KNOWN = (1.0,) * 7

_NUMBER = re.compile(r"\D{0,6}0*(\d+)\b(.*)", re.DOTALL)


@dataclass(frozen=True)
class Judged:
    """What is known of one cue now.

    :ivar position: 0-based, in the batch.
    :ivar text: the translation, tidied; of a failed cue what came, or ``""``.
    :ivar state: ``provisional`` (may be shown, may still fail), ``accepted`` or ``failed``, which are final.
    :ivar reason: why it failed: a word of ``checks.check``, or ``missing``, ``cut``, ``shifted``, ``merged``,
        ``repeated``, ``not text``, ``prose``, ``html``.
    """

    position: int
    text: str
    state: str
    reason: str = ""


class Aligner:
    """Judges one reply.

    :param sources: the cues that were asked for, and ``tags`` the inline tags of each.
    :param keys: under which they were asked for; ``"1"`` to ``"N"`` when not given.
    :param before: sources of the cues just before the batch, and ``after`` of those behind it, as far as they are
        known: what a reply shows that slipped over the edge.
    :param target: the language asked for, when it is one that we know.
    """

    def __init__(
        self,
        sources: Sequence[str],
        tags: Sequence[Sequence[str]] = (),
        *,
        keys: Sequence[str] = (),
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        target: Optional[Language] = None,
    ) -> None:
        self._sources = list(sources)
        self._tags = [tuple(own) for own in tags] or [()] * len(self._sources)
        self._keys = list(keys) or [str(number) for number in range(1, len(self._sources) + 1)]
        self._positions = {key: at for at, key in enumerate(self._keys)}
        self._script = target.script if target else ""
        self._english = target is not None and target.base == "en"
        self._parser = ReplyParser()
        usual_ratio = scripts.usual_ratio("".join("".join(self._sources).split()), self._script)
        self._shift = Shift(self._sources, before, after, usual_ratio)
        self._echoes = Echoes(self._sources)
        self._texts: List[Optional[str]] = [None] * len(self._sources)
        self._states = [""] * len(self._sources)
        self._reasons = [""] * len(self._sources)
        self._reach = 0
        self._orderly = True
        self._looked_at = 0
        self._first_open = 0
        self._too_many = False
        self._events: List[Judged] = []

    def feed(self, chunk: str) -> List[Judged]:
        """What the next part of the reply tells, in order; a position may come up several times."""
        self._events = []
        for key, text in self._parser.feed(chunk):
            self._take(key, text)
        if self._orderly and self._reach >= self._looked_at + _EVERY:
            self._look_back()
        return self._events

    def finish(self) -> List[Judged]:
        """Decide all that is left; the reply is over, whole or not."""
        self._events = []
        ending = self._parser.finish()
        left = ending.kind if ending.kind in ("html", "prose", "empty") else "missing"
        self._reach = len(self._sources)
        if ending.kind == "cut":
            left = "cut"
            while self._reach and not self._states[self._reach - 1]:
                self._reach -= 1
        self._shift.relearn(self._first_open)
        self._fail_beside(0, self._reach, over=True)
        tail = self._tail(ending.kind)
        self._fail_shifted(self._shift.doubts(0, tail), odd_end=tail in (_TOO_FEW, _TOO_MANY))
        for at, state in enumerate(self._states):
            if state == PROVISIONAL:
                self._decide(at, ACCEPTED)
            elif not state:
                self._decide(at, FAILED, "missing" if left == "cut" and at < self._reach else left)
        return self._events

    # --- one text comes in ---------------------------------------------------------------------------------------

    def _take(self, key: str, raw: Optional[str]) -> None:
        at = self._find(key)
        if at is None:
            return
        if self._states[at]:
            self._take_again(at, raw)
            return
        if at < self._reach:
            self._orderly = False
        self._reach = max(self._reach, at + 1)
        if raw is None:
            self._decide(at, FAILED, "not text")
            return
        source = self._sources[at]
        text = self._texts[at] = tidy(raw, source, self._tags[at])
        self._echoes.note(at, text)
        reason = check(source, text, self._tags[at], key=self._keys[at], script=self._script, english=self._english)
        if reason:
            self._decide(at, FAILED, reason)
            return
        self._shift.put(at, text, told_twice=self._echoes.twin(at) == at - 1)
        self._decide(at, PROVISIONAL)

    def _take_again(self, at: int, raw: Optional[str]) -> None:
        """A key that comes twice: no harm when it says the same, or comes too late."""
        same = raw is not None and tidy(raw, self._sources[at], self._tags[at]) == self._texts[at]
        if self._states[at] == PROVISIONAL and not same:
            self._decide(at, FAILED, "repeated")

    def _find(self, key: str) -> Optional[int]:
        """The position of a key; models write ``01`` or ``cue 1`` and shorten anchors, but the number must be there."""
        at = self._positions.get(key)
        if at is not None:
            return at
        match = _NUMBER.fullmatch(key)
        if match is None:
            return None
        number = int(match.group(1)) if len(match.group(1)) < 7 else 0
        if number > len(self._keys):
            self._too_many = True
        if not 1 <= number <= len(self._keys):
            return None
        anchor, given = letters(self._keys[number - 1].partition(" ")[2]), letters(match.group(2))
        return number - 1 if given[:4] == anchor[: len(given[:4])] else None

    # --- decisions -----------------------------------------------------------------------------------------------

    def _decide(self, at: int, state: str, reason: str = "") -> None:
        self._states[at] = state
        self._reasons[at] = reason
        self._events.append(Judged(at, self._texts[at] or "", state, reason))

    def _look_back(self) -> None:
        """Accept what later texts have confirmed."""
        self._looked_at = self._reach
        while self._first_open < self._reach and self._states[self._first_open] in (ACCEPTED, FAILED):
            self._first_open += 1
        start, end = max(self._first_open, self._reach - _WINDOW), self._reach - _LATER
        if start >= end:
            return
        self._shift.relearn(start)
        self._fail_beside(start, end, over=False)
        for at, doubt in zip(range(start, end), self._shift.doubts(start, _NOT_KNOWN)):
            if self._states[at] == PROVISIONAL and doubt < _SURE and not self._beside_gap(at):
                self._decide(at, ACCEPTED)

    def _fail_shifted(self, doubts: Sequence[float], *, odd_end: bool) -> None:
        at = 0
        while at < len(doubts):
            end = at
            while end < len(doubts) and doubts[end] > _DOUBT:
                end += 1
            if end - at >= _RUN or (end > at and (odd_end or max(doubts[at:end]) > _DOUBT_SHORT_RUN)):
                for position in range(max(0, at - 1), min(len(doubts), end + 1)):
                    if self._states[position] == PROVISIONAL and doubts[position] > _DOUBT_BESIDE:
                        self._decide(position, FAILED, "shifted")
            at = end + 1

    def _tail(self, kind: str) -> Tuple[float, ...]:
        if kind != "whole":
            return _NOT_KNOWN
        if self._too_many:
            return _TOO_MANY
        last = len(self._sources) - 1
        padded = not self._states[last] or self._reasons[last] in ("empty", "repeated")
        return _TOO_FEW if padded else _NOTHING_ODD

    # --- what neighbours tell ------------------------------------------------------------------------------------

    def _fail_beside(self, start: int, end: int, *, over: bool) -> None:
        """Fail what its neighbours show to be wrong; ``over``: no further texts will come."""
        for at in range(start, end):
            if self._states[at] == PROVISIONAL:
                if self._echoes.left_untranslated(at):
                    self._decide(at, FAILED, "untranslated")
                elif self._is_repetition(at):
                    self._decide(at, FAILED, "repeated")
                elif self._took_in(at, at - 1, over=over) or self._took_in(at, at + 1, over=over):
                    self._decide(at, FAILED, "merged")

    def _is_repetition(self, at: int) -> bool:
        """One text for two different cues is right for one of them at most: for that which it fits much better."""
        twin = self._echoes.twin(at)
        if twin is None:
            return False
        fit, other = self._shift.fit(at), self._shift.fit(twin)
        return fit < _MUCH_BETTER * other if self._echoes.is_long(at) else fit < other and fit < _UNLIKELY

    def _took_in(self, at: int, other: int, *, over: bool) -> bool:
        """The cue beside this one has no text, and this one seems to hold both."""
        if not 0 <= other < self._reach or (self._states[other] and self._reasons[other] != "empty"):
            return False
        if not self._states[other] and not over:
            return False
        return self._shift.swallowed(at, other) > _MERGED * self._shift.fit(at)

    def _beside_gap(self, at: int) -> bool:
        return not all(self._states[max(0, at - 1) : at + 2])
