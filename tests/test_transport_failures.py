"""Which failure may be sent again, row by row of the table in docs/design.md, and what each one is called."""

import errno
import logging
import re
import socket
import time
import traceback
from typing import Any, List

import pytest
from support_server import (
    Connect,
    Doing,
    Peer,
    Serve,
    closed_port,
    full_backlog,
    keep_alive,
    leaving,
    post,
    raw,
    resetting,
    saying,
    saying_and_staying,
)
from waiting import until

from core import backoff
from core.attempt import Attempt
from core.backoff import rate_limited_backoff_on_429
from core.circuit_breaker import breaker_for
from core.endpoints import endpoint_id
from core.errors import (
    ConfigError,
    ConnectError,
    ConnectionDroppedError,
    NameLookupError,
    NothingSentError,
    PoolTimeoutError,
    ProtocolError,
    ReadTimeoutError,
    TransportError,
)
from core.failures import classify
from core.transport import Transport

pytest_plugins = ("network_fixtures",)


def errors_of(transport: Transport) -> Any:
    (snapshot,) = transport.pool.stats().values()
    return snapshot.errors


# --- row 1: nothing was sent ----------------------------------------------------------------------------------------


def test_a_name_that_nobody_has_is_nothing_sent(connect: Connect) -> None:
    transport = connect()
    with pytest.raises(NameLookupError, match=r"no-such-host\.invalid was not found"):
        transport.send(post(url="http://no-such-host.invalid/"))
    assert errors_of(transport) == {"dns": 1}


