"""Fixtures for every test: a stand-in provider, plain and over TLS, and a network that ends at this machine.

=============== =====================================================================================================
``standin``     a running ``cli.standin.StandIn`` that takes ``key`` and nothing else. Where it is:
                ``standin.openai_base_url`` and its like; what it was asked: ``standin.log``, ``standin.stats()``. Set
                ``standin.pace`` to make it slow and ``standin.script`` to make it fail (``standin_faults`` has ways).
``tls_standin`` the same behind TLS, with a certificate that only those trust who are given ``ca_file``.
``key``         the key that both take; long and odd enough to be searched for wherever it must not be.
``ca``          the ``trustme.CA`` that signed it; ``ca_file`` is the path of its certificate, a PEM file.
=============== =====================================================================================================

A test that needs other options makes its own: ``with StandIn(pace=..., script=...) as standin``.
"""

import ipaddress
import signal
import socket
import ssl
from typing import Any, Callable, Iterator

import pytest
import trustme

import api.adapt
import core.circuit_breaker
import core.rate_limit
from cli.standin import StandIn


@pytest.fixture(scope="session", autouse=True)
def only_this_machine() -> Iterator[None]:
    """Every connection to elsewhere fails the test that tries it; names are looked up as on a machine without DNS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", _without_dns(socket.getaddrinfo))
        yield


@pytest.fixture(scope="session", autouse=True)
def can_be_interrupted() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and so would the programs that the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was learnt of an endpoint in one test is nothing of the server that gets the same port in another."""
    monkeypatch.setattr(core.circuit_breaker, "_breakers", {})
    monkeypatch.setattr(core.rate_limit, "_limiters", {})
    monkeypatch.setattr(api.adapt, "_refused", {})


@pytest.fixture(scope="session")
def key() -> str:
    """The key that the stand-ins take."""
    return "sk-standin-7Jq2Vx9LmZ4TbR8wKc5NhY3d"


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """The authority that signed the certificate of ``tls_standin``."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the authority's certificate, as ``--ca-file`` takes it."""
    path = str(tmp_path_factory.mktemp("ca") / "ca.pem")
    ca.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def server_tls(ca: trustme.CA) -> ssl.SSLContext:
    """The TLS settings of ``tls_standin``, for 127.0.0.1 and localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def standin(key: str) -> Iterator[StandIn]:
    """A stand-in provider over plain HTTP."""
    with StandIn(keys={key}) as running:
        yield running


@pytest.fixture
def tls_standin(key: str, server_tls: ssl.SSLContext) -> Iterator[StandIn]:
    """A stand-in provider over TLS."""
    with StandIn(keys={key}, ssl_context=server_tls) as running:
        yield running


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(sock: socket.socket, address: Any) -> Any:
        # No OSError: the code under test would take it for a network that is down, and go on.
        assert _is_here(address), f"a test wants to connect to {address!r}"
        return connect(sock, address)

    return guarded


def _without_dns(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *rest: Any, flags: int = 0, **others: Any) -> Any:
        if host is not None and not _is_local_name(host):
            flags |= socket.AI_NUMERICHOST
        return getaddrinfo(host, *rest, flags=flags, **others)

    return guarded


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):  # a path: a socket of this machine
        return True
    host = address[0]
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else _is_local_name(host)


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_local_name(host: Any) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return name.rstrip(".") == "localhost" or name.endswith(".localhost")
