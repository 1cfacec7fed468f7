"""Through a proxy: http and https ones, with a login, and SOCKS where PySocks is there."""

import sys
import time
import traceback

import pytest
from support_server import (
    SOON,
    Connect,
    Doing,
    Peer,
    Resolver,
    Serve,
    closed_port,
    keep_alive,
    post,
    proxying,
    raw,
    saying,
    server_tls,
    socks4,
    socks5,
)
from waiting import until

import core
from core.errors import (
    CancelledError,
    ConfigError,
    ConnectError,
    DeadlineError,
    NameLookupError,
    NothingSentError,
    ProxyError,
    TLSError,
)

pytest_plugins = ("network_fixtures",)

LOGIN = "me%40home:p%3Ass"  # as it stands in a URL


def with_login(origin: str, login: str = LOGIN) -> str:
    scheme, _, rest = origin.partition("://")
    return f"{scheme}://{login}@{rest}"


@pytest.mark.parametrize("proxy_secure", [False, True])
@pytest.mark.parametrize("secure", [False, True])
def test_requests_go_through_the_proxy_and_its_connections_are_reused(
    serve: Serve, connect: Connect, trusted: str, proxy_secure: bool, secure: bool
) -> None:
    """Also TLS inside TLS, and plain http through an https proxy."""
    server = serve(keep_alive, tls=server_tls() if secure else None)
    proxy = serve(proxying(), tls=server_tls() if proxy_secure else None)
    transport = connect(proxy=proxy.origin, ca_file=trusted)
    for _ in range(3):
        assert transport.send(post(server)).body == b"fine"
    assert len(server.requests) == 3
    assert server.requests[0].startswith(b"POST /v1/chat HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in server.requests[0]
    assert proxy.accepted == 1
    (after,) = transport.pool.stats().values()
    assert (after.created, after.reused) == (1, 2)


@pytest.mark.parametrize("secure", [False, True])
def test_a_scheme_in_capitals_is_the_same_scheme(serve: Serve, connect: Connect, trusted: str, secure: bool) -> None:
    server, proxy = serve(keep_alive, tls=server_tls() if secure else None), serve(proxying())
    transport = connect(proxy=proxy.origin, ca_file=trusted)
    url = server.url.replace("http", "HTTP", 1)
    transport.warm_up(url)
    assert transport.send(post(url=url)).body == b"fine"
    assert server.requests[0].startswith(b"POST /v1/chat HTTP/1.1\r\n")
    assert proxy.accepted == 1


@pytest.mark.parametrize("proxy_secure", [False, True])
@pytest.mark.parametrize("secure", [False, True])
def test_a_warmed_connection_goes_through_the_proxy_too(
    serve: Serve, connect: Connect, trusted: str, proxy_secure: bool, secure: bool
) -> None:
    server = serve(keep_alive, tls=server_tls() if secure else None)
    proxy = serve(proxying(), tls=server_tls() if proxy_secure else None)
    transport = connect(proxy=proxy.origin, ca_file=trusted)
    transport.warm_up(server.url)
    time.sleep(0.03)  # the session tickets come after the handshake
    assert transport.send(post(server)).body == b"fine"
    assert proxy.accepted == 1


@pytest.mark.parametrize("secure", [False, True])
def test_a_login_is_sent_to_the_proxy_and_to_nobody_else(
    serve: Serve, connect: Connect, trusted: str, secure: bool
) -> None:
    server = serve(keep_alive, tls=server_tls() if secure else None)
    proxy = serve(proxying("me@home:p:ss"))
    transport = connect(proxy=with_login(proxy.origin), ca_file=trusted)
    assert transport.send(post(server, headers={"authorization": "Bearer key"})).body == b"fine"
    if secure:
        assert b"roxy-" not in server.requests[0]
        assert b"Bearer" not in proxy.requests[0]


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("login", ["", "me%40home:letmein"])
def test_a_login_that_is_missing_or_wrong_is_permanent(
    serve: Serve, connect: Connect, trusted: str, login: str, secure: bool
) -> None:
    server = serve(keep_alive, tls=server_tls() if secure else None)
    proxy = serve(proxying("me@home:p:ss"))
    transport = connect(proxy=with_login(proxy.origin, login) if login else proxy.origin, ca_file=trusted)
    with pytest.raises(ProxyError, match=r"wants a login \(407\)") as caught:
        transport.send(post(server))
    assert caught.value.permanent
    assert caught.value.status == 407
    assert "letmein" not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    (after,) = transport.pool.stats().values()
    assert after.errors == {"proxy": 1}


@pytest.mark.parametrize(("status", "permanent"), [("403 Forbidden", True), ("502 Bad Gateway", False)])
def test_a_tunnel_that_is_refused_says_why(serve: Serve, connect: Connect, status: str, permanent: bool) -> None:
    proxy = serve(saying(raw(b"", status)))
    with pytest.raises(ProxyError, match=rf"did not connect to far\.example \({status[:3]}\)") as caught:
        connect(proxy=proxy.origin).send(post(url="https://far.example/"))
    assert caught.value.permanent is permanent


@pytest.mark.parametrize("without_urllib3", [False, True])
def test_a_proxy_that_leaves_is_to_blame_and_not_the_provider(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, without_urllib3: bool
) -> None:
    if without_urllib3:
        monkeypatch.setitem(sys.modules, "urllib3", None)
    proxy = serve(lambda peer: peer.request())
    with pytest.raises(ProxyError, match=r"The proxy could not be used for far\.example"):
        connect(proxy=proxy.origin).send(post(url="https://far.example/"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_nothing_sent(connect: Connect, scheme: str) -> None:
    transport = connect(proxy=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(ProxyError, match=r"The proxy could not be used for far\.example: Connection refused") as caught:
        transport.send(post(url=f"{scheme}://far.example/"))
    assert isinstance(caught.value, NothingSentError)
    assert not caught.value.permanent


def test_a_certificate_behind_the_proxy_is_verified(serve: Serve, connect: Connect) -> None:
    server, proxy = serve(keep_alive, tls=server_tls()), serve(proxying())
    with pytest.raises(TLSError, match="not trusted"):
        connect(proxy=proxy.origin).send(post(server))


def test_a_proxys_certificate_is_verified(serve: Serve, connect: Connect) -> None:
    server, proxy = serve(keep_alive), serve(proxying(), tls=server_tls())
    with pytest.raises(TLSError, match="The certificate of the proxy is not trusted") as caught:
        connect(proxy=proxy.origin).send(post(server))
    assert caught.value.permanent
    assert proxy.requests == []


@pytest.mark.parametrize("proxy", ["127.0.0.1:3128", "ftp://127.0.0.1:1", "http://me:secret@[::1", "socks9://h:1"])
def test_an_address_that_is_no_proxy_is_refused_without_its_password(connect: Connect, proxy: str) -> None:
    with pytest.raises(ConfigError, match="The proxy address cannot be used") as caught:
        connect(proxy=proxy).send(post(url="http://127.0.0.1:1/"))
    assert "secret" not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb))


# --- SOCKS ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("login", ["", LOGIN])
def test_requests_go_through_socks(serve: Serve, connect: Connect, trusted: str, login: str, secure: bool) -> None:
    pytest.importorskip("socks")
    server = serve(keep_alive, tls=server_tls() if secure else None)
    proxy = serve(socks5("me@home:p:ss" if login else ""))
    address = f"socks5h://127.0.0.1:{proxy.port}"
    transport = connect(proxy=with_login(address, login) if login else address, ca_file=trusted)
    host = server.url.replace("127.0.0.1", "localhost")
    transport.warm_up(host)
    for _ in range(2):
        assert transport.send(post(url=host)).body == b"fine"
    assert proxy.requests == [b"localhost"], "socks5h leaves the lookup to the proxy"
    assert proxy.accepted == 1


def test_a_socks_proxy_that_refuses_or_is_not_there_says_so(serve: Serve, connect: Connect) -> None:
    pytest.importorskip("socks")
    strict = serve(socks5("me:right"))
    for address in (f"socks5://me:letmein@127.0.0.1:{strict.port}", f"socks5://127.0.0.1:{closed_port()}"):
        with pytest.raises(ProxyError) as caught:
            connect(proxy=address).send(post(url="http://127.0.0.1:1/"))
        assert "letmein" not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb))


