"""What a 2xx turns into: text and usage, or the error that names what is wrong with it."""

import json
from typing import Any, List, Mapping, Type

import pytest
from api_support import (
    OPENAI_USAGE,
    Script,
    chat,
    gemini_reply,
    openai_delta,
    openai_reply,
    raw_sse,
    respond,
    sse,
)

from core.errors import (
    AnswerError,
    BlockedError,
    EmptyAnswerError,
    LengthError,
    NotJSONError,
    OverloadedError,
    RefusalError,
)

pytest_plugins = ("api_fixtures",)

PAGE = "<!doctype html><html><title>Log in to the hotel</title></html>"


def without_candidates(**more: Any) -> Mapping[str, Any]:
    return {"usageMetadata": {"promptTokenCount": 3}, **more}


@pytest.mark.parametrize(
    ("name", "reply", "error", "words"),
    [
        ("openai", respond(PAGE, kind="text/html"), NotJSONError, "web page"),
        ("openai", respond('{"choices": [{"mess'), NotJSONError, "cut off"),
        ("openai", respond("[" * 100_000), NotJSONError, "not JSON"),
        ("openai", respond("[1, 2]"), NotJSONError, "not JSON"),
        ("openai", respond(b"\xff\xfe{"), NotJSONError, "not JSON"),
        ("openai", respond(""), EmptyAnswerError, "empty"),
        ("openai", respond({"choices": []}), EmptyAnswerError, "empty"),
        ("openai", respond({"choices": {"0": "x"}}), EmptyAnswerError, "empty"),
        ("openai", respond(openai_reply(None)), EmptyAnswerError, "empty"),
        ("openai", respond(openai_reply(" \n")), EmptyAnswerError, "empty"),
        ("openai", respond(openai_reply(7)), EmptyAnswerError, "empty"),
        ("openai", respond(openai_reply(None, refusal="I can't\nhelp with that.")), RefusalError, "can't help with"),
        ("openai", respond(openai_reply("He", "content_filter")), BlockedError, "was blocked by OpenAI"),
        ("openai", respond(openai_reply(None, "length")), LengthError, "output limit"),
        ("openrouter", respond(openai_reply(None, reasoning="Hmm")), EmptyAnswerError, "empty"),
        ("compatible", respond(openai_reply("<think>still at it")), EmptyAnswerError, "empty"),
        ("gemini", respond(without_candidates()), EmptyAnswerError, "empty"),
        ("gemini", respond(without_candidates(promptFeedback={"blockReason": "OTHER"})), BlockedError, "(OTHER)"),
        ("gemini", respond(gemini_reply({"text": "He"}, finish="SAFETY")), BlockedError, "(SAFETY)"),
        ("gemini", respond(gemini_reply(finish="PROHIBITED_CONTENT")), BlockedError, "(PROHIBITED_CONTENT)"),
        ("gemini", respond(gemini_reply({"text": "Hmm", "thought": True})), EmptyAnswerError, "empty"),
        ("gemini", respond(gemini_reply({"text": "{"}, finish="MAX_TOKENS")), LengthError, "output limit"),
    ],
)
def test_an_answer_that_cannot_be_used_is_named(
    script: Script, name: str, reply: Any, error: Type[AnswerError], words: str
) -> None:
    provider = script.says(reply).provider(name)
    with pytest.raises(error) as raised:
        provider.complete(chat())
    assert words in raised.value.user_message
    assert "\n" not in raised.value.user_message
    assert raised.value.provider == name
    assert len(script.asked) == 1, "an answer that was paid for is not asked for again down here"


def test_what_came_before_the_output_limit_is_kept(script: Script) -> None:
    with pytest.raises(LengthError) as raised:
        script.says(openai_reply('{"1": "Ho', "length")).provider("openai").complete(chat())
    assert raised.value.partial == '{"1": "Ho'


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (openai_reply([{"type": "text", "text": "Ho"}, {"type": "text", "text": "la"}]), "Hola"),
        (openai_reply([{"type": "thinking", "text": "Hm"}, {"text": "Hola"}, "?"]), "Hola"),
        (openai_reply("Hola", reasoning_content="Hmm", reasoning="Hmm"), "Hola"),
        (openai_reply("\n<think>Maybe {}</think>Hola"), "Hola"),
        (openai_reply("Hola", finish=None), "Hola"),
        (openai_reply("<b>Hola</b>", finish="eos"), "<b>Hola</b>"),
    ],
)
def test_only_the_answer_is_its_text(script: Script, reply: Mapping[str, Any], text: str) -> None:
    assert script.says(reply).provider("compatible").complete(chat()).text == text


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": "many"}, {"prompt_tokens": -1}, {"prompt_tokens": 1e99}])
def test_a_usage_that_makes_no_sense_counts_nothing(script: Script, usage: Any) -> None:
    result = script.says({**openai_reply("Hola"), "usage": usage}).provider("openai").complete(chat())
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (0, 0)