def test_a_resolver_that_does_not_answer_is_nothing_sent(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def slow(host: str, port: int, **rest: Any) -> Any:
        if "flags" not in rest:
            time.sleep(0.3)
        return real(host, port, **rest)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(NameLookupError):
        connect(connect_timeout=0.1).send(post(url="http://localhost:1/"))
    time.sleep(0.3)


def test_a_closed_port_is_nothing_sent(connect: Connect) -> None:
    transport = connect()
    with pytest.raises(
        ConnectError, match=r"127\.0\.0\.1 could not be reached \(Connection refused\): check"
    ) as caught:
        transport.send(post(url=f"http://127.0.0.1:{closed_port()}/", provider="acme"))
    assert isinstance(caught.value, NothingSentError)
    assert caught.value.provider == "acme"
    assert not caught.value.permanent
    assert errors_of(transport) == {"connect": 1}


def test_a_host_that_does_not_answer_is_nothing_sent(connect: Connect) -> None:
    with full_backlog() as port, pytest.raises(ConnectError, match=r"no answer to the connect within 0\.1 s"):
        connect(connect_timeout=0.1).send(post(url=f"http://127.0.0.1:{port}/"))


def test_the_next_address_is_tried_when_one_does_not_accept(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, real = serve(keep_alive), socket.getaddrinfo

    def several(host: str, port: int, **rest: Any) -> Any:
        if "flags" in rest:
            return real(host, port, **rest)
        unknown_family = (socket.AddressFamily.AF_UNSPEC, socket.SOCK_STREAM, 77, "", ("127.0.0.1", port))
        closed, open_ = ((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", at)) for at in (closed_port(), port))
        return [unknown_family, closed, open_]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    assert connect().send(post(url=f"http://several.example:{server.port}/")).body == b"fine"


def test_a_host_with_no_address_at_all_is_nothing_sent(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_host: str, _port: int, **rest: Any) -> List[Any]:
        if "flags" in rest:
            raise socket.gaierror
        return []

    monkeypatch.setattr(socket, "getaddrinfo", none)
    with pytest.raises(ConnectError, match="has no address"):
        connect().send(post(url="http://none.example/"))


def test_too_many_at_once_is_nothing_sent(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying_and_staying()), connect(parallel=1, pool_timeout=0.05)
    holder = Doing(lambda: transport.send(post(server)))
    until(lambda: server.accepted == 1)
    with pytest.raises(PoolTimeoutError):
        transport.send(post(server))
    assert errors_of(transport) == {"pool_timeout": 1}
    transport.pool.cancel()
    holder.join()


# --- row 2: a reused connection failed before the first byte of an answer --------------------------------------------


def first_fine_then(misdeed: Any) -> Any:
    def script(peer: Peer) -> None:
        saying(raw())(peer)
        misdeed(peer)

    return script


@pytest.mark.parametrize("misdeed", [leaving, resetting])
def test_a_reused_connection_that_had_died_is_replaced_unseen(serve: Serve, connect: Connect, misdeed: Any) -> None:
    """At once, outside of any retry: the request is counted once above, and the answer is the fresh connection's."""
    server, transport = serve(first_fine_then(misdeed), keep_alive), connect(parallel=1)
    for _ in range(3):
        assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 2, "and the fresh connection is kept"
    (after,) = transport.pool.stats().values()
    assert after.recycled == {"dropped": 1}
    assert after.errors == {}
    assert transport.counts.requests == 3
    assert transport.counts.retries == 0


def test_a_reused_connection_that_breaks_while_sending_is_replaced_unseen(serve: Serve, connect: Connect) -> None:
    """EPIPE or ECONNRESET while a large body goes out."""

    def leave_in_the_middle(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.reset()

    server, transport = serve(first_fine_then(leave_in_the_middle), keep_alive), connect()
    transport.send(post(server))
    assert transport.send(post(server, body=b"x" * 8_000_000)).body == b"fine"
    assert server.accepted == 2


def test_every_idle_connection_as_old_is_retired_with_it(serve: Serve, connect: Connect) -> None:
    server, transport = serve(first_fine_then(keep_alive), first_fine_then(leaving), keep_alive), connect()
    streams = [transport.open(post(server)) for _ in range(2)]
    for stream in streams:
        stream.read()
        stream.close()
    assert transport.send(post(server)).body == b"fine"  # over the second, which leaves, and then a third
    transport.send(post(server))
    with transport.open(post(server)):
        assert transport.send(post(server)).body == b"fine"  # the first would be next in the pool
    assert server.accepted == 4
    (after,) = transport.pool.stats().values()
    assert after.recycled == {"dropped": 2}


def test_connections_opened_since_are_not_retired_for_an_older_ones_death(serve: Serve, connect: Connect) -> None:
    """Two old connections die under two requests; the first replacement stays."""
    server = serve(first_fine_then(leaving), first_fine_then(leaving), keep_alive)
    transport = connect()
    streams = [transport.open(post(server)) for _ in range(2)]
    for stream in streams:
        stream.read()
        stream.close()
    for worker in [Doing(lambda: transport.send(post(server))) for _ in range(2)]:
        assert worker.join().result.body == b"fine"
    accepted = server.accepted
    for _ in range(4):
        transport.send(post(server))
    assert server.accepted == accepted


def test_a_replacement_that_fails_too_is_an_ordinary_failure(serve: Serve, connect: Connect) -> None:
    server, transport = serve(first_fine_then(leaving), leaving), connect()
    transport.send(post(server))
    with pytest.raises(ConnectionDroppedError):
        transport.send(post(server))
    assert server.accepted == 2, "once, and no more"
    assert errors_of(transport) == {"dropped": 1}


def test_a_connection_that_breaks_long_after_the_request_had_not_died_before(serve: Serve, connect: Connect) -> None:
    """The server had the request, and may charge for it; a peer that had left would have said so at once."""

    def leave_late(peer: Peer) -> None:
        peer.request()
        time.sleep(0.3)

    server, transport = serve(first_fine_then(leave_late), keep_alive), connect(connect_timeout=0.1)
    transport.send(post(server))
    with pytest.raises(ConnectionDroppedError):
        transport.send(post(server))
    assert server.accepted == 1
    assert errors_of(transport) == {"dropped": 1}


def test_a_replacement_needs_no_second_permit(serve: Serve, connect: Connect) -> None:
    """Others wait for one, and it would have to queue behind them."""
    server, transport = serve(first_fine_then(leaving), keep_alive), connect(parallel=1, pool_timeout=0.5)
    transport.send(post(server))
    several = [Doing(lambda: transport.send(post(server))) for _ in range(5)]
    assert {worker.join(5).result.body for worker in several} == {b"fine"}
    assert transport.pool.endpoint(server.origin).gate.in_flight == 0


def test_once_an_answer_has_begun_nothing_is_sent_again(serve: Serve, connect: Connect) -> None:
    """The server saw the request, and may charge for it."""

    def break_off(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        time.sleep(0.02)
        peer.reset()

    server, transport = serve(first_fine_then(break_off), keep_alive), connect()
    transport.send(post(server))
    with pytest.raises(ConnectionDroppedError):
        transport.send(post(server))
    assert len(server.requests) == 2
    assert server.accepted == 1


# --- row 3: the same on a fresh connection --------------------------------------------------------------------------


@pytest.mark.parametrize("misdeed", [leaving, resetting])
def test_a_fresh_connection_that_dies_is_an_ordinary_failure(serve: Serve, connect: Connect, misdeed: Any) -> None:
    server, transport = serve(misdeed), connect()
    with pytest.raises(ConnectionDroppedError, match="broke before its answer was whole") as caught:
        transport.send(post(server))
    assert not isinstance(caught.value, NothingSentError)
    assert not caught.value.permanent
    assert server.accepted == 1
    assert errors_of(transport) == {"dropped": 1}


def test_a_server_that_closes_after_every_answer_costs_no_failure(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Without saying so, whether the client notices in time or not; and nobody is told of it."""
    server, transport = serve(saying(raw())), connect(parallel=4)

    def work() -> int:
        return sum(transport.send(post(server)).body == b"fine" for _ in range(25))

    assert [worker.join(20).result for worker in [Doing(work) for _ in range(4)]] == [25] * 4
    (after,) = transport.pool.stats().values()
    assert after.errors == {}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# --- row 4: cut, or silent ------------------------------------------------------------------------------------------

CUT = {
    "with a length": raw(b"12", length=9),
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12",
    "between chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n",
    "in the first header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "after a header": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
    "after the status": b"HTTP/1.1 200 OK\r\n",
    "after an interim answer": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
}


@pytest.mark.parametrize("how", list(CUT))
def test_an_answer_that_is_cut_is_dropped_and_not_taken_for_whole(serve: Serve, connect: Connect, how: str) -> None:
    server, transport = serve(saying(CUT[how])), connect()
    with pytest.raises(ConnectionDroppedError):
        transport.send(post(server))
    assert errors_of(transport) == {"dropped": 1}


def test_a_stream_that_is_cut_keeps_what_came(serve: Serve, connect: Connect) -> None:
    server, transport = (
        serve(saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb\n\r\n")),
        connect(),
    )
    with transport.open(post(server)) as answer:
        lines = answer.lines()
        assert [next(lines), next(lines)] == ["a", "b"]
        with pytest.raises(ConnectionDroppedError):
            next(lines)


def test_no_first_byte_in_time(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying_and_staying()), connect(first_byte_timeout=0.1)
    with pytest.raises(ReadTimeoutError, match=r"127\.0\.0\.1 stopped answering"):
        transport.send(post(server))
    assert errors_of(transport) == {"read_timeout": 1}


def test_no_next_byte_in_time(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying_and_staying(raw(b"12", length=9))), connect(read_timeout=0.1)
    with pytest.raises(ReadTimeoutError):
        transport.send(post(server))


def test_the_first_byte_may_take_longer_than_the_next(serve: Serve, connect: Connect) -> None:
    def slow(peer: Peer) -> None:
        while peer.request() is not None:
            time.sleep(0.2)
            peer.send(raw())

    server, transport = serve(slow), connect(first_byte_timeout=5.0, read_timeout=0.1, connect_timeout=0.1)
    for _ in range(2):  # on a new connection, and on a reused one
        assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 1


@pytest.mark.parametrize("route", ["http", "https"])
def test_a_dead_path_is_not_called_a_read_timeout(route: str) -> None:
    """ETIMEDOUT, from keepalive or the user timeout, which Python makes a TimeoutError."""
    attempt = Attempt()
    attempt.connected = True
    error = classify(OSError(errno.ETIMEDOUT, f"over {route}"), attempt, "host")
    assert type(error) is ConnectionDroppedError


# --- what is not HTTP -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_as_we_know_it_says_so(serve: Serve, connect: Connect, answer: bytes) -> None:
    server, transport = serve(saying(answer)), connect()
    with pytest.raises(ProtocolError):
        transport.send(post(server))
    assert errors_of(transport) == {"protocol": 1}


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 2", ConnectionDroppedError, "The connection to 127.0.0.1 broke"),
        (b"\x15\x03\x01\x00\x02\x02\x46", ProtocolError, "the address begins with https://"),
        (b"\x1b]0;mine\x07\r\n", ProtocolError, "did not answer in HTTP as expected: ]0;mine."),
        (b"\r\n\r\n", ProtocolError, "did not answer in HTTP as expected: no reason given."),
    ],
)
def test_what_came_instead_is_told_in_words_for_a_person(
    serve: Serve, connect: Connect, answer: bytes, kind: Any, words: str
) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        connect().send(post(serve(saying(answer))))


def test_errors_of_the_provider_are_answers(serve: Serve, connect: Connect) -> None:
    """A status is the business of those above, a redirect too: following it would carry the key to another host."""
    elsewhere = "Location: http://127.0.0.1:9/"
    answers = [
        raw(b"a", "401 Unauthorized"),
        raw(b"b", "302 Found", elsewhere),
        raw(b"c", "503 Busy", "Retry-After: 9"),
    ]
    server, transport = serve(saying(*answers)), connect()
    got = [transport.send(post(server)) for _ in answers]
    assert [(answer.status, answer.body) for answer in got] == [(401, b"a"), (302, b"b"), (503, b"c")]
    assert got[2].headers["retry-after"] == "9"
    assert len(server.requests) == 3


def test_an_empty_answer_is_an_answer(serve: Serve, connect: Connect) -> None:
    unframed = b"HTTP/1.1 401 Unauthorized\r\nServer: odd\r\n\r\n"
    server, transport = serve(saying(raw(b""), b"HTTP/1.1 204 No Content\r\nServer: odd\r\n\r\n", unframed)), connect()
    assert [transport.send(post(server)).status for _ in range(3)] == [200, 204, 401]
    assert server.accepted == 1


# --- what a request looks like --------------------------------------------------------------------------------------


def test_the_request_arrives_as_it_was_meant(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    headers = {"x-api-key": "secret", "content-type": "application/json"}
    transport.send(post(server, body=b'{"a": 1}', url=server.origin + "/v1/chat?x=1&y=%20", headers=headers))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /v1/chat?x=1&y=%20 http/1.1"
    assert f"host: 127.0.0.1:{server.port}" in lines
    assert "x-api-key: secret" in lines
    assert "content-length: 8" in lines
    assert body == b'{"a": 1}'


def test_a_url_without_a_path_asks_for_the_root(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    transport.send(post(server, url=server.origin))
    assert server.requests[0].startswith(b"POST / HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["Bearer \u201csecret\u201d", "secret\r\nX: y", "secret\n", "secr\x00et"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(connect: Connect, value: str) -> None:
    with pytest.raises(ConfigError, match="The header authorization holds") as caught:
        connect().send(post(url="http://127.0.0.1:1/", headers={"authorization": value}))
    assert "secr" not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb))


def test_the_headers_are_announced_before_the_body(serve: Serve, connect: Connect) -> None:
    announced: List[int] = []
    server, transport = serve(saying_and_staying(raw(b"12", length=9))), connect()
    with transport.open(post(server, on_headers=announced.append)):
        assert announced == [200]


def test_each_request_leaves_one_line_in_the_log(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server, transport = serve(saying(raw(), raw(b"12", length=9))), connect()
    with caplog.at_level(logging.DEBUG, "subai"):
        transport.send(post(server, provider="acme", model="m1"))
        with pytest.raises(ConnectionDroppedError):
            transport.send(post(server, provider="acme", model="m1", attempt=2))
        with pytest.raises(ConnectError):
            transport.send(post(url=f"http://127.0.0.1:{closed_port()}"))
        transport.open(post(serve(saying_and_staying(raw(b"12", length=9))))).close()
    lines = [record.getMessage() for record in caplog.records if record.name == "subai.transport"]
    assert len(lines) == 4
    words = "acme m1: 200 in [0-9.]+ s, 2 bytes out, 4 in, new connection, attempt 1"
    assert re.fullmatch(words, lines[0])
    assert re.search("acme m1: dropped in .*, 2 in, reused connection, attempt 2", lines[1])
    assert re.search("- -: connect in .*, 0 in, no connection, attempt 1", lines[2])
    assert re.search("- -: 200 in .*, 0 in, new connection, attempt 1", lines[3])


# --- with the retry loop above --------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "full_jitter", lambda delay: lambda tries: 0.0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("script", "requests"),
    [
        (leaving, 4),  # a fresh connection that dies: the first try and three more
        (saying(raw(b"12", length=9)), 4),  # a body that is cut
        (saying(b"nonsense\r\n\r\n"), 4),
    ],
)
def test_ordinary_failures_are_retried_within_their_budget(
    serve: Serve, connect: Connect, script: Any, requests: int
) -> None:
    server, transport = serve(script), connect()
    send = rate_limited_backoff_on_429()(transport.send)
    endpoint = endpoint_id(server.url, "key")
    with pytest.raises(TransportError):
        send(post(server, endpoint=endpoint))
    assert len(server.requests) == requests
    assert transport.counts.retries == 3
    assert breaker_for(endpoint).take_retry()


@pytest.mark.usefixtures("hasty")
def test_a_replaced_connection_costs_no_retry(serve: Serve, connect: Connect) -> None:
    server, transport = serve(first_fine_then(leaving), keep_alive), connect()
    send = rate_limited_backoff_on_429(retries=0)(transport.send)
    for _ in range(2):
        assert send(post(server, endpoint=endpoint_id(server.url, "key"))).body == b"fine"
    assert transport.counts.retries == 0
