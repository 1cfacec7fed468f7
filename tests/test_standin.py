"""The stand-in provider: it speaks as the providers do, and pretends to translate."""

import json
import re
from typing import Any, Dict, Iterator, Mapping, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin_client import CUES, Client, schema

import api
from api.base import ChatRequest, Message
from cli.standin import StandIn, count_tokens, pseudo_translate
from core.cancel import CancelToken
from core.connection_pool import ConnectionPoolManager
from core.transport import Transport

TRANSLATED = {key: pseudo_translate(text) for key, text in CUES.items()}
ELEVEN = [str(number) for number in range(1, 12)]


@pytest.fixture
def client(standin: StandIn, key: str) -> Iterator[Client]:
    with Client(standin, key) as made:
        yield made


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello there", "⟦H-Hello there⟧"),
        ("Where are you going?", "⟦W-Where are you going⟧?"),
        ("- <i>Who?</i>\n- Doctor Hale!", "- <i>⟦W-Who⟧?</i>\n- ⟦D-Doctor Hale⟧!"),
        ("{\\an8}NO ENTRY", "{\\an8}⟦N-NO ENTRY⟧"),
        ("♪ la la ♪", "♪ ⟦l-la la⟧ ♪"),
        ("At 19:47", "⟦A-At 19:47⟧"),
        ("3 men.", "⟦3 m-men⟧."),
        ("1947", "⟦1947⟧"),
        ("...", "⟦...⟧"),
        ("<i></i>", "⟦<i></i>⟧"),
        ("मेरी", "⟦म-मेरी⟧"),
        ("我不知道。", "⟦我-我不知道⟧。"),
        ("One\n\n two", "⟦O-One⟧\n\n ⟦t-two⟧"),
        ("", ""),
    ],
)
def test_each_line_comes_in_brackets_with_its_first_letter_twice(text: str, said: str) -> None:
    assert pseudo_translate(text) == said


LINES = st.text(st.sampled_from("ab Zé1²_-.!⟦⟧<i>/{\\}\n我म\u093e\u0301"), max_size=24)


@given(LINES)
def test_nothing_of_the_source_is_lost_and_so_no_two_sources_sound_alike(text: str) -> None:
    assert "\n".join(map(_source_of, pseudo_translate(text).split("\n"))) == text


@given(st.text(max_size=60))
def test_digits_tags_and_line_breaks_stay_and_the_length_nearly_does(text: str) -> None:
    said = pseudo_translate(text)
    for kept in (r"\d", r"<[^<>]*>", r"\{[^{}]*\}", r"\n"):
        assert re.findall(kept, said) == re.findall(kept, text)
    assert len(said) <= len(text) + 4 * (text.count("\n") + 1)


def _source_of(line: str) -> str:
    """The inverse of what is done to one line."""
    masked = re.sub(r"<[^<>]*>|\{[^{}]*\}", lambda tag: " " * len(tag.group()), line)
    spoken = re.search(r"[^\W_](?:.*[^\W_])?", masked)
    if spoken is None:
        return line[1:-1] if line.strip() else line
    start = spoken.start()
    assert line[start - 1] == "⟦"
    end = spoken.end()
    while line[end] != "⟧":
        end += 1
    letter = re.search(r"[^\W\d_]", masked[start:end])
    if letter is None:
        return line[: start - 1] + line[start:end] + line[end + 1 :]
    at = start + letter.start()
    return line[: start - 1] + line[start:at] + line[at + 2 : end] + line[end + 1 :]


def test_a_token_is_four_characters() -> None:
    assert [count_tokens("x" * length) for length in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]


# --- OpenAI -----------------------------------------------------------------------------------------------------------


