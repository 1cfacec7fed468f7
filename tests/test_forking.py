"""A process that is forked off in the middle of things has connections, permits and deadlines of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support_server import Connect, Peer, Serve, post, raw, server_tls
from waiting import until

from core import forking
from core.cancel import CancelToken
from core.errors import ConnectionDroppedError
from core.rate_limit import limiter_for

pytest_plugins = ("network_fixtures",)
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

ROOT = str(Path(__file__).parent.parent)

BEGIN = """
import os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from core.cancel import CancelToken
from core.connection_pool import ConnectionPoolManager
from core.errors import ConnectionDroppedError, DeadlineError
from core.transport import Request, Transport
pool = ConnectionPoolManager()
transport = Transport(pool, parallel=4, ca_file=sys.argv[3])
def send(path, seconds=60.0):
    return transport.send(Request("POST", sys.argv[2] + path, body=b"{}", deadline=time.monotonic() + seconds)).body
def check(name):
    for number in range(5):
        assert send(f"/{name}/{number}") == f"/{name}/{number}".encode()
def fork():
    child = os.fork()
    if child == 0:
        signal.alarm(20)
    return child
def ended_well(child):
    return os.waitpid(child, 0)[1] == 0
"""


def echo(peer: Peer) -> None:
    """Answer with the path that was asked for; in two halves, if that is ``/halves``, and never if it is ``/deaf``."""
    while True:
        request = peer.request()
        if request is None:
            return
        path = request.split(b" ", 2)[1]
        if path == b"/deaf":
            peer.stall()
            return
        if path == b"/halves":
            peer.send(raw(b"one", length=6))
            time.sleep(0.5)
            peer.send(b"two")
        else:
            peer.send(raw(path))


def run(serve: Serve, trusted: str, script: str) -> "subprocess.CompletedProcess[str]":
    """Run it against a server; Python 3.12 and newer warn of forks in processes with threads."""
    server = serve(echo, tls=server_tls())
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", BEGIN + script]
    return subprocess.run(
        [*command, ROOT, server.origin, trusted], check=False, capture_output=True, text=True, timeout=60
    )


def test_parent_and_child_go_on_apart(serve: Serve, trusted: str) -> None:
    """One request of the parent is under way, and holds a permit; both ask at once over what was one connection."""
    done = run(
        serve,
        trusted,
        """
check("parent")
stuck = threading.Thread(target=lambda: [send("/deaf")], daemon=True)
stuck.start()
while not any(seen.active for seen in pool.stats().values()):
    time.sleep(0.01)
child = fork()
if child == 0:
    assert repr(pool) == "<ConnectionPoolManager 0 endpoints, 0 in flight>", repr(pool)
    for number in range(10):
        check(f"child{number}")
    (seen,) = pool.stats().values()
    assert (seen.created, seen.requests, seen.active, seen.waiting) == (1, 50, 0, 0)
    try:
        send("/deaf", 0.2)
    except DeadlineError:
        sys.exit(0)
    sys.exit(1)
for number in range(10):
    check(f"parent{number}")
assert ended_well(child)
check("parent")
(seen,) = pool.stats().values()
assert (seen.created, seen.active, seen.errors) == (2, 1, {}), seen
print("fine")
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)