def test_a_socks_proxy_whose_name_nobody_knows_is_to_blame_and_not_the_host(
    connect: Connect, resolver: Resolver
) -> None:
    pytest.importorskip("socks")
    resolver.says = []
    with pytest.raises(ProxyError, match=r"could not be used for far\.example: Temporary failure in name resolution"):
        connect(proxy="socks5h://proxy.example:1080").send(post(url="http://far.example/"))
    with pytest.raises(NameLookupError, match=r"far\.example was not found"):
        connect(proxy="socks5://127.0.0.1:1080").send(post(url="http://far.example/"))


@pytest.mark.parametrize("proxying_by", ["socks4", "socks4a", "socks5", "socks5h"])
def test_names_are_asked_for_once_where_the_scheme_says(
    serve: Serve, connect: Connect, resolver: Resolver, proxying_by: str
) -> None:
    pytest.importorskip("socks")
    server, proxy = serve(keep_alive), serve(socks4 if "4" in proxying_by else socks5())
    transport = connect(proxy=f"{proxying_by}://proxy.example:{proxy.port}")
    remote = proxying_by in ("socks4a", "socks5h")
    host = "localhost" if remote else "far.example"
    resolver.says = ["::1", "127.0.0.1"] if proxying_by == "socks4" else ["127.0.0.1"]  # version 4 knows no IPv6
    for _ in range(2):
        transport.open(post(url=f"http://{host}:{server.port}/")).close()  # unread, so the next one connects anew
    assert (proxy.accepted, server.accepted) == (2, 2)
    assert resolver.asked == (["proxy.example"] if remote else ["far.example", "proxy.example"])