def test_openai_answers_a_batch_in_one_piece(client: Client) -> None:
    got = client.openai()
    assert (got.status, got.headers["content-type"]) == (200, "application/json")
    assert got.json["object"] == "chat.completion"
    assert got.json["model"] == "m"
    choice = got.json["choices"][0]
    assert (choice["finish_reason"], choice["message"]["role"]) == ("stop", "assistant")
    assert json.loads(choice["message"]["content"]) == TRANSLATED
    asked, answered = count_tokens(json.dumps(CUES)), count_tokens(choice["message"]["content"])
    assert _without_details(got.json["usage"]) == {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def test_every_answer_tells_the_limits_as_openai_does(client: Client) -> None:
    first, second = client.openai().headers, client.openai().headers
    assert first["x-request-id"] != second["x-request-id"]
    assert first["x-ratelimit-reset-requests"] == "6ms"
    assert {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens"} <= set(first)


def test_openai_streams_events_that_add_up_to_the_answer(client: Client) -> None:
    got = client.openai(stream=True, stream_options={"include_usage": True})
    assert (got.headers["content-type"], got.headers["transfer-encoding"]) == ("text/event-stream", "chunked")
    assert got.body.endswith(b"data: [DONE]\n\n")
    *events, last = got.events
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert all(event["object"] == "chat.completion.chunk" and event["usage"] is None for event in events)
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert json.loads(text) == TRANSLATED
    assert [event["choices"][0]["finish_reason"] for event in events[-2:]] == [None, "stop"]
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], count_tokens(text))


def test_usage_comes_in_a_stream_only_when_it_is_asked_for(client: Client) -> None:
    assert all(event["choices"] for event in client.openai(stream=True).events)
    assert all(event["choices"] for event in client.openai(stream=True, stream_options={}).events)


def test_openrouter_is_openai_with_comments_in_its_streams(client: Client) -> None:
    got = client.openai(prefix="/api/v1", stream=True)
    assert got.body.startswith(b": OPENROUTER PROCESSING\n\n")
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in got.events) == json.dumps(
        TRANSLATED, ensure_ascii=False, separators=(",", ":")
    )


# --- Gemini -----------------------------------------------------------------------------------------------------------


def test_gemini_answers_a_batch_in_one_piece(client: Client) -> None:
    got = client.gemini(systemInstruction={"parts": [{"text": "Four"}]})
    candidate = got.json["candidates"][0]
    assert (candidate["finishReason"], candidate["content"]["role"]) == ("STOP", "model")
    assert json.loads(candidate["content"]["parts"][0]["text"]) == TRANSLATED
    assert got.json["usageMetadata"]["promptTokenCount"] == 1 + count_tokens(json.dumps(CUES))
    assert got.json["modelVersion"] == "m"


def test_gemini_streams_events_that_add_up_to_the_answer(client: Client) -> None:
    got = client.gemini(stream=True)
    assert got.headers["content-type"] == "text/event-stream"
    *events, last = got.events
    text = "".join(event["candidates"][0]["content"]["parts"][0]["text"] for event in events)
    assert json.loads(text) == TRANSLATED
    assert not any("finishReason" in event["candidates"][0] for event in events)
    assert (last["candidates"][0]["finishReason"], "content" in last["candidates"][0]) == ("STOP", False)
    assert last["usageMetadata"]["candidatesTokenCount"] == count_tokens(text)


def test_gemini_streams_nothing_but_events(client: Client) -> None:
    got = client.send("POST", "/v1beta/models/m:streamGenerateContent", {}, **client.google)
    assert got.json["error"]["status"] == "INVALID_ARGUMENT"


# --- Anthropic --------------------------------------------------------------------------------------------------------


def test_anthropic_answers_a_batch_in_one_piece(client: Client) -> None:
    got = client.anthropic(system="Four")
    assert (got.json["type"], got.json["model"], got.json["stop_reason"]) == ("message", "m", "end_turn")
    assert json.loads(got.json["content"][0]["text"]) == TRANSLATED
    assert got.json["usage"]["input_tokens"] == 1 + count_tokens(json.dumps(CUES))
    assert got.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")


def test_anthropic_streams_typed_events_that_add_up_to_the_answer(client: Client) -> None:
    got = client.anthropic(stream=True)
    assert got.headers["content-type"] == "text/event-stream"
    kinds = [event["type"] for event in got.events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert got.body.startswith(b"event: message_start\ndata: ")
    text = "".join(event["delta"]["text"] for event in got.events if event["type"] == "content_block_delta")
    assert json.loads(text) == TRANSLATED
    assert got.events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None},
        "usage": {"output_tokens": count_tokens(text)},
    }


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {"model": ""},
        {"max_tokens": None},
        {"max_tokens": 0},
        {"messages": []},
        {"messages": [{"role": "system", "content": "Translate."}]},
        {"output_config": {"format": "json"}},
        {"output_config": {"format": {"type": "text"}}},
    ],
)
def test_anthropic_refuses_what_it_does_not_understand_in_its_own_shape(client: Client, body: Any) -> None:
    got = (
        client.anthropic(**body)
        if isinstance(body, dict)
        else client.send("POST", "/anthropic/v1/messages", body, **client.versioned)
    )
    assert (got.status, got.json["type"], got.json["error"]["type"]) == (400, "error", "invalid_request_error")


