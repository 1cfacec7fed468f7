"""How a run is ended: which requests may still come to their end, and for which run a cancel was meant."""

from typing import Any, Callable

import pytest

from core.cancel import CancelToken
from core.errors import CancelledError, QuotaError
from translate.halt import Halt

SPENT = QuotaError("The quota is used up.")


def asked(halt: Halt, *, answered: bool, then: Callable[[], Any]) -> CancelToken:
    """A request during which ``then`` happens; ``answered``: its answer has begun by then."""
    with halt.request(lambda: None) as (cancel, answer_begins):
        if answered:
            answer_begins()
        then()
    return cancel


@pytest.mark.parametrize("answered", [True, False])
def test_a_stop_lets_an_answer_that_is_coming_in_end(answered: bool) -> None:
    halt = Halt()
    assert asked(halt, answered=answered, then=lambda: halt.stop(SPENT, at_once=False)).cancelled is not answered


@pytest.mark.parametrize("answered", [True, False])
def test_a_stop_at_once_and_a_cancel_end_them_all(answered: bool) -> None:
    halt = Halt()
    assert asked(halt, answered=answered, then=lambda: halt.stop(SPENT, at_once=True)).cancelled
    halt = Halt()
    assert asked(halt, answered=answered, then=halt.cancel).cancelled


def test_after_a_stop_nothing_begins_and_its_reason_stays_the_first() -> None:
    halt = Halt()
    halt.raise_if_stopped()
    halt.begin_no_more(SPENT)
    halt.cancel()
    assert halt.reason is SPENT
    with pytest.raises(CancelledError):
        halt.raise_if_stopped()


def test_a_cancel_ends_answers_that_a_stop_has_left() -> None:
    halt = Halt()

    def stop_then_cancel() -> None:
        halt.stop(SPENT, at_once=False)
        halt.cancel()

    assert asked(halt, answered=True, then=stop_then_cancel).cancelled


def test_what_is_asked_after_a_cancel_is_cancelled_from_the_start() -> None:
    halt = Halt()
    halt.cancel()
    assert asked(halt, answered=False, then=lambda: None).cancelled


def test_a_request_that_is_over_is_not_cancelled_afterwards() -> None:
    halt = Halt()
    cancel = asked(halt, answered=True, then=lambda: None)
    halt.cancel()
    assert not cancel.cancelled


def test_a_new_run_knows_nothing_of_what_ended_the_one_before() -> None:
    halt = Halt()
    halt.begin()
    halt.stop(SPENT, at_once=True)
    halt.over(finished=False)
    assert halt.reason is SPENT
    halt.begin()
    halt.raise_if_stopped()
    assert not asked(halt, answered=False, then=lambda: None).cancelled


@pytest.mark.parametrize("runs_before", [0, 1])
def test_a_cancel_while_nothing_runs_is_meant_for_the_next_run(runs_before: int) -> None:
    halt = Halt()
    for _ in range(runs_before):
        halt.begin()
        halt.over(finished=False)
    halt.cancel()
    halt.begin()
    assert isinstance(halt.reason, CancelledError)
    halt.over(finished=False)
    halt.begin()
    assert halt.reason is None


def test_a_cancel_that_found_all_done_is_void() -> None:
    halt = Halt()
    halt.begin()
    halt.cancel()
    halt.over(finished=True)
    assert halt.reason is None
