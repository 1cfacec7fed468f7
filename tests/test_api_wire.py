"""Answers as they really arrive: bit by bit, interrupted, cancelled; and what is logged of them."""

import json
import logging
import threading
from typing import Iterator

import pytest
from api_support import KEY, Script, chat, openai_delta, openai_error, openai_reply, raw_sse, respond

from core.cancel import CancelToken
from core.errors import AnswerError, CancelledError, ConnectionDroppedError, KeyRefusedError
from core.transport import Transport

pytest_plugins = ("api_fixtures",)


class Slow:
    """A stream whose second half waits until it is let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def events(self) -> Iterator[bytes]:
        yield self._event("Ho")
        if not self.go_on.wait(10):
            return
        yield self._event("la", "stop")

    @staticmethod
    def _event(text: str, finish: str = "") -> bytes:
        return f"data: {json.dumps(openai_delta(text, finish))}\n\n".encode()


def test_text_is_handed_out_while_the_answer_is_still_being_written(script: Script) -> None:
    slow = Slow()
    deltas = iter(script.says(raw_sse(slow.events())).provider("openai").stream(chat()))
    assert next(deltas) == "Ho"
    slow.go_on.set()
    assert list(deltas) == ["la"]


def test_a_cancel_ends_a_stream_that_says_nothing_more(script: Script) -> None:
    slow, cancel = Slow(), CancelToken()
    stream = script.says(raw_sse(slow.events())).provider("openai").stream(chat(cancel=cancel))
    deltas = iter(stream)
    assert next(deltas) == "Ho"
    threading.Timer(0.05, cancel.cancel).start()
    with pytest.raises(CancelledError):
        next(deltas)
    slow.go_on.set()
    assert stream.text == "Ho"


def test_a_connection_lost_in_mid_answer_is_an_error_and_what_came_is_kept(script: Script) -> None:
    def broken() -> Iterator[bytes]:
        yield Slow._event("Ho")
        raise ConnectionAbortedError

    stream = script.says(raw_sse(broken())).provider("openai").stream(chat())
    with pytest.raises((ConnectionDroppedError, AnswerError)):
        list(stream)
    assert stream.text == "Ho"


def test_nothing_of_the_key_is_logged(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = script.says(openai_reply("Hola"), respond(openai_error(f"Bad key {KEY}"), 401)).provider("openai")
    provider.complete(chat())
    with pytest.raises(KeyRefusedError):
        provider.complete(chat())
    assert "openai m: 200" in caplog.text
    assert not any(KEY[at : at + 5] in caplog.text for at in range(len(KEY) - 4))


def test_reading_streams_to_their_end_keeps_the_permits(script: Script, api_transport: Transport) -> None:
    event = Slow._event("Hola", "stop")
    provider = script.says(raw_sse(iter([event])), raw_sse(iter([event])), raw_sse(iter([event]))).provider("openai")
    for _ in range(3):
        assert list(provider.stream(chat())) == ["Hola"]
    assert sum(endpoint.active for endpoint in api_transport.pool.stats().values()) == 0
