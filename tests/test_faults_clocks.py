"""Clocks that jump: a machine that slept, a clock that was wrong and is set right, in the middle of anything."""

import email.utils
import threading
import time
from typing import Any, Callable, List

import pytest
from support_server import Clocks, Connect, Doing, Peer, Script, Serve, post, raw, saying_and_staying
from waiting import until

import api
from api.base import ChatRequest, Message
from api.http_provider import HTTPProvider
from core.errors import OverloadedError
from core.limits import Limits

pytest_plugins = ("network_fixtures",)
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("nothing_leaks")]

HOUR = 3600.0
JUMPS = (-1e9, -HOUR, HOUR, 1e9)
ANSWER = raw(b'{"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}')


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    """How long anybody meant to wait, in seconds."""
    meant: List[float] = []
    real: Callable[..., bool] = threading.Condition.wait

    def wait(self: threading.Condition, timeout: Any = None) -> bool:
        if timeout is not None:
            meant.append(timeout)
        return real(self, timeout)

    monkeypatch.setattr(threading.Condition, "wait", wait)  # an Event waits on one, too
    return meant


def answering(peer: Peer) -> None:
    while peer.request() is not None:
        peer.send(ANSWER)


def provider(serve: Serve, connect: Connect, script: Script = answering) -> HTTPProvider:
    return api.create("compatible", api_key="k" * 20, base_url=serve(script).origin, transport=connect())


def chat() -> ChatRequest:
    return ChatRequest("m", (Message("user", "ok"),))


@pytest.mark.parametrize("seconds", JUMPS)
def test_between_two_requests(
    serve: Serve, connect: Connect, clocks: Clocks, waits: List[float], seconds: float
) -> None:
    """Forwards, the machine may have slept, and what was idle is not trusted; backwards means nothing."""
    asked = provider(serve, connect)
    assert asked.complete(chat()).text == "ok"
    clocks.wall_ahead = seconds
    assert [asked.complete(chat()).text for _ in range(3)] == ["ok"] * 3
    (seen,) = asked._transport.pool.stats().values()
    assert seen.created == (2 if seconds > 0 else 1)
    assert seen.recycled == ({"max_idle": 1} if seconds > 0 else {})
    assert min(waits, default=0.0) >= 0.0
    assert max(waits, default=0.0) <= 600.0


@pytest.mark.parametrize("seconds", JUMPS)
def test_while_an_answer_is_waited_for(
    serve: Serve, connect: Connect, clocks: Clocks, waits: List[float], seconds: float
) -> None:
    """It comes, and its connection goes on: it was in use, whatever the clock says."""
    go_on = threading.Event()

    def slow(peer: Peer) -> None:
        while peer.request() is not None:
            go_on.wait(20.0)
            peer.send(raw())

    server, transport = serve(slow), connect()
    doing = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 1)
    clocks.wall_ahead = seconds
    go_on.set()
    assert doing.join(10.0).result.body == b"fine"
    assert transport.send(post(server)).body == b"fine"
    assert server.accepted == 1
    assert min(waits, default=0.0) >= 0.0

    assert max(waits) <= 600.0


@pytest.mark.parametrize("seconds", JUMPS)
def test_while_a_pause_is_waited_out(
    serve: Serve, connect: Connect, clocks: Clocks, waits: List[float], seconds: float
) -> None:
    def busy_once(peer: Peer) -> None:
        peer.request()
        peer.send(raw(b"{}", "503 Service Unavailable", "retry-after-ms: 300"))
        answering(peer)

    asked = provider(serve, connect, busy_once)
    gate = asked._transport.pool.endpoint(asked.base_url).gate
    began = time.perf_counter()
    doing = Doing(lambda: asked.complete(chat()))
    until(lambda: 0.3 in waits)
    clocks.wall_ahead = seconds
    assert doing.join(10.0).result.text == "ok"
    assert time.perf_counter() - began >= 0.3
    assert gate.in_flight == 0
    assert min(waits) >= 0.0


@pytest.mark.parametrize("seconds", JUMPS)
def test_while_a_budget_is_waited_for(
    serve: Serve, connect: Connect, clocks: Clocks, waits: List[float], seconds: float
) -> None:
    """The minute is the monotonic clock's: nobody is let through early, or held for an hour."""
    asked = provider(serve, connect)
    limiter = asked.group.members[0].limiter
    limiter.configure(Limits(requests_per_minute=1))
    asked.complete(chat())
    doing = Doing(lambda: asked.complete(chat()))
    until(lambda: "1 waiting" in repr(limiter))
    clocks.wall_ahead = seconds
    limiter.configure(Limits(requests_per_minute=1))  # anything that makes it look again
    threading.Event().wait(0.1)
    assert "1 waiting" in repr(limiter)
    clocks.monotonic_ahead = 60.0
    limiter.configure(Limits(requests_per_minute=1))
    assert doing.join(10.0).result.text == "ok"
    assert min(waits) >= 0.0


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_date_to_come_back_at_is_no_date_if_the_clock_is_wrong(
    serve: Serve, connect: Connect, clocks: Clocks, waits: List[float], seconds: float
) -> None:
    """In the past: at once. Far in the future: said, and not sat out."""
    date = email.utils.formatdate(time.time() - seconds, usegmt=True)
    script = saying_and_staying(raw(b"{}", "503 Service Unavailable", f"Retry-After: {date}"), ANSWER)
    asked = provider(serve, connect, script)
    if seconds > 0:
        assert asked.complete(chat()).text == "ok"
    else:
        with pytest.raises(OverloadedError):
            asked.complete(chat())
    assert min(waits, default=0.0) >= 0.0


def test_a_machine_that_slept(serve: Serve, connect: Connect, clocks: Clocks) -> None:
    """The monotonic clock stood still. Nothing is lost, and nothing is asked of a connection of yesterday."""
    server, transport = serve(), connect()
    streams = [transport.open(post(server)) for _ in range(4)]
    for stream in streams:
        stream.read()
        stream.close()
    assert server.accepted == 4
    clocks.wall_ahead = 8 * HOUR
    assert [transport.send(post(server)).body for _ in range(4)] == [b"fine"] * 4
    (seen,) = transport.pool.stats().values()
    assert (seen.recycled, seen.errors) == ({"max_idle": 4}, {})
    assert len(server.requests) == 8
    assert server.accepted == 5
