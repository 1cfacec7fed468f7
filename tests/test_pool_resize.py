"""New settings for a pool that is in use: connections that still fit stay, and what is in flight goes on."""

from contextlib import ExitStack

import pytest
from support_server import Connect, Doing, Serve, keep_alive, post
from waiting import until

from core.config import PoolConfig
from core.messages import Request
from core.pool_stats import EndpointSnapshot
from core.transport import Transport

pytest_plugins = ("network_fixtures",)


def figures(transport: Transport) -> EndpointSnapshot:
    (snapshot,) = transport.pool.stats().values()
    return snapshot


def at_once(transport: Transport, request: Request, count: int) -> None:
    """So many requests, all of them open before the first is read to its end."""
    with ExitStack() as stack:
        answers = [stack.enter_context(transport.open(request)) for _ in range(count)]
        for answer in answers:
            answer.read()


def test_a_smaller_pool_keeps_as_many_connections_as_fit(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(maxsize=4)
    at_once(transport, post(server), 4)
    assert figures(transport).idle == 4
    transport.pool.reconfigure(PoolConfig(maxsize=2))
    assert (figures(transport).idle, figures(transport).recycled) == (2, {"resized": 2})
    at_once(transport, post(server), 2)
    assert server.accepted == 4


def test_a_larger_pool_keeps_more(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(maxsize=1)
    transport.send(post(server))
    transport.pool.reconfigure(PoolConfig(maxsize=3))
    transport.pool.endpoint(server.origin).allow(3)
    at_once(transport, post(server), 3)
    assert (figures(transport).idle, server.accepted) == (3, 3)


def test_what_is_in_flight_outlives_the_change(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(maxsize=2)
    with transport.open(post(server)) as answer:
        transport.pool.reconfigure(PoolConfig(maxsize=1, read_timeout=7.0))
        assert answer.read() == b"fine"
    assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 1


def test_fewer_pools_drop_those_used_longest_ago(serve: Serve, connect: Connect) -> None:
    servers = [serve(keep_alive) for _ in range(3)]
    transport = connect(num_pools=3)
    for server in servers:
        transport.send(post(server))
    transport.pool.reconfigure(PoolConfig(num_pools=1))
    idle = {origin: one.idle for origin, one in transport.pool.stats().items()}
    assert [idle[server.origin] for server in servers] == [0, 0, 1]


def test_a_request_that_waits_while_its_pool_is_dropped_is_sent_all_the_same(serve: Serve, connect: Connect) -> None:
    server, other = serve(keep_alive), serve(keep_alive)
    transport = connect(num_pools=2, parallel=1)
    with transport.open(post(server)) as answer:
        waiter = Doing(lambda: transport.send(post(server)))
        until(lambda: transport.pool.endpoint(server.origin).gate.waiting == 1)
        transport.warm_up(other.url)
        transport.pool.reconfigure(PoolConfig(num_pools=1))
        answer.read()
    assert waiter.join().error is None
    one = transport.pool.stats()[server.origin]
    assert (one.errors, one.idle, one.recycled) == ({}, 0, {"evicted": 2})


def test_a_smaller_pool_closes_quietly_what_comes_back_too_many(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server, transport = serve(keep_alive), connect(maxsize=3)
    with ExitStack() as stack:
        answers = [stack.enter_context(transport.open(post(server))) for _ in range(3)]
        transport.pool.reconfigure(PoolConfig(maxsize=1))
        for answer in answers:
            answer.read()
    assert (figures(transport).idle, figures(transport).recycled) == (1, {"resized": 2})
    assert [record for record in caplog.records if record.name.startswith("urllib3") and record.levelno > 20] == []


def test_permits_grow_with_the_pool_where_nobody_asked_for_fewer(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(maxsize=2)
    gate = transport.pool.endpoint(server.origin).gate
    for maxsize in (1, 5):
        transport.pool.reconfigure(PoolConfig(maxsize=maxsize))
        assert gate.permits == maxsize
    Transport(transport.pool, parallel=4).send(post(server))
    for maxsize, permits in ((3, 3), (5, 4)):
        transport.pool.reconfigure(PoolConfig(maxsize=maxsize))
        assert gate.permits == permits, "it was 4 that was asked for"


@pytest.mark.usefixtures("no_urllib3")
def test_without_a_pool_the_settings_hold_all_the_same(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(maxsize=4)
    assert transport.send(post(server)).body == b"fine"
    transport.pool.reconfigure(PoolConfig(maxsize=1))
    assert transport.pool.endpoint(server.origin).gate.permits == 1
