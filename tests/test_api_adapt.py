"""A 400 that names a parameter costs one request: it is left out for that model from then on."""

import threading
from dataclasses import replace
from typing import Any, Dict, Mapping

import pytest
from api_support import (
    Script,
    chat,
    gemini_error,
    gemini_reply,
    openai_error,
    openai_reply,
    respond,
    sse,
)

from core.errors import BadRequestError

pytest_plugins = ("api_fixtures",)

KEYS = ("1", "2")


def refusal(message: str, param: Any = None) -> Any:
    return respond(openai_error(message, "unsupported_parameter", param), 400)


@pytest.mark.parametrize(
    "answer",
    [
        refusal("Unsupported value: 'temperature' does not support 0.4 with this model.", "temperature"),
        refusal("'temperature' is not supported"),
        respond({"detail": [{"loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"}]}, 422),
        respond(
            {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "temperature?"}}}, 400
        ),
        respond({"error": {"code": 400, "message": "temperature is not supported"}}),
    ],
    ids=["by name", "in words", "FastAPI", "by the host behind", "inside 200"],
)
def test_a_temperature_that_is_refused_is_left_out_from_then_on(script: Script, answer: Any) -> None:
    provider = script.says(answer, openai_reply("Hola")).provider("openrouter")
    assert provider.complete(chat()).text == "Hola"
    assert provider.complete(chat()).text == "Hola"
    assert ["temperature" in body for body in script.bodies] == [True, False, False]
    provider.complete(chat(model="another"))
    assert "temperature" in script.bodies[-1], "another model may take it"


def test_what_openrouter_passes_on_from_the_host_counts(script: Script) -> None:
    raw = '{"error": {"message": "Unsupported parameter", "param": "temperature"}}'
    answer = {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}}
    script.says(respond(answer, 400), openai_reply("Hola")).provider("openrouter").complete(chat())
    assert ["temperature" in body for body in script.bodies] == [True, False]


def test_the_output_limit_is_tried_by_both_its_names_and_then_left_out(script: Script) -> None:
    script.says(
        refusal("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens"),
        refusal("Unknown field max_completion_tokens."),
        openai_reply("Hola"),
    )
    script.provider("compatible").complete(chat(max_output_tokens=9))
    limits = [{name: body[name] for name in body if name.startswith("max_")} for body in script.bodies]
    assert limits == [{"max_tokens": 9}, {"max_completion_tokens": 9}, {}]


@pytest.mark.parametrize(
    "words",
    [
        "This response_format type is unavailable now",
        "Invalid schema: too many properties",
        "json_schema is not supported",
        "Failed to parse grammar",
    ],
)
def test_a_schema_that_is_refused_is_asked_for_in_words(script: Script, words: str) -> None:
    provider = script.says(refusal(words), openai_reply("{}")).provider("compatible")
    provider.complete(chat(keys=KEYS))
    body = script.bodies[1]
    assert "response_format" not in body
    assert body["messages"][0]["content"].startswith("Translate.\n\n")
    assert body["messages"][0]["content"].endswith('["1", "2"]')
    assert body["messages"][1] == {"role": "user", "content": "Hello"}
    provider.complete(chat())
    assert script.bodies[2]["messages"][0]["content"] == "Translate.", "free text needs no demand"


def test_without_a_system_message_the_words_make_one(script: Script) -> None:
    asked = chat(keys=KEYS)
    script.says(refusal("response_format"), openai_reply("{}"))
    script.provider("compatible").complete(replace(asked, messages=asked.messages[1:]))
    assert [message["role"] for message in script.bodies[1]["messages"]] == ["system", "user"]


def test_a_stream_adapts_in_the_same_way(script: Script) -> None:
    script.says(refusal("Unknown parameter: 'stream_options'.", "stream_options"), sse(openai_reply("Hola")))
    assert list(script.provider("openai").stream(chat())) == ["Hola"]
    assert ["stream_options" in body for body in script.bodies] == [True, False]


def test_everything_can_be_refused_one_after_the_other(script: Script) -> None:
    names = ("temperature", "max_completion_tokens", "max_tokens", "response_format")
    script.says(*(refusal("No", name) for name in names), openai_reply("{}"))
    script.provider("openai").complete(chat(keys=KEYS, max_output_tokens=9))
    assert set(script.bodies[-1]) == {"model", "messages"}


@pytest.mark.parametrize(
    "answer",
    [
        refusal("The messages are too long; lower max_tokens or temperature", "messages"),
        refusal("No"),
        refusal("stream_options are odd"),
    ],
    ids=["another parameter", "none", "one that was not sent"],
)
def test_any_other_400_is_an_error_at_once(script: Script, answer: Any) -> None:
    with pytest.raises(BadRequestError):
        script.says(answer).provider("openai").complete(chat())
    assert len(script.asked) == 1


def test_a_parameter_that_is_named_again_though_it_was_left_out_ends_it(script: Script) -> None:
    with pytest.raises(BadRequestError):
        script.says(refusal("No", "temperature")).provider("openai").complete(chat())
    assert len(script.asked) == 2


def test_those_who_wait_start_with_what_the_first_has_learnt(script: Script) -> None:
    script.says(refusal("No", "temperature"), openai_reply("Hola"))
    provider = script.provider("openai")
    threads = [threading.Thread(target=provider.complete, args=(chat(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum("temperature" in body for body in script.bodies) == 1
    assert len(script.asked) == 7


# --- Gemini ----------------------------------------------------------------------------------------------------------


def bad_argument(message: str) -> Any:
    return respond(gemini_error(400, "INVALID_ARGUMENT", message), 400)


def config(body: Mapping[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = body["generationConfig"]
    return found


def test_gemini_falls_back_to_its_older_schema_and_then_to_words(script: Script) -> None:
    script.says(
        bad_argument("Invalid JSON payload received. Unknown name \"responseJsonSchema\" at 'generation_config'"),
        bad_argument("The specified schema produces a constraint that has too many states for serving."),
        gemini_reply({"text": "{}"}),
    )
    script.provider("gemini").complete(chat(keys=KEYS))
    first, second, third = script.bodies
    assert "responseJsonSchema" in config(first)
    assert config(second)["responseSchema"] == {
        "type": "OBJECT",
        "properties": {"1": {"type": "STRING"}, "2": {"type": "STRING"}},
        "required": ["1", "2"],
        "propertyOrdering": ["1", "2"],
    }
    assert config(second)["responseMimeType"] == "application/json"
    assert config(third) == {"temperature": 0.4}
    assert third["systemInstruction"]["parts"][0]["text"].endswith('["1", "2"]')


def test_gemma_takes_neither_json_mode_nor_a_system_instruction(script: Script) -> None:
    script.says(
        bad_argument("Developer instruction is not enabled for models/gemma"),
        bad_argument("JSON mode is not enabled for models/gemma"),
        gemini_reply({"text": "{}"}),
    )
    script.provider("gemini").complete(chat(keys=KEYS))
    body = script.bodies[-1]
    assert "systemInstruction" not in body
    assert config(body) == {"temperature": 0.4}
    assert [turn["role"] for turn in body["contents"]] == ["user", "user"]
    assert body["contents"][0]["parts"][0]["text"].startswith("Translate.\n\nReply with one JSON object")


def test_gemini_drops_what_it_names(script: Script) -> None:
    script.says(
        bad_argument("temperature is not supported by this model"),
        bad_argument("* GenerateContentRequest.generation_config.max_output_tokens: out of range"),
        gemini_reply({"text": "Hola"}),
    )
    script.provider("gemini").complete(chat(max_output_tokens=9))
    assert config(script.bodies[-1]) == {}
