"""What is done about cues that failed: repairs, isolation of the one that is withheld, and when to stop paying."""

import math
from typing import Callable, List, Sequence, Set, Tuple, Type

import pytest

from core.errors import AnswerError, BlockedError, ConnectionDroppedError, LengthError, RefusalError
from translate.asking import Outcome
from translate.documents import Cue
from translate.ladder import LADDER, MOST_REQUESTS, PATIENCE, SECOND_LADDER, Climb


def cues(count: int) -> List[Cue]:
    return [Cue(index=n, start=float(n), end=n + 0.5, text=f"line {n}", tags=(), skip="") for n in range(count)]


class Model:
    """Answers by rule and remembers what it was asked."""

    def __init__(self, answer: Callable[[Sequence[Cue], int], Outcome]) -> None:
        self._answer = answer
        self.asked: List[Tuple[Tuple[int, ...], bool]] = []

    def __call__(self, part: Sequence[Cue], anchored: bool, in_context: bool) -> Outcome:
        self.asked.append((tuple(cue.index for cue in part), anchored))
        return self._answer(part, len(self.asked))


def translating_all_but(refused: Set[int]) -> Callable[[Sequence[Cue], int], Outcome]:
    def answer(part: Sequence[Cue], _: int) -> Outcome:
        accepted = {cue.index: "x" for cue in part if cue.index not in refused}
        return Outcome(accepted=accepted, failed={cue.index: "empty" for cue in part if cue.index in refused})

    return answer


def withholding_whole_answers_for(
    culprits: Set[int], error: Type[AnswerError] = BlockedError
) -> Callable[[Sequence[Cue], int], Outcome]:
    def answer(part: Sequence[Cue], _: int) -> Outcome:
        if culprits.intersection(cue.index for cue in part):
            return Outcome(failed={cue.index: error.reason for cue in part}, answered=True, error=error("no"))
        return Outcome(accepted={cue.index: "x" for cue in part}, answered=True)

    return answer


def answering_at_most(most: int) -> Callable[[Sequence[Cue], int], Outcome]:
    """Stops at the output limit after so many cues."""

    def answer(part: Sequence[Cue], _: int) -> Outcome:
        accepted = {cue.index: "x" for cue in part[:most]}
        failed = {cue.index: "length" for cue in part[most:]}
        return Outcome(accepted=accepted, failed=failed, error=LengthError("too long") if failed else None)

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


def test_a_cue_that_never_comes_is_asked_twice_by_itself_and_left_with_its_reason() -> None:
    model = Model(translating_all_but({3}))
    climb = Climb(model)
    assert [cue.index for cue in climb.run(cues(4))] == [3]
    assert climb.reasons == {3: "empty"}
    assert model.asked == [((0, 1, 2, 3), False), ((3,), True), ((3,), False)]


def test_what_keeps_failing_is_asked_in_ever_smaller_parts() -> None:
    model = Model(translating_all_but(set(range(20))))
    assert len(Climb(model).run(cues(21))) == 20
    assert [len(asked) for asked, _ in model.asked] == [21, 20, 12, 8, 4, 4, 4, 4, 4] + [1] * 20


def test_an_answer_that_broke_off_is_asked_for_again_in_the_same_way() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        if number <= 3:
            return Outcome(failed={cue.index: "dropped" for cue in part}, error=ConnectionDroppedError("gone"))
        return translating_all_but(set())(part, number)

    model = Model(answer)
    assert Climb(model).run(cues(8)) == []
    assert [len(asked) for asked, _ in model.asked] == [8, 8, 8, 4, 4]


@pytest.mark.parametrize("size", [2, 3, 4, 12, 40, 100, 400])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("error", [BlockedError, RefusalError])
def test_a_withheld_cue_is_found_in_log2_n_plus_2_requests_and_all_others_are_translated(
    size: int, place: float, error: Type[AnswerError]
) -> None:
    culprit = int(place * size)
    model = Model(withholding_whole_answers_for({culprit}, error))
    climb = Climb(model)
    assert [cue.index for cue in climb.run(cues(size))] == [culprit]
    assert climb.reasons[culprit] == error.reason
    assert ((culprit,), False) in model.asked, "it was condemned without having been asked by itself"
    assert len(model.asked) - 1 <= math.ceil(math.log2(size)) + 2


@pytest.mark.parametrize("culprits", [{0, 1}, {5, 31, 32, 90}, {97, 98, 99}])
def test_several_blocked_cues_are_all_found(culprits: Set[int]) -> None:
    model = Model(withholding_whole_answers_for(culprits))
    assert {cue.index for cue in Climb(model).run(cues(100))} == culprits


def test_ten_blocked_cues_among_a_hundred_cost_no_other() -> None:
    culprits = set(range(3, 100, 10))
    model = Model(withholding_whole_answers_for(culprits))
    assert {cue.index for cue in Climb(model).run(cues(100))} == culprits
    assert len(model.asked) < MOST_REQUESTS


def test_a_filter_that_withholds_by_mood_costs_no_cue() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        return withholding_whole_answers_for(set(range(40)) if number == 1 else set())(part, number)

    model = Model(answer)
    assert Climb(model).run(cues(40)) == []


def test_a_line_around_the_batch_may_be_to_blame_so_it_is_left_out_once_an_answer_was_withheld() -> None:
    told: List[bool] = []

    def ask(part: Sequence[Cue], anchored: bool, in_context: bool) -> Outcome:
        told.append(in_context)
        return withholding_whole_answers_for({cue.index for cue in part} if in_context else set())(part, 1)

    assert Climb(ask).run(cues(12)) == []
    assert told[0]
    assert len(told) > 1
    assert not any(told[1:])