@pytest.mark.long
def test_no_lock_of_another_thread_is_waited_for(serve: Serve, trusted: str) -> None:
    """The parent's threads are in the middle of anything when it forks."""
    done = run(
        serve,
        trusted,
        """
check("parent")  # a fork in the middle of an import is beyond help
over = threading.Event()
def keep_asking(name):
    while not over.is_set():
        check(name)
threads = [threading.Thread(target=keep_asking, args=(f"parent{number}",), daemon=True) for number in range(4)]
for thread in threads:
    thread.start()
for number in range(20):
    child = fork()
    if child == 0:
        check("child")
        pool.close_all()
        os._exit(0)
    assert ended_well(child)
over.set()
for thread in threads:
    thread.join()
(seen,) = pool.stats().values()
assert (seen.active, seen.errors, seen.recycled) == (0, {}, {}), seen
print("fine")
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)


@pytest.mark.long
def test_not_even_of_one_that_holds_them_all(serve: Serve, trusted: str) -> None:
    """Every lock that anything of ``core`` or ``api`` has, those of modules too, and urllib3's."""
    done = run(
        serve,
        trusted,
        """
import gc
from api import adapt, ollama
from core.limits import Limits
from core.rate_limit import limiter_for
check("parent")
cancel, limiter = CancelToken(), limiter_for("one")
limiter.configure(Limits(requests_per_day=100))
manager = pool.get_pool(ca_file=sys.argv[3])
waiting = pool.endpoint_pool(sys.argv[2], ca_file=sys.argv[3]).pool
def ours(name):
    return name.split(".")[0] in ("core", "api")
insides = [vars(module).values() for name, module in list(sys.modules.items()) if ours(name)]
for thing in gc.get_objects():
    if ours(type(thing).__module__):
        insides += [gc.get_referents(thing), getattr(thing, "__dict__", {}).values()]
kinds = (type(threading.Lock()), type(threading.RLock()), threading.Condition)
locks = [manager.pools.lock, waiting.mutex]
locks += {id(lock): lock for inside in insides for lock in inside if isinstance(lock, kinds)}.values()
assert len(locks) > 30, locks
held = threading.Event()
def hold():
    for lock in locks:
        lock.acquire(blocking=False)  # a condition's may be held already
    held.set()
    threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = fork()
if child == 0:
    check("child")
    limiter.acquire(0, CancelToken())
    cancel.subscribe(lambda: None)()
    cancel.cancel()
    adapt.remember("url", "model", "think")
    assert adapt.refused_by("url", "model") == {"think"}
    assert ollama._context_for("url", "model", []) == ollama.LEAST_CONTEXT
    sys.exit(0)
print("fine" if ended_well(child) else "the child waits", flush=True)
os._exit(0)  # what ends an interpreter in other ways may want one of the locks
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)


@pytest.mark.long
def test_what_the_parent_closes_is_closed_though_a_child_lives(serve: Serve, trusted: str) -> None:
    """The other side would keep the connection for as long as anybody holds it."""
    gone = []

    def watched(peer: Peer) -> None:
        echo(peer)
        gone.append(peer.number)

    server = serve(watched, tls=server_tls())
    script = """
check("parent")
child = fork()
if child == 0:
    sys.stdin.read()
    os._exit(0)
pool.close_all()
print("closed", flush=True)
os.waitpid(child, 0)
"""
    command = [sys.executable, "-c", BEGIN + script, ROOT, server.origin, trusted]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "closed\n"
        until(lambda: gone == [0])
        process.communicate("")
    assert process.returncode == 0


@pytest.mark.long
def test_a_stream_of_the_parents_is_not_the_childs(serve: Serve, trusted: str) -> None:
    done = run(
        serve,
        trusted,
        """
answer = transport.open(Request("POST", sys.argv[2] + "/halves", body=b"{}"))
child = fork()
if child == 0:
    try:
        answer.read()
    except ConnectionDroppedError:
        answer.close()
        sys.exit(0)
    sys.exit(1)
assert ended_well(child)
assert answer.read() == b"onetwo"
answer.close()
check("parent")
(seen,) = pool.stats().values()
assert (seen.created, seen.active) == (1, 0), seen
print("fine")
""",
    )
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)


def test_what_a_child_begins_with(serve: Serve, connect: Connect) -> None:
    """As in a child, but where it can be looked at: what is inherited is closed, under way or idle."""
    server, transport = serve(echo), connect(parallel=2)
    limiter, pool = limiter_for("begins"), transport.pool
    with transport.open(post(url=server.origin + "/halves")) as stream:
        transport.send(post(server))
        assert server.accepted == 2
        threads = (pool._in_flight, pool._monitor)
        forking._renew_all()
        assert repr(pool) == "<ConnectionPoolManager 0 endpoints, 0 in flight>"
        with pytest.raises(ConnectionDroppedError):
            stream.read()
    transport.send(post(server))
    assert server.accepted == 3
    limiter.acquire(0, CancelToken())
    for threaded in threads:
        threaded.close(1.0)


def test_what_is_gone_is_not_renewed() -> None:
    class Renewed:
        def renew(self) -> None:
            raise AssertionError("it is still known")

    renewed = Renewed()
    forking.renew_in_children(renewed)
    del renewed
    forking._renew_all()
