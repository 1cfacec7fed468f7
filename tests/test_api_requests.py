"""What each provider is sent."""

from typing import Any

import pytest
from api_support import KEY, Script, chat, gemini_reply, openai_reply, respond, sse

from api.base import ChatRequest, Message
from core.cancel import CancelToken

pytest_plugins = ("api_fixtures",)

KEYS = ("1", "2", "10")
SCHEMA = {
    "type": "object",
    "properties": {"1": {"type": "string"}, "2": {"type": "string"}, "10": {"type": "string"}},
    "required": ["1", "2", "10"],
    "additionalProperties": False,
}


def test_openai_is_sent_a_chat_completion(script: Script) -> None:
    result = script.says(openai_reply("Hola")).provider("openai").complete(chat("Hello", max_output_tokens=50))
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/chat/completions", "")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Translate."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.4,
        "max_completion_tokens": 50,
    }
    assert (result.text, result.model, result.finish_reason) == ("Hola", "some-model-2026", "stop")
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (11, 7)


@pytest.mark.parametrize("name", ["openrouter", "compatible"])
def test_the_others_of_the_dialect_know_the_output_limit_by_its_older_name(script: Script, name: str) -> None:
    script.says(openai_reply("Hola")).provider(name).complete(chat(max_output_tokens=50))
    assert script.bodies[0]["max_tokens"] == 50
    assert "max_completion_tokens" not in script.bodies[0]


def test_a_stream_asks_for_the_usage_too(script: Script) -> None:
    reply = sse(openai_reply("Hola"), "[DONE]")
    list(script.says(reply).provider("openai").stream(chat(temperature=None)))
    assert script.bodies[0]["stream"] is True
    assert script.bodies[0]["stream_options"] == {"include_usage": True}
    assert "temperature" not in script.bodies[0]
    assert script.asked[0].headers["accept"] == "text/event-stream"


def test_openai_is_held_to_the_keys_by_a_strict_schema(script: Script) -> None:
    script.says(openai_reply("{}")).provider("openai").complete(chat(keys=KEYS))
    assert script.bodies[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
    }
    assert list(script.bodies[0]["response_format"]["json_schema"]["schema"]["properties"]) == list(KEYS)


def test_gemini_is_sent_its_own_shape_and_the_order_of_the_keys(script: Script) -> None:
    request = ChatRequest(
        "models/gem 1",
        (Message("system", "a"), Message("user", "b"), Message("assistant", "c"), Message("system", "d")),
        keys=KEYS,
        max_output_tokens=50,
    )
    result = script.says(gemini_reply({"text": "x", "thought": True}, {"text": "Ho"}, {"text": "la"})).provider(
        "gemini"
    )
    answer = result.complete(request)
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/models/gem 1:generateContent", "")
    assert asked.headers["x-goog-api-key"] == KEY
    assert "authorization" not in asked.headers
    assert asked.body == {
        "systemInstruction": {"parts": [{"text": "a\n\nd"}]},
        "contents": [{"role": "user", "parts": [{"text": "b"}]}, {"role": "model", "parts": [{"text": "c"}]}],
        "generationConfig": {
            "temperature": 0.4,
            "maxOutputTokens": 50,
            "responseMimeType": "application/json",
            "responseJsonSchema": {**SCHEMA, "propertyOrdering": list(KEYS)},
        },
    }
    assert (answer.text, answer.model) == ("Hola", "gemini-2026")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7), "thinking is billed as completion"


def test_gemini_streams_by_server_sent_events(script: Script) -> None:
    provider = script.says(sse(gemini_reply({"text": "Hola"}))).provider("gemini")
    user_only = ChatRequest("g", (Message("user", "Hello"),), temperature=None)
    assert list(provider.stream(user_only)) == ["Hola"]
    assert (script.asked[0].path, script.asked[0].query) == ("/models/g:streamGenerateContent", "alt=sse")
    assert script.bodies[0] == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], "generationConfig": {}}


def test_a_server_of_ones_own_needs_no_key(script: Script) -> None:
    script.says(openai_reply("Hola")).provider("compatible", key="").complete(chat())
    assert "authorization" not in script.asked[0].headers


def test_a_lone_surrogate_does_not_stop_the_others(script: Script) -> None:
    script.says(openai_reply("Hola")).provider("openai").complete(chat("a\ud83d é"))
    assert script.bodies[0]["messages"][1]["content"] == "a? é"


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["openai", "openrouter", "compatible"])
def test_models_are_listed_sorted(script: Script, name: str, cancel: CancelToken) -> None:
    listed: Any = {"data": [{"id": "b"}, {"id": "a"}, {"id": None}, 3]}
    assert script.says(listed).provider(name).list_models(cancel) == ["a", "b"]
    assert (script.asked[0].method, script.asked[0].path) == ("GET", "/models")


def test_geminis_list_is_paged_and_holds_more_than_chat_models(script: Script, cancel: CancelToken) -> None:
    chats = {"supportedGenerationMethods": ["generateContent", "countTokens"]}
    script.says(
        {"models": [{"name": "models/z", **chats}, {"name": "models/embed"}], "nextPageToken": "a/b"},
        {"models": [{"name": "models/a", **chats}]},
    )
    assert script.provider("gemini").list_models(cancel) == ["a", "z"]
    assert [asked.query for asked in script.asked] == ["pageSize=1000", "pageSize=1000&pageToken=a%2Fb"]


def test_a_list_that_never_ends_is_left(script: Script, cancel: CancelToken) -> None:
    script.says({"models": [], "nextPageToken": "again"})
    assert script.provider("gemini").list_models(cancel) == []
    assert len(script.asked) == 20


def test_a_list_of_another_shape_is_an_empty_one(script: Script, cancel: CancelToken) -> None:
    assert script.says(respond({"data": "none"})).provider("openai").list_models(cancel) == []