def test_anthropic_wants_its_version_and_its_paths(client: Client, key: str) -> None:
    assert client.send("GET", "/anthropic/v1/models", x_api_key=key).status == 400
    got = client.send("POST", "/anthropic/v1/complete", {}, **client.versioned)
    assert (got.status, got.json["error"]["type"]) == (404, "not_found_error")


# --- Ollama -----------------------------------------------------------------------------------------------------------


def test_ollama_answers_a_batch_in_one_piece(client: Client) -> None:
    got = client.ollama()
    assert (got.json["model"], got.json["done"], got.json["done_reason"]) == ("m", True, "stop")
    assert json.loads(got.json["message"]["content"]) == TRANSLATED
    assert got.json["prompt_eval_count"] == count_tokens(json.dumps(CUES))


def test_ollama_streams_lines_that_add_up_to_the_answer_unless_told_otherwise(client: Client) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": json.dumps(CUES)}]}
    got = client.send("POST", "/api/chat", body, **client.bearer)
    assert got.headers["content-type"] == "application/x-ndjson"
    *pieces, last = got.lines
    text = "".join(piece["message"]["content"] for piece in pieces)
    assert json.loads(text) == TRANSLATED
    assert not any(piece["done"] for piece in pieces)
    assert (last["done"], last["eval_count"]) == (True, count_tokens(text))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": ""}, "model is required"),
        ({"messages": []}, "no message"),
        ({"format": {"type": "array"}}, "invalid JSON schema"),
        ({"options": {"num_ctx": 8}}, "exceeds the context length"),
    ],
)
def test_ollama_refuses_in_its_own_shape(client: Client, body: Any, words: str) -> None:
    got = client.ollama(**body)
    assert got.status == 400
    assert words in got.json["error"]
    assert client.send("POST", "/api/generate", {}, **client.bearer).status == 404


def test_ollamas_context_is_a_small_one_unless_told_otherwise(client: Client) -> None:
    long = "x" * 4 * 4097
    assert client.ollama(long).status == 400
    assert client.ollama(long, options={"num_ctx": 8192}).status == 200


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_anchored_keys_come_back_as_they_are(client: Client) -> None:
    cues = {"1 Where are": "Where are you?", "2 Not": "Not tonight."}
    content = client.openai(cues).json["choices"][0]["message"]["content"]
    assert json.loads(content) == {key: pseudo_translate(text) for key, text in cues.items()}


@pytest.mark.parametrize("said", ["Say OK.", "{not JSON", '{"1": 5}', '["1"]'])
def test_what_is_no_batch_gets_a_short_answer(client: Client, said: str) -> None:
    assert client.openai(said).json["choices"][0]["message"]["content"] == "OK"
    assert client.gemini(said).json["candidates"][0]["content"]["parts"][0]["text"] == "OK"


def test_only_the_last_message_counts_and_it_may_come_in_parts(client: Client) -> None:
    parts = [{"type": "text", "text": '{"1":'}, {"type": "text", "text": '"Yes."}'}]
    messages = [{"role": "system", "content": "Translate."}, {"role": "user", "content": parts}]
    got = client.openai(messages=messages)
    assert json.loads(got.json["choices"][0]["message"]["content"]) == {"1": "⟦Y-Yes⟧."}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", b"{", 400),
        ("/v1/chat/completions", [], 400),
        ("/v1/chat/completions", {"messages": [{"content": "x"}]}, 400),
        ("/v1/chat/completions", {"model": "m"}, 400),
        ("/v1/chat/completions", {"model": "m", "messages": []}, 400),
        ("/v1/chat/completions", {"model": "m", "messages": ["x"]}, 400),
        ("/v1/completions", {"model": "m"}, 404),
        ("/chat/completions", {"model": "m"}, 404),
        ("/api/v1/embeddings", {}, 404),
    ],
)
def test_openai_refuses_what_it_does_not_understand_in_its_own_shape(
    client: Client, path: str, body: Any, status: int
) -> None:
    got = client.send("POST", path, body, **client.bearer)
    assert got.status == status
    assert got.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("/v1beta/models/m:generateContent", b"{", 400, "INVALID_ARGUMENT"),
        ("/v1beta/models/m:generateContent", {"contents": "x"}, 400, "INVALID_ARGUMENT"),
        ("/v1beta/models/m:countTokens", {}, 404, "NOT_FOUND"),
        ("/v1beta/models/:generateContent", {}, 404, "NOT_FOUND"),
        ("/v1beta/tunedModels", {}, 404, "NOT_FOUND"),
    ],
)
def test_gemini_refuses_what_it_does_not_understand_in_its_own_shape(
    client: Client, path: str, body: Any, status: int, name: str
) -> None:
    got = client.send("POST", path, body, **client.google)
    assert (got.status, got.json["error"]["code"], got.json["error"]["status"]) == (status, status, name)