# --- streams ---------------------------------------------------------------------------------------------------------


def test_a_stream_gives_the_text_as_it_comes_and_the_rest_at_its_end(script: Script) -> None:
    reply = sse(
        openai_delta("", role="assistant"), openai_delta("Ho"), openai_delta("la", "stop"), OPENAI_USAGE, "[DONE]"
    )
    with script.says(reply).provider("openai").stream(chat()) as stream:
        with pytest.raises(RuntimeError, match="not been read"):
            _ = stream.result
        assert list(stream) == ["Ho", "la"]
    result = stream.result
    assert (result.text, result.model, result.finish_reason) == ("Hola", "some-model-2026", "stop")
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (11, 7)


@pytest.mark.parametrize(
    "text",
    [
        ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {}\n\ndata: [DONE]\n\n",
        "event: message\r\nid: 7\r\nretry: 10\r\ndata: {}\r\n\r\ndata: [DONE]\r\n\r\n",
        "data:{}\n\ndata:[DONE]",
        "\n\ndata: {}\ndata: \n\ndata: [DONE]\n\n",
        "data:\n\ndata: {}\n\ndata:\n\ndata: [DONE]\n\n",
        "\ufeffdata: {}\n\ndata: [DONE]\n\n",
    ],
    ids=["comments", "fields and CRLF", "no space, no last blank line", "several lines of data", "no data", "a mark"],
)
def test_every_way_to_write_events_is_read(script: Script, text: str) -> None:
    reply = raw_sse(text.replace("{}", json.dumps(openai_delta("Hola"))))
    assert list(script.says(reply).provider("openrouter").stream(chat())) == ["Hola"]


def test_letters_cut_between_packets_arrive_whole(script: Script) -> None:
    raw = f"data: {json.dumps(openai_delta('¿Qué?', 'stop'), ensure_ascii=False)}\n\n".encode()
    reply = raw_sse(raw[at : at + 1] for at in range(len(raw)))
    assert list(script.says(reply).provider("openai").stream(chat())) == ["¿Qué?"]


def test_the_last_reason_why_an_answer_ended_counts(script: Script) -> None:
    parts = (({"text": "Ho"}, "STOP"), ({"text": "la"}, "MAX_TOKENS"))
    events = [{"candidates": [{"content": {"parts": [text]}, "finishReason": why}]} for text, why in parts]
    with pytest.raises(LengthError):
        list(script.says(sse(*events)).provider("gemini").stream(chat()))


def test_an_answer_without_a_usage_counts_nothing(script: Script) -> None:
    reply = {"candidates": [{"content": {"parts": [{"text": "Hola"}]}, "finishReason": "STOP"}]}
    result = script.says(reply).provider("gemini").complete(chat())
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (0, 0)


def test_geminis_stream_ends_with_a_reason_and_the_last_usage_counts(script: Script) -> None:
    first = {"candidates": [{"content": {"parts": [{"text": "Ho"}]}}], "usageMetadata": {"promptTokenCount": 11}}
    stream = script.says(sse(first, gemini_reply({"text": "la"}), end="\r\n\r\n")).provider("gemini").stream(chat())
    assert list(stream) == ["Ho", "la"]
    assert stream.result.usage.completion_tokens == 7


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["<thi", "nk>a plan: {", '"1": "x"}</th', "ink>", "Ho", "la"], "Hola"),
        (["  ", "<", "b>Hola"], "  <b>Hola"),
        (["\n", "Hola"], "\nHola"),
    ],
)
def test_thoughts_in_the_text_are_set_aside_however_they_are_cut(script: Script, pieces: List[str], text: str) -> None:
    events = [openai_delta(piece) for piece in pieces]
    stream = script.says(sse(*events, "[DONE]")).provider("compatible").stream(chat())
    assert "".join(stream) == stream.result.text == text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a\ud83d", "\ude00b"], "a\U0001f600b"),
        (["a\ud83d", "b"], "a\ufffdb"),
        (["a\ude00"], "a\ufffd"),
        (["a", "\ud83d"], "a"),
    ],
    ids=["joined", "no second half", "no first half", "cut at the end"],
)
def test_letters_cut_between_events_are_joined_and_never_left_half(
    script: Script, pieces: List[str], text: str
) -> None:
    stream = script.says(sse(*map(openai_delta, pieces), "[DONE]")).provider("compatible").stream(chat())
    assert "".join(stream) == stream.result.text == text


