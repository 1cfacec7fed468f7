"""A cancel, whatever the request waits for: over before a person notices, the permit back, the socket closed."""

import socket
import statistics
import sys
import threading
import time
from typing import Any, Callable, List, Tuple

import pytest
from stuck_requests import PHASES, Case, Phases
from support_server import (
    Connect,
    Doing,
    Peer,
    Script,
    ScriptedServer,
    Serve,
    deaf,
    post,
    raw,
    saying_and_staying,
)
from waiting import until

import api
from api.base import ChatRequest, Message
from api.http_provider import HTTPProvider
from core.cancel import CancelToken
from core.errors import CancelledError
from core.limits import Limits

pytest_plugins = ("network_fixtures",)
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("nothing_leaks")]

#: What a person feels as at once, in seconds.
FELT = 0.1
ROUNDS = 5

_ESTABLISHED = 1  # of the states in Linux' tcp_states.h


class MorePhases(Phases):
    """Waits that are not for an answer: no permit is held, and nothing is in flight."""

    def _provider(self, script: Script) -> Tuple[HTTPProvider, ScriptedServer]:
        server = self.serve(script)
        provider = api.create("compatible", api_key="k" * 20, base_url=server.origin, transport=self.connect())
        return provider, server

    def _case(self, provider: Any) -> Case:
        message = (Message("user", "ok"),)
        return Case(
            provider._transport,
            lambda cancel, deadline: provider.complete(ChatRequest("m", message, cancel=cancel, deadline=deadline)),
        )

    def pause_of_a_retry(self) -> Case:
        return self._paused(saying_and_staying(raw(b"{}", "503 Service Unavailable", "Retry-After: 60")))

    def pause_of_a_429(self) -> Case:
        return self._paused(saying_and_staying(raw(b"{}", "429 Too Many Requests", "Retry-After: 60")))

    def _paused(self, script: Script) -> Case:
        provider, server = self._provider(script)
        case = self._case(provider)
        gate = case.transport.pool.endpoint(server.origin).gate
        case.stuck = lambda: len(server.requests) == 1 and gate.in_flight == 0
        return case

    def budget(self) -> Case:
        provider, _ = self._provider(deaf)
        limiter = provider.group.members[0].limiter
        limiter.configure(Limits(requests_per_minute=1))
        limiter.acquire(0, CancelToken())
        case = self._case(provider)
        case.stuck = lambda: "1 waiting" in repr(limiter)
        return case

    def probe_of_another(self) -> Case:
        provider, server = self._provider(deaf)
        case = self._case(provider)
        token = CancelToken()
        probe = Doing(lambda: case.ask(token, None))
        until(lambda: len(server.requests) == 1)

        def clean_up() -> None:
            token.cancel()
            probe.join()

        case.clean_up = clean_up
        return case


MORE = [name for name in vars(MorePhases) if not name.startswith("_")]


def seconds_to_notice(begin: Callable[[Callable[[], None]], Callable[[], None]]) -> float:
    """From a call to what a thread does then: ``begin(done)`` starts the thread and returns the call."""
    ended: List[float] = []
    over = threading.Event()

    def done() -> None:
        ended.append(time.perf_counter())
        over.set()

    call = begin(done)
    began = time.perf_counter()
    call()
    assert over.wait(20.0), "it never ended"
    return ended[0] - began


def bare_wake_up() -> float:
    """What this machine takes, just now, to wake a thread that waits for nothing but an event."""

    def begin(done: Callable[[], None]) -> Callable[[], None]:
        event = threading.Event()

        def work() -> None:
            event.wait(20.0)
            done()

        Doing(work)
        time.sleep(0.01)
        return event.set

    return seconds_to_notice(begin)


def is_over(peer: Peer) -> bool:
    """Whether the client has ended its connection; where the system does not tell, leaks are all that shows."""
    if sys.platform != "linux" or peer.sock.fileno() < 0:
        return True
    return peer.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


@pytest.mark.parametrize("phase", [*PHASES, *MORE])
def test_a_cancel_is_over_before_a_person_notices(
    serve: Serve,
    connect: Connect,
    trusted: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    phase: str,
) -> None:
    """The middle one of several tries, less what the machine takes anyway: it may have other things to do."""
    servers: List[ScriptedServer] = []

    def serving(*scripts: Script, **settings: Any) -> ScriptedServer:
        servers.append(serve(*scripts, **settings))
        return servers[-1]

    felt, anyway = [], []
    for _ in range(ROUNDS):
        case: Case = getattr(MorePhases(serving, connect, trusted, monkeypatch, request), phase)()
        token = CancelToken()

        def begin(done: Callable[[], None], case: Case = case, token: CancelToken = token) -> Callable[[], None]:
            def work() -> None:
                try:
                    case.ask(token, None)
                except CancelledError:
                    done()

            Doing(work)
            until(case.stuck)
            time.sleep(0.01)
            return token.cancel

        felt.append(seconds_to_notice(begin))
        anyway.append(bare_wake_up())
        case.clean_up()
        for seen in case.transport.pool.stats().values():
            assert (seen.active, seen.waiting, seen.errors) == (0, 0, {})
    assert statistics.median(felt) - statistics.median(anyway) < FELT
    paused = phase.startswith("pause_")  # the answer that asks for it was read, and its connection is kept
    until(lambda: paused or all(is_over(peer) for server in servers for peer in server._peers))


def test_a_cancel_while_others_wait_hands_the_permit_on(serve: Serve, connect: Connect) -> None:
    """Ten wait behind one that is stuck; it is cancelled, and they are served."""

    def first_is_stuck(peer: Peer) -> None:
        if peer.number == 0:
            peer.request()
            peer.stall()
        while peer.request() is not None:
            peer.send(raw())

    server, transport, token = serve(first_is_stuck), connect(parallel=1, pool_timeout=60.0), CancelToken()
    stuck = Doing(lambda: transport.send(post(server, cancel=token)))
    until(lambda: len(server.requests) == 1)
    others = [Doing(lambda: transport.send(post(server))) for _ in range(10)]
    gate = transport.pool.endpoint(server.origin).gate
    until(lambda: gate.waiting == 10)
    token.cancel()
    assert isinstance(stuck.join().error, CancelledError)
    assert [other.join(10.0).result.body for other in others] == [b"fine"] * 10
    assert (gate.in_flight, gate.waiting) == (0, 0)
