"""Workers of a job, simulated with exact clocks: how near a plan comes to the shortest time that a film can take."""

import heapq
import random
from dataclasses import dataclass
from typing import Dict, List, Tuple

from translate.plan import Plan


@dataclass(frozen=True)
class Line:
    """A cue as far as a plan looks at it."""

    index: int
    start: float
    end: float


def film(cues: int, *, seed: int = 1, scene_every: int = 7) -> List[Line]:
    """Lines of 1 to 4 s with short pauses between them, and a long one about every ``scene_every`` lines."""
    rng = random.Random(seed)
    lines, clock = [], 5.0
    for index in range(cues):
        seconds = rng.uniform(1.0, 4.0)
        lines.append(Line(index, clock, clock + seconds))
        clock += seconds + (rng.uniform(4.5, 20.0) if rng.random() * scene_every < 1 else rng.uniform(0.1, 2.0))
    return lines


@dataclass(frozen=True)
class Run:
    """What came out: seconds in all, the bound, their ratio, the sizes of the batches, when each cue was there."""

    seconds: float
    bound: float
    sizes: Tuple[int, ...]
    arrivals: Dict[int, float]

    @property
    def ratio(self) -> float:
        return self.seconds / self.bound


def run(
    plan: Plan,
    *,
    parallel: int = 4,
    tokens_per_second: float = 80.0,
    first_token: float = 0.4,
    round_trip: float = 0.04,
    tokens: float = 16.0,
    seed: int = 1,
) -> Run:
    """Let ``parallel`` workers empty ``plan``: an answer takes its latency, then its tokens (about 16 a cue).

    The first request goes alone until its answer begins, as the endpoint's probe does. The bound is the tokens of all
    answers / (rate x workers) + one latency.
    """
    rng = random.Random(seed)
    latency = first_token + round_trip
    free = [0.0] + [latency] * (parallel - 1)
    sizes: List[int] = []
    arrivals: Dict[int, float] = {}
    total = 0.0
    for batch in iter(plan.next, None):
        clock = heapq.heappop(free) + latency
        for index in batch.indices:
            cue = max(3.0, rng.gauss(tokens, tokens * 0.45))
            total += cue
            clock += cue / tokens_per_second
            arrivals[index] = clock
        heapq.heappush(free, clock)
        sizes.append(len(batch.indices))
    return Run(max(free), total / (tokens_per_second * parallel) + latency, tuple(sizes), arrivals)
