"""Names, certificates, ports and proxies that are not what they should be: one clear error each, or a way around it."""

import datetime
import socket
import ssl
import sys
import threading
from typing import Any, Callable, Dict, List, Tuple

import pytest
from fault_support import Expected, check, outcome
from support_server import (
    Connect,
    Doing,
    Peer,
    Script,
    ScriptedServer,
    Serve,
    authority,
    keep_alive,
    post,
    proxying,
    raw,
    saying,
    saying_and_staying,
    server_tls,
)

from core.errors import (
    ConnectError,
    ConnectionDroppedError,
    NameLookupError,
    NothingSentError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    TLSError,
)
from core.messages import Request

pytest_plugins = ("network_fixtures",)
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("nothing_leaks")]


#: What TLS answers to anything else: fatal, protocol version.
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


@pytest.fixture(params=["pool", "without urllib3"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Over the pool and without it; true over the pool."""
    if request.param != "pool":
        monkeypatch.setitem(sys.modules, "urllib3", None)
    return bool(request.param == "pool")


def silent(peer: Peer) -> None:
    peer.stall()


def leaving(peer: Peer) -> None:
    peer.sock.recv(4096)


def resetting(peer: Peer) -> None:
    peer.sock.recv(4096)
    peer.reset()


def closing(_: Peer) -> None:
    """Not a word, and nothing read."""


def plain(peer: Peer) -> None:
    """A web server that is asked in TLS."""
    peer.sock.recv(4096)
    peer.send(raw(b"what?", "400 Bad Request"))


def objecting(peer: Peer) -> None:
    """A TLS server that does not like what it hears."""
    peer.sock.recv(4096)
    peer.send(ALERT)


def leaving_in_tls(peer: Peer) -> None:
    """A proxy that opens a tunnel which then leads nowhere."""
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    peer.sock.recv(4096)


# --- TLS --------------------------------------------------------------------------------------------------------------


def context_with(**validity: datetime.datetime) -> ssl.SSLContext:
    """With a certificate that is valid from ``not_before`` until ``not_after``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        issued = authority().issue_cert("127.0.0.1", **validity)  # type: ignore[arg-type]  # mypy sees all parameters
    except TypeError:
        pytest.skip("the trustme of old Pythons makes no such certificate")
    issued.configure_cert(context)
    return context


def new_year(year: int) -> datetime.datetime:
    return datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)


CERTIFICATES: Dict[str, Tuple[Callable[[], ssl.SSLContext], bool, str]] = {
    "expired": (lambda: context_with(not_after=new_year(2020)), True, "certificate has expired"),
    "of the future, or the clock is wrong": (
        lambda: context_with(not_before=new_year(2998), not_after=new_year(2999)),
        True,
        "certificate is not yet valid",
    ),
    "another's": (lambda: server_tls("other.example"), True, "IP address mismatch"),
    "of an unknown authority": (server_tls, False, "unable to get local issuer certificate"),
}


@pytest.mark.parametrize("certificate", list(CERTIFICATES))
def test_a_certificate_that_is_no_good(
    serve: Serve, connect: Connect, trusted: str, either_way: bool, certificate: str
) -> None:
    """Said once, with what to look at, and not asked again: it cannot get better."""
    context, known, words = CERTIFICATES[certificate]
    server, transport = serve(tls=context()), connect(ca_file=trusted if known else None)
    check(outcome(transport, post(server)), (TLSError, f"The certificate of 127.0.0.1 is not trusted: {words}"))
    with pytest.raises(TLSError) as caught:
        transport.send(post(server))
    assert caught.value.permanent
    assert server.requests == []


WRONG_PORTS: Dict[str, Tuple[Script, str, Expected]] = {
    "https to a web server": (plain, "https", (TLSError, "does not speak TLS there: check the address")),
    "https to nobody who answers": (silent, "https", (ConnectError, "could not be reached")),
    "https to one who leaves": (leaving, "https", (TLSError, "No secure connection")),
    "https to one who resets": (resetting, "https", (ConnectError, "could not be reached")),
    "https to one who objects": (objecting, "https", (TLSError, "No secure connection")),
    "http to one who objects": (saying(ALERT), "http", (ProtocolError, "the address begins with https://")),
    "http to one who leaves": (leaving, "http", (ConnectionDroppedError, "broke")),
}


@pytest.mark.parametrize("case", list(WRONG_PORTS))
def test_the_wrong_port_or_scheme(serve: Serve, connect: Connect, either_way: bool, case: str) -> None:
    script, scheme, expected = WRONG_PORTS[case]
    url = serve(script).url.replace("http:", f"{scheme}:")
    check(outcome(connect(connect_timeout=0.5), post(url=url)), expected)


def test_http_to_a_port_that_speaks_tls(serve: Serve, connect: Connect, either_way: bool) -> None:
    """OpenSSL closes without a word."""
    url = serve(tls=server_tls()).url.replace("https:", "http:")
    check(outcome(connect(), post(url=url)), (ConnectionDroppedError, "broke"))


# --- proxies ----------------------------------------------------------------------------------------------------------

NO_TUNNEL: Dict[str, Tuple[Script, Expected]] = {
    "wants a login": (saying(raw(b"", "407 Proxy Authentication Required")), (ProxyError, "wants a login (407)")),
    "forbids it": (saying(raw(b"", "403 Forbidden")), (ProxyError, "did not connect to 127.0.0.1 (403)")),
    "cannot reach it": (saying(raw(b"", "502 Bad Gateway")), (ProxyError, "did not connect to 127.0.0.1 (502)")),
    "hangs": (silent, (ProxyError, "could not be used")),
    "hangs in its answer": (saying_and_staying(b"HTTP/1.1 200 Conn"), (ProxyError, "could not be used")),
    "leaves": (leaving, (ProxyError, "could not be used")),
    "resets": (resetting, (ProxyError, "could not be used")),
    "closes at once": (closing, (ProxyError, "could not be used")),
    "is a TLS server": (objecting, (ProxyError, "could not be used")),
    "leaves once the tunnel stands": (leaving_in_tls, (TLSError, "No secure connection")),
}

NOT_FORWARDED: Dict[str, Tuple[Script, Expected]] = {
    "wants a login": (saying(raw(b"", "407 Proxy Authentication Required")), (ProxyError, "wants a login (407)")),
    "hangs": (silent, (ReadTimeoutError, "stopped answering")),
    "leaves": (leaving, (ConnectionDroppedError, "broke")),
    "resets": (resetting, (ConnectionDroppedError, "broke")),
}


@pytest.mark.parametrize("proxy", list(NO_TUNNEL))
def test_a_proxy_that_opens_no_tunnel(serve: Serve, connect: Connect, either_way: bool, proxy: str) -> None:
    """It is to blame and not the provider, and nothing was sent."""
    script, expected = NO_TUNNEL[proxy]
    transport = connect(proxy=serve(script).origin, connect_timeout=0.5)
    with pytest.raises(NothingSentError):
        transport.send(post(url="https://127.0.0.1:1/"))
    check(outcome(transport, post(url="https://127.0.0.1:1/")), expected)


@pytest.mark.parametrize("proxy", list(NOT_FORWARDED))
def test_a_proxy_that_does_not_forward(serve: Serve, connect: Connect, either_way: bool, proxy: str) -> None:
    script, expected = NOT_FORWARDED[proxy]
    patience = 0.3 if proxy == "hangs" else 20.0
    transport = connect(proxy=serve(script).origin, first_byte_timeout=patience)
    check(outcome(transport, post(url="http://127.0.0.1:1/")), expected)


def test_a_proxy_that_dies_while_its_tunnel_is_idle(serve: Serve, connect: Connect, trusted: str) -> None:
    server, proxy = serve(tls=server_tls()), serve(proxying())
    transport = connect(proxy=proxy.origin, ca_file=trusted)
    assert outcome(transport, post(server)) == b"fine"
    for peer in proxy._peers:
        socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
    assert outcome(transport, post(server)) == b"fine"
    assert proxy.accepted == 2


# --- names ------------------------------------------------------------------------------------------------------------


class Resolver:
    """What names mean; addresses are looked up as ever.

    :ivar answer: the addresses of every name, an error, or None: it never answers.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: Any = []
        self.asked = 0
        self.over = threading.Event()
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, *rest: Any, **more: Any) -> List[Any]:
        if host.replace(".", "").isdigit() or more.get("flags"):
            return self._real(host, port, *rest, **more)
        self.asked += 1
        if self.answer is None:
            self.over.wait(30.0)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")
        if isinstance(self.answer, OSError):
            raise self.answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.answer]


@pytest.fixture
def resolver(nothing_leaks: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Resolver(monkeypatch)
    yield made
    made.over.set()


def by_name(server: ScriptedServer) -> Request:
    return post(url=server.url.replace("127.0.0.1", "provider.example"))


def test_a_resolver_that_hangs(serve: Serve, connect: Connect, resolver: Resolver, either_way: bool) -> None:
    """The connect timeout holds for it, too; and once it is well again all is well."""
    server, transport = serve(), connect(connect_timeout=0.3)
    resolver.answer = None
    check(outcome(transport, by_name(server)), (NameLookupError, "provider.example was not found"))
    resolver.over.set()
    resolver.answer = ["127.0.0.1"]
    assert outcome(transport, by_name(server)) == b"fine"


@pytest.mark.parametrize("code", [socket.EAI_AGAIN, socket.EAI_NONAME, socket.EAI_FAIL])
def test_a_resolver_that_fails(serve: Serve, connect: Connect, resolver: Resolver, either_way: bool, code: int) -> None:
    server, transport = serve(), connect()
    resolver.answer = socket.gaierror(code, "as it is")
    check(outcome(transport, by_name(server)), (NameLookupError, "provider.example was not found"))
    resolver.answer = ["127.0.0.1"]
    assert outcome(transport, by_name(server)) == b"fine"


def test_a_resolver_that_fails_harms_no_connection_that_stands(
    serve: Serve, connect: Connect, resolver: Resolver
) -> None:
    server, transport = serve(), connect()
    resolver.answer = ["127.0.0.1"]
    assert outcome(transport, by_name(server)) == b"fine"
    resolver.answer = socket.gaierror(socket.EAI_AGAIN, "down")
    for _ in range(3):
        assert outcome(transport, by_name(server)) == b"fine"


@pytest.mark.skipif(sys.platform == "darwin", reason="it has one loopback address only")
def test_a_server_that_moves_is_found_at_its_new_address(serve: Serve, connect: Connect, resolver: Resolver) -> None:
    """Its old one is closed: the connection to it dies, and a new one goes where the name leads now."""
    old, transport = serve(), connect()
    resolver.answer = ["127.0.0.1"]
    assert outcome(transport, by_name(old)) == b"fine"
    new = serve(saying_and_staying(raw(b"moved")), address=("127.0.0.2", old.port))
    old.close()
    resolver.answer = ["127.0.0.2"]
    tried = [outcome(transport, by_name(old)) for _ in range(2)]
    assert tried[1] == b"moved", "the old address refused, so the name is asked for again"
    assert new.accepted >= 1


@pytest.mark.skipif(sys.platform == "darwin", reason="it has one loopback address only")
def test_one_address_of_several_that_is_dead_costs_no_request(
    serve: Serve, connect: Connect, resolver: Resolver
) -> None:
    server, transport = serve(saying(raw())), connect()
    resolver.answer = ["127.0.0.2", "127.0.0.1"]
    for _ in range(3):
        assert outcome(transport, by_name(server)) == b"fine"


def test_a_lookup_that_hangs_keeps_nobody_else_waiting(serve: Serve, connect: Connect, resolver: Resolver) -> None:
    server, transport = serve(keep_alive), connect(connect_timeout=20.0)
    resolver.answer = None
    stuck = Doing(lambda: transport.send(post(url="http://elsewhere.example/")))
    assert Doing(lambda: transport.send(post(server))).join(5.0).result.body == b"fine"
    transport.pool.cancel()
    stuck.join()
