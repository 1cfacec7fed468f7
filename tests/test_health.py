"""Health: judged from real traffic; idle connections are looked at by a thread that is there only for them."""

import _thread
import gc
import logging
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from typing import Any, List, Optional
from weakref import ref

import pytest
from support_server import Connect, Doing, Peer, Serve, closed_port, keep_alive, post, raw, saying, server_tls
from waiting import until

from core.attempt import Attempt
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import ConnectError, PoolTimeoutError, SubAIError
from core.gate import Gate
from core.health import ENOUGH, LATELY, MOST_WAITING, THRESHOLD, EndpointHealth, HealthMonitor
from core.pool_stats import EndpointSnapshot
from core.transport import Transport

pytest_plugins = ("network_fixtures",)

OFTEN = 0.03  # seconds between two looks


def figures(transport: Transport) -> EndpointSnapshot:
    (snapshot,) = transport.pool.stats().values()
    return snapshot


def looking(transport: Transport) -> bool:
    """Whether there is a thread that looks at idle connections."""
    return repr(transport.pool._monitor) == "<HealthMonitor looking>"


def warnings(caplog: pytest.LogCaptureFixture) -> List[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- from real traffic ----------------------------------------------------------------------------------------------


def test_three_failures_in_a_row_make_a_failing_endpoint_and_one_answer_a_good_one(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def hang_up(peer: Peer) -> None:
        peer.request()

    caplog.set_level(logging.INFO, "subai.pool")
    server = serve(hang_up, hang_up, saying(raw()), hang_up, hang_up, hang_up, hang_up, saying(raw(b"", "500 Oh")))
    transport, seen = connect(), []
    for _ in range(8):
        with suppress(SubAIError):
            transport.send(post(server))
        seen.append(figures(transport).failing)
    assert seen == [False, False, False, False, False, True, True, False]
    told = [record.getMessage() for record in caplog.records if record.name == "subai.pool"]
    assert told == [
        f"{server.origin}: {THRESHOLD} requests in a row without an answer (dropped)",
        f"{server.origin} answers again",
    ]


def test_the_idle_connections_of_a_failing_endpoint_are_not_used_again(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    transport.send(post(server))
    endpoint = transport.pool.endpoint(server.origin)
    for _ in range(THRESHOLD):
        endpoint.failed(ConnectError("no route"))
    transport.send(post(server))
    assert server.accepted == 2
    assert figures(transport).recycled == {"failing": 1}


def test_what_is_our_own_doing_is_no_failure_of_the_endpoint() -> None:
    health = EndpointHealth("here")
    assert not any(health.failed(PoolTimeoutError("none free")) for _ in range(5))
    assert not health.failing


def test_what_failed_long_ago_says_nothing_of_now(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "subai.pool")
    now, seen = [1000.0], []
    health = EndpointHealth("here", lambda: now[0])
    for _ in range(THRESHOLD):
        health.failed(ConnectError("no route"))
    for seconds in (0.0, LATELY - 1, 1.0):
        now[0] += seconds
        seen.append(health.failing)
    assert seen == [True, True, False]
    health.failed(ConnectError("no route"))
    seen.append(health.failing)  # nothing has answered since
    health.answered()
    seen.append(health.failing)
    assert seen[3:] == [True, False]
    assert caplog.messages[-1] == "here answers again"


# --- warnings -------------------------------------------------------------------------------------------------------


class Quiet:
    """An endpoint's health, and what it warned of."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.health = EndpointHealth("here")
        self.gate = Gate(20)
        self._caplog = caplog

    def look(self, maxsize: int = 20, handed_out: int = 0) -> List[str]:
        self._caplog.clear()
        self.health.watch(self.gate, maxsize, handed_out)
        return warnings(self._caplog)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Quiet:
    return Quiet(caplog)


def test_more_than_fifty_that_wait_are_warned_of_once(quiet: Quiet) -> None:
    quiet.gate.resize(1)
    held = quiet.gate.acquire(0, Attempt())
    waiters = [Doing(lambda: quiet.gate.acquire(60, Attempt()).release()) for _ in range(MOST_WAITING)]
    until(lambda: quiet.gate.waiting == MOST_WAITING)
    assert quiet.look() == []
    waiters.append(Doing(lambda: quiet.gate.acquire(60, Attempt()).release()))
    until(lambda: quiet.gate.waiting == MOST_WAITING + 1)
    assert quiet.look() == [f"here: {MOST_WAITING + 1} requests wait for a connection; ask for less at once"]
    assert quiet.look() == []
    held.release()
    for waiter in waiters:
        waiter.join(5)


def test_errors_on_more_than_one_connection_in_twenty_are_warned_of_once(quiet: Quiet) -> None:
    quiet.health.failed(ConnectError("refused"))
    assert quiet.look(handed_out=ENOUGH - 1) == [], "too few to say"
    assert quiet.look(handed_out=20) == []
    quiet.health.failed(ConnectError("refused"))
    assert quiet.look(handed_out=40) == []
    assert quiet.look(handed_out=39) == ["here: 2 of 39 connections failed; is the network well?"]
    assert quiet.look(handed_out=39) == []


def test_a_pool_in_use_to_more_than_nine_tenths_is_warned_of_once(quiet: Quiet) -> None:
    permits = [quiet.gate.acquire(0, Attempt()) for _ in range(18)]
    assert quiet.look() == []
    permits.append(quiet.gate.acquire(0, Attempt()))
    assert quiet.look() == ["here: 19 of 20 connections are in use; a larger pool would help"]
    assert quiet.look() == []


def test_a_few_parallel_requests_of_a_large_pool_are_nothing_to_warn_of(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server, transport = serve(keep_alive), connect(parallel=4)
    workers = [Doing(lambda: [transport.send(post(server)) for _ in range(10)]) for _ in range(8)]
    for worker in workers:
        assert worker.join(5).error is None
    assert warnings(caplog) == []


def test_real_requests_are_what_is_watched(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    server, transport = serve(keep_alive), connect(maxsize=1)
    for _ in range(3):
        transport.send(post(server))
    assert warnings(caplog) == [f"{server.origin}: 1 of 1 connections are in use; a larger pool would help"]
    with pytest.raises(ConnectError):
        transport.send(post(url=f"http://127.0.0.1:{closed_port()}/"))


# --- the monitor ----------------------------------------------------------------------------------------------------


def test_idle_connections_are_retired_by_themselves_and_then_nobody_looks_any_more(
    serve: Serve, connect: Connect
) -> None:
    server, transport = serve(keep_alive), connect(max_idle=0.5, health_interval=OFTEN)
    with transport.open(post(server)) as answer:
        assert not looking(transport)
        answer.read()
    assert looking(transport)
    until(lambda: figures(transport).recycled == {"max_idle": 1})
    assert figures(transport).idle == 0
    until(lambda: not looking(transport))
    transport.send(post(server))
    assert looking(transport), "it begins again with the next idle connection"


def test_a_connection_that_grew_too_old_is_retired(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(max_idle=1.0, max_age=1.0, age_jitter=0.5, health_interval=OFTEN)
    transport.send(post(server))
    until(lambda: sum(figures(transport).recycled.values()) == 1)
    assert figures(transport).idle == 0


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_whose_peer_left_is_retired(serve: Serve, connect: Connect, trusted: str, secure: bool) -> None:
    server = serve(saying(raw()), tls=server_tls() if secure else None)
    transport = connect(ca_file=trusted, health_interval=OFTEN)
    transport.send(post(server))
    until(lambda: figures(transport).recycled == {"dropped": 1})
    assert figures(transport).idle == 0


@pytest.mark.parametrize("secure", [False, True])
def test_good_connections_outlive_many_looks_in_their_order(
    serve: Serve, connect: Connect, trusted: str, secure: bool
) -> None:
    server = serve(keep_alive, tls=server_tls() if secure else None)
    transport = connect(ca_file=trusted, health_interval=3600.0)
    answers = [transport.open(post(server)) for _ in range(3)]
    for answer in answers:
        answer.read()
        answer.close()
    (pool,) = transport.pool._pools()
    before = [connection for connection in pool.pool.queue if connection is not None]
    for _ in range(10):
        assert transport.pool._look_after() == 3
    assert [connection for connection in pool.pool.queue if connection is not None] == before
    transport.send(post(server))
    assert server.accepted == 3
    assert figures(transport).recycled == {}


def test_looks_do_not_get_in_the_way_of_requests(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(parallel=4, health_interval=3600.0)
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            transport.pool._look_after()

    looking = Doing(look)
    workers = [Doing(lambda: [transport.send(post(server)).body for _ in range(50)]) for _ in range(4)]
    for worker in workers:
        assert worker.join(10).result == [b"fine"] * 50
    over.set()
    assert looking.join().error is None
    after = figures(transport)
    assert after.errors == {}
    assert set(after.recycled) <= {"resized"}
    assert after.idle == after.created - sum(after.recycled.values())


def test_a_pool_that_was_dropped_meanwhile_gets_nothing_back(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(health_interval=3600.0)
    transport.send(post(server))
    (pool,) = transport.pool._pools()
    waiting = pool.pool
    (connection,) = (connection for connection in waiting.queue if connection is not None)
    connection.stale_reason = pool.close  # returns None, as for a good one
    transport.pool._look_after()
    assert connection.sock is None
    assert pool.retire_stale() == 0


def test_one_that_is_in_use_again_is_left_alone(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(health_interval=3600.0)
    answers = [transport.open(post(server)) for _ in range(2)]
    for answer in answers:
        answer.read()
        answer.close()
    (pool,) = transport.pool._pools()
    first = next(connection for connection in pool.pool.queue if connection is not None)
    held = []
    real = first.stale_reason

    def used_meanwhile() -> Any:
        held.append(transport.open(post(server)))
        return real()

    first.stale_reason = used_meanwhile
    transport.pool._look_after()
    assert held[0].read() == b"fine"
    held[0].close()
    assert server.accepted == 2


def test_without_an_interval_nobody_looks(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(max_idle=0.5, health_interval=0.0)
    transport.send(post(server))
    assert not looking(transport)


def test_the_interval_can_be_changed_while_it_looks(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(health_interval=OFTEN)
    transport.send(post(server))
    assert looking(transport)
    transport.pool.reconfigure(PoolConfig(health_interval=0.0))
    until(lambda: not looking(transport))
    transport.pool.reconfigure(PoolConfig(health_interval=OFTEN, max_idle=0.5))
    transport.send(post(server))
    until(lambda: "max_idle" in figures(transport).recycled)


# --- its end --------------------------------------------------------------------------------------------------------


def test_it_ends_with_the_pool_at_once(serve: Serve) -> None:
    server, transport = serve(keep_alive), Transport(ConnectionPoolManager())
    transport.send(post(server))
    assert looking(transport)
    began = time.monotonic()
    assert transport.pool.close_all(1.0)
    assert not looking(transport)
    assert time.monotonic() - began < 0.5
    transport.pool._monitor.idle_began()
    assert not looking(transport), "and does not begin again"


def test_it_keeps_no_pool_alive_that_nobody_closed() -> None:
    class Pool:
        looks = 0

        def look(self) -> int:
            Pool.looks += 1
            return 1

    looker = Pool()
    monitor = HealthMonitor(looker.look, OFTEN)
    monitor.idle_began()
    until(lambda: Pool.looks > 1)
    gone = ref(looker)
    del looker
    gc.collect()
    until(lambda: gone() is None)
    until(lambda: "at rest" in repr(monitor))


class Looker:
    """Looks as it is told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.error: Optional[Exception] = None

    def look(self) -> int:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return 0


def test_where_there_are_no_threads_left_requests_go_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    looker = Looker()
    monitor = HealthMonitor(looker.look, OFTEN)
    with monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", fail)
        monitor.idle_began()
    assert "at rest" in repr(monitor)
    monitor.idle_began()
    until(lambda: looker.looks == 1)
    monitor.close(1.0)


def test_where_there_is_none_left_for_the_looking_the_next_idle_connection_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread that waits for the start of the other one could be had, the other one not."""
    real, failed = threading.Thread.start, threading.Event()

    def start(thread: threading.Thread) -> None:
        if thread.name == "subai-health":
            failed.set()
            raise RuntimeError("can't start new thread")
        real(thread)

    looker = Looker()
    monitor = HealthMonitor(looker.look, OFTEN)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        monitor.idle_began()
        assert failed.wait(5)
        until(lambda: "at rest" in repr(monitor))
    monitor.idle_began()
    until(lambda: looker.looks == 1)
    began = time.monotonic()
    monitor.close(5.0)
    assert time.monotonic() - began < 1.0


def test_a_mistake_in_a_look_is_logged_whole_and_does_not_end_the_looking(caplog: pytest.LogCaptureFixture) -> None:
    looker = Looker()
    looker.error = ZeroDivisionError("a bug")
    monitor = HealthMonitor(looker.look, OFTEN)
    for times in (1, 2):
        monitor.idle_began()
        until(lambda times=times: looker.looks == times)  # type: ignore[misc]
        until(lambda: "at rest" in repr(monitor))
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [looker.error] * 2
    monitor.close(0.1)


def test_it_keeps_no_interpreter_alive(serve: Serve) -> None:
    """A program that never closes its pool ends all the same, while its connections are idle."""
    server = serve(keep_alive)
    program = f"""
        from core.connection_pool import ConnectionPoolManager
        from core.messages import Request
        from core.transport import Transport
        transport = Transport(ConnectionPoolManager())
        print(transport.send(Request("POST", {server.url!r}, body=b"x")).status)
        print(transport.pool._monitor)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "200\n<HealthMonitor looking>\n", "")
