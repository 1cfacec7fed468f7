"""Pool size and timeouts from what was measured, and pools that the system has open files for."""

import subprocess
import sys
import textwrap
import threading
from typing import List

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_server import Connect, Peer, Serve, keep_alive, post, raw, saying

from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.sizing import (
    CONNECT,
    CONNECTIONS,
    ENOUGH,
    FIRST_BYTE,
    LATELY,
    RESERVED,
    SILENCE,
    Advice,
    Timing,
    advice,
    open_file_limit,
    pool_size,
    timeout,
    within_open_files,
)

pytest_plugins = ("network_fixtures",)

# --- functions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "seconds", "size"), [(0.5, 10.0, 8), (1.0, 4.0, 6), (0.1, 40.0, 6), (0.0, 10.0, 2), (50.0, 10.0, 100)]
)
def test_a_pool_has_half_as_much_again_as_is_needed_on_average(rate: float, seconds: float, size: int) -> None:
    assert pool_size(rate, seconds) == size


def test_the_bounds_of_a_pool_can_be_given() -> None:
    assert (pool_size(0.1, 1.0, (5, 9)), pool_size(9.0, 9.0, (5, 9))) == (5, 9)


def test_a_timeout_is_twice_the_slowest_in_whole_seconds_and_within_bounds() -> None:
    assert timeout(3.2, (2.0, 30.0)) == 7
    assert timeout(0.01, (2.0, 30.0)) == 2
    assert timeout(40.0, (2.0, 30.0)) == 30


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_whatever_was_measured_the_advice_is_a_good_configuration(rate: float, seconds: float) -> None:
    PoolConfig(
        maxsize=pool_size(rate, seconds),
        connect_timeout=timeout(seconds, CONNECT),
        first_byte_timeout=timeout(seconds, FIRST_BYTE),
        read_timeout=timeout(seconds, SILENCE),
        total_timeout=3600.0,
    )
    assert CONNECTIONS[0] <= pool_size(rate, seconds) <= CONNECTIONS[1]


def answers(count: int, *, every: float = 2.0, seconds: float = 10.0, ends: float = 1000.0) -> List[Timing]:
    return [Timing(ends - every * (count - 1 - n), seconds, 15.0, 7.0) for n in range(count)]


def test_advice_comes_from_rate_and_times() -> None:
    """A request every two seconds that takes ten: five at once on average, in the long run."""
    assert advice(answers(64), [0.2, 1.5]) == Advice(8, 3, 30, 14)


def test_a_pause_between_two_films_asks_for_no_fewer_connections() -> None:
    first, second = answers(30, ends=1000.0), answers(30, ends=1400.0)
    assert advice([*first, *second], [0.2]) == advice(second, [0.2])


def test_there_is_no_advice_before_enough_was_measured() -> None:
    assert advice([], [0.1]) is None
    assert advice(answers(ENOUGH - 1), [0.1]) is None
    assert advice(answers(ENOUGH), []) is None
    assert advice(answers(ENOUGH), [0.1]) is not None


def test_what_was_long_ago_says_nothing_about_now() -> None:
    old = [Timing(one.ended - LATELY, 500.0, 400.0, 90.0) for one in answers(30)]
    assert advice([*old, *answers(ENOUGH - 1)], [0.1]) is None
    assert advice([*old, *answers(ENOUGH)], [0.1]) == advice(answers(ENOUGH), [0.1])


# --- measured -------------------------------------------------------------------------------------------------------


def test_real_answers_are_measured(serve: Serve, connect: Connect) -> None:
    """The first byte of the last answer is late, and so is its second part."""
    pause = threading.Event()

    def slow_at_last(peer: Peer) -> None:
        for _ in range(ENOUGH - 1):
            peer.request()
            peer.send(raw())
        peer.request()
        pause.wait(0.2)
        peer.send(raw(b"fi", length=4))
        pause.wait(0.3)
        peer.send(b"ne")
        peer.stall()

    server, transport = serve(slow_at_last), connect()
    for _ in range(ENOUGH - 1):
        transport.send(post(server))
    assert transport.pool.stats()[server.origin].advice is None
    transport.send(post(server))
    assert transport.pool.stats()[server.origin].advice == Advice(2, 2, 20, 10)
    last = transport.pool.endpoint(server.origin).stats._timings[-1]
    assert last.first_byte > 0.1
    assert last.silence > 0.2
    assert last.first_byte + last.silence == pytest.approx(last.seconds)


