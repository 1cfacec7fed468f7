"""What comes, or does not come, after an answer that has said that it is whole."""

import json
import time
from typing import List

import pytest
from api_support import chat, openai_delta
from support_server import (
    Connect,
    Peer,
    Serve,
    chunk,
)

import api

pytest_plugins = ("network_fixtures",)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = f"data: {json.dumps(openai_delta('Hola', 'stop'))}\n\ndata: [DONE]\n\n".encode()


def keeps_it_open(peer: Peer) -> None:
    peer.request()
    peer.send(HEAD + chunk(WHOLE))
    peer.stall()


def leaves_without_an_end(peer: Peer) -> None:
    peer.request()
    peer.send(HEAD + chunk(WHOLE))


def goes_on_with_something(peer: Peer) -> None:
    while peer.request() is not None:
        peer.send(HEAD + chunk(WHOLE) + chunk(b": bye\n\n") + chunk(b""))


@pytest.mark.parametrize("script", [keeps_it_open, leaves_without_an_end])
def test_an_answer_is_whole_once_it_says_so(serve: Serve, connect: Connect, script: object) -> None:
    server, transport = serve(script), connect(read_timeout=60.0)
    provider = api.create("compatible", api_key="k" * 20, base_url=server.origin, transport=transport)
    began = time.monotonic()
    assert list(provider.stream(chat())) == ["Hola"]
    assert time.monotonic() - began < 10.0, "the rest of the answer was waited for"
    (figures,) = transport.pool.stats().values()
    assert (figures.errors, figures.idle, figures.failing) == ({}, 0, False)


def test_the_connection_of_one_that_ends_as_it_should_is_used_again(serve: Serve, connect: Connect) -> None:
    server, transport = serve(goes_on_with_something), connect()
    provider = api.create("compatible", api_key="k" * 20, base_url=server.origin, transport=transport)
    answers: List[str] = []
    for _ in range(3):
        answers += provider.stream(chat())
    assert (answers, server.accepted) == (["Hola"] * 3, 1)