def test_a_host_without_an_address_that_socks4_can_name_says_so(connect: Connect, resolver: Resolver) -> None:
    pytest.importorskip("socks")
    resolver.says = ["::1"]
    with pytest.raises(ConnectError, match=r"far\.example could not be reached .* IPv4"):
        connect(proxy="socks4://127.0.0.1:1080").send(post(url="http://far.example/"))


#: What a connection through SOCKS can hang in: the proxy's address, a host, and what is said of it in the end.
HANGS = {
    "the proxy's name": ("socks5h://proxy.example:{port}", "far.example", ProxyError),
    "the host's name": ("socks5://127.0.0.1:{port}", "far.example", NameLookupError),
    "the host's name, version 4": ("socks4://127.0.0.1:{port}", "far.example", NameLookupError),
    "the handshake": ("socks5h://127.0.0.1:{port}", "far.example", ProxyError),
    "the handshake, version 4": ("socks4a://127.0.0.1:{port}", "far.example", ProxyError),
}


@pytest.mark.parametrize("end", ["cancel", "deadline", "connect_timeout"])
@pytest.mark.parametrize("hang", HANGS)
def test_nothing_on_the_way_through_socks_outlasts_a_cancel_a_deadline_or_the_timeout(
    serve: Serve, connect: Connect, resolver: Resolver, hang: str, end: str
) -> None:
    pytest.importorskip("socks")
    resolver.answers.clear()
    proxy, (address, host, failure) = serve(lambda peer: peer.stall()), HANGS[hang]
    settings = {"connect_timeout": 0.1 if end == "connect_timeout" else 60.0}
    transport = connect(proxy=address.format(port=proxy.port), **settings)
    deadline = time.monotonic() + (0.1 if end == "deadline" else 60.0)
    doing = Doing(lambda: transport.send(post(url=f"http://{host}/", deadline=deadline)))
    until(lambda: resolver.asked or proxy.accepted)
    began = time.monotonic()
    if end == "cancel":
        transport.pool.cancel()
    error = doing.join().error
    assert time.monotonic() - began < SOON
    assert type(error) is {"cancel": CancelledError, "deadline": DeadlineError, "connect_timeout": failure}[end]


def test_a_cancel_reaches_a_handshake_behind_socks(serve: Serve, connect: Connect) -> None:
    pytest.importorskip("socks")

    def silent(peer: Peer) -> None:
        peer.stall()

    server, proxy = serve(silent), serve(socks5())
    transport = connect(proxy=f"socks5://127.0.0.1:{proxy.port}", connect_timeout=60.0)
    doing = Doing(lambda: transport.send(post(url=server.url.replace("http:", "https:"))))
    until(lambda: server.accepted == 1)
    transport.pool.cancel()
    assert isinstance(doing.join().error, CancelledError)


def test_socks_without_pysocks_is_a_clear_error(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.delitem(sys.modules, "core.pool_socks", raising=False)
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    monkeypatch.delattr(core, "pool_socks", raising=False)
    with pytest.raises(ConfigError, match="A SOCKS proxy needs the PySocks package"):
        connect(proxy="socks5://127.0.0.1:1").send(post(url="http://127.0.0.1:1/"))
