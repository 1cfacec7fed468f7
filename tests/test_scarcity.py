"""A system that has no more descriptors or threads to give: an ordinary failure, and nothing is left of the request."""

import errno
import gc
import socket
import threading
import time
from typing import Any

import pytest
from support_server import (
    Connect,
    Doing,
    Serve,
    deaf,
    keep_alive,
    post,
    server_tls,
)
from waiting import until

from core.errors import ConnectError, DeadlineError, NothingSentError

pytest_plugins = ("network_fixtures",)


def without_threads(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No thread of this name can be started until the patch is undone."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_no_descriptor_left_for_the_handle_of_a_cancel(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, request: Any, pooled: bool, secure: bool
) -> None:
    """The connection stands already; it is closed, and not left to the garbage collection."""
    server = serve(keep_alive, tls=server_tls() if secure else None)
    if not pooled:
        request.getfixturevalue("no_urllib3")

    def refuse(sock: socket.socket) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    transport = connect()
    gc.disable()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "dup", refuse)
            with pytest.raises(NothingSentError, match="Too many open files") as caught:
                transport.send(post(server))
        until(lambda: not any(peer.sock.fileno() != -1 for peer in server._peers))
        del caught
    finally:
        gc.enable()
    assert transport.pool.stats()[server.origin].active == 0


def test_no_thread_for_a_lookup_is_a_connection_that_does_not_come_about(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_threads(monkeypatch, "subai-lookup")
    with pytest.raises(ConnectError, match="can't start new thread"):
        connect().send(post(url="http://localhost:1/"))


def test_no_thread_for_the_deadlines_is_no_failure(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request goes on, and the next one that can have a thread has its deadline kept, and that of all."""
    server, transport = serve(keep_alive, deaf), connect()
    with monkeypatch.context() as patch:
        without_threads(patch, "subai-deadlines")
        assert transport.send(post(server)).body == b"fine"
        transport.pool.purge("test")
        first = Doing(lambda: transport.send(post(server, deadline=time.monotonic() + 0.3)))
        until(lambda: len(server.requests) == 2)
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() + 0.3))
    assert isinstance(first.join().error, DeadlineError)
    assert len(transport.pool._in_flight) == 0


def test_a_deadline_longer_than_any_wait_does_not_stop_the_watch(serve: Serve, connect: Connect) -> None:
    server, transport = serve(deaf), connect()
    patient = Doing(lambda: transport.send(post(server, deadline=1e300)))
    until(lambda: len(server.requests) == 1)
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() + 0.1))
    transport.pool.cancel()
    patient.join()
