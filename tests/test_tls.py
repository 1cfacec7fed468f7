"""Certificates are verified, and a person is told what is wrong with them."""

import errno
import os
import select
import socket
import ssl
import struct
import sys
from pathlib import Path

import pytest
from support_server import Connect, Peer, Serve, authority, keep_alive, post, saying, server_tls

from core.errors import ConfigError, ConnectionDroppedError, NothingSentError, TLSError
from core.tls import make_context

pytest_plugins = ("network_fixtures",)


def test_a_certificate_of_a_known_authority_is_accepted(serve: Serve, connect: Connect, trusted: str) -> None:
    server = serve(keep_alive, tls=server_tls())
    assert connect(ca_file=trusted).send(post(server)).body == b"fine"


def test_an_unknown_authority_is_permanent(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive, tls=server_tls()), connect()
    with pytest.raises(TLSError, match=r"The certificate of 127\.0\.0\.1 is not trusted") as caught:
        transport.send(post(server))
    assert caught.value.permanent
    assert isinstance(caught.value, NothingSentError)
    assert server.requests == []
    (after,) = transport.pool.stats().values()
    assert after.errors == {"tls": 1}


def test_a_certificate_for_another_host_is_permanent(serve: Serve, connect: Connect, trusted: str) -> None:
    server = serve(keep_alive, tls=server_tls("other.example"))
    with pytest.raises(TLSError, match="not trusted") as caught:
        connect(ca_file=trusted).send(post(server))
    assert caught.value.permanent
    assert server.requests == []


def test_a_server_without_tls_is_no_secure_connection(serve: Serve, connect: Connect) -> None:
    def greet(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serve(greet)
    with pytest.raises(TLSError, match=r"127\.0\.0\.1 does not speak TLS there") as caught:
        connect().send(post(url=server.url.replace("http:", "https:")))
    assert caught.value.permanent


def test_a_server_that_leaves_in_the_handshake_is_nothing_sent(serve: Serve, connect: Connect) -> None:
    def leave(peer: Peer) -> None:
        peer.sock.recv(1)
        peer.reset()

    server = serve(leave)
    with pytest.raises(NothingSentError):
        connect().send(post(url=server.url.replace("http:", "https:")))


def test_a_stream_over_tls_that_is_cut_is_dropped(serve: Serve, connect: Connect, trusted: str) -> None:
    """Without the closing alert, too: some ssl modules take that for a proper end."""
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12"
    server = serve(saying(cut), tls=server_tls())
    with pytest.raises(ConnectionDroppedError):
        connect(ca_file=trusted).send(post(server))


def test_the_context_takes_nothing_older_than_tls_1_2_and_checks_names() -> None:
    context = make_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 50


def test_without_certifi_the_machines_own_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert make_context.__wrapped__().verify_mode == ssl.CERT_REQUIRED


def test_the_certificates_are_loaded_once(trusted: str) -> None:
    assert make_context(trusted) is make_context(trusted) is not make_context()


def test_own_certificates_come_on_top_of_the_usual_ones(trusted: str) -> None:
    usual = make_context().cert_store_stats()["x509"]
    assert make_context(trusted).cert_store_stats()["x509"] == usual + 1


def test_a_ca_file_that_cannot_be_used_is_named(connect: Connect, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    key = tmp_path / "key.pem"
    authority().private_key_pem.write_to_path(str(key))
    for path, words in (
        (empty, "holds no certificate"),
        (key, "holds no certificate"),
        (tmp_path / "missing.pem", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ConfigError, match=rf"The CA file .* cannot be used: .*{words}"):
            connect(ca_file=str(path)).send(post(url="https://127.0.0.1:1/"))


# --- peers that leave before the handshake ----------------------------------------------------------------------------


def _left(*, reset: bool, shut_down: bool) -> socket.socket:
    """A connection whose other side has left again; ``shut_down``: this side was interrupted before that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    if shut_down:
        near.shutdown(socket.SHUT_RDWR)
    if reset:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    select.select([near], [], [], 5)
    return near


@pytest.mark.parametrize(("reset", "shut_down"), [(True, False), (True, True), (False, True), (False, False)])
def test_a_peer_that_leaves_before_the_handshake_costs_no_descriptor(reset: bool, shut_down: bool) -> None:
    """Nor is a socket without TLS taken for one with it."""
    near = _left(reset=reset, shut_down=shut_down)
    number = near.fileno()
    with pytest.raises(OSError) as caught:  # noqa: PT011  which one depends on the moment
        make_context().wrap_socket(near, server_hostname="localhost")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)  # although the error, and with it the whole traceback, is still there
    assert caught.value.errno != errno.EBADF


def test_a_socket_that_cannot_be_wrapped_at_all_says_why() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(NotImplementedError):
        make_context().wrap_socket(sock, server_hostname="localhost")