def test_what_came_before_a_stream_was_withheld_is_not_asked_again() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        if number == 1:
            failed = dict.fromkeys(range(2, 8), "blocked")
            return Outcome(accepted={0: "x", 1: "x"}, failed=failed, error=BlockedError("blocked"))
        return withholding_whole_answers_for({2})(part, number)

    model = Model(answer)
    assert [cue.index for cue in Climb(model).run(cues(8))] == [2]
    assert not any({0, 1}.intersection(asked) for asked, _ in model.asked[1:])


def test_a_stream_that_is_withheld_after_its_last_cue_has_brought_them_all() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        if number == 1:
            return withholding_whole_answers_for({0})(part, number)
        return Outcome(accepted={cue.index: "x" for cue in part}, error=BlockedError("blocked"))

    model = Model(answer)
    assert Climb(model).run(cues(8)) == []


def test_while_a_withheld_cue_is_looked_for_other_failures_are_left_to_the_next_step() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        found = withholding_whole_answers_for({6})(part, number)
        if number < 4 and found.accepted.pop(1, ""):
            found.failed[1] = "empty"
        return found

    model = Model(answer)
    assert [cue.index for cue in Climb(model).run(cues(8))] == [6]
    assert ((1,), True) in model.asked


@pytest.mark.parametrize("most", [1, 7, 30, 60])
def test_a_model_with_a_low_output_limit_is_asked_for_what_is_left_in_halves_with_plain_keys(most: int) -> None:
    model = Model(answering_at_most(most))
    left = Climb(model).run(cues(100))
    assert left == [] or most == 1
    assert not any(anchored for _, anchored in model.asked[:3])
    assert len(model.asked) <= MOST_REQUESTS


def test_a_model_that_gives_nothing_is_given_up_after_six_requests() -> None:
    model = Model(translating_all_but(set(range(100))))
    assert len(Climb(model).run(cues(100))) == 100
    assert len(model.asked) == 6


@pytest.mark.parametrize("error", [BlockedError, RefusalError])
def test_a_model_that_declines_everything_is_given_up_after_eighteen_requests(error: Type[AnswerError]) -> None:
    model = Model(withholding_whole_answers_for(set(range(100)), error))
    climb = Climb(model)
    assert len(climb.run(cues(100))) == 100
    assert set(climb.reasons.values()) == {error.reason}
    assert len(model.asked) == PATIENCE


def test_a_model_that_is_hardly_of_use_is_not_paid_for_ever() -> None:
    def answer(part: Sequence[Cue], number: int) -> Outcome:
        return translating_all_but({cue.index for cue in part[1:]})(part, number)

    model = Model(answer)
    left = Climb(model).run(cues(400))
    assert len(model.asked) == MOST_REQUESTS
    assert len(left) == 400 - MOST_REQUESTS


def test_a_second_route_is_asked_for_all_together_and_then_for_each_alone() -> None:
    model = Model(translating_all_but({2}))
    assert [cue.index for cue in Climb(model).run(cues(3), SECOND_LADDER)] == [2]
    assert model.asked == [((0, 1, 2), True), ((2,), False)]


def test_nothing_is_asked_when_nothing_is_left() -> None:
    model = Model(translating_all_but(set()))
    assert Climb(model).run([], LADDER) == []
    assert model.asked == []


def speaking_for(culprits: Set[int]) -> Callable[[Sequence[Cue], int], Outcome]:
    """Declines in plain prose."""

    def answer(part: Sequence[Cue], _: int) -> Outcome:
        if culprits.intersection(cue.index for cue in part):
            return Outcome(failed={cue.index: "prose" for cue in part}, answered=True)
        return Outcome(accepted={cue.index: "x" for cue in part}, answered=True)

    return answer


def test_prose_in_place_of_the_texts_is_chatter_the_first_time() -> None:
    model = Model(lambda part, number: speaking_for({0} if number == 1 else set())(part, number))
    assert Climb(model).run(cues(40)) == []
    assert [len(asked) for asked, _ in model.asked] == [40, 40]


@pytest.mark.parametrize("size", [2, 12, 100])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.99])
def test_a_cue_for_which_a_model_declines_in_prose_is_found_like_one_that_is_blocked(size: int, place: float) -> None:
    culprit = int(place * size)
    model = Model(speaking_for({culprit}))
    assert [cue.index for cue in Climb(model).run(cues(size))] == [culprit]
    assert len(model.asked) - 2 <= math.ceil(math.log2(size)) + 2


def test_what_is_withheld_is_looked_for_without_the_lines_around() -> None:
    told: List[bool] = []

    def ask(part: Sequence[Cue], anchored: bool, in_context: bool) -> Outcome:
        told.append(in_context)
        return withholding_whole_answers_for({2})(part, len(told))

    assert len(Climb(ask).run(cues(8))) == 1
    assert told == [True] + [False] * (len(told) - 1)


def test_a_lone_cue_is_condemned_only_without_the_lines_around_it() -> None:
    def ask(part: Sequence[Cue], anchored: bool, in_context: bool) -> Outcome:
        return withholding_whole_answers_for({0} if in_context else set())(part, 1)

    assert Climb(ask).run(cues(1)) == []
