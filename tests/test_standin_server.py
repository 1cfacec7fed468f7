"""The stand-in provider as a server: connections, what it counts, how fast it answers, and how it ends."""

import json
import socket
import ssl
import threading
import time
from contextlib import closing
from typing import Iterator, Optional
from urllib.parse import urlsplit

import pytest
import urllib3
from standin_client import CUES, Client
from standin_faults import always, stall
from waiting import until

from cli.standin import Exchange, Fault, Pace, StandIn, count_tokens, ledger

SOON = 1.0  # what a person takes for "at once"


@pytest.fixture
def client(standin: StandIn, key: str) -> Iterator[Client]:
    with Client(standin, key) as made:
        yield made


def dial(standin: StandIn) -> socket.socket:
    where = urlsplit(standin.url)
    sock = socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def say(standin: StandIn, data: bytes) -> bytes:
    """Everything that comes back until the other side closes."""
    with dial(standin) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def threads_of_it() -> int:
    return sum(thread.name.startswith("standin") for thread in threading.enumerate())


# --- connections and counts -------------------------------------------------------------------------------------------


def test_a_connection_serves_many_requests(standin: StandIn, client: Client) -> None:
    assert [client.openai().status for _ in range(20)] == [200] * 20
    stats = standin.stats()
    assert (stats.requests, stats.connections, stats.handshakes, stats.max_open) == (20, 1, 0, 1)


def test_urllib3_reuses_its_connection_plain_and_over_tls(
    standin: StandIn, tls_standin: StandIn, key: str, ca_file: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    body = {"model": "m", "messages": [{"content": "Hi"}], "stream": True}
    with urllib3.PoolManager(ca_certs=ca_file, retries=False) as pool:
        for server in (standin, tls_standin):
            for _ in range(5):
                answer = pool.request("POST", f"{server.openai_base_url}/chat/completions", json=body, headers=headers)
                assert answer.data.endswith(b"data: [DONE]\n\n")
    assert [server.stats().connections for server in (standin, tls_standin)] == [1, 1]
    assert [server.stats().handshakes for server in (standin, tls_standin)] == [0, 1]


def test_who_does_not_trust_the_certificate_gets_nothing_and_others_go_on(
    tls_standin: StandIn, key: str, ca_file: str
) -> None:
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.SSLError):
        pool.request("GET", f"{tls_standin.openai_base_url}/models")
    with Client(tls_standin, key, ssl.create_default_context(cafile=ca_file)) as client:
        assert client.openai().status == 200
    assert tls_standin.stats().requests == 1


def test_a_handshake_that_never_comes_keeps_nobody_waiting(tls_standin: StandIn, key: str, ca_file: str) -> None:
    with dial(tls_standin), Client(tls_standin, key, ssl.create_default_context(cafile=ca_file)) as client:
        assert client.openai().status == 200
    assert tls_standin.stats().handshakes == 1


def test_each_request_is_on_record(standin: StandIn, client: Client, key: str) -> None:
    client.openai(temperature=0.4)
    client.gemini("Hi", stream=True)
    client.send("GET", "/v1/models?x=1")
    client.connection.close()
    client.send("GET", "/v1/models", **client.bearer)
    batch, talk, refused, listed = standin.log
    assert [record.number for record in standin.log] == [1, 2, 3, 4]
    assert [record.connection for record in standin.log] == [1, 1, 1, 2]
    assert [record.status for record in standin.log] == [200, 200, 401, 200]
    assert (batch.method, batch.target, batch.model, batch.keys) == ("POST", "/v1/chat/completions", "m", tuple(CUES))
    assert batch.headers["authorization"] == f"Bearer {key}"
    assert b'"temperature": 0.4' in batch.body
    assert (talk.target, talk.keys) == ("/v1beta/models/m:streamGenerateContent?alt=sse", ())
    assert (refused.target, refused.model, listed.model) == ("/v1/models?x=1", "", "")
    assert all(record.sent > 100 for record in standin.log)
    assert batch.started < talk.started < time.monotonic()


def test_a_reset_forgets_what_was_but_not_what_is_open(standin: StandIn, client: Client) -> None:
    client.openai()
    standin.reset()
    assert standin.log == []
    assert (standin.stats().requests, standin.stats().connections, standin.stats().open) == (0, 0, 1)
    client.openai()
    assert (standin.log[0].number, standin.stats().max_open) == (1, 1)


def test_the_log_keeps_the_latest_and_the_counts_keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "KEPT", 3)
    with StandIn() as standin, Client(standin) as client:
        for number in range(5):
            client.send("GET", f"/{number}")
        assert [record.target for record in standin.log] == ["/2", "/3", "/4"]
        assert (standin.log[0].number, standin.stats().requests) == (3, 5)


