"""Without urllib3 everything goes on over urllib.request: same answers, same errors, and it can be cancelled."""

import gzip
import logging
import sys
import time
from typing import Any, Callable, Dict, Tuple

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
    proxying,
    raw,
    resetting,
    saying,
    saying_and_staying,
    server_tls,
)
from waiting import until

from core.cancel import CancelToken
from core.errors import (
    CancelledError,
    ConfigError,
    DeadlineError,
    PoolClosedError,
    ProxyError,
    ReadTimeoutError,
    SubAIError,
    TLSError,
)
from core.messages import Request, Response
from core.transport import Transport

pytest_plugins = ("network_fixtures",)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

SCRIPTS: Dict[str, Callable[[Peer], None]] = {
    "fine": saying(raw()),
    "fine, and the server does not close": saying_and_staying(raw()),
    "empty": saying_and_staying(raw(b"")),
    "chunked": saying_and_staying(CHUNKED + b"4\r\na\nb\n\r\n0\r\n\r\n"),
    "until the end": saying(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it"),
    "packed": saying(raw(gzip.compress(b"packed"), "200 OK", "Content-Encoding: gzip")),
    "no content": saying_and_staying(b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n"),
    "unauthorised": saying(raw(b"no", "401 Unauthorized", "WWW-Authenticate: Basic realm=x")),
    "redirected": saying(raw(b"", "302 Found", "Location: http://127.0.0.1:9/")),
    "too fast": saying(raw(b"slow down", "429 Too Many Requests", "Retry-After: 7")),
    "broken": saying(raw(b"oops", "500 Internal Server Error")),
    "left": leaving,
    "reset": resetting,
    "cut": saying(raw(b"12", length=9)),
    "cut in a chunk": saying(CHUNKED + b"9\r\n12"),
    "cut between chunks": saying(CHUNKED + b"2\r\n12\r\n"),
    "cut in the headers": saying(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "cut after a header": saying(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"),
    "not http": saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "only interim": saying(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "interim first": saying(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + raw()),
    "another protocol": saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "too large": saying_and_staying(raw(b"x" * 5000, length=10**9)),
    "silent": saying_and_staying(),
    "silent in the middle": saying_and_staying(raw(b"12", length=9)),
    "a proxy's word": saying(raw(b"", "407 Proxy Authentication Required")),
    "damaged": saying(raw(b"junk", "200 OK", "Content-Encoding: gzip")),
}


def outcome(transport: Transport, request: Request) -> Tuple[Any, ...]:
    """The answer, or what the error says; and what was counted."""
    try:
        answer: Response = transport.send(request)
    except SubAIError as error:
        result: Tuple[Any, ...] = (type(error), error.user_message, error.permanent, error.status, error.provider)
    else:
        result = (answer.status, dict(answer.headers), answer.body)
    (after,) = transport.pool.stats().values()
    return (*result, after.created, after.requests, after.errors, after.active)


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_answers_and_errors_are_the_same(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    outcomes = []
    for importable in (True, False):
        if not importable:
            monkeypatch.setitem(sys.modules, "urllib3", None)
        server = serve(SCRIPTS[name])
        patience = 0.1 if "silent" in name else 10.0
        transport = connect(max_body=4096, first_byte_timeout=patience, read_timeout=patience)
        outcomes.append(outcome(transport, post(server, provider="acme")))
        assert transport.counts.fallback == (0 if importable else 1)
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("name", ["host", "port", "backlog", "tls", "no tls", "long name", "url", "header"])
def test_failures_before_anything_is_sent_are_the_same(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with full_backlog() as full:
        urls: Dict[str, Callable[[], str]] = {
            "host": lambda: "http://no-such-host.invalid/",
            "port": lambda: f"http://127.0.0.1:{closed_port()}/",
            "backlog": lambda: f"http://127.0.0.1:{full}/",
            "tls": lambda: serve(keep_alive, tls=server_tls()).url,
            "no tls": lambda: serve(saying(raw())).url.replace("http:", "https:"),
            "long name": lambda: f"http://{'x' * 70}.localhost/",
            "url": lambda: "ftp://127.0.0.1/",
            "header": lambda: "http://127.0.0.1/",
        }
        url = urls[name]()
        headers = {"x-key": "a\u201cb"} if name == "header" else {}
        patience = 0.2 if name in ("backlog", "no tls") else 10.0
        found = []
        for importable in (True, False):
            if not importable:
                monkeypatch.setitem(sys.modules, "urllib3", None)
            with pytest.raises(SubAIError) as caught:
                connect(connect_timeout=patience).send(post(url=url, headers=headers))
            found.append((type(caught.value), caught.value.user_message, caught.value.permanent))
        assert found[0] == found[1]


@pytest.mark.usefixtures("no_urllib3")
class TestWithoutUrllib3:
    def test_a_stream_comes_line_by_line(self, serve: Serve, connect: Connect) -> None:
        server = serve(saying_and_staying(CHUNKED + b"4\r\na\nb\n\r\n"))
        with connect().open(post(server)) as answer:
            lines = answer.lines()
            assert [next(lines), next(lines)] == ["a", "b"]

    def test_tls_is_verified_and_own_authorities_count(self, serve: Serve, connect: Connect, trusted: str) -> None:
        server, transport = serve(keep_alive, tls=server_tls()), connect(ca_file=trusted)
        for _ in range(2):
            assert transport.send(post(server)).body == b"fine"
        with pytest.raises(TLSError, match="not trusted"):
            connect().send(post(server))
        with pytest.raises(TLSError):
            connect(ca_file=trusted).send(post(serve(keep_alive, tls=server_tls("other.example"))))

    def test_every_request_has_a_connection_of_its_own(self, serve: Serve, connect: Connect) -> None:
        server, transport = serve(keep_alive), connect()
        for _ in range(3):
            transport.send(post(server))
        (after,) = transport.pool.stats().values()
        assert (server.accepted, after.created, after.reused, after.reuse_rate) == (3, 3, 0, 0.0)

    def test_it_is_said_once_and_counted_each_time(
        self, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        server, transport = serve(keep_alive), connect()
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                transport.send(post(server))
        assert [record.getMessage().split(".")[0][:30] for record in caplog.records] == [
            "urllib3 cannot be imported (im"
        ]
        assert transport.counts.fallback == transport.counts.requests == 3

    def test_permits_hold(self, serve: Serve, connect: Connect) -> None:
        most = 0

        def watch(peer: Peer) -> None:
            nonlocal most
            peer.request()
            most = max(most, transport.pool.endpoint(server.origin).gate.in_flight)
            time.sleep(0.01)
            peer.send(raw())

        transport = connect(parallel=2)
        server = serve(watch)
        for worker in [Doing(lambda: transport.send(post(server))) for _ in range(6)]:
            assert worker.join(5).error is None
        assert most == 2

    def test_the_environments_proxies_count_for_nothing(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dead = f"http://127.0.0.1:{closed_port()}"
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, dead)
        assert connect().send(post(serve(keep_alive))).body == b"fine"

    def test_no_exception_of_the_environments_leads_around_the_proxy(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("no_proxy", "*")
        server, proxy = serve(keep_alive), serve(proxying())
        assert connect(proxy=proxy.origin).send(post(server)).body == b"fine"
        assert proxy.accepted == 1

    @pytest.mark.parametrize("secure", [False, True])
    def test_a_proxy_works_with_a_login(self, serve: Serve, connect: Connect, trusted: str, secure: bool) -> None:
        server = serve(keep_alive, tls=server_tls() if secure else None)
        proxy = serve(proxying("me@home:p:ss"))
        address = proxy.origin.replace("//", "//me%40home:p%3Ass@")
        transport = connect(proxy=address, ca_file=trusted)
        assert transport.send(post(server, headers={"x-api-key": "key"})).body == b"fine"
        if secure:
            assert b"roxy-" not in server.requests[0]
            assert b"key" not in proxy.requests[0]
        with pytest.raises(ProxyError, match="wants a login"):
            connect(proxy=proxy.origin, ca_file=trusted).send(post(server))

    def test_plain_http_goes_through_an_https_proxy(self, serve: Serve, connect: Connect, trusted: str) -> None:
        server, proxy = serve(keep_alive), serve(proxying(), tls=server_tls())
        assert connect(proxy=proxy.origin, ca_file=trusted).send(post(server)).body == b"fine"

    @pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "127.0.0.1:1", "http://"])
    def test_a_proxy_that_only_the_pool_can_use_is_a_clear_error(self, connect: Connect, proxy: str) -> None:
        with pytest.raises(ConfigError, match="Without urllib3 only a proxy like http://host:port works"):
            connect(proxy=proxy).send(post(url="https://127.0.0.1:1/"))

    @pytest.mark.parametrize("end", [CancelledError, PoolClosedError, DeadlineError])
    @pytest.mark.parametrize("phase", ["connect", "handshake", "headers", "body", "tls body"])
    def test_every_wait_ends_at_once(self, serve: Serve, connect: Connect, trusted: str, phase: str, end: type) -> None:
        server = serve(
            (lambda peer: peer.stall())
            if phase == "handshake"
            else saying_and_staying(*([raw(b"12", length=9)] if "body" in phase else [])),
            tls=server_tls() if "tls" in phase else None,
        )
        transport, token = connect(connect_timeout=60.0, ca_file=trusted), CancelToken()
        deadline = time.monotonic() + 0.2 if end is DeadlineError else None
        with full_backlog() as full:
            url = {
                "connect": f"http://127.0.0.1:{full}/",
                "handshake": server.url.replace("http:", "https:"),
            }.get(phase, server.url)
            doing = Doing(lambda: transport.send(post(url=url, cancel=token, deadline=deadline)))
            until(lambda: phase == "connect" or server.accepted == 1 or deadline is not None)
            time.sleep(0.02)
            if end is CancelledError:
                token.cancel()
            elif end is PoolClosedError:
                transport.pool.close_all()
            assert type(doing.join().error) is end

    def test_a_trickle_ends_at_the_deadline(self, serve: Serve, connect: Connect) -> None:
        def trickle(peer: Peer) -> None:
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\nX: ")
            while not peer.server.stopping.wait(0.01):
                peer.send(b"x")

        with pytest.raises(DeadlineError):
            connect().send(post(serve(trickle), deadline=time.monotonic() + 0.1))

    def test_the_first_byte_may_take_longer_than_the_next(self, serve: Serve, connect: Connect) -> None:
        def slow(peer: Peer) -> None:
            peer.request()
            time.sleep(0.2)
            peer.send(raw(b"12", length=9))
            peer.stall()

        with pytest.raises(ReadTimeoutError):
            connect(first_byte_timeout=5.0, read_timeout=0.1, connect_timeout=0.1).send(post(serve(slow)))
