"""Ollama's own API: what is sent, how large a context is asked for, and what comes of each line and refusal."""

import json
from typing import Any, Dict, List, Type

import pytest
from api_support import KEY, Script, chat, ndjson, ollama_piece, ollama_reply, raw_sse, respond

import api
from api.base import ChatRequest, Message
from api.endpoint import root_of
from api.ollama import LEAST_CONTEXT
from benchmarks.films import make_cues
from core.cancel import CancelToken
from core.errors import (
    AnswerError,
    BadRequestError,
    ConfigError,
    EmptyAnswerError,
    KeyRefusedError,
    LengthError,
    ModelNotFoundError,
    NotJSONError,
    OverloadedError,
    RateLimitError,
    ServerError,
    SubAIError,
)
from translate import prompt
from translate.languages import find
from translate.plan import GROWTH

pytest_plugins = ("api_fixtures",)
pytestmark = pytest.mark.usefixtures("one_retry")

KEYS = ("1", "2")
PAGE = "<!doctype html><html><title>Log in to the hotel</title></html>"


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_chat_is_asked_for_in_ollamas_own_words(script: Script) -> None:
    result = script.says(ollama_reply("Hola")).provider("ollama", key="").complete(chat(keys=KEYS))
    (asked,) = script.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/api/chat", "")
    assert "authorization" not in asked.headers
    schema = {
        "type": "object",
        "properties": {"1": {"type": "string"}, "2": {"type": "string"}},
        "required": ["1", "2"],
        "additionalProperties": False,
    }
    assert asked.body == {
        "model": "m",
        "stream": False,
        "format": schema,
        "think": False,
        "truncate": False,
        "shift": False,
        "messages": [{"role": "system", "content": "Translate."}, {"role": "user", "content": "Hello"}],
        "options": {"num_ctx": LEAST_CONTEXT, "num_predict": LEAST_CONTEXT, "temperature": 0.4},
    }
    assert (result.text, result.model, result.finish_reason) == ("Hola", "llama-2026", "stop")
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (11, 7)


def test_the_output_limit_and_the_temperature_are_options(script: Script) -> None:
    script.says(ollama_reply("Hola")).provider("ollama").complete(chat(max_output_tokens=9, temperature=None))
    assert script.bodies[0]["options"] == {"num_ctx": LEAST_CONTEXT, "num_predict": 9}
    assert "format" not in script.bodies[0]


def test_a_key_is_for_the_cloud(script: Script) -> None:
    script.says(ollama_reply("Hola")).provider("ollama").complete(chat())
    assert script.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_model_that_cannot_but_think_is_asked_to_think_little(script: Script) -> None:
    provider = script.says(ollama_reply("Hola")).provider("ollama")
    provider.complete(chat(model="GPT-OSS:20b"))
    provider.complete(chat(model="qwen3:8b"))
    assert [body["think"] for body in script.bodies] == ["low", False]


# --- the context ------------------------------------------------------------------------------------------------------


def asking(script: Script, *sizes: int, model: str = "m", letter: str = "x") -> List[int]:
    """The context that each of these requests asked for; sizes are in characters."""
    provider = script.says(ollama_reply("Hola")).provider("ollama")
    for size in sizes:
        provider.complete(ChatRequest(model, (Message("system", "y"), Message("user", letter * size))))
    return [body["options"]["num_ctx"] for body in script.bodies]


def test_the_context_has_room_for_prompt_and_answer_and_grows_by_doubling(script: Script) -> None:
    assert asking(script, 10, 9_000, 12_000, 30_000) == [8192, 8192, 16384, 32768]


def test_letters_of_several_bytes_take_more_room(script: Script) -> None:
    assert asking(script, 9_000, letter="字") == [32768]


def test_the_context_is_never_made_smaller_again(script: Script) -> None:
    """Another size than the last one makes Ollama load the model anew, which takes longer than the answer."""
    assert asking(script, 10, 12_000, 10, 12_000) == [8192, 16384, 16384, 16384]


def test_each_model_has_a_context_of_its_own(script: Script) -> None:
    asking(script, 12_000)
    assert asking(script, 10, model="other")[-1] == 8192


@pytest.mark.parametrize("size", GROWTH)
def test_every_batch_of_a_film_asks_for_the_same_context(script: Script, size: int) -> None:
    texts = [cue.text for cue in make_cues(size + 6)]
    brief = prompt.Brief(find("es"), find("en"), style="formal", film="A film. " + "What happens in it. " * 40)
    messages = prompt.messages(brief, prompt.plain_keys(size), texts[:size], texts[:4], texts[-2:])
    script.says(ollama_reply("{}")).provider("ollama").complete(ChatRequest("m", messages))
    assert script.bodies[0]["options"]["num_ctx"] == LEAST_CONTEXT