def test_answers_that_were_no_success_say_nothing(serve: Serve, connect: Connect) -> None:
    refusal = raw(b"no", "500 Oh")
    server, transport = serve(saying(refusal, refusal, refusal), keep_alive), connect()
    for _ in range(3):
        transport.send(post(server))
    with transport.open(post(server)):
        pass
    assert not transport.pool.endpoint(server.origin).stats._timings


# --- open files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [None, 10 * 20 + RESERVED, 1_000_000])
def test_a_pool_that_fits_stays_as_it_is(limit: int) -> None:
    assert within_open_files(PoolConfig(), limit) == (PoolConfig(), "")


def test_the_defaults_fit_where_a_system_allows_little() -> None:
    """macOS: 256."""
    assert within_open_files(PoolConfig(), 256)[1] == ""


@pytest.mark.parametrize(
    ("limit", "pools", "size"), [(249, 9, 20), (150, 5, 20), (80, 2, 15), (RESERVED + 2, 2, 1), (RESERVED, 2, 1)]
)
def test_a_pool_that_does_not_is_made_smaller_with_a_word_about_it(limit: int, pools: int, size: int) -> None:
    config, notice = within_open_files(PoolConfig(), limit)
    assert (config.num_pools, config.maxsize) == (pools, size)
    assert notice == (
        f"This system allows {limit} open files, but 10 endpoints with 20 connections each could need 200. "
        f"Going on with at most {pools} endpoints with {size}."
    )


def test_windows_has_no_such_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert open_file_limit() is None


@pytest.mark.parametrize("limit", ["resource.RLIM_INFINITY", 4096])
def test_a_limit_that_is_high_enough_changes_nothing(limit: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    value = resource.RLIM_INFINITY if isinstance(limit, str) else limit
    monkeypatch.setattr(resource, "getrlimit", lambda which: (value, value))
    assert ConnectionPoolManager().config == PoolConfig()


def test_the_first_pool_that_is_built_tells_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda which: (90, 90))
    with ConnectionPoolManager() as pool:
        assert caplog.records == []
        for ca_file in (None, None, certifi.where()):
            pool.get_pool(ca_file=ca_file)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_it_is_told_once_and_a_change_of_the_settings_keeps_to_it(serve: Serve) -> None:
    """In a process that really has so few."""
    program = f"""
        import logging, resource, sys
        resource.setrlimit(resource.RLIMIT_NOFILE, (90, 90))
        from core.config import PoolConfig
        from core.connection_pool import ConnectionPoolManager
        from core.messages import Request
        from core.transport import Transport
        logging.basicConfig(stream=sys.stdout, format="%(message)s")
        with ConnectionPoolManager() as pool:
            transport = Transport(pool)
            for _ in range(3):
                transport.send(Request("POST", {serve(keep_alive).url!r}, body=b"x"))
            pool.reconfigure(PoolConfig(maxsize=10, num_pools=4))
            print(pool.config.num_pools, pool.config.maxsize)
            transport.send(Request("POST", {serve(keep_alive).url!r}, body=b"x"))
            pool.reconfigure(PoolConfig(maxsize=30))
            print(pool.config.num_pools, pool.config.maxsize)
            transport.send(Request("POST", {serve(keep_alive).url!r}, body=b"x"))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=20, check=False
    )
    told = "This system allows 90 open files, but 10 endpoints with {} connections each could need {}. "
    assert done.stdout.splitlines() == [
        told.format(20, 200) + "Going on with at most 2 endpoints with 20.",
        "4 10",
        "2 20",
        told.format(30, 300) + "Going on with at most 2 endpoints with 20.",
    ]
    assert done.stderr == ""
