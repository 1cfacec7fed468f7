"""Streams that nobody closes: what they hold is given back before the next request."""

import gc

import pytest
from api_support import Script, chat, openai_delta, openai_reply, sse
from support_server import Connect, Peer, Serve, post, raw

pytest_plugins = ("network_fixtures", "api_fixtures")


def halfway(peer: Peer) -> None:
    """Answer with half of a body, and whatever comes on the next connection whole."""
    while peer.request() is not None:
        peer.send(raw(b"half", length=8) if peer.number == 0 else raw())


@pytest.mark.parametrize("without_urllib3", [False, True])
def test_an_answer_that_is_dropped_gives_its_permit_back_before_the_next_request(
    serve: Serve, connect: Connect, request: pytest.FixtureRequest, without_urllib3: bool
) -> None:
    if without_urllib3:
        request.getfixturevalue("no_urllib3")
    server, transport = serve(halfway), connect(parallel=1, pool_timeout=0.5)
    dropped = transport.open(post(server))
    assert next(dropped._exchange.chunks()) == b"half"
    (endpoint,) = transport.pool._known_endpoints()
    del dropped
    gc.collect()
    assert endpoint.gate.in_flight == 1, "a finaliser takes no locks"
    assert transport.send(post(server)).body == b"fine"
    assert endpoint.gate.in_flight == 0


def test_a_stream_that_is_dropped_ends_its_turn_too(script: Script) -> None:
    """It is the probe, for which everybody else would wait."""
    script.says(sse(openai_delta("Ho"), openai_delta("la", "stop"), "[DONE]"), openai_reply("Hola"))
    provider = script.provider("compatible")
    stream = provider.stream(chat())
    (member,) = provider.group.members
    assert member.breaker.in_flight == 1
    del stream
    gc.collect()
    assert provider.complete(chat()).text == "Hola"
    assert member.breaker.in_flight == 0