def test_the_model_may_have_any_name(client: Client) -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    got = client.send("POST", "/v1beta/models/a%2Fb%3Ac:generateContent", body, **client.google)
    assert got.json["modelVersion"] == "a/b:c"


def test_each_lists_its_models(standin: StandIn, client: Client) -> None:
    assert [model["id"] for model in client.send("GET", "/v1/models", **client.bearer).json["data"]] == ["stand-in"]
    assert [model["id"] for model in client.send("GET", "/api/v1/models", **client.bearer).json["data"]] == ["stand-in"]
    listed = client.send("GET", "/v1beta/models?pageSize=1000", **client.google).json["models"]
    assert [model["name"] for model in listed] == ["models/stand-in"]
    assert "generateContent" in listed[0]["supportedGenerationMethods"]
    listed = client.send("GET", "/anthropic/v1/models?limit=1000", **client.versioned).json
    assert ([model["id"] for model in listed["data"]], listed["has_more"]) == (["stand-in"], False)
    assert [model["name"] for model in client.send("GET", "/api/tags", **client.bearer).json["models"]] == ["stand-in"]


# --- schemas ----------------------------------------------------------------------------------------------------------

GOOD = schema(*CUES)
BAD_SCHEMAS = [
    None,
    {"type": "array"},
    {**GOOD, "additionalProperties": True},
    {key: value for key, value in GOOD.items() if key != "additionalProperties"},
    {**GOOD, "properties": {**GOOD["properties"], "1": {"type": "number"}}},
    {**GOOD, "properties": ["1"]},
    {**GOOD, "required": ["1", "2", "3"]},
    {**GOOD, "required": None},
    schema("1", "2", "3"),
    schema("1", "2", "3", "5"),
    schema("1", "3", "2", "4"),
]


def test_a_schema_with_the_keys_of_the_batch_is_taken(client: Client) -> None:
    assert _openai_with(client, GOOD).status == 200
    assert client.openai(response_format={"type": "json_object"}).status == 200
    assert _gemini_with(client, {**GOOD, "propertyOrdering": list(CUES)}).status == 200
    assert client.anthropic(output_config={"format": {"type": "json_schema", "schema": GOOD}}).status == 200
    assert client.anthropic(output_config={"effort": "low"}).status == 200
    assert client.ollama(format=GOOD).status == 200


@pytest.mark.parametrize("bad", BAD_SCHEMAS)
def test_any_other_schema_is_refused(client: Client, bad: Any) -> None:
    refused = _openai_with(client, bad)
    assert (refused.status, refused.json["error"]["param"]) == (400, "response_format")
    refused = _gemini_with(client, bad)
    assert (refused.status, refused.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert client.anthropic(output_config={"format": {"type": "json_schema", "schema": bad}}).status == 400
    assert bad is None or client.ollama(format=bad).status == 400


def test_ten_does_not_come_before_two(client: Client) -> None:
    batch = dict.fromkeys(ELEVEN, "Yes.")
    form = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema(*sorted(ELEVEN))}}
    refused = client.openai(batch, response_format=form)
    assert refused.status == 400
    assert "'10'" in refused.json["error"]["message"]


@pytest.mark.parametrize(
    "form",
    [
        "json_schema",
        {"type": "xml"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"strict": True, "schema": GOOD}},
        {"type": "json_schema", "json_schema": {"name": "reply", "schema": GOOD}},
    ],
)
def test_openai_wants_a_name_and_strictness_with_a_schema(client: Client, form: Any) -> None:
    assert client.openai(response_format=form).json["error"]["param"] == "response_format"


def test_a_schema_where_there_is_no_batch_is_refused(client: Client) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": GOOD}}
    assert client.openai("Hi", response_format=form).status == 400


