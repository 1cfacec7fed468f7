"""What is asked next: which cues go together in a batch, how many of them, and in which order from the playhead.

It owns sizes and order, and knows which cues are given out. What becomes of a batch and of the cues that fail is the
job's business; how fast requests may follow each other is core/rate_limit.py.
"""

import math
import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import Collection, Iterable, List, Optional, Protocol, Sequence, Tuple

#: The sizes of batches. Few, since a provider compiles each new schema at its first use; each of the larger ones has a
#: neighbour within 60 %, so that a batch may end with a scene. Only the end of a run of cues makes another size.
SIZES = (4, 12, 20, 40, 60, 80, 100)
#: How batches grow from the playhead on: the first is on the screen soon, the later ones cost little a cue.
GROWTH = (4, 12, 40, 100)
#: The largest batch when requests are scarce: some 7,000 tokens of answer, which most models still give in one piece.
MOST = 400

SCENE_GAP = 4.0  # seconds without a cue that count as a change of scene
LINES_BEFORE = 4
LINES_AFTER = 2

_CONTEXT_GAP = 30.0  # seconds without a cue after which a line says nothing about the next
_SCENE_SHARE = 0.6  # of the wished size is the least a batch is cut to for the sake of a scene
_HOLE = 4  # cues that are done already, between two that are not, and still one batch
_URGENT = 60.0  # seconds of film from the playhead on: what starts within them starts with small batches again
# Towards the end no batch is larger than what is left / (workers x this), so that all end about together. Smaller ones
# would cost more in latency than they save: found by simulation (tests/test_plan.py); 0.65 to 0.8 are about the same.
_SHARE = 0.75
_LEAST_AT_END = 12


class Timed(Protocol):
    """What a plan needs to know of a cue: its number, and when it is on the screen in seconds."""

    @property
    def index(self) -> int: ...

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


@dataclass(frozen=True)
class Batch:
    """Cues for one request, by index, in the order of the film.

    :ivar kind: ``"first"`` from the playhead after a start or a seek, ``"ahead"`` of it, or ``"behind"`` it.
    """

    indices: Tuple[int, ...]
    kind: str


