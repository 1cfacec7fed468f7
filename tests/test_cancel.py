"""The cancel token: set once, wakes everyone, forgets who left."""

import threading
import time
from typing import List

import pytest
from support_server import Doing, cancelled

from core.cancel import CancelToken, remaining
from core.errors import CancelledError


def test_a_cancel_ends_a_wait_at_once() -> None:
    token = CancelToken()
    waiter = Doing(lambda: token.wait(60))
    token.cancel()
    assert isinstance(waiter.join().error, CancelledError)


def test_a_wait_without_a_cancel_just_ends() -> None:
    token = CancelToken()
    token.wait(0.001)
    token.wait(-1)
    token.raise_if_cancelled()
    assert not token.cancelled


def test_a_cancelled_token_refuses_to_wait() -> None:
    with pytest.raises(CancelledError):
        cancelled().wait(60)
    with pytest.raises(CancelledError):
        cancelled().raise_if_cancelled()


def test_subscribers_are_called_once_however_often_it_is_cancelled() -> None:
    token = CancelToken()
    calls: List[int] = []
    token.subscribe(lambda: calls.append(1))
    token.cancel()
    token.cancel()
    assert calls == [1]


def test_a_subscriber_that_left_is_not_called() -> None:
    token = CancelToken()
    calls: List[str] = []
    forget = token.subscribe(lambda: calls.append("left"))
    forget()
    forget()
    with token.waking(lambda: calls.append("left too")):
        pass
    token.cancel()
    assert calls == []


def test_who_comes_late_is_called_at_once() -> None:
    calls: List[str] = []
    forget = cancelled().subscribe(lambda: calls.append("late"))
    forget()
    assert calls == ["late"]


def test_who_comes_in_the_middle_of_a_cancel_is_called_once() -> None:
    for _ in range(200):
        token, calls, together = CancelToken(), [0, 0], threading.Barrier(4)

        def call(place: int, calls: List[int] = calls) -> None:
            calls[place] += 1

        def come(place: int, token: CancelToken = token, together: threading.Barrier = together) -> None:
            together.wait()
            token.subscribe(lambda: call(place))

        def cancel(token: CancelToken = token, together: threading.Barrier = together) -> None:
            together.wait()
            token.cancel()

        doings = [Doing(lambda: come(0)), Doing(lambda: come(1)), Doing(cancel), Doing(cancel)]
        for doing in doings:
            doing.join()
        assert calls == [1, 1]


def test_a_subscriber_may_leave_while_it_is_called() -> None:
    token = CancelToken()
    calls: List[str] = []
    with token.waking(lambda: calls.append("woken")):
        token.cancel()
    assert calls == ["woken"]


def test_time_remaining_is_never_negative_and_never_more_than_asked() -> None:
    now = time.monotonic()
    assert remaining(None, 5.0) == 5.0
    assert remaining(now - 1, 5.0) == 0.0
    assert remaining(now + 60, 5.0) == 5.0
    assert 50 < remaining(now + 60, 500.0) <= 60