# --- where it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/v1", "/api", "/api/"])
def test_a_base_url_as_other_programs_want_it_will_do(path: str) -> None:
    assert api.create("ollama", api_key="", base_url=f"http://nas:11434{path}").base_url == "http://nas:11434"


def test_it_is_on_this_machine_unless_somebody_says_otherwise() -> None:
    assert api.create("ollama", api_key="").base_url == "http://127.0.0.1:11434"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("nas", "http://nas:11434"),
        ("nas:8080", "http://nas:8080"),
        ("nas:", "http://nas:11434"),
        (":5000", "http://127.0.0.1:5000"),
        ("", "http://127.0.0.1:11434"),
        (" 0.0.0.0 ", "http://127.0.0.1:11434"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("[::]:5000", "http://[::1]:5000"),
        ("::1", "http://[::1]:11434"),
        ("[fd00::1]", "http://[fd00::1]:11434"),
        ("http://nas", "http://nas:80"),
        ("HTTPS://nas", "HTTPS://nas:443"),
        ("https://nas:1/ollama/", "https://nas:1/ollama"),
    ],
)
def test_a_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert root_of(host, 11434) == url


@pytest.mark.parametrize("host", ["a:b:c", "ftp://nas", "http://nas:port"])
def test_what_is_no_host_is_refused_as_any_other_base_url(host: str) -> None:
    with pytest.raises(ConfigError, match="base URL for Ollama"):
        api.create("ollama", api_key="", base_url=root_of(host, 11434))


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (ollama_reply(""), EmptyAnswerError, "empty"),
        (ollama_reply("", "load"), EmptyAnswerError, "empty"),
        (ollama_reply(None), EmptyAnswerError, "empty"),
        ({"done": True}, EmptyAnswerError, "empty"),
        (ollama_reply("", message={"thinking": "Hm"}), EmptyAnswerError, "empty"),
        (ollama_reply("He", "length"), LengthError, "output limit"),
        (respond(PAGE, kind="text/html"), NotJSONError, "web page"),
        (respond('{"message": {"con'), NotJSONError, "cut off"),
        (respond(""), EmptyAnswerError, "empty"),
    ],
)
def test_an_answer_that_cannot_be_used_is_named(
    script: Script, reply: Any, error: Type[AnswerError], words: str
) -> None:
    with pytest.raises(error) as raised:
        script.says(reply).provider("ollama").complete(chat())
    assert words in raised.value.user_message
    assert raised.value.provider == "ollama"
    assert len(script.asked) == 1


def test_an_older_server_does_not_say_why_it_ended(script: Script) -> None:
    reply = ollama_reply("Hola")
    del reply["done_reason"], reply["prompt_eval_count"]
    result = script.says(reply).provider("ollama").complete(chat())
    assert (result.text, result.finish_reason) == ("Hola", "stop")
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (0, 7)


def test_a_stream_is_lines_of_json(script: Script) -> None:
    reply = ndjson(ollama_piece("Ho"), "", ollama_piece("la"), ollama_reply(""))
    stream = script.says(reply).provider("ollama").stream(chat())
    assert list(stream) == ["Ho", "la"]
    assert script.bodies[0]["stream"] is True
    assert script.asked[0].headers["accept"] == "application/x-ndjson"
    assert stream.result.usage.completion_tokens == 7


def test_thoughts_are_not_text(script: Script) -> None:
    thought = ollama_piece(message={"role": "assistant", "content": "", "thinking": "Hm"})
    reply = ndjson(thought, ollama_piece("<think>Hm</think>Ho"), ollama_piece("la"), ollama_reply(""))
    assert "".join(script.says(reply).provider("ollama").stream(chat())) == "Hola"


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson; charset=utf-8", "text/event-stream"])
def test_a_stream_is_read_under_whatever_name_it_comes(script: Script, kind: str) -> None:
    """One line under ``application/json`` is a whole answer; some proxies rename what they pass on."""
    line = json.dumps(ollama_reply("Hola"))
    reply = respond(line, kind=kind) if "json" in kind else raw_sse(line + "\n")
    assert list(script.says(reply).provider("ollama").stream(chat())) == ["Hola"]