class Plan:
    """Gives out batches from the playhead to the end of the film, then from its beginning; thread-safe.

    :param cues: the lines of the film, in any order; all of them serve as context.
    :param todo: indices of those to translate; all when None.
    :param parallel: how many workers share the film.
    :param position: the playhead, seconds into the film.
    :param requests: at most this many batches are wanted for all of it, whatever their size (up to ``MOST`` cues).
    """

    def __init__(
        self,
        cues: Iterable[Timed],
        *,
        todo: Optional[Collection[int]] = None,
        parallel: int = 4,
        position: float = 0.0,
        requests: Optional[int] = None,
    ) -> None:
        # A place is a position in the order of time; files are not always in that order.
        ordered = sorted(cues, key=lambda cue: (cue.start, cue.index))
        self._indices = [cue.index for cue in ordered]
        self._starts = [cue.start for cue in ordered]
        self._ends = [cue.end for cue in ordered]
        self._places = {index: place for place, index in enumerate(self._indices)}
        wanted = self._places if todo is None else frozenset(todo)
        self._open = bytearray(index in wanted for index in self._indices)
        self._parallel = max(1, parallel)
        self._requests = requests
        self._limit = MOST
        self._lock = threading.Lock()
        self._step = 0
        self._playhead = self._place_at(position)

    def __len__(self) -> int:
        """Cues that are not given out (or were put back)."""
        return self._open.count(1)

    def __repr__(self) -> str:
        return f"<Plan {len(self)} of {len(self._indices)} cues left>"

    @property
    def done(self) -> bool:
        """Nothing is left to give out; what is given out may still be put back."""
        return 1 not in self._open

    def seek(self, position: float) -> None:
        """Go on from ``position`` (seconds); batches start small again when what is needed soon is not given out."""
        with self._lock:
            self._playhead = self._place_at(position)
            place = self._open.find(1, self._playhead)
            if place >= 0 and self._starts[place] <= position + _URGENT:
                self._step = 0

    def limit(self, cues: int) -> None:
        """Make no batch larger than this from now on: the answer to a larger one was cut off."""
        with self._lock:
            fitting = max((size for size in SIZES if size <= cues), default=max(1, cues))
            self._limit = min(self._limit, fitting)

    def share(self, parallel: int) -> None:
        """So many workers share the film from now on."""
        with self._lock:
            self._parallel = max(1, parallel)

    def put_back(self, indices: Iterable[int]) -> None:
        """Give these cues out again; those that are not of this plan are ignored."""
        with self._lock:
            for index in indices:
                if index in self._places:
                    self._open[self._places[index]] = 1

    def next(self) -> Optional[Batch]:
        """The batch to ask for now, or None when every cue is given out."""
        with self._lock:
            places, kind = self._take()
            if not places:
                return None
            for place in places:
                self._open[place] = 0
            self._step += 1
            if self._requests is not None:
                self._requests = max(1, self._requests - 1)
            return Batch(tuple(self._indices[place] for place in places), kind)

    def around(self, indices: Sequence[int]) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
        """The lines before the first of these cues, nearest last, and those behind the last one, as context."""
        first, last = self._places[indices[0]], self._places[indices[-1]]
        before = self._context(range(first - 1, -1, -1), first, LINES_BEFORE)[::-1]
        return before, self._context(range(last + 1, len(self._indices)), last, LINES_AFTER)

    # --- order ------------------------------------------------------------------------------------------------------

    def _place_at(self, position: float) -> int:
        """The place of the cue on the screen at ``position``, else of the next one."""
        place = bisect_right(self._starts, position)
        while place > 0 and self._ends[place - 1] > position:
            place -= 1
        return place

    def _take(self) -> Tuple[List[int], str]:
        end = len(self._indices)
        ahead, behind = self._open.count(1, self._playhead), self._open.count(1, 0, self._playhead)
        size, scarce = self._size(ahead, behind)
        places: List[int] = []
        if ahead:
            places = self._run(self._playhead, end, size, scarce=scarce)
        if not ahead or self._requests == 1:
            # The last request has to hold both parts; the answer streams, so what lies ahead goes first.
            places += self._run(0, self._playhead, max(0, size - len(places)), scarce=scarce)
        return places, "behind" if not ahead else "first" if self._step == 0 else "ahead"

    def _size(self, ahead: int, behind: int) -> Tuple[int, bool]:
        """The wished size, and whether it is forced by the number of requests."""
        easy = _easy_size(self._step, ahead + behind, self._parallel)
        needed = 0 if self._requests is None else _scarce_size(ahead, behind, self._requests)
        return min(max(easy, needed), self._limit), needed > easy

    def _run(self, start: int, end: int, size: int, *, scarce: bool) -> List[int]:
        """The open places of one batch: neighbours, up to a change of scene where one of the sizes allows it."""
        places: List[int] = []
        # A little more than asked for shows whether a rest would remain that is not worth a request.
        spare = min(SIZES[0] - 1, self._limit - size)
        place = self._open.find(1, start, end)
        while place >= 0 and len(places) <= size + spare:
            if places and place - places[-1] > _HOLE + 1 and not scarce:
                break
            places.append(place)
            place = self._open.find(1, place + 1, end)
        if len(places) <= size + spare:
            return places
        return places[: size if scarce else self._cut(places, size)]

    def _cut(self, places: Sequence[int], size: int) -> int:
        """The largest of the sizes near ``size`` after which the scene changes, else ``size``."""
        for candidate in reversed(SIZES):
            if size * _SCENE_SHARE <= candidate <= size and self._gap(places[candidate]) >= SCENE_GAP:
                return candidate
        return size

    def _gap(self, place: int) -> float:
        """Seconds without a cue before the one at ``place``."""
        return self._starts[place] - self._ends[place - 1]

    def _context(self, places: Iterable[int], edge: int, most: int) -> Tuple[int, ...]:
        """Indices of the lines at ``places``, going away from ``edge``, as far as no long silence parts them."""
        found: List[int] = []
        for place in places:
            if len(found) == most or self._gap(max(place, edge)) > _CONTEXT_GAP:
                break
            found.append(self._indices[place])
            edge = place
        return tuple(found)


def sizes_for(cues: int, parallel: int, requests: Optional[int] = None) -> Tuple[int, ...]:
    """The sizes of the batches of a film that is begun at its beginning, scenes apart: what an estimate needs."""
    sizes: List[int] = []
    while cues > 0:
        size = _easy_size(len(sizes), cues, parallel)
        if requests is not None:
            size = min(MOST, max(size, _scarce_size(cues, 0, requests - len(sizes))))
        if cues < size + SIZES[0]:
            size = cues
        sizes.append(size)
        cues -= size
    return tuple(sizes)


def requests_for_film(requests_per_day: int, left_today: int) -> int:
    """How many requests one film may plan with: a fifth of a day's: a day has other films, repairs and seeks."""
    return max(1, min(left_today, requests_per_day // 5))


def _easy_size(step: int, cues: int, parallel: int) -> int:
    """The wished size when requests cost nothing but their latency: growing at first, a fair share towards the end."""
    growth = GROWTH[min(step, len(GROWTH) - 1)]
    share = max(_LEAST_AT_END, cues / (parallel * _SHARE))
    return max(size for size in SIZES if size <= min(growth, share))


def _scarce_size(ahead: int, behind: int, requests: int) -> int:
    """The least size with which ``requests`` batches cover both parts; only the last may reach into both."""
    if requests <= 1:
        return ahead + behind
    if not ahead or not behind:
        return math.ceil((ahead + behind) / requests)
    own = round(requests * ahead / (ahead + behind))
    return math.ceil(ahead / max(1, min(own, requests - 1)))
