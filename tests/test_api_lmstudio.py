"""LM Studio's server: OpenAI's dialect, with a list of models of its own, and errors inside HTTP 200."""

from typing import Any, Dict

import pytest
from api_support import KEY, Script, chat, openai_delta, openai_error, openai_reply, respond, sse

import api
from core.cancel import CancelToken
from core.errors import BadRequestError, ConfigError, KeyRefusedError, ModelNotFoundError

pytest_plugins = ("api_fixtures",)
pytestmark = pytest.mark.usefixtures("one_retry")

UNKNOWN = {"error": "Unexpected endpoint or method. (GET /api/v1/models)"}


def newer(**loaded: bool) -> Dict[str, Any]:
    """The list of version 0.4, with the model for embeddings that comes with the app."""
    chat_models = [
        {"type": "llm", "key": name, "loaded_instances": [{"id": name}] if is_loaded else []}
        for name, is_loaded in loaded.items()
    ]
    return {"models": [*chat_models, {"type": "embedding", "key": "text-embedding-x", "loaded_instances": [{}]}]}


def older(**loaded: bool) -> Dict[str, Any]:
    chat_models = [
        {"id": name, "type": "vlm", "state": "loaded" if is_loaded else "not-loaded"}
        for name, is_loaded in loaded.items()
    ]
    return {"data": [*chat_models, {"id": "text-embedding-x", "type": "embeddings", "state": "loaded"}]}


def offered(*names: str) -> Dict[str, Any]:
    return {"data": [{"id": name, "object": "model"} for name in (*names, "text-embedding-nomic-embed-text-v1.5")]}


def test_it_is_asked_as_openai_is_and_needs_no_key(script: Script) -> None:
    script.says(openai_reply("Hola")).provider("lmstudio", key="").complete(chat(keys=("1",), max_output_tokens=9))
    (asked,) = script.asked
    assert asked.path == "/chat/completions"
    assert "authorization" not in asked.headers
    assert asked.body["response_format"]["type"] == "json_schema"
    assert asked.body["max_tokens"] == 9


def test_a_token_is_sent_where_there_is_one(script: Script) -> None:
    script.says(openai_reply("Hola")).provider("lmstudio").complete(chat())
    assert script.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        (None, "http://127.0.0.1:1234/v1"),
        ("http://nas:1234", "http://nas:1234/v1"),
        ("http://nas:1234/", "http://nas:1234/v1"),
        ("http://nas:1234/v1/", "http://nas:1234/v1"),
        ("https://nas/lm", "https://nas/lm"),
    ],
)
def test_a_base_url_may_leave_the_version_out(url: Any, base_url: str) -> None:
    assert api.create("lmstudio", api_key="", base_url=url).base_url == base_url


def test_the_model_for_embeddings_is_none_to_choose(script: Script, cancel: CancelToken) -> None:
    provider = script.says(offered("gemma")).provider("lmstudio")
    assert provider.list_models(cancel) == ["gemma"]
    assert provider.pick_model("", cancel) == "gemma"


@pytest.mark.parametrize(
    "lists", [[newer(a=False, b=True)], [UNKNOWN, older(a=False, b=True)], [respond("", 404), older(a=False, b=True)]]
)
def test_of_several_models_the_loaded_one_is_taken(script: Script, cancel: CancelToken, lists: Any) -> None:
    assert script.says(offered("a", "b"), *lists).provider("lmstudio").pick_model("", cancel) == "b"
    assert [asked.path for asked in script.asked][1:] == ["/api/v1/models", "/api/v0/models"][: len(lists)]


@pytest.mark.parametrize("lists", [[newer(a=True, b=True)], [UNKNOWN, UNKNOWN], [{}, {}], [newer(a=False, b=False)]])
def test_where_it_does_not_tell_the_person_must(script: Script, cancel: CancelToken, lists: Any) -> None:
    with pytest.raises(ConfigError, match="LM Studio offers a, b"):
        script.says(offered("a", "b"), *lists).provider("lmstudio").pick_model("", cancel)


def test_its_own_list_lies_beside_the_version(script: Script, cancel: CancelToken) -> None:
    script.url += "/v1"
    script.says(newer(a=True)).provider("lmstudio").loaded_models(cancel)
    assert script.asked[0].path == "/api/v1/models"


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_path_that_it_does_not_know_is_an_error_though_the_status_is_200(script: Script, *, streaming: bool) -> None:
    provider = script.says({"error": "Unexpected endpoint or method. (POST /chat/completions)"}).provider("lmstudio")
    with pytest.raises(BadRequestError, match="nothing at this address") as raised:
        provider.stream(chat()) if streaming else provider.complete(chat())
    assert raised.value.status == 404


@pytest.mark.parametrize(
    "words",
    [
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        "Trying to keep the first 4444 tokens when context overflows. However, the model is loaded with less.",
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_prompt_that_is_too_long_is_told_in_words_alone(script: Script, words: str, *, begun: bool) -> None:
    """As a bad request, so that less is asked for at once."""
    events = [openai_delta("Ho")] if begun else []
    provider = script.says(sse(*events, {"error": {"message": words}})).provider("lmstudio")
    with pytest.raises(BadRequestError):
        list(provider.stream(chat()))
    assert len(script.asked) == 1


def test_a_model_that_is_not_there_is_looked_for_in_its_list(script: Script) -> None:
    body = {"error": {"message": 'Model "m" not found', "type": "invalid_request_error", "code": "model_not_found"}}
    with pytest.raises(ModelNotFoundError, match=r"LM Studio has no model 'm'.* \./subai models"):
        script.says(respond(body, 404)).provider("lmstudio").complete(chat())


def test_a_token_that_it_does_not_know_is_refused(script: Script) -> None:
    with pytest.raises(KeyRefusedError, match="Check LM_API_TOKEN"):
        script.says(respond(openai_error("No", "invalid_api_key"), 401)).provider("lmstudio").complete(chat())
