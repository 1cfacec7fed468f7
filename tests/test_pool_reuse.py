"""Connections are opened once, shared, kept while they are good, and given up for a reason that is counted."""

import gc
import socket
import ssl
import threading
import time
from typing import Any, Callable, List

import pytest
from support_server import (
    Clocks,
    Connect,
    Doing,
    Peer,
    Serve,
    closed_port,
    keep_alive,
    post,
    raw,
    saying,
    saying_and_staying,
    server_tls,
)
from waiting import until

from core.attempt import Attempt
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager, connection_pool_manager
from core.errors import ConfigError, ConnectError, NameLookupError, NothingSentError, PoolClosedError
from core.messages import Request
from core.origin import origin_of
from core.pool_loading import PoolUnavailableError
from core.pool_stats import HANDSHAKE_BUCKETS, EndpointSnapshot
from core.sockets import open_socket
from core.transport import Transport

pytest_plugins = ("network_fixtures",)


def figures(transport: Transport) -> EndpointSnapshot:
    """Those of the only endpoint."""
    (snapshot,) = transport.pool.stats().values()
    return snapshot


# --- sharing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
def test_one_connection_serves_one_request_after_another(
    serve: Serve, connect: Connect, trusted: str, secure: bool
) -> None:
    server = serve(keep_alive, tls=server_tls() if secure else None)
    transport = connect(ca_file=trusted)
    for _ in range(5):
        assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 1
    after = figures(transport)
    assert (after.created, after.requests, after.reused, after.idle, after.active) == (1, 5, 4, 1, 0)
    assert after.reuse_rate == 0.8
    assert after.recycled == after.errors == {}
    assert after.handshake_mean > 0
    assert sum(after.handshake_histogram) == 1
    assert len(after.handshake_histogram) == len(HANDSHAKE_BUCKETS) + 1


def test_transports_share_the_connections_of_their_pool(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    for _ in range(3):
        Transport(transport.pool).send(post(server))
        gc.collect()
    assert server.accepted == 1


def test_the_pool_is_built_once_whoever_asks(connect: Connect) -> None:
    pools = connect().pool
    together = threading.Barrier(8)

    def ask() -> Any:
        together.wait()
        return pools.get_pool()

    workers = [Doing(ask) for _ in range(8)]
    assert len({id(worker.join(5).result) for worker in workers}) == 1
    assert pools.get_pool(proxy="http://127.0.0.1:1") is not pools.get_pool()


def test_the_pool_is_an_ordinary_pool_manager_too(serve: Serve, connect: Connect, trusted: str) -> None:
    """Whoever asks it directly shares the connections with the others, without permits and cancels."""
    server, transport = serve(keep_alive, tls=server_tls()), connect(ca_file=trusted)
    for _ in range(2):
        answer = transport.pool.get_pool(ca_file=trusted).request("POST", server.url, body=b"{}", retries=False)
        assert answer.data == b"fine"
    transport.send(post(server))
    assert server.accepted == 1
    assert figures(transport).requests == 3


def test_parallel_requests_use_as_many_connections_as_permits(serve: Serve, connect: Connect) -> None:
    server = serve(keep_alive)
    transport = connect(parallel=3)

    def work() -> None:
        for _ in range(20):
            transport.send(post(server))

    for worker in [Doing(work) for _ in range(8)]:
        assert worker.join(10).error is None
    assert server.accepted <= 3
    assert len(server.requests) == 160
    assert figures(transport).utilisation == 0.0


def test_while_a_request_is_out_it_shows(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying_and_staying(raw(b"12", length=4))), connect(parallel=1, maxsize=4)
    with transport.open(post(server)):
        waiter = Doing(lambda: transport.send(post(server)))
        until(lambda: figures(transport).waiting == 1)
        now = figures(transport)
        assert (now.active, now.waiting, now.utilisation) == (1, 1, 0.25)
        assert repr(transport) == "<Transport over <ConnectionPoolManager 1 endpoints, 2 in flight>>"
        assert "1/1 in flight, 1 waiting" in repr(transport.pool.endpoint(server.origin))
        transport.pool.cancel()
    waiter.join()


def test_a_stream_that_is_read_to_its_end_gives_its_connection_back(serve: Serve, connect: Connect) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb\n\r\n1\r\nc\r\n0\r\n\r\n"
    server, transport = serve(saying(chunked, chunked)), connect()
    for _ in range(2):
        with transport.open(post(server)) as answer:
            assert list(answer.lines()) == ["a", "b", "c"]
    assert server.accepted == 1


def test_a_stream_that_is_left_early_costs_its_connection_and_nothing_else(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying_and_staying(raw(b"a\nb\n", length=100)), keep_alive), connect()
    with transport.open(post(server)) as answer:
        assert next(answer.lines()) == "a"
        answer.close()
    assert figures(transport).active == 0
    assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 2
    assert figures(transport).recycled == {}


def test_a_late_cancel_does_not_hit_who_has_the_connection_now(serve: Serve, connect: Connect) -> None:
    """The stream is read to its end but not closed yet, and its connection is already somebody else's."""
    go_on = threading.Event()

    def second_waits(peer: Peer) -> None:
        peer.request()
        peer.send(raw(b"first"))
        peer.request()
        go_on.wait(5)
        peer.send(raw(b"second"))

    server, transport, token = serve(second_waits), connect(), CancelToken()
    answer = transport.open(post(server, cancel=token))
    assert answer.read() == b"first"
    other = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 2)
    token.cancel()
    go_on.set()
    assert other.join().result.body == b"second"
    answer.close()
    assert server.accepted == 1