def test_a_server_that_does_not_stream_is_read_all_the_same(script: Script) -> None:
    stream = script.says(openai_reply("Hola", finish=None)).provider("compatible").stream(chat())
    assert list(stream) == ["Hola"]
    assert stream.result.usage.prompt_tokens == 11


@pytest.mark.parametrize(
    ("reply", "error", "came"),
    [
        (sse(openai_delta("Ho")), AnswerError, "Ho"),
        (raw_sse('data: {"choices": [{"delta": {"content": "Ho"}}]}\n\ndata: {"choi'), NotJSONError, "Ho"),
        (sse(openai_delta("Ho"), "[1]"), NotJSONError, "Ho"),
        (sse(openai_delta("Ho", "length"), "[DONE]"), LengthError, "Ho"),
        (sse(openai_delta("Ho"), openai_delta(None, "content_filter"), "[DONE]"), BlockedError, "Ho"),
        (sse(openai_delta(refusal="I "), openai_delta(refusal="won't"), "[DONE]"), RefusalError, ""),
        (sse(openai_delta("", "stop"), "[DONE]"), EmptyAnswerError, ""),
        (sse(openai_delta("")), EmptyAnswerError, ""),
        (sse(openai_delta("Ho"), {"error": {"code": 503, "message": "Full"}}), OverloadedError, "Ho"),
    ],
    ids=["no end", "cut", "no object", "length", "filter", "refusal", "nothing", "no text and no end", "error inside"],
)
def test_a_stream_that_ends_badly_says_how_and_keeps_what_came(
    script: Script, reply: Any, error: Type[Exception], came: str
) -> None:
    stream = script.says(reply).provider("openai").stream(chat())
    with pytest.raises(error) as raised:
        list(stream)
    assert stream.text == came
    assert type(raised.value) is error
    assert len(script.asked) == 1
    with pytest.raises(RuntimeError):
        _ = stream.result


def test_an_answer_that_cannot_be_used_is_counted_all_the_same(script: Script) -> None:
    stream = script.says(sse(openai_delta("Ho", "length"), OPENAI_USAGE, "[DONE]")).provider("openai").stream(chat())
    with pytest.raises(LengthError):
        list(stream)
    assert stream.usage.completion_tokens == 7


def test_a_stream_without_its_end_is_called_cut(script: Script) -> None:
    with pytest.raises(AnswerError) as raised:
        list(script.says(sse(gemini_reply({"text": "Ho"}, finish=None))).provider("gemini").stream(chat()))
    assert raised.value.reason == "cut"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (raw_sse(": nothing\n\n"), EmptyAnswerError),
        (respond(PAGE, kind="text/html"), NotJSONError),
        (respond("", kind="application/json"), EmptyAnswerError),
    ],
)
def test_what_is_no_stream_at_all_is_refused_before_it_is_handed_out(
    script: Script, reply: Any, error: Type[AnswerError], api_transport: Any
) -> None:
    provider = script.says(reply).provider("openai")
    with pytest.raises(error):
        provider.stream(chat())
    assert sum(endpoint.active for endpoint in api_transport.pool.stats().values()) == 0


def test_a_stream_left_half_way_gives_its_connection_back(script: Script, api_transport: Any) -> None:
    stream = script.says(sse(*[openai_delta("Ho")] * 50)).provider("openai").stream(chat())
    assert next(iter(stream)) == "Ho"
    stream.close()
    stream.close()
    assert sum(endpoint.active for endpoint in api_transport.pool.stats().values()) == 0