@pytest.mark.parametrize(
    ("lines", "error", "came"),
    [
        ([ollama_piece("Ho")], AnswerError, "Ho"),
        ([ollama_piece("Ho"), '{"model": "m", "mess'], NotJSONError, "Ho"),
        ([ollama_piece("Ho"), "[1]"], NotJSONError, "Ho"),
        ([ollama_piece("Ho"), ollama_reply("", "length")], LengthError, "Ho"),
        ([ollama_reply("")], EmptyAnswerError, ""),
        ([ollama_piece("Ho"), {"error": "an error was encountered while running the model"}], ServerError, "Ho"),
        ([ollama_piece("Ho"), {"error": "the context length was exceeded"}], BadRequestError, "Ho"),
    ],
    ids=["no end", "cut", "no object", "length", "nothing", "error", "too long"],
)
def test_a_stream_that_ends_badly_says_how_and_keeps_what_came(
    script: Script, lines: Any, error: Type[SubAIError], came: str
) -> None:
    stream = script.says(ndjson(*lines)).provider("ollama").stream(chat())
    with pytest.raises(error) as raised:
        list(stream)
    assert type(raised.value) is error
    assert stream.text == came
    assert len(script.asked) == 1


# --- the server's no --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words", "error", "told"),
    [
        (404, "model 'm' not found", ModelNotFoundError, "Ollama has no model 'm' (404). Get it with: ollama pull m"),
        (404, 'model "m" not found, try pulling it first', ModelNotFoundError, "ollama pull m It says: model"),
        (503, "server busy, please try again.  maximum pending requests exceeded", OverloadedError, "no capacity"),
        (401, "unauthorized", KeyRefusedError, "Sign in with: ollama signin. Or check OLLAMA_API_KEY"),
        (429, "too many requests", RateLimitError, "in a row"),
        (400, "the input length exceeds the context length", BadRequestError, "exceeds the context length"),
        (500, "llama runner process has terminated", ServerError, "has terminated"),
        (502, "cloud model cannot be reached", ServerError, "cannot be reached"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_status_becomes_the_error_that_says_what_to_do(
    script: Script, status: int, words: str, error: Type[SubAIError], told: str, *, streaming: bool
) -> None:
    provider = script.says(respond({"error": words}, status)).provider("ollama")
    with pytest.raises(error) as raised:
        provider.stream(chat()) if streaming else provider.complete(chat())
    assert type(raised.value) is error
    assert told in raised.value.user_message
    assert (raised.value.provider, raised.value.status) == ("ollama", status)


def test_a_path_that_is_not_there_is_the_base_urls_fault(script: Script) -> None:
    with pytest.raises(BadRequestError, match="Check the base URL"):
        script.says(respond("404 page not found", 404, kind="text/plain")).provider("ollama").complete(chat())


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        ('"m" does not support thinking', "think"),
        ("invalid JSON schema in format", "format"),
        ("failed to load grammar", "format"),
    ],
)
def test_what_a_model_refuses_is_left_out(script: Script, words: str, left_out: str) -> None:
    script.says(respond({"error": words}, 400), ollama_reply("{}")).provider("ollama").complete(chat(keys=KEYS))
    assert [left_out in body for body in script.bodies] == [True, False]
    demand = script.bodies[1]["messages"][0]["content"]
    assert demand.endswith('["1", "2"]') is (left_out == "format"), "a schema that is refused is asked for in words"


# --- models -----------------------------------------------------------------------------------------------------------


def models(*names: str, **more: Any) -> Dict[str, Any]:
    return {"models": [{"name": name, "model": name, **more} for name in names]}


def test_the_models_that_are_there_are_listed(script: Script, cancel: CancelToken) -> None:
    listed = models("b:latest", "a:7b", "c", capabilities=["completion", "tools"])
    listed["models"] += [{"name": "embed", "capabilities": ["embedding"]}, {"name": None}, 3]
    assert script.says(listed).provider("ollama").list_models(cancel) == ["a:7b", "b:latest", "c"]
    assert (script.asked[0].method, script.asked[0].path) == ("GET", "/api/tags")


def test_of_several_models_the_one_in_memory_is_taken(script: Script, cancel: CancelToken) -> None:
    provider = script.says(models("a", "b"), models("b")).provider("ollama")
    assert provider.pick_model("", cancel) == "b"
    assert [asked.path for asked in script.asked] == ["/api/tags", "/api/ps"]


@pytest.mark.parametrize(
    "loaded", [models(), models("a", "b"), models("gone"), respond("404 page not found", 404, kind="text/plain")]
)
def test_where_memory_does_not_tell_the_person_must(script: Script, cancel: CancelToken, loaded: Any) -> None:
    with pytest.raises(ConfigError, match="Ollama offers a, b"):
        script.says(models("a", "b"), loaded).provider("ollama").pick_model("", cancel)