# --- given up -------------------------------------------------------------------------------------------------------


def test_a_connection_that_is_too_old_is_replaced(serve: Serve, connect: Connect, clocks: Clocks) -> None:
    server, transport = serve(keep_alive), connect(max_age=100.0, max_idle=90.0, age_jitter=0.1)
    transport.send(post(server))
    clocks.monotonic_ahead = 80.0
    transport.send(post(server))
    assert server.accepted == 1
    clocks.monotonic_ahead = 101.0
    transport.send(post(server))
    assert server.accepted == 2
    assert figures(transport).recycled == {"max_age": 1}


@pytest.mark.parametrize("clock", ["monotonic_ahead", "wall_ahead"])
def test_a_connection_that_was_idle_too_long_is_replaced(
    serve: Serve, connect: Connect, clocks: Clocks, clock: str
) -> None:
    """On the wall clock too: the monotonic one stands still while a machine sleeps."""
    server, transport = serve(keep_alive), connect(max_idle=60.0)
    transport.send(post(server))
    setattr(clocks, clock, 50.0)
    transport.send(post(server))
    assert server.accepted == 1
    setattr(clocks, clock, 111.0)
    transport.send(post(server))
    assert server.accepted == 2
    assert figures(transport).recycled == {"max_idle": 1}


def test_a_wall_clock_that_was_set_back_harms_nothing(serve: Serve, connect: Connect, clocks: Clocks) -> None:
    server, transport = serve(keep_alive), connect()
    transport.send(post(server))
    clocks.wall_ahead = -1e6
    transport.send(post(server))
    assert server.accepted == 1


def test_every_stale_connection_is_passed_over(serve: Serve, connect: Connect, clocks: Clocks) -> None:
    server, transport = serve(keep_alive), connect(max_idle=60.0)
    streams = [transport.open(post(server)) for _ in range(3)]
    for stream in streams:
        stream.read()
        stream.close()
    assert figures(transport).idle == 3
    clocks.wall_ahead = 61.0
    transport.send(post(server))
    assert figures(transport).recycled == {"max_idle": 3}
    assert figures(transport).idle == 1


