"""The check, the choice of a model, and the one-line ``call`` of each module."""

from typing import Any

import pytest
from api_support import (
    KEY,
    Script,
    anthropic_reply,
    gemini_reply,
    ollama_reply,
    openai_error,
    openai_reply,
    respond,
)

from api import anthropic, compatible, gemini, lmstudio, ollama, openai, openrouter
from api.base import CHECK_OUTPUT_TOKENS, CHECK_PROMPT
from core.cancel import CancelToken
from core.errors import ConfigError, KeyRefusedError
from core.transport import Transport

pytest_plugins = ("api_fixtures",)


def test_a_check_sends_two_short_requests_and_times_them(script: Script, cancel: CancelToken) -> None:
    result = script.says(openai_reply("OK")).provider("openai").check("", cancel)
    assert result.model == "gpt-4.1-mini"
    assert result.first_seconds > 0
    assert result.second_seconds > 0
    assert [body["messages"] for body in script.bodies] == [[{"role": "user", "content": CHECK_PROMPT}]] * 2
    assert [body["max_completion_tokens"] for body in script.bodies] == [CHECK_OUTPUT_TOKENS] * 2


def test_a_model_that_thinks_past_the_cap_passes_the_check(script: Script, cancel: CancelToken) -> None:
    assert script.says(openai_reply(None, "length")).provider("openai").check("thinker", cancel).model == "thinker"


def test_a_check_asks_again_after_a_key_was_refused(script: Script, cancel: CancelToken) -> None:
    script.says(respond(openai_error("No", "invalid_api_key"), 401), openai_reply("OK"))
    provider = script.provider("openai")
    with pytest.raises(KeyRefusedError):
        provider.check("m", cancel)
    assert provider.check("m", cancel).model == "m"


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ([], "no model at the server"),
        (["b", "a"], "offers a, b"),
        (list("abcdefg"), "offers a, b, c, d, e, ..."),
    ],
)
def test_a_server_of_ones_own_is_asked_for_its_model(
    script: Script, cancel: CancelToken, offered: Any, words: str
) -> None:
    provider = script.says({"data": [{"id": name} for name in offered]}).provider("compatible")
    with pytest.raises(ConfigError, match=words):
        provider.pick_model("", cancel)
    assert provider.pick_model("mine", cancel) == "mine"


def test_the_only_model_of_a_server_is_taken(script: Script, cancel: CancelToken) -> None:
    assert script.says({"data": [{"id": "llama"}]}).provider("compatible").pick_model("", cancel) == "llama"


def test_the_known_providers_have_a_default(script: Script, cancel: CancelToken) -> None:
    for name in ("openai", "gemini", "openrouter", "anthropic"):
        assert script.provider(name).pick_model("", cancel)
    assert not script.asked


def test_call_is_one_turn_of_text(script: Script, api_transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in (
        openai.OpenAI, openrouter.OpenRouter, gemini.Gemini, anthropic.Anthropic, ollama.Ollama, lmstudio.LMStudio
    ):  # fmt: skip
        monkeypatch.setattr(provider, "default_base_url", script.url)
    script.says(
        openai_reply("one"), openai_reply("two"), gemini_reply({"text": "three"}), openai_reply("four"),
        anthropic_reply("five"), ollama_reply("six"), openai_reply("seven"),
    )  # fmt: skip
    assert openai.call("Hi", "m", KEY, client=api_transport) == "one"
    assert openrouter.call("Hi", "", KEY, client=api_transport) == "two"
    assert gemini.call("Hi", "", KEY, client=api_transport) == "three"
    assert compatible.call("Hi", "m", "", base_url=script.url, client=api_transport) == "four"
    assert anthropic.call("Hi", "", KEY, client=api_transport) == "five"
    assert ollama.call("Hi", "m", "", client=api_transport) == "six"
    assert lmstudio.call("Hi", "m", "", client=api_transport) == "seven"
    assert [body["messages"] for body in script.bodies if "messages" in body] == [
        [{"role": "user", "content": "Hi"}]
    ] * 6
