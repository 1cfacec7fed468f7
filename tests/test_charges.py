"""What counts against a budget: requests that went out, however they ended, and no others."""

import time
from typing import Any, Callable

import pytest
from support_server import (
    Connect,
    Doing,
    Peer,
    ScriptedServer,
    Serve,
    deaf,
    post,
    raw,
)
from waiting import until

from core.backoff import rate_limited_backoff_on_429
from core.cancel import CancelToken
from core.endpoint_group import EndpointGroup
from core.endpoints import Target
from core.errors import CancelledError, DeadlineError, PoolClosedError, ReadTimeoutError
from core.limits import Limits
from core.messages import Request
from core.transport import Transport

pytest_plugins = ("network_fixtures",)

DAY = 100
TOKENS = 500


class Client:
    """Sends with a budget for the day; ``proved`` is past its probe, so that requests go at the same time."""

    def __init__(self, server: ScriptedServer, transport: Transport, *, url: str = "") -> None:
        self.transport = transport
        self.group = EndpointGroup([Target(f"charged-{server.port}-{time.monotonic()}", url or server.url)])
        self.group.limit(Limits(requests_per_day=DAY, tokens_per_minute=1_000_000), lambda place: None)
        self._send = rate_limited_backoff_on_429(retries=0)(transport.send)

    def ask(self, **rest: Any) -> Any:
        return self._send(Request("POST", "", body=b"{}", group=self.group, tokens=TOKENS, **rest))

    @property
    def counted(self) -> int:
        left = self.group.left_today()
        assert left is not None
        limiter = self.group.members[0].limiter
        assert round(limiter.used()["tokens"] * 1_000_000) == (DAY - left) * TOKENS
        return DAY - left


def answering_once(peer: Peer) -> None:
    peer.request()
    peer.send(raw())
    deaf(peer)


@pytest.fixture
def proved(serve: Serve, connect: Connect) -> Client:
    """One connection at once; the first request was answered, what comes after it is not."""
    client = Client(serve(answering_once), connect(parallel=1, pool_timeout=30.0))
    client.ask()
    assert client.counted == 1
    return client


def test_what_waits_for_a_permit_is_not_counted_when_it_is_cancelled(proved: Client) -> None:
    token = CancelToken()
    first = Doing(lambda: proved.ask(cancel=token))
    (endpoint,) = proved.transport.pool._known_endpoints()
    until(lambda: endpoint.gate.in_flight == 1)
    others = [Doing(lambda: proved.ask(cancel=token)) for _ in range(5)]
    until(lambda: endpoint.gate.waiting == 5)
    assert proved.counted == 7
    token.cancel()
    assert all(isinstance(one.join().error, CancelledError) for one in (first, *others))
    assert proved.counted == 2, "the first, and the one that the server has read"


def test_what_waits_for_a_permit_is_not_counted_when_its_time_is_over(proved: Client) -> None:
    token = CancelToken()
    first = Doing(lambda: proved.ask(cancel=token))
    (endpoint,) = proved.transport.pool._known_endpoints()
    until(lambda: endpoint.gate.in_flight == 1)
    with pytest.raises(DeadlineError):
        proved.ask(deadline=time.monotonic() + 0.1)
    assert proved.counted == 2
    token.cancel()
    first.join()


def test_what_is_cancelled_in_a_handshake_is_not_counted(serve: Serve, connect: Connect) -> None:
    server = serve(lambda peer: peer.stall())
    client = Client(server, connect(), url=server.url.replace("http:", "https:"))
    token = CancelToken()
    asking = Doing(lambda: client.ask(cancel=token))
    until(lambda: server.accepted == 1)
    assert client.counted == 1
    token.cancel()
    assert isinstance(asking.join().error, CancelledError)
    assert client.counted == 0


END: "dict[str, Callable[[Transport, CancelToken], object]]" = {
    "a cancel of its own": lambda transport, token: token.cancel(),
    "a cancel of all": lambda transport, token: transport.pool.cancel(),
    "the end of the pool": lambda transport, token: transport.pool.close_all(),
}


@pytest.mark.parametrize("end", END)
def test_what_the_provider_has_read_is_counted_whatever_ends_it(serve: Serve, connect: Connect, end: str) -> None:
    server = serve(deaf)
    client = Client(server, connect())
    token = CancelToken()
    asking = Doing(lambda: client.ask(cancel=token))
    until(lambda: len(server.requests) == 1)
    END[end](client.transport, token)
    assert isinstance(asking.join().error, (CancelledError, PoolClosedError))
    assert client.counted == 1


def test_only_what_got_a_permit_is_a_request_of_the_transport(serve: Serve, connect: Connect) -> None:
    server, transport = serve(answering_once), connect(parallel=1, first_byte_timeout=0.3)
    transport.send(post(server))
    held = Doing(lambda: transport.send(post(server)))
    (endpoint,) = transport.pool._known_endpoints()
    until(lambda: endpoint.gate.in_flight == 1)
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() + 0.02))
    assert isinstance(held.join().error, ReadTimeoutError)
    assert transport.counts.requests == len(server.requests) == 2
