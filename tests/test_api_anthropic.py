"""Anthropic's Messages API: what is sent, and what comes of each answer, event and refusal."""

from typing import Any, Dict, List, Optional, Type

import pytest
from api_support import (
    KEY,
    Script,
    anthropic_error,
    anthropic_events,
    anthropic_reply,
    chat,
    respond,
    sse,
)

import api
from api.anthropic import OUTPUT_TOKENS, OUTPUT_TOKENS_EARLY, VERSION
from api.base import ChatRequest, Message
from core.cancel import CancelToken
from core.errors import (
    AnswerError,
    BadRequestError,
    EmptyAnswerError,
    KeyRefusedError,
    LengthError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    RefusalError,
    ServerError,
    SubAIError,
)

pytest_plugins = ("api_fixtures",)
pytestmark = pytest.mark.usefixtures("one_retry")

KEYS = ("1", "2", "10")
NEW, OLD = "claude-haiku-5-5", "claude-haiku-4-5"
SCHEMA = {
    "type": "object",
    "properties": {"1": {"type": "string"}, "2": {"type": "string"}, "10": {"type": "string"}},
    "required": ["1", "2", "10"],
    "additionalProperties": False,
}


def bad_request(message: str) -> Any:
    return respond(anthropic_error("invalid_request_error", message), 400)


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_message_is_asked_for_with_the_system_message_apart(script: Script) -> None:
    request = ChatRequest(
        NEW,
        (Message("system", "a"), Message("user", "b"), Message("assistant", "c"), Message("system", "d")),
        keys=KEYS,
    )
    result = script.says(anthropic_reply("Hola")).provider("anthropic").complete(request)
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/messages", "")
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["anthropic-version"] == VERSION
    assert "authorization" not in asked.headers
    assert asked.body == {
        "model": NEW,
        "max_tokens": OUTPUT_TOKENS,
        "thinking": {"type": "disabled"},
        "system": "a\n\nd",
        "messages": [{"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        "stream": False,
    }
    assert list(asked.body["output_config"]["format"]["schema"]["properties"]) == list(KEYS)
    assert (result.text, result.model, result.finish_reason) == ("Hola", "claude-2026", "stop")
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (11, 7), "what the cache had was asked too"


@pytest.mark.parametrize(
    ("model", "early"),
    [
        ("claude-3-5-haiku-20241022", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-sonnet-4-0", True),
        ("claude-opus-4-1-20250805", True),
        ("anthropic/claude-sonnet-4.6", True),
        ("claude-opus-4-7", False),
        ("claude-sonnet-5", False),
        ("claude-haiku-5-5", False),
        ("claude-opus-6", False),
        ("somebody-else", False),
    ],
)
def test_early_models_have_a_temperature_and_the_later_ones_are_told_not_to_think(
    script: Script, model: str, *, early: bool
) -> None:
    script.says(anthropic_reply("Hola")).provider("anthropic").complete(chat(model=model))
    assert ("temperature" in script.bodies[0], "thinking" in script.bodies[0]) == (early, not early)
    assert script.bodies[0]["max_tokens"] == (OUTPUT_TOKENS_EARLY if early else OUTPUT_TOKENS)


def test_the_output_limit_is_the_one_that_was_asked_for(script: Script) -> None:
    script.says(anthropic_reply("Hola")).provider("anthropic").complete(chat(max_output_tokens=9, temperature=None))
    assert script.bodies[0]["max_tokens"] == 9


def test_without_a_system_message_there_is_none(script: Script) -> None:
    script.says(anthropic_reply("Hola")).provider("anthropic").ask("Hello", OLD)
    assert set(script.bodies[0]) == {"model", "max_tokens", "messages", "temperature", "stream"}


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_a_base_url_may_leave_the_version_out(path: str) -> None:
    provider = api.create("anthropic", api_key=KEY, base_url=f"https://gateway.example{path}")
    assert provider.base_url == "https://gateway.example/v1"


# --- what a model refuses ---------------------------------------------------------------------------------------------


def test_a_model_that_must_think_is_asked_to_think_little_and_has_room_for_it(script: Script) -> None:
    script.says(
        bad_request('"thinking.type.disabled" is not supported for this model.'),
        bad_request("thinking: Input tag 'between_tools' found using 'type' does not match"),
        anthropic_reply("Hola"),
    )
    provider = script.provider("anthropic")
    assert provider.complete(chat(model="claude-opus-5-5")).text == "Hola"
    assert [body.get("thinking", {}).get("type") for body in script.bodies] == ["disabled", "between_tools", None]
    assert script.bodies[-1]["output_config"] == {"effort": "low"}
    assert script.bodies[-1]["max_tokens"] == OUTPUT_TOKENS
    provider.complete(chat(model="claude-opus-5-5"))
    assert len(script.asked) == 4, "it is found out once"


def test_a_gateway_that_knows_neither_thoughts_nor_effort_is_asked_without(script: Script) -> None:
    script.says(
        bad_request("thinking: Extra inputs are not permitted"),
        bad_request("thinking: Extra inputs are not permitted"),
        bad_request("output_config.effort: Extra inputs are not permitted"),
        anthropic_reply("{}"),
    )
    script.provider("anthropic").complete(chat(keys=KEYS))
    assert list(script.bodies[-1]["output_config"]) == ["format"]


@pytest.mark.parametrize(
    "words",
    [
        "output_config.format: Extra inputs are not permitted",
        "'claude-3-5-haiku-20241022' does not support output format.",
        "The compiled grammar is too large, which would cause performance issues.",
        "Schema is too complex for compilation.",
    ],
)
def test_a_schema_that_is_refused_is_asked_for_in_words(script: Script, words: str) -> None:
    script.says(bad_request(words), anthropic_reply("{}")).provider("anthropic").complete(chat(keys=KEYS))
    assert "output_config" not in script.bodies[1]
    assert script.bodies[1]["system"].startswith("Translate.\n\n")
    assert script.bodies[1]["system"].endswith('["1", "2", "10"]')


def test_a_temperature_that_is_refused_is_left_out(script: Script) -> None:
    script.says(bad_request("`temperature` is deprecated for this model."), anthropic_reply("Hola"))
    script.provider("anthropic").complete(chat(model=OLD))
    assert ["temperature" in body for body in script.bodies] == [True, False]


# --- answers ----------------------------------------------------------------------------------------------------------


def blocks(*content: Any, reason: str = "end_turn", **more: Any) -> Dict[str, Any]:
    return {**anthropic_reply("", reason, **more), "content": list(content)}


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (blocks(), EmptyAnswerError, "empty"),
        (blocks({"type": "text", "text": None}), EmptyAnswerError, "empty"),
        (blocks({"type": "thinking", "thinking": "Hm", "text": "Hm"}), EmptyAnswerError, "empty"),
        ({"content": "Hola"}, EmptyAnswerError, "empty"),
        (anthropic_reply("He", "max_tokens"), LengthError, "output limit"),
        (anthropic_reply("He", "model_context_window_exceeded"), LengthError, "output limit"),
        (blocks(reason="refusal"), RefusalError, "gave no reason"),
        (blocks(reason="refusal", stop_details={"category": "bio"}), RefusalError, "declined: bio"),
        (
            blocks(reason="refusal", stop_details={"category": "bio", "explanation": "Too\nhot"}),
            RefusalError,
            "declined: Too hot",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_is_named(
    script: Script, reply: Any, error: Type[AnswerError], words: str
) -> None:
    with pytest.raises(error) as raised:
        script.says(reply).provider("anthropic").complete(chat())
    assert words in raised.value.user_message
    assert raised.value.user_message.isprintable()
    assert len(script.asked) == 1


def test_only_the_text_of_a_message_is_its_text(script: Script) -> None:
    reply = blocks(
        {"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Ho"}, "?", {"type": "text", "text": "la"}
    )
    assert script.says(reply).provider("anthropic").complete(chat()).text == "Hola"


def test_a_stop_sequence_is_an_end_like_any_other(script: Script) -> None:
    result = script.says(anthropic_reply("Hola", "stop_sequence")).provider("anthropic").complete(chat())
    assert result.finish_reason == "stop"


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_stream_gives_the_text_as_it_comes_and_counts_from_its_first_and_last_events(script: Script) -> None:
    stream = script.says(sse(*anthropic_events("Ho", "la"))).provider("anthropic").stream(chat())
    assert list(stream) == ["Ho", "la"]
    assert script.bodies[0]["stream"] is True
    assert (stream.result.model, stream.result.finish_reason) == ("claude-2026", "stop")
    assert (stream.usage.prompt_tokens, stream.usage.completion_tokens) == (11, 7)


def test_thoughts_and_events_of_another_day_add_no_text(script: Script) -> None:
    begin, *rest = anthropic_events("Hola")
    others: List[Dict[str, Any]] = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}},
        {"type": "something_new", "delta": {"type": "text", "text": "?"}, "content_block": {"text": "?"}},
    ]
    assert list(script.says(sse(begin, *others, *rest)).provider("anthropic").stream(chat())) == ["Hola"]


def test_text_may_come_with_the_beginning_of_its_block(script: Script) -> None:
    events = anthropic_events("la")
    events[1]["content_block"]["text"] = "Ho"
    assert "".join(script.says(sse(*events)).provider("anthropic").stream(chat())) == "Hola"


@pytest.mark.parametrize(
    ("events", "error", "came"),
    [
        (anthropic_events("Ho")[:-3], AnswerError, "Ho"),
        (anthropic_events("Ho", reason="max_tokens"), LengthError, "Ho"),
        (anthropic_events("Ho", reason="refusal", stop_details={"category": "bio"}), RefusalError, "Ho"),
        (anthropic_events(), EmptyAnswerError, ""),
        ([*anthropic_events("Ho")[:4], anthropic_error("overloaded_error", "Overloaded")], OverloadedError, "Ho"),
        ([*anthropic_events("Ho")[:4], anthropic_error("api_error", "Internal")], ServerError, "Ho"),
    ],
    ids=["no end", "length", "refusal", "nothing", "overloaded", "error"],
)
def test_a_stream_that_ends_badly_says_how_and_keeps_what_came(
    script: Script, events: Any, error: Type[SubAIError], came: str
) -> None:
    stream = script.says(sse(*events)).provider("anthropic").stream(chat())
    with pytest.raises(error) as raised:
        list(stream)
    assert type(raised.value) is error
    assert stream.text == came
    assert len(script.asked) == 1
    assert stream.usage.prompt_tokens == 11, "what was asked is paid for, however it ends"


def test_a_stream_that_opens_with_an_error_is_asked_again(script: Script) -> None:
    script.says(sse(anthropic_error("overloaded_error", "Overloaded")), sse(*anthropic_events("Hola")))
    assert list(script.provider("anthropic").stream(chat())) == ["Hola"]


# --- the provider's no ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, anthropic_error("authentication_error", "invalid x-api-key"), KeyRefusedError, "ANTHROPIC_API_KEY"),
        (403, anthropic_error("permission_error", "Not yours"), KeyRefusedError, "It says: Not yours"),
        (402, anthropic_error("billing_error", "Check your payment"), QuotaError, "Check your payment"),
        (400, anthropic_error("invalid_request_error", "Your credit balance is too low"), QuotaError, "credit"),
        (
            400,
            anthropic_error("invalid_request_error", "You have reached your specified workspace API usage limits."),
            QuotaError,
            "used up",
        ),
        (
            429,
            anthropic_error("rate_limit_error", "Spent", details={"error_code": "enforced_spend_limit_reached"}),
            QuotaError,
            "used up",
        ),
        (429, anthropic_error("rate_limit_error", "Slow down"), RateLimitError, "in a row"),
        (404, anthropic_error("not_found_error", "model: m"), ModelNotFoundError, "models --provider anthropic"),
        (404, anthropic_error("not_found_error", "Not Found"), BadRequestError, "Check the base URL"),
        (400, anthropic_error("invalid_request_error", "prompt is too long"), BadRequestError, "prompt is too long"),
        (413, anthropic_error("request_too_large", "Too large"), BadRequestError, "Too large"),
        (500, anthropic_error("api_error", "Internal"), ServerError, "Internal"),
        (504, anthropic_error("timeout_error", "Timed out"), ServerError, "Timed out"),
        (529, anthropic_error("overloaded_error", "Overloaded"), OverloadedError, "Anthropic has no capacity"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_status_becomes_the_error_that_says_what_to_do(
    script: Script, status: int, body: Any, error: Type[SubAIError], words: str, *, streaming: bool
) -> None:
    provider = script.says(respond(body, status)).provider("anthropic")
    with pytest.raises(error) as raised:
        provider.stream(chat()) if streaming else provider.complete(chat())
    assert type(raised.value) is error
    assert words in raised.value.user_message
    assert (raised.value.provider, raised.value.status) == ("anthropic", status)


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("authentication_error", KeyRefusedError, 401),
        ("permission_error", KeyRefusedError, 403),
        ("billing_error", QuotaError, 402),
        ("conflict_error", ServerError, 409),
        ("request_too_large", BadRequestError, 413),
        ("rate_limit_error", RateLimitError, 429),
        ("timeout_error", ServerError, 504),
        ("overloaded_error", OverloadedError, 529),
        ("api_error", ServerError, 500),
    ],
)
def test_an_error_in_mid_stream_stands_for_a_status(
    script: Script, kind: str, error: Type[SubAIError], status: int
) -> None:
    events = [*anthropic_events("Ho")[:4], anthropic_error(kind, "Sorry")]
    stream = script.says(sse(*events)).provider("anthropic").stream(chat())
    with pytest.raises(error) as raised:
        list(stream)
    assert raised.value.status == status


