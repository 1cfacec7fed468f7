"""Names of hosts: asked once for everyone, remembered for a minute, and for longer where the resolver fails."""

import json
import socket
import sys
import textwrap
import threading
import time
from typing import Any, Dict, List, Tuple

import pytest
from support_server import Connect, Doing, Resolver, Serve, closed_port, keep_alive, post, server_tls
from waiting import until

from benchmarks import namespace
from core.attempt import Attempt
from core.errors import CancelledError, NameLookupError, TLSError
from core.names import Names

pytest_plugins = ("network_fixtures",)

HOST = "provider.example"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def names(clock: Clock) -> Names:
    return Names(clock)


def found(names: Names, host: str = HOST, *, ttl: float = 60.0, timeout: float = 5.0) -> List[str]:
    return [info[4][0] for info in names.look_up(host, 443, timeout, ttl, Attempt())]


# --- remembered -----------------------------------------------------------------------------------------------------


def test_a_name_is_asked_for_once_a_minute(resolver: Resolver, names: Names, clock: Clock) -> None:
    for _ in range(5):
        assert found(names) == ["127.0.0.1"]
        clock.now += 14.9
    assert len(resolver.asked) == 1
    clock.now += 1
    resolver.says = ["127.0.0.2"]
    assert found(names) == ["127.0.0.2"], "what changed is noticed"
    assert len(resolver.asked) == 2


def test_each_name_is_one_of_its_own(resolver: Resolver, names: Names) -> None:
    found(names)
    found(names, "other.example")
    assert resolver.asked == [HOST, "other.example"]


def test_with_a_memory_of_nothing_it_is_asked_each_time(resolver: Resolver, names: Names) -> None:
    for _ in range(3):
        assert found(names, ttl=0.0) == ["127.0.0.1"]
    assert len(resolver.asked) == 3
    resolver.says = []
    with pytest.raises(socket.gaierror):
        found(names, ttl=0.0)


def test_an_address_needs_no_resolver(resolver: Resolver, names: Names) -> None:
    assert found(names, "127.0.0.7") == ["127.0.0.7"]
    assert found(names, "::1") == ["::1"]
    assert resolver.asked == []


def test_who_asks_at_the_same_time_waits_for_one_answer(resolver: Resolver, names: Names) -> None:
    resolver.answers.clear()
    askers = [Doing(lambda: found(names)) for _ in range(8)]
    until(lambda: bool(names._lookups) and len(names._lookups[HOST, 443].waiters) == 8)
    resolver.answers.set()
    assert [asker.join().result for asker in askers] == [["127.0.0.1"]] * 8
    assert len(resolver.asked) == 1


def test_a_cancel_of_one_leaves_the_others_waiting(resolver: Resolver, names: Names) -> None:
    resolver.answers.clear()
    attempt = Attempt()
    doomed = Doing(lambda: names.look_up(HOST, 443, 5.0, 60.0, attempt))
    other = Doing(lambda: found(names))
    until(lambda: bool(names._lookups) and len(names._lookups[HOST, 443].waiters) == 2)
    attempt.interrupt(CancelledError("Cancelled."))
    assert isinstance(doomed.join().error, CancelledError)
    assert other._thread.is_alive()
    resolver.answers.set()
    assert other.join().result == ["127.0.0.1"]


# --- a resolver that fails ------------------------------------------------------------------------------------------


def test_where_the_resolver_fails_its_last_answer_counts(resolver: Resolver, names: Names, clock: Clock) -> None:
    found(names)
    resolver.says = []
    for _ in range(3):
        clock.now += 61
        assert [found(names), found(names)] == [["127.0.0.1"]] * 2
    assert len(resolver.asked) == 4, "it is asked again each minute, not at each connection"
    resolver.says = ["127.0.0.2"]
    clock.now += 61
    assert found(names) == ["127.0.0.2"]


def test_where_it_does_not_answer_in_time_too(resolver: Resolver, names: Names, clock: Clock) -> None:
    found(names)
    resolver.answers.clear()
    clock.now += 61
    assert found(names, timeout=0.05) == ["127.0.0.1"]
    assert found(names) == ["127.0.0.1"]