def test_gemini_wants_the_type_with_a_schema_and_one_order(client: Client) -> None:
    assert client.gemini(generationConfig={"responseJsonSchema": GOOD}).status == 400
    assert _gemini_with(client, {**GOOD, "propertyOrdering": ["2", "1", "3", "4"]}).status == 400


def test_geminis_older_schema_is_taken_in_its_own_form_only(client: Client) -> None:
    older: Dict[str, Any] = {
        "type": "OBJECT",
        "properties": {key: {"type": "STRING"} for key in CUES},
        "required": list(CUES),
        "propertyOrdering": list(CUES),
    }

    def status(form: Any) -> int:
        config = {"responseMimeType": "application/json", "responseSchema": form}
        return client.gemini(generationConfig=config).status

    assert status(older) == 200
    assert status({**older, "additionalProperties": False}) == 400
    assert status({**older, "properties": {key: {"type": "NUMBER"} for key in CUES}}) == 400
    assert status({**older, "type": "ARRAY"}) == 400
    assert status([]) == 400


def _openai_with(client: Client, form: Any) -> Any:
    described = {"name": "reply", "strict": True, "schema": form}
    return client.openai(response_format={"type": "json_schema", "json_schema": described})


def _gemini_with(client: Client, form: Any) -> Any:
    return client.gemini(generationConfig={"responseMimeType": "application/json", "responseJsonSchema": form})


def _without_details(usage: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: count for name, count in usage.items() if not name.endswith("details")}


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
@pytest.mark.parametrize("value", [None, "Bearer wrong-0123456789-key", "Basic {key}", "{key}"])
def test_openai_takes_its_key_as_a_bearer_only(client: Client, key: str, prefix: str, value: Optional[str]) -> None:
    headers = {"Authorization": value.format(key=key)} if value else {}
    got = client.send("GET", f"{prefix}/models", x_goog_api_key=key, **headers)
    assert got.status == 401
    assert key.encode() not in got.body


@pytest.mark.parametrize("value", [None, "wrong-0123456789-key"])
def test_gemini_takes_its_key_in_its_own_header_only(client: Client, value: Optional[str]) -> None:
    headers = {"x_goog_api_key": value} if value else {}
    got = client.send("GET", "/v1beta/models", **headers, **client.bearer)
    assert (got.status, got.json["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("value", [None, "wrong-0123456789-key"])
def test_anthropic_takes_its_key_in_its_own_header_only(client: Client, key: str, value: Optional[str]) -> None:
    headers = {"anthropic_version": "2023-06-01", **({"x_api_key": value} if value else {}), **client.bearer}
    got = client.send("GET", "/anthropic/v1/models", **headers)
    assert (got.status, got.json["error"]["type"]) == (401, "authentication_error")
    assert key.encode() not in got.body


@pytest.mark.parametrize("query", ["key={key}", "key=", "API_KEY=x", "x=1&access_token=x", "other={key}"])
def test_a_key_in_a_url_is_refused_even_if_it_is_in_the_header_too(client: Client, key: str, query: str) -> None:
    path = f"/v1beta/models?{query.format(key=key)}"
    assert client.send("GET", path, **client.google).status == 401


def test_without_keys_it_asks_for_none() -> None:
    with StandIn() as standin, Client(standin) as client:
        assert client.openai().status == 200
        assert client.gemini().status == 200
        client.key = "whatever"
        assert client.openai().status == 200
        assert client.send("GET", "/v1/models?key=x").status == 401


# --- our own providers agree ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", api.PROVIDERS)
def test_our_providers_and_the_stand_in_understand_each_other(standin: StandIn, key: str, name: str) -> None:
    base_url = getattr(standin, f"{name}_base_url", standin.openai_base_url)
    batch = {number: f"This is line {number}." for number in ELEVEN}
    request = ChatRequest(
        "m", (Message("system", "Translate."), Message("user", json.dumps(batch))), tuple(batch), cancel=CancelToken()
    )
    expected = {number: pseudo_translate(text) for number, text in batch.items()}
    with ConnectionPoolManager() as pool:
        provider = api.create(name, api_key=key, base_url=base_url, transport=Transport(pool))
        assert provider.list_models(CancelToken()) == ["stand-in"]
        whole = provider.complete(request)
        stream = provider.stream(request)
        assert json.loads("".join(stream)) == json.loads(whole.text) == expected
    assert whole.usage == stream.result.usage
    assert whole.usage.completion_tokens == count_tokens(whole.text)
    assert [record.status for record in standin.log] == [200, 200, 200]