def test_the_hint_when_to_come_back_is_passed_on(script: Script) -> None:
    script.says(respond(anthropic_error("rate_limit_error", "Slow"), 429, {"retry-after": "3600"}))
    with pytest.raises(RateLimitError) as raised:
        script.provider("anthropic").complete(chat())
    assert raised.value.retry_after == 3600.0


# --- models -----------------------------------------------------------------------------------------------------------


def page(*names: str, more: bool = False, last: Optional[str] = None) -> Dict[str, Any]:
    return {"data": [{"type": "model", "id": name} for name in names], "has_more": more, "last_id": last}


def test_models_are_listed_page_by_page(script: Script, cancel: CancelToken) -> None:
    script.says(page("b", "c", more=True, last="c/d"), page("a", last="a"))
    assert script.provider("anthropic").list_models(cancel) == ["a", "b", "c"]
    assert [asked.query for asked in script.asked] == ["limit=1000", "limit=1000&after_id=c%2Fd"]
    assert {asked.path for asked in script.asked} == {"/models"}


@pytest.mark.parametrize(
    ("reply", "asked"), [(page("a", more=True, last="a"), 20), (page("a", more=True), 1), ({"data": "none"}, 1)]
)
def test_a_list_that_never_ends_or_makes_no_sense_is_left(
    script: Script, cancel: CancelToken, reply: Any, asked: int
) -> None:
    script.says(reply).provider("anthropic").list_models(cancel)
    assert len(script.asked) == asked