def test_where_it_never_said_anything_the_failure_is_everyones_own(resolver: Resolver, names: Names) -> None:
    resolver.says = []
    resolver.answers.clear()
    askers = [Doing(lambda: found(names)) for _ in range(3)]
    until(lambda: bool(names._lookups) and len(names._lookups[HOST, 443].waiters) == 3)
    resolver.answers.set()
    errors = [asker.join().error for asker in askers]
    assert all(isinstance(error, socket.gaierror) for error in errors)
    assert len({id(error) for error in errors}) == 3
    resolver.says = ["127.0.0.1"]
    assert found(names) == ["127.0.0.1"], "a failure is not remembered"


def test_a_question_that_hangs_does_not_hold_up_those_who_come_later(
    resolver: Resolver, names: Names, clock: Clock
) -> None:
    resolver.answers.clear()
    with pytest.raises(socket.gaierror, match=r"within 0\.05 s"):
        found(names, timeout=0.05)
    clock.now += 5.0
    hung, resolver.answers = resolver.answers, threading.Event()
    resolver.answers.set()
    assert found(names) == ["127.0.0.1"]
    assert len(resolver.asked) == 2
    hung.set()


def test_after_a_sleep_it_is_asked_again_and_what_was_known_is_kept_for_need(
    resolver: Resolver, connect: Connect
) -> None:
    pool = connect().pool
    assert found(pool.names) == ["127.0.0.1"]
    pool.purge("woke up")
    resolver.says = []
    assert found(pool.names) == ["127.0.0.1"]
    assert len(resolver.asked) == 2


# --- order ----------------------------------------------------------------------------------------------------------


def test_the_resolvers_order_is_kept_and_what_refused_comes_last(
    resolver: Resolver, names: Names, clock: Clock
) -> None:
    resolver.says = ["::1", "127.0.0.1", "127.0.0.2"]
    assert found(names) == resolver.says
    names.refused(HOST, 443, ("::1", 443, 0, 0))
    assert found(names) == ["127.0.0.1", "127.0.0.2", "::1"]
    names.refused(HOST, 443, ("127.0.0.1", 443))
    assert found(names) == ["127.0.0.2", "::1", "127.0.0.1"]
    clock.now += 59
    names.refused("unknown.example", 443, ("127.0.0.2", 443))
    names.refused(HOST, 443, ("127.0.0.1", 443))
    clock.now += 2
    assert found(names) == ["::1", "127.0.0.2", "127.0.0.1"], "the first refusal is a minute old"