@pytest.mark.parametrize("secure", [False, True])
def test_a_peer_that_left_is_noticed_before_the_request(
    serve: Serve, connect: Connect, trusted: str, secure: bool
) -> None:
    left = threading.Event()

    def leave(peer: Peer) -> None:
        saying(raw())(peer)
        peer.sock.close()
        left.set()

    server = serve(leave, keep_alive, tls=server_tls() if secure else None)
    transport = connect(ca_file=trusted)
    transport.send(post(server))
    assert left.wait(5)
    time.sleep(0.02)
    transport.send(post(server))
    assert len(server.requests) == 2
    assert figures(transport).recycled == {"dropped": 1}
    assert figures(transport).reused == 0


def test_a_connection_that_the_peer_said_it_would_close_was_not_dropped(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying(raw(b"fine", "200 OK", "Connection: close"))), connect()
    for _ in range(3):
        transport.send(post(server))
    assert server.accepted == 3
    assert figures(transport).recycled == {}


def test_what_arrives_unasked_spoils_the_connection(serve: Serve, connect: Connect) -> None:
    read, sent = threading.Event(), threading.Event()

    def chatty(peer: Peer) -> None:
        saying(raw())(peer)
        read.wait(5)
        peer.send(raw(b"nobody asked", "408 Request Timeout"))
        sent.set()
        peer.stall()

    server, transport = serve(chatty, keep_alive), connect()
    transport.send(post(server))
    read.set()
    assert sent.wait(5)
    time.sleep(0.02)
    assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 2


def test_a_purge_retires_what_is_idle_and_lets_the_rest_go_on(serve: Serve, connect: Connect) -> None:
    go_on = threading.Event()

    def slow_start(peer: Peer) -> None:
        peer.request()
        peer.send(raw(b"12", length=4))
        go_on.wait(5)
        peer.send(b"34")
        keep_alive(peer)

    server, transport = serve(slow_start, keep_alive), connect()
    stream = transport.open(post(server))
    transport.send(post(server))
    transport.pool.purge("wake")
    assert figures(transport).recycled == {"wake": 1}
    assert figures(transport).idle == 0
    go_on.set()
    assert stream.read() == b"1234"
    stream.close()
    transport.send(post(server))
    assert server.accepted == 2, "the stream's connection has proved itself since"


