"""Permits: first come, first served, and every way a wait for one can end."""

import threading
import time
from typing import List

import pytest
from support_server import Doing
from waiting import until

from core.attempt import Attempt
from core.errors import CancelledError, DeadlineError, PoolClosedError, PoolTimeoutError
from core.gate import Gate


def test_permits_are_handed_out_up_to_the_limit_and_come_back() -> None:
    gate = Gate(2)
    first, second = gate.acquire(0, Attempt()), gate.acquire(0, Attempt())
    assert (gate.in_flight, gate.permits) == (2, 2)
    first.release()
    second.release()
    assert gate.in_flight == 0
    assert repr(gate) == "<Gate 0/2 in flight, 0 waiting>"


def test_a_permit_given_back_twice_counts_once() -> None:
    gate = Gate(2)
    permit, _other = gate.acquire(0, Attempt()), gate.acquire(0, Attempt())
    permit.release()
    permit.release()
    assert gate.in_flight == 1


def test_waiters_are_served_in_the_order_they_came() -> None:
    gate = Gate(1)
    held = gate.acquire(0, Attempt())
    served: List[int] = []

    def work(number: int) -> None:
        permit = gate.acquire(5, Attempt())
        served.append(number)
        permit.release()

    waiters = []
    for number in range(5):
        waiters.append(Doing(lambda number=number: work(number)))  # type: ignore[misc]
        until(lambda number=number: gate.waiting == number + 1)  # type: ignore[misc]
    held.release()
    for waiter in waiters:
        waiter.join()
    assert served == [0, 1, 2, 3, 4]
    assert gate.in_flight == 0


def test_a_newcomer_does_not_overtake_a_waiter() -> None:
    gate = Gate(1)
    held = gate.acquire(0, Attempt())
    waiter = Doing(lambda: gate.acquire(5, Attempt()))
    until(lambda: gate.waiting == 1)
    held.release()
    with pytest.raises(PoolTimeoutError):
        gate.acquire(0, Attempt())
    waiter.join().result.release()


def test_a_wait_that_takes_too_long_fails_and_leaves_the_queue() -> None:
    gate = Gate(1)
    held = gate.acquire(0, Attempt())
    with pytest.raises(PoolTimeoutError, match=r"within 0\.01 s"):
        gate.acquire(0.01, Attempt())
    assert gate.waiting == 0
    held.release()
    gate.acquire(0, Attempt()).release()


def test_an_interrupt_ends_the_wait_at_once() -> None:
    gate, attempt = Gate(1), Attempt()
    held = gate.acquire(0, Attempt())
    waiter = Doing(lambda: gate.acquire(60, attempt))
    until(lambda: gate.waiting == 1)
    attempt.interrupt(CancelledError("Cancelled."))
    assert isinstance(waiter.join().error, CancelledError)
    assert gate.waiting == 0
    held.release()
    assert gate.in_flight == 0


def test_the_deadline_ends_the_wait() -> None:
    gate = Gate(1)
    held = gate.acquire(0, Attempt())
    with pytest.raises(DeadlineError):
        gate.acquire(60, Attempt(time.monotonic() + 0.02))
    held.release()


def test_who_must_not_go_on_gets_no_permit() -> None:
    gate, attempt = Gate(1), Attempt()
    attempt.interrupt(CancelledError("Cancelled."))
    with pytest.raises(CancelledError):
        gate.acquire(60, attempt)
    with pytest.raises(DeadlineError):
        gate.acquire(60, Attempt(time.monotonic()))
    assert gate.in_flight == 0


def test_a_permit_that_meets_a_cancel_is_not_lost() -> None:
    """The permit was handed over, and the waiter is cancelled before it could take it."""
    gate, attempt = Gate(1), Attempt()
    held = gate.acquire(0, Attempt())

    def release_then_interrupt(event: threading.Event, seconds: float) -> bool:
        held.release()
        attempt.interrupt(CancelledError("Cancelled."))
        return Attempt.wait(attempt, event, seconds)

    class Unlucky(Attempt):
        wait = staticmethod(release_then_interrupt)  # type: ignore[assignment]

    with pytest.raises(CancelledError):
        gate.acquire(60, Unlucky())
    assert gate.in_flight == 0


def test_closing_turns_waiters_and_newcomers_away() -> None:
    gate = Gate(1)
    held = gate.acquire(0, Attempt())
    waiter = Doing(lambda: gate.acquire(60, Attempt()))
    until(lambda: gate.waiting == 1)
    gate.close()
    assert isinstance(waiter.join().error, PoolClosedError)
    with pytest.raises(PoolClosedError):
        gate.acquire(0, Attempt())
    held.release()
    assert gate.in_flight == 0


def test_a_larger_gate_serves_who_waits() -> None:
    gate = Gate(1)
    gate.acquire(0, Attempt())
    waiters = [Doing(lambda: gate.acquire(60, Attempt())) for _ in range(2)]
    until(lambda: gate.waiting == 2)
    gate.resize(3)
    for waiter in waiters:
        waiter.join()
    assert (gate.in_flight, gate.permits) == (3, 3)


def test_a_smaller_gate_waits_until_enough_came_back() -> None:
    gate = Gate(2)
    first, second = gate.acquire(0, Attempt()), gate.acquire(0, Attempt())
    gate.resize(1)
    assert (gate.in_flight, gate.permits) == (2, 1)
    first.release()
    with pytest.raises(PoolTimeoutError):
        gate.acquire(0, Attempt())
    second.release()
    gate.acquire(0, Attempt()).release()


def test_sixteen_threads_share_two_permits_fairly() -> None:
    gate = Gate(2)
    held = [gate.acquire(0, Attempt()) for _ in range(2)]
    end = time.monotonic() + 0.4
    most = 0

    def work() -> int:
        nonlocal most
        served = 0
        while time.monotonic() < end:
            permit = gate.acquire(5, Attempt())
            most = max(most, gate.in_flight)
            served += 1
            permit.release()
        return served

    workers = [Doing(work) for _ in range(16)]
    until(lambda: gate.waiting == 16)
    for permit in held:
        permit.release()
    served = [worker.join(5).result for worker in workers]
    assert most <= 2
    assert min(served) * 2 > max(served)
