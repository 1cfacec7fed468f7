"""What is done about cues that failed: repairs, isolation of the one that is withheld, and when to stop paying."""

import math
from typing import Callable, List, Sequence, Set, Tuple

import pytest

from core.errors import BlockedError, SubAIError
from translate.asking import Outcome
from translate.documents import Cue
from translate.ladder import MOST_REQUESTS, Climb


def cues(count: int) -> List[Cue]:
    return [Cue(index=n, start=float(n), end=n + 0.5, text=f"line {n}", tags=(), skip="") for n in range(count)]


class Model:
    """Answers by rule and remembers what it was asked."""

    def __init__(self, answer: Callable[[Sequence[Cue], int], Outcome]) -> None:
        self._answer = answer
        self.asked: List[Tuple[Tuple[int, ...], bool]] = []

    def __call__(self, part: Sequence[Cue], anchored: bool) -> Outcome:
        self.asked.append((tuple(cue.index for cue in part), anchored))
        return self._answer(part, len(self.asked))


def translating_all_but(refused: Set[int]) -> Callable[[Sequence[Cue], int], Outcome]:
    def answer(part: Sequence[Cue], _: int) -> Outcome:
        accepted = {cue.index: "x" for cue in part if cue.index not in refused}
        return Outcome(accepted=accepted, failed={cue.index: "empty" for cue in part if cue.index in refused})

    return answer


def withholding_whole_answers_for(culprits: Set[int]) -> Callable[[Sequence[Cue], int], Outcome]:
    def answer(part: Sequence[Cue], _: int) -> Outcome:
        if culprits.intersection(cue.index for cue in part):
            error: SubAIError = BlockedError("blocked")
            return Outcome(failed={cue.index: "missing" for cue in part}, error=error)
        return Outcome(accepted={cue.index: "x" for cue in part})

    return answer


def test_a_good_answer_costs_one_request_with_plain_keys() -> None:
    model = Model(translating_all_but(set()))
    assert Climb(model).run(cues(40)) == []
    assert model.asked == [(tuple(range(40)), False)]


def test_only_what_failed_is_asked_again_with_anchored_keys() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        return translating_all_but({7, 8} if number == 1 else set())(part, number)

    model = Model(answer)
    assert Climb(model).run(cues(12)) == []
    assert model.asked == [(tuple(range(12)), False), ((7, 8), True)]


def test_a_cue_that_never_comes_is_asked_alone_in_the_end_and_left_with_its_reason() -> None:
    model = Model(translating_all_but({3}))
    climb = Climb(model)
    assert [cue.index for cue in climb.run(cues(4))] == [3]
    assert climb.reasons == {3: "empty"}
    assert model.asked[-1] == ((3,), False)


@pytest.mark.parametrize("size", [2, 4, 12, 40, 100])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.99])
def test_a_blocked_cue_is_found_in_log2_n_plus_2_requests_and_all_others_are_translated(
    size: int, place: float
) -> None:
    culprit = int(place * size)
    model = Model(withholding_whole_answers_for({culprit}))
    climb = Climb(model)
    assert [cue.index for cue in climb.run(cues(size))] == [culprit]
    assert climb.reasons[culprit] == "blocked"
    assert len(model.asked) - 1 <= math.ceil(math.log2(size)) + 2


def test_two_blocked_cues_are_both_found() -> None:
    model = Model(withholding_whole_answers_for({5, 31}))
    assert sorted(cue.index for cue in Climb(model).run(cues(40))) == [5, 31]


def test_what_came_before_a_stream_was_withheld_is_not_asked_again() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        if number == 1:
            return Outcome(
                accepted={0: "x", 1: "x"}, failed=dict.fromkeys(range(2, 8), "missing"), error=BlockedError("blocked")
            )
        return withholding_whole_answers_for({2})(part, number)

    model = Model(answer)
    assert [cue.index for cue in Climb(model).run(cues(8))] == [2]
    assert not any({0, 1}.intersection(asked) for asked, _ in model.asked[1:])


def test_a_model_that_gives_nothing_is_not_paid_for_ever() -> None:
    model = Model(translating_all_but(set(range(100))))
    assert len(Climb(model).run(cues(100))) == 100
    assert len(model.asked) == MOST_REQUESTS