def test_a_connection_goes_to_the_address_that_accepts_and_the_next_one_goes_there_first(
    serve: Serve, connect: Connect, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(keep_alive)
    resolver.says = ["127.0.0.2", "127.0.0.1"]  # nobody listens on the first
    tried: List[str] = []
    real = socket.socket.connect_ex

    def connect_ex(sock: socket.socket, address: Tuple[str, int]) -> int:
        tried.append(address[0])
        return real(sock, address)

    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    transport = connect()
    for _ in range(2):
        transport.open(post(url=f"http://{HOST}:{server.port}/")).close()  # unread, so the next one connects anew
    assert tried == ["127.0.0.2", "127.0.0.1", "127.0.0.1"]
    assert len(resolver.asked) == 1


# --- what it must not touch -----------------------------------------------------------------------------------------


def test_tls_still_verifies_the_name_and_not_the_address(
    serve: Serve, connect: Connect, trusted: str, resolver: Resolver
) -> None:
    server, transport = serve(keep_alive, tls=server_tls()), connect(ca_file=trusted)
    for _ in range(2):
        with pytest.raises(TLSError, match=HOST):
            transport.send(post(url=f"https://{HOST}:{server.port}/"))
    assert transport.send(post(url=f"https://localhost:{server.port}/")).body == b"fine"
    assert server.requests[0].split(b"\r\n")[1] == b"Host: localhost:%d" % server.port


@pytest.mark.usefixtures("no_urllib3")
def test_the_fallback_remembers_too(serve: Serve, connect: Connect, resolver: Resolver) -> None:
    server, transport = serve(keep_alive), connect()
    for _ in range(3):
        transport.send(post(url=f"http://{HOST}:{server.port}/"))
    assert (server.accepted, len(resolver.asked)) == (3, 1)


def test_a_pool_that_cannot_reach_anything_says_so_as_before(connect: Connect, resolver: Resolver) -> None:
    resolver.says = []
    with pytest.raises(NameLookupError, match="was not found"):
        connect().send(post(url=f"http://{HOST}:{closed_port()}/"))


# --- with a real resolver -------------------------------------------------------------------------------------------

_PROGRAM = """
import json, os, sys, threading, time
from benchmarks.namespace import name_server
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.messages import Request
from core.transport import Transport
sys.path.insert(0, "tests")
from support_server import ScriptedServer

told = {}
def timed(name, work):
    began = time.monotonic()
    try:
        told[name + " gave"] = work()
    except SubAIError as error:
        told[name + " gave"] = type(error).__name__
    told[name] = time.monotonic() - began

with name_server() as resolver:
    server = ScriptedServer()
    pool = ConnectionPoolManager(PoolConfig(connect_timeout=1.0))
    transport = Transport(pool)
    def ask(host="provider.example", **rest):
        request = Request("POST", f"http://{host}:{server.port}/", body=b"x", **rest)
        with transport.open(request) as answer:
            return answer.status
    BODY
    told["asked"] = resolver.asked
    print(json.dumps(told), flush=True)
"""


def told_by(body: str) -> Dict[str, Any]:
    """What a program tells that runs ``body`` where the name server is ours; and how long it took to end."""
    reason = namespace.why_not()
    if reason:
        pytest.skip(reason)
    program = _PROGRAM.replace("    BODY", textwrap.indent(textwrap.dedent(body).strip(), "    "))
    done = namespace.run([sys.executable, "-c", program], 60.0)
    assert done.returncode == 0, done.stderr
    told: Dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.long
def test_with_a_slow_resolver_only_the_first_connection_is_slow() -> None:
    told = told_by("""
        resolver.delay = 1.0
        pool.reconfigure(PoolConfig(connect_timeout=5.0))
        timed("first", ask)
        timed("second", ask)
    """)
    assert told["first gave"] == told["second gave"] == 200
    assert told["first"] >= 1.0
    assert told["second"] < 0.9
    assert told["asked"] == ["provider.example"]


@pytest.mark.long
def test_a_resolver_that_dies_is_not_noticed_by_those_who_know_the_address() -> None:
    told = told_by("""
        timed("first", ask)
        resolver.silent = True
        pool.names.forget()
        timed("second", ask)
        timed("third", ask)
        timed("stranger", lambda: ask("stranger.example"))
    """)
    assert [told[f"{name} gave"] for name in ("first", "second", "third")] == [200] * 3
    assert told["stranger gave"] == "NameLookupError"
    assert told["second"] >= 0.9
    assert told["third"] < 0.9


@pytest.mark.long
def test_an_address_that_changes_is_noticed_once_the_old_one_refuses() -> None:
    told = told_by("""
        resolver.addresses = ["127.0.0.9"]
        timed("old", ask)
        resolver.addresses = ["127.0.0.1"]
        timed("new", ask)
        resolver.addresses = []
        timed("gone", lambda: ask("gone.example"))
    """)
    assert [told[f"{name} gave"] for name in ("old", "new", "gone")] == [
        "ConnectError", 200, "NameLookupError",
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("end", ["cancel", "close"])
def test_a_lookup_that_hangs_holds_up_neither_a_cancel_nor_the_end_of_the_pool_nor_that_of_the_program(
    end: str,
) -> None:
    began = time.monotonic()
    told = told_by(f"""
        resolver.silent = True
        pool.reconfigure(PoolConfig(connect_timeout=60.0))
        cancel = CancelToken()
        def stop():
            while not resolver.asked:
                time.sleep(0.01)
            told["ended"] = time.monotonic()
            cancel.cancel() if {end!r} == "cancel" else pool.close_all(5.0)
        threading.Thread(target=stop).start()
        timed("hung", lambda: ask(cancel=cancel))
        told["after"] = time.monotonic() - told["ended"]
        told["left"] = [thread.name for thread in threading.enumerate() if thread.name == "subai-lookup"]
    """)
    assert told["hung gave"] == {"cancel": "CancelledError", "close": "PoolClosedError"}[end]
    assert told["after"] < 1.0
    assert told["left"] == ["subai-lookup"], "the question itself cannot be taken back"
    assert time.monotonic() - began < 5.0, "glibc alone would have taken ten seconds"
