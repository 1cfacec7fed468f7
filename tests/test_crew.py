"""The threads of a job come and go as they are wanted, and never leave something to do behind."""

import threading
from typing import List

import pytest
from job_support import workers
from waiting import until

from translate.crew import Crew


class Party:
    """Workers who stay until they are told to ask whether they may leave."""

    def __init__(self, size: int, most: int = 100) -> None:
        self.crew = Crew(size)
        self.left = 1  # things to do
        self.over = threading.Event()
        self.crew.start(self._work, self._work, most=most)

    def _work(self) -> None:
        while not self.crew.may_leave(lambda: not self.left):
            threading.Event().wait(0.001)

    def end(self) -> None:
        self.left = 0
        self.crew.wait()


@pytest.mark.parametrize(("size", "most", "come"), [(3, 100, 3), (3, 2, 2), (3, 0, 1), (0, 100, 1)])
def test_as_many_come_as_are_wanted_and_have_something_to_do(size: int, most: int, come: int) -> None:
    party = Party(size, most)
    assert len(workers()) == come
    party.end()
    assert workers() == []


def test_those_who_are_too_many_leave_and_those_who_are_missing_come() -> None:
    party = Party(4)
    party.crew.resize(1, most=100)
    until(lambda: len(workers()) == 1)
    party.crew.resize(6, most=2)
    assert len(workers()) == 3
    party.crew.resize(6, most=100)
    assert len(workers()) == 6
    party.end()
    assert workers() == []
    party.crew.resize(9, most=100)
    assert workers() == []


def test_of_many_who_ask_at_once_while_something_is_left_as_many_stay_as_are_wanted() -> None:
    crew, everybody = Crew(8), threading.Barrier(9)
    may: List[bool] = []

    def ask() -> None:
        everybody.wait(20.0)
        may.append(crew.may_leave(lambda: False))

    crew.start(ask, ask, most=8)
    crew.resize(3, most=8)
    everybody.wait(20.0)
    crew.wait()
    assert sorted(may) == [False] * 3 + [True] * 5