def test_a_connection_of_an_older_generation_is_not_used_again(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    transport.send(post(server))
    endpoint = transport.pool.endpoint(server.origin)
    endpoint.outdate(endpoint.generation, "network")
    endpoint.outdate(endpoint.generation - 1, "too late to say so")
    transport.send(post(server))
    assert server.accepted == 2
    assert figures(transport).recycled == {"network": 1}


# --- warm-up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest", [None, "TLSv1_2", "TLSv1_3"])
def test_the_warmed_connection_is_the_one_used_next(serve: Serve, connect: Connect, trusted: str, newest: Any) -> None:
    """Also when the session tickets of TLS 1.3 lie unread on it, which looks like a peer that left."""
    tls = server_tls(newest=getattr(ssl.TLSVersion, newest)) if newest else None
    server = serve(keep_alive, tls=tls)
    transport = connect(ca_file=trusted)
    transport.warm_up(server.url)
    until(lambda: server.accepted == 1)
    time.sleep(0.02)  # the tickets come after the handshake
    assert server.requests == [], "a warm-up sends nothing"
    for _ in range(3):
        transport.send(post(server))
    assert server.accepted == 1
    after = figures(transport)
    assert (after.created, after.requests, after.reused, after.recycled) == (1, 3, 3, {})


def test_warming_up_what_is_warm_changes_nothing(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    for _ in range(3):
        transport.warm_up(server.url)
    assert figures(transport).created == 1


def test_a_warm_up_that_fails_says_so_and_is_counted(connect: Connect) -> None:
    transport = connect()
    with pytest.raises(ConnectError):
        transport.warm_up(f"http://127.0.0.1:{closed_port()}")
    assert figures(transport).errors == {"connect": 1}
    with pytest.raises(NameLookupError):
        transport.warm_up("http://no-such-host.invalid")


def test_without_urllib3_there_is_nothing_to_warm_up(connect: Connect, no_urllib3: None) -> None:
    transport = connect()
    transport.warm_up("http://127.0.0.1:1")
    with pytest.raises(PoolUnavailableError, match="urllib3 cannot be imported"):
        transport.pool.get_pool()


def test_an_urllib3_that_is_too_old_is_as_good_as_none(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib3

    monkeypatch.setattr(urllib3, "__version__", "1.26.20")
    with pytest.raises(PoolUnavailableError, match=r"1\.26\.20 is too old"):
        connect().pool.get_pool()


# --- sockets --------------------------------------------------------------------------------------------------------


def test_a_socket_finds_out_that_its_peer_is_dead(serve: Serve) -> None:
    """By itself: keepalive while it is idle, the user timeout while data is on its way."""
    server = serve(keep_alive)
    config = PoolConfig(keepalive_idle=31, keepalive_interval=11, user_timeout=21.0)
    endpoint = ConnectionPoolManager(config).endpoint(server.origin)
    with open_socket("127.0.0.1", server.port, 5.0, endpoint, Attempt()) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        for name, value in (("TCP_KEEPIDLE", 31), ("TCP_KEEPINTVL", 11), ("TCP_USER_TIMEOUT", 21000)):
            if hasattr(socket, name):
                assert sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value


def test_an_option_that_the_system_refuses_is_done_without(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "TCP_USER_TIMEOUT", 9999, raising=False)
    monkeypatch.delattr(socket, "TCP_KEEPCNT", raising=False)
    server = serve(keep_alive)
    open_socket("127.0.0.1", server.port, 5.0, ConnectionPoolManager().endpoint(server.origin), Attempt()).close()


def test_a_request_leaves_in_one_piece(serve: Serve, connect: Connect, trusted: str) -> None:
    """Over TLS, since what is read at once there is what was written at once; over TCP it may be more by chance."""
    pieces = []

    def take_pieces(peer: Peer) -> None:
        while True:
            piece = peer.sock.recv(65536)
            if not piece:
                return
            pieces.append(piece)
            if piece.endswith((b"whole", b"\r\n\r\n")):
                peer.send(raw())

    server, transport = serve(take_pieces, tls=server_tls()), connect(ca_file=trusted)
    for request in (post(server, body=b"the whole"), post(server, body=b"the whole"), Request("GET", server.url)):
        assert transport.send(request).body == b"fine"
    assert [piece[:5] for piece in pieces] == [b"POST ", b"POST ", b"GET /"]


# --- many endpoints -------------------------------------------------------------------------------------------------


def test_statistics_survive_eviction(serve: Serve, connect: Connect) -> None:
    servers = [serve(keep_alive) for _ in range(3)]
    transport = connect(num_pools=2)
    for server in [*servers, servers[0]]:
        transport.send(post(server))
    first = transport.pool.stats()[servers[0].origin]
    assert (first.created, first.requests, first.idle) == (2, 2, 1)
    assert len(transport.pool.stats()) == 3
    gc.collect()
    assert transport.pool.stats()[servers[1].origin].idle == 0


def test_a_pool_that_is_evicted_closes_its_connections_at_once(serve: Serve, connect: Connect) -> None:
    """Not when its garbage is collected: a failed request may hold on to it for long."""
    servers = [serve(keep_alive) for _ in range(2)]
    transport = connect(num_pools=1)
    forgotten = transport.pool.endpoint_pool(servers[0].url)
    with transport.open(post(servers[0])) as answer:
        transport.send(post(servers[0]))
        transport.send(post(servers[1]))
        first = transport.pool.stats()[servers[0].origin]
        assert (first.idle, first.recycled) == (0, {"evicted": 1})
        assert answer.read() == b"fine", "what was in flight goes on"
    first = transport.pool.stats()[servers[0].origin]
    assert (first.idle, first.recycled, forgotten.count_idle()) == (0, {"evicted": 2}, 0)


@pytest.mark.parametrize("end", ["evict", "close"])
def test_a_connection_that_comes_in_while_its_pool_ends_is_closed(serve: Serve, connect: Connect, end: str) -> None:
    server, transport = serve(keep_alive), connect()
    pool = transport.pool.endpoint_pool(server.url)
    waiting, put = pool.pool, pool.pool.put

    def end_first(connection: object, **rest: object) -> None:
        getattr(pool, end)()
        put(connection, **rest)

    waiting.put = end_first
    transport.send(post(server))
    assert (waiting.qsize(), figures(transport).recycled) == (0, {"evicted": 1})


def test_every_connection_that_a_peer_accepted_is_counted(serve: Serve, connect: Connect, trusted: str) -> None:
    """Also one whose TLS fails, is refused, or is cancelled."""
    dropping, silent = serve(saying()), serve(lambda peer: peer.stall())
    untrusted = serve(keep_alive, tls=server_tls("elsewhere.example"))
    transport, token = connect(ca_file=trusted), CancelToken()
    for server in (dropping, untrusted):
        with pytest.raises(NothingSentError):
            transport.send(post(url=f"https://127.0.0.1:{server.port}/"))
    doing = Doing(lambda: transport.send(post(url=f"https://127.0.0.1:{silent.port}/", cancel=token)))
    until(lambda: silent.accepted == 1)
    token.cancel()
    doing.join()
    with pytest.raises(ConnectError):
        transport.send(post(url=f"http://127.0.0.1:{closed_port()}/"))
    counted = {origin: (each.created, sum(each.handshake_histogram)) for origin, each in transport.pool.stats().items()}
    for server in (dropping, untrusted, silent):
        assert counted[f"https://127.0.0.1:{server.port}"] == (server.accepted, 0) == (1, 0)
    assert sum(created for created, _ in counted.values()) == 3


def test_statistics_survive_a_resize(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect(parallel=4)
    transport.send(post(server))
    narrow = Transport(transport.pool, parallel=1)
    narrow.send(post(server))
    assert transport.pool.endpoint(server.origin).gate.permits == 1
    wide = Transport(transport.pool, parallel=100)
    wide.send(post(server))
    assert transport.pool.endpoint(server.origin).gate.permits == transport.pool.config.maxsize
    assert figures(transport).requests == 3


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example/v1?x=1", "https://api.example:443"),
        ("HTTP://API.example:8080", "http://api.example:8080"),
        ("http://[::1]:1234/v1", "http://[::1]:1234"),
    ],
)
def test_an_origin_spells_the_port_out(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "host", "", "http://host:99999/", "http://[::1/"])
def test_what_is_no_url_is_refused(connect: Connect, url: str) -> None:
    with pytest.raises(ConfigError, match="no URL"):
        connect().send(Request("GET", url))


def test_a_host_that_cannot_be_is_refused(connect: Connect) -> None:
    for host in (f"{'x' * 70}.localhost", "exa mple"):
        with pytest.raises(ConfigError, match=r"check the (address|base URL)"):
            connect().send(Request("GET", f"http://{host}/"))
    with pytest.raises(ConfigError, match="no address that can be reached"):
        connect().send(Request("GET", "http://a%zz/"))


# --- the end --------------------------------------------------------------------------------------------------------


def test_after_the_end_nothing_starts(serve: Serve) -> None:
    server = serve(keep_alive)
    with ConnectionPoolManager() as pool:
        transport = Transport(pool)
        transport.send(post(server))
    calls: List[Callable[[], object]] = [
        lambda: pool.start(Attempt(), CancelToken()),
        lambda: transport.send(post(server)),
        lambda: transport.warm_up(server.url),
        pool.get_pool,
    ]
    for call in calls:
        with pytest.raises(PoolClosedError):
            call()
    assert pool.close_all()
    assert figures(transport).idle == 0


def test_who_does_not_end_in_time_is_not_waited_for(serve: Serve) -> None:
    server = serve(saying_and_staying(raw(b"12", length=4)))
    with ConnectionPoolManager() as pool:
        stream = Transport(pool).open(post(server))
        assert not pool.close_all(0.02)
        with pytest.raises(PoolClosedError):
            stream.read()
        stream.close()
        assert pool.close_all(0.02)


def test_there_is_one_pool_for_everyone() -> None:
    assert isinstance(connection_pool_manager, ConnectionPoolManager)
