"""Over many replies with stated noise and faults: what is accepted is right, and what is good is not refused.

The replies come from reply_model.py, which knows nothing of the checker.
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, List, Tuple

import pytest
import reply_model as model

from translate.align import ACCEPTED, FAILED, Aligner, Judged
from translate.languages import find

SIZES = (4, 12, 40, 100)
# Two replies of five are good.
KINDS = [*model.GOOD] * 4 + [*model.FAULTS]
LANGUAGES = {"es": find("es"), "ru": find("ru"), "zh": find("zh-Hans")}


@dataclass
class Tally:
    """Counts over some replies; ``runs`` are replies of which three shifted cues in a row or more were accepted."""

    replies: int = 0
    refused: int = 0
    cues: int = 0
    accepted: int = 0
    early: int = 0
    wrong: int = 0
    right: int = 0
    right_failed: int = 0
    runs: int = 0

    def line(self) -> str:
        return (
            f"{self.replies:6} replies, {self.refused / self.replies:7.2%} with a failed cue; "
            f"{self.accepted:7} cues accepted, {self.early / max(1, self.accepted):4.0%} early, {self.wrong:3} wrong "
            f"({self.wrong / max(1, self.accepted):.3%}), {self.runs} runs; "
            f"{self.right_failed / max(1, self.right):6.2%} of the right ones failed"
        )


def judge(rng: random.Random, scene: model.Scene, reply: model.Reply) -> Tuple[List[Judged], int]:
    """All that is told of a reply, streamed in chunks, and how many cues were accepted before its end."""
    aligner = Aligner(
        [line.text for line in scene.lines],
        [line.tags for line in scene.lines],
        before=scene.before,
        after=scene.after,
        target=LANGUAGES[scene.language.code],
    )
    events: List[Judged] = []
    start = 0
    while start < len(reply.text):
        end = start + rng.randrange(1, 60)
        events += aligner.feed(reply.text[start:end])
        start = end
    return events + aligner.finish(), sum(event.state == ACCEPTED for event in events)


def count(tally: Tally, reply: model.Reply, events: List[Judged], early: int, size: int) -> None:
    accepted = {event.position for event in events if event.state == ACCEPTED}
    failed = {event.position for event in events if event.state == FAILED}
    assert len(accepted) + len(failed) == size
    assert not accepted & failed
    longest = run = 0
    for position in range(size):
        run = run + 1 if position in accepted and position in reply.shifted else 0
        longest = max(longest, run)
    tally.replies += 1
    tally.refused += bool(failed)
    tally.cues += size
    tally.accepted += len(accepted)
    tally.early += early
    tally.wrong += len(accepted - set(reply.right))
    tally.right += len(reply.right)
    tally.right_failed += len(failed & set(reply.right))
    tally.runs += longest >= 3


def measure(seed: int, replies: int) -> Dict[Tuple[str, object], Tally]:
    rng = random.Random(seed)
    tallies: Dict[Tuple[str, object], Tally] = defaultdict(Tally)
    for number in range(replies):
        size = SIZES[number % len(SIZES)]
        scene = model.scene(rng, size)
        kind = rng.choice(KINDS)
        reply = model.reply(rng, kind, scene)
        events, early = judge(rng, scene, reply)
        goodness = "good" if reply.good else "faulty"
        for group in (("all", ""), ("all", goodness), (f"{size:3} cues", goodness), ("kind", kind)):
            count(tallies[group], reply, events, early, size)
    return tallies


def check_targets(tallies: Dict[Tuple[str, object], Tally]) -> None:
    everything, good = tallies["all", ""], tallies["all", "good"]
    assert everything.runs == 0, "a run of three shifted cues was accepted"
    assert everything.wrong <= 0.001 * everything.accepted
    assert good.refused <= 0.01 * good.replies


def test_some_replies_with_every_fault() -> None:
    check_targets(measure(1, 300))


@pytest.mark.long
def test_ten_thousand_replies_with_every_fault() -> None:
    tallies = measure(2, 10_000)
    for group in sorted(tallies, key=str):
        print(f"{' '.join(map(str, group)):28}{tallies[group].line()}")
    check_targets(tallies)