def test_what_is_open_and_in_flight_at_once_is_counted(standin: StandIn, key: str) -> None:
    together = threading.Barrier(3)

    def meet(exchange: Exchange) -> Optional[Fault]:
        together.wait(5)
        return None

    standin.script = meet
    clients = [Client(standin, key) for _ in range(3)]
    threads = [threading.Thread(target=each.openai) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert (standin.stats().max_open, standin.stats().max_in_flight) == (3, 3)
    for each in clients:
        each.connection.close()
    until(lambda: standin.stats().open == 0)
    assert (standin.stats().max_open, standin.stats().in_flight) == (3, 0)


def test_dropped_connections_are_closed_and_new_ones_taken(standin: StandIn, client: Client) -> None:
    client.openai()
    standin.drop_connections()
    assert client.connection.sock.recv(1) == b""
    client.connection.close()
    assert client.openai().status == 200
    assert standin.stats().connections == 2


def test_who_runs_it_elsewhere_can_ask_for_the_counts(standin: StandIn, client: Client) -> None:
    client.openai()
    counted = client.send("GET", "/_standin/stats").json
    assert (counted["requests"], counted["connections"], counted["handshakes"], counted["max_open"]) == (1, 1, 0, 1)
    assert client.send("POST", "/_standin/reset").json["requests"] == 0
    client.openai()
    assert client.send("GET", "/_standin/reset").json["requests"] == 1


# --- HTTP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    ["GET /v1/models HTTP/1.0\r\n\r\n", "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n"],
)
def test_a_client_that_wants_one_answer_only_gets_one(standin: StandIn, head: str) -> None:
    assert say(standin, head.encode() * 2).count(b"HTTP/1.1 401 ") == 1


def test_requests_may_follow_each_other_without_waiting(standin: StandIn) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    assert say(standin, head * 3 + b"GET / HTTP/1.0\r\n\r\n").count(b"HTTP/1.1 ") == 4


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nspace : x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70000, 431),
    ],
)
def test_what_is_no_request_ends_the_connection_with_a_word(standin: StandIn, data: bytes, status: int) -> None:
    answer = say(standin, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in answer
    assert standin.stats().requests == 0


@pytest.mark.parametrize("data", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n{"])
def test_a_client_that_leaves_in_mid_request_leaves_nothing(standin: StandIn, data: bytes) -> None:
    with dial(standin) as sock:
        sock.sendall(data)
    until(lambda: standin.stats().connections == 1 and standin.stats().open == 0)
    assert standin.log == []


# --- pace -------------------------------------------------------------------------------------------------------------


def test_an_answer_takes_its_round_trip_its_first_token_and_its_tokens(standin: StandIn, client: Client) -> None:
    standin.pace = Pace(round_trip=0.02, first_token=0.03, tokens_per_second=1000.0)
    took = []
    for stream in (False, True):
        began = time.monotonic()
        got = client.openai(stream=stream)
        took.append(time.monotonic() - began)
    content = "".join(event["choices"][0]["delta"].get("content", "") for event in got.events)
    assert min(took) >= 0.05 + count_tokens(content) / 1000.0
    assert max(took) < SOON


def test_a_stream_begins_long_before_it_ends(standin: StandIn, client: Client) -> None:
    standin.pace = Pace(first_token=0.01, tokens_per_second=100.0)
    body = {"model": "m", "messages": [{"content": json.dumps({"1": "word " * 20})}], "stream": True}
    began = time.monotonic()
    client.connection.request("POST", "/v1/chat/completions", json.dumps(body), client.bearer)
    with client.connection.getresponse() as answer:
        answer.readline()
        first = time.monotonic() - began
        answer.read()
    assert first < (time.monotonic() - began) / 2


def test_errors_and_lists_only_take_the_round_trip(standin: StandIn, client: Client) -> None:
    standin.pace = Pace(round_trip=0.01, first_token=60.0)
    began = time.monotonic()
    assert client.send("GET", "/v1/models", **client.bearer).status == 200
    assert client.send("GET", "/v1/models").status == 401
    assert 0.02 <= time.monotonic() - began < SOON


# --- the end ----------------------------------------------------------------------------------------------------------


def test_it_ends_at_once_whatever_it_is_doing(server_tls: ssl.SSLContext) -> None:
    before = threads_of_it()
    with StandIn(ssl_context=server_tls) as secure, StandIn() as plain, closing(dial(secure)), closing(dial(plain)):
        plain.script = always(stall)
        waiting = [Client(plain) for _ in range(4)]
        for client in waiting:
            client.connection.request("GET", "/v1/models")
        slow = Client(plain)
        until(lambda: plain.stats().in_flight == 4)
        plain.script, plain.pace = None, Pace(first_token=60.0)
        slow.connection.request("POST", "/v1/chat/completions", b'{"model": "m", "messages": [{}]}')
        until(lambda: plain.stats().in_flight == 5 and plain.stats().open == 6 and secure.stats().open == 1)
        began = time.monotonic()
        plain.stop()
        secure.stop()
        assert time.monotonic() - began < SOON
        assert threads_of_it() == before
        assert (plain.stats().open, plain.stats().in_flight, secure.stats().open) == (0, 0, 0)
        for client in (*waiting, slow):
            client.connection.close()


def test_nothing_listens_there_afterwards(standin: StandIn) -> None:
    standin.stop()
    with pytest.raises(ConnectionRefusedError):
        dial(standin)
    standin.stop()


def test_another_may_take_its_place(key: str) -> None:
    with StandIn() as first, Client(first) as client:
        assert client.openai().status == 200
        port = int(urlsplit(first.url).port or 0)
        first.stop()
        with StandIn(port=port) as second:
            assert second.url == first.url
            assert f"{second!r}" == f"<StandIn {second.url}>"
