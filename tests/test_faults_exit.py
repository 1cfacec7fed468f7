"""The interpreter ends while requests are under way: at once, and without a word."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest
from support_server import Peer, Serve, full_backlog, raw, server_tls

pytest_plugins = ("network_fixtures",)
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("nothing_leaks")]

ROOT = str(Path(__file__).parent.parent)
#: What a person feels as at once when a program ends, on a machine that may have other things to do.
SOON = 3.0

# One thread for each thing that a request can wait for; then the main thread goes its way.
STUCK = """
import socket, sys, threading, time
sys.path.insert(0, sys.argv[1])
plain, secure, full, ca_file = sys.argv[2:6]
import api
from api.base import ChatRequest, Message
from core.cancel import CancelToken
from core.connection_pool import ConnectionPoolManager, connection_pool_manager
from core.config import PoolConfig
from core.errors import SubAIError
from core.limits import Limits
from core.transport import Request, Transport

real = socket.getaddrinfo
def look_up(host, *rest, **more):
    if host == "slow.example" and not more.get("flags"):
        threading.Event().wait()
    return real(host, *rest, **more)
socket.getaddrinfo = look_up

pool = ConnectionPoolManager(PoolConfig(pool_timeout=60.0, connect_timeout=60.0))
many, one = Transport(pool, ca_file=ca_file), Transport(pool, parallel=1)
def post(url):
    return Request("POST", url, body=b"{}")
def read(answer):
    with answer:
        for line in answer.lines():
            pass
def provider(path):
    return api.create("compatible", api_key="k" * 20, base_url=plain + path, transport=Transport(pool))
def chat(asked):
    asked.complete(ChatRequest("m", (Message("user", "ok"),)))
paced = provider("/answer")
limiter = paced.group.members[0].limiter
limiter.configure(Limits(requests_per_minute=1))
limiter.acquire(0, CancelToken())
work = {
    "lookup": lambda: many.send(post("http://slow.example/")),
    "connect": lambda: many.send(post(full)),
    "handshake": lambda: many.send(post(plain.replace("http:", "https:") + "/deaf")),
    "headers": lambda: many.send(post(secure + "/deaf")),
    "stream": lambda: read(many.open(post(secure + "/stream"))),
    "permit": lambda: one.send(post("http://127.0.0.1:" + plain.rpartition(":")[2] + "/deaf")),
    "pause": lambda: chat(provider("/busy")),
    "budget": lambda: chat(paced),
    "idle": lambda: (many.send(post(secure + "/answer")), threading.Event().wait()),
}
many.send(post(secure + "/answer"))
def attend(name):
    try:
        work[name]()
    except SubAIError:
        pass
daemon = DAEMON
names = [name for name in work if daemon or name not in ("pause", "budget", "idle")]
threads = [threading.Thread(target=attend, args=(name,), name=name, daemon=daemon) for name in names]
for thread in threads:
    thread.start()
time.sleep(1.0)
print(sorted(set(names) - {thread.name for thread in threads if thread.is_alive()}), flush=True)
"""


def playing(peer: Peer) -> None:
    """What is asked for by the path."""
    while True:
        request = peer.request()
        if request is None:
            return
        path = request.split(b" ", 2)[1]
        if path == b"/answer":
            peer.send(raw())
        elif path.startswith(b"/busy"):
            peer.send(raw(b"{}", "503 Service Unavailable", "Retry-After: 60"))
        elif path == b"/stream":
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n")
            peer.stall()
        else:
            peer.stall()


@pytest.fixture
def command(nothing_leaks: None, serve: Serve, trusted: str) -> Iterator[List[str]]:
    """What the script is told, but for the script."""
    plain, secure = serve(playing), serve(playing, tls=server_tls())
    with full_backlog() as full:
        yield [ROOT, plain.origin, secure.origin, f"http://127.0.0.1:{full}/", trusted]


def end_of(command: List[str], statement: str, *, daemon: bool) -> Tuple[int, float]:
    """Exit code, and seconds from the last statement to the end. It must not print a word."""
    script = STUCK.replace("DAEMON", str(daemon)) + statement
    interpreter = [sys.executable, "-W", "error", "-c", script, *command]
    with subprocess.Popen(interpreter, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[]\n", "all of them are stuck"
        began = time.monotonic()
        assert process.communicate(timeout=20) == ("", "")
        return process.returncode, time.monotonic() - began


@pytest.mark.parametrize(("statement", "code"), [("", 0), ("sys.exit(3)", 3), ("pool.close_all()", 0)])
def test_it_ends_at_once_whatever_its_threads_wait_for(command: List[str], statement: str, code: int) -> None:
    ended, seconds = end_of(command, statement, daemon=True)
    assert ended == code
    assert seconds < SOON


def test_threads_that_it_has_to_wait_for_end_with_the_pool(command: List[str]) -> None:
    """Not daemons, as those of an executor; all of them wait for something of the pool's."""
    ended, seconds = end_of(command, "pool.close_all()", daemon=False)
    assert ended == 0
    assert seconds < SOON
