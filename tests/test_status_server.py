"""The status server on a real socket: what it shows, whom it turns away, and how it ends."""

import contextlib
import errno
import http.client
import json
import logging
import os
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from status_support import ORIGIN, TOKEN, Made, endpoint, get, get_json
from support_server import SOON, Connect, Doing, Serve, post
from waiting import until

from core.errors import ConfigError
from status import page, token
from status import server as server_module
from status.answers import PATHS
from status.server import MOST_CLIENTS, StatusServer
from status.watch import Watch

pytest_plugins = ["network_fixtures"]


@pytest.fixture
def source() -> Made:
    made = Made()
    made.endpoints[ORIGIN] = endpoint(20, 1)
    return made


@pytest.fixture
def server(source: Made) -> Iterator[StatusServer]:
    with StatusServer(source, TOKEN) as running:
        yield running


def exchange(server: StatusServer, data: bytes) -> bytes:
    """All that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


# --- what is shown --------------------------------------------------------------------------------------------------


def test_the_figures_of_a_real_pool_are_shown(serve: Serve, connect: Connect) -> None:
    provider, transport = serve(), connect()
    for _ in range(4):
        transport.send(post(provider, provider="shown", model="m1"))
    with StatusServer(Watch(transport.pool), TOKEN) as server:
        stats = get_json(server, "/api/http-client/pool/stats")
        health = get_json(server, "/health/providers")["providers"]["shown"]
        debug = get_json(server, "/debug/pool")
        text = get(server, "/metrics/prometheus")[2].decode()
    assert stats["totals"]["requests"] == stats["endpoints"][provider.origin]["requests"] == 4
    assert (stats["totals"]["reuse_rate"], stats["totals"]["idle"], stats["totals"]["open"]) == (0.75, 1, 1)
    assert health == {
        "status": "ok",
        "reasons": [],
        "requests": 4,
        "errors": 0,
        "error_rate": 0.0,
        "outcomes": {"200": 4},
    }
    assert debug["threads"] >= 2
    assert debug["memory"] is None or debug["memory"] > 1_000_000
    assert {"at", "event", "endpoint"} <= set(debug["events"][-1])
    assert 'subai_requests_total{provider="shown",model="m1",outcome="200"} 4\n' in text
    assert f'subai_connections_idle{{endpoint="{provider.origin}"}} 1\n' in text


def test_every_path_answers(server: StatusServer) -> None:
    for path in PATHS:
        status, headers, body = get(server, path)
        assert status == 200, path
        assert int(headers["Content-Length"]) == len(body) > 0
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_are_json_too(server: StatusServer) -> None:
    found = {family["name"]: family for family in get_json(server, "/metrics")["metrics"]}
    assert found["subai_connection_errors_total"]["samples"] == [
        {"labels": {"endpoint": ORIGIN, "kind": "read_timeout"}, "value": 1}
    ]


def test_what_is_failing_is_told_by_the_status_of_the_answer(server: StatusServer, source: Made) -> None:
    assert get_json(server, "/health") == {
        "status": "ok", "parts": {"connections": "ok", "providers": "ok", "circuit-breaker": "ok"}, "reasons": [],
    }  # fmt: skip
    source.endpoints[ORIGIN] = endpoint(20, 25)
    source.history.tick()
    status, _, body = get(server, "/health")
    assert status == 503
    assert json.loads(body)["reasons"] == [f"{ORIGIN}: 25 errors, 20 requests lately"]


def test_the_page_may_fetch_nothing_from_anywhere_else(server: StatusServer) -> None:
    _, headers, body = get(server, "/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert body == page.HTML
    text = body.decode()
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]  # the name of a format
    assert not re.search(r"\s(src|href|style|on\w+)=", text)
    assert (text.count("<script>"), text.count("<style>")) == (1, 1)


# --- whom it turns away ---------------------------------------------------------------------------------------------


def test_a_wrong_token_is_told_nothing(server: StatusServer) -> None:
    status, headers, body = get(server, "/health", token=TOKEN[:-1] + "b")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert get(server, "/nothing/here", token="")[::2] == (401, body)


def test_an_unknown_path_is_none_of_a_file(server: StatusServer) -> None:
    for path in ("/nothing", "/../../etc/passwd", "/page.html", "/health/", "//health", "/%68ealth"):
        assert get(server, path)[0] == 404, path


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nhello", 413),
        (b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET /" + b"a" * 100_000, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_a_refusal_can_be_read_by_who_is_still_sending(server: StatusServer, data: bytes, status: int) -> None:
    assert exchange(server, data).startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_leaves_does_no_harm(server: StatusServer) -> None:
    for data in (b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"):
        socket.create_connection(("127.0.0.1", server.port)).close()
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(data)
    assert get(server, "/health")[0] == 200


def test_clients_that_say_nothing_do_not_fill_the_place(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MOST_CLIENTS + 5)]
    until(lambda: client_threads() == MOST_CLIENTS)
    with socket.create_connection(("127.0.0.1", server.port)) as late:
        assert late.recv(1) == b""
    for sock in silent:
        sock.close()
    until(lambda: client_threads() == 0)
    assert get(server, "/health")[0] == 200


def test_a_client_has_some_seconds_and_no_more(source: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("status.server.PATIENCE", 0.2)
    with StatusServer(source, TOKEN) as server, socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() < began + 10:
                sock.sendall(b"G")
                if sock.recv(1) == b"":
                    break
        assert time.monotonic() < began + 5


def test_who_dribbles_has_no_more_time_than_who_says_nothing(
    source: Made, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each byte is there when it is asked for, so nothing ever times out but the whole."""
    head = iter(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr("status.server.time", Ticking(theirs, head))
        with pytest.raises(OSError, match="time"):
            server_module._read_head(ours, 10.0)
    assert len(list(head)) > 100


class Ticking:
    """In place of ``time``: a second passes with each look at it, and meanwhile a byte comes."""

    def __init__(self, peer: socket.socket, data: Iterator[int]) -> None:
        self._peer, self._data, self._now = peer, data, 0.0

    def monotonic(self) -> float:
        self._peer.sendall(bytes([next(self._data)]))
        self._now += 1.0
        return self._now


def client_threads() -> int:
    return sum(thread.name == "subai-status-client" for thread in threading.enumerate())


class Listener:
    """A listening socket that fails so often before it is itself again."""

    def __init__(self, listener: socket.socket, failures: int) -> None:
        self._listener = listener
        self.failures = failures

    def accept(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


def test_a_moment_without_files_or_threads_passes(source: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made = socket.create_server
    monkeypatch.setattr(socket, "create_server", lambda address: Listener(made(address), 3))
    with StatusServer(source, TOKEN) as server:
        assert get(server, "/health")[0] == 200
        start = threading.Thread.start

        def fails(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", fails)
        with socket.create_connection(("127.0.0.1", server.port), 10) as unheard:
            assert unheard.recv(1) == b""
        monkeypatch.setattr(threading.Thread, "start", start)
        assert get(server, "/health")[0] == 200


# --- what does not leave --------------------------------------------------------------------------------------------


def test_neither_token_nor_address_of_a_request_is_logged(
    server: StatusServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", f"/health?token={TOKEN}&more=secret-words")
        assert connection.getresponse().status == 200
        connection.close()
        get(server, "/health", token="wrong")
        until(lambda: len(caplog.records) == 2)
    assert [record.getMessage() for record in caplog.records] == ["status server: 200 /health", "status server: 401 "]


def test_an_error_of_ours_is_logged_and_not_shown(
    server: StatusServer, source: Made, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError("/home/me/secret")

    monkeypatch.setattr(source, "snapshot", broken)
    status, _, body = get(server, "/health")
    assert (status, body) == (500, b"An error.\n")
    assert "secret" in caplog.text


# --- its life -------------------------------------------------------------------------------------------------------


def test_it_ends_at_once_whoever_is_connected(source: Made) -> None:
    server = StatusServer(source, TOKEN)
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        until(lambda: client_threads() == 1)
        began = time.monotonic()
        server.close()
        assert time.monotonic() < began + SOON
        assert silent.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    until(lambda: [thread for thread in threading.enumerate() if thread.name.startswith("subai-status")] == [])


def test_a_port_that_is_taken_is_told(server: StatusServer, source: Made) -> None:
    with pytest.raises(ConfigError, match=f"cannot have port {server.port}.*Choose another"):
        StatusServer(source, TOKEN, server.port)


def test_a_port_can_be_had_again_at_once(source: Made) -> None:
    with StatusServer(source, TOKEN) as first:
        assert get(first, "/health")[0] == 200
    with StatusServer(source, TOKEN, first.port) as second:
        assert second.port == first.port
        assert second.url == f"http://127.0.0.1:{first.port}/?token={TOKEN}"


def test_it_is_reached_from_this_machine_only(server: StatusServer) -> None:
    assert server._listener.getsockname()[0] == "127.0.0.1"


# --- the token ------------------------------------------------------------------------------------------------------


def test_the_token_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "for it"
    first = token.token_in(str(folder))
    assert re.fullmatch(r"[\w-]{43}", first)
    assert token.token_in(str(folder)) == first != token.token_in(str(tmp_path))
    if os.name == "posix":
        assert (folder / token.FILE).stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.name == "nt", reason="modes as on POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_token_that_others_could_read_is_a_secret_no_more(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    first = token.token_in(str(tmp_path))
    (tmp_path / token.FILE).chmod(mode)
    second = token.token_in(str(tmp_path))
    assert second != first
    assert (tmp_path / token.FILE).stat().st_mode & 0o077 == 0
    assert token.token_in(str(tmp_path)) == second
    assert "Others could read the token" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="modes as on POSIX")
def test_a_file_system_without_modes_has_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(*_: object) -> None:
        raise PermissionError

    first = token.token_in(str(tmp_path))
    (tmp_path / token.FILE).chmod(0o666)
    monkeypatch.setattr(os, "fchmod", not_here)
    assert token.token_in(str(tmp_path)) == first


def test_servers_that_start_at_once_have_one_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finds none; if each made one, all but the last would turn away who reads the file."""
    together = threading.Barrier(2, timeout=0.5)
    find = token._kept

    def meeting(path: str) -> str:
        kept = find(path)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait()
        return kept

    monkeypatch.setattr(token, "_kept", meeting)
    starting = [Doing(lambda: token.token_in(str(tmp_path))) for _ in range(2)]
    made = {one.join(30).result for one in starting}
    assert made == {(tmp_path / token.FILE).read_text(encoding="ascii").strip()}


@pytest.mark.parametrize("content", ["", "short", "x" * 500, "\xe9" * 43])
def test_what_is_no_token_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / token.FILE).write_text(content, encoding="utf-8")
    made = token.token_in(str(tmp_path))
    assert len(made) == 43
    assert token.token_in(str(tmp_path)) == made


def test_a_token_that_cannot_be_kept_is_another_one_each_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    made: List[str] = [token.token_in(str(tmp_path / "file")) for _ in range(2)]
    assert made[0] != made[1]
    assert "cannot be kept" in caplog.text
