"""A provider's "no": which error it becomes, what a person reads, what is asked again, and that no key is in it."""

import threading
from typing import Any, Dict, Mapping, Optional, Type

import pytest
from api_support import (
    KEY,
    Script,
    chat,
    gemini_error,
    gemini_reply,
    openai_delta,
    openai_error,
    openai_reply,
    respond,
    sse,
)

from api.errors_map import Source, error_for
from api.redact import MAX_WORDS, words_of
from core.cancel import CancelToken
from core.errors import (
    BadRequestError,
    BlockedError,
    CancelledError,
    KeyRefusedError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    QuotaError,
    RateLimitError,
    ServerError,
    SubAIError,
)

pytest_plugins = ("api_fixtures",)
pytestmark = pytest.mark.usefixtures("one_retry")

KEY_INVALID = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerMinute"}, {"quotaId": "GenerateRequestsPerDayPerProject"}]}
RETRY_NOW = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.01s"}
NO_MODEL = "models/x is not found for API version v1beta"
UPSTREAM = '{"error": {"message": "Boom", "code": "server_error"}}'
PERMANENT = (KeyRefusedError, QuotaError, ModelNotFoundError, BadRequestError, BlockedError)


@pytest.mark.parametrize(
    ("name", "status", "body", "error", "words"),
    [
        (
            "openai",
            401,
            openai_error("Incorrect API key provided", "invalid_api_key"),
            KeyRefusedError,
            "OPENAI_API_KEY",
        ),
        ("openai", 401, "", KeyRefusedError, "refused the key (401)"),
        ("openai", 403, openai_error("Country not supported"), KeyRefusedError, "It says: Country not supported"),
        ("openai", 403, "", KeyRefusedError, "refused the request (403)"),
        (
            "openai",
            429,
            openai_error("You exceeded", "insufficient_quota"),
            QuotaError,
            "The quota or the credit at OpenAI",
        ),
        ("openai", 429, openai_error("Limit 200 requests per day (RPD)"), QuotaError, "credit"),
        ("openai", 403, openai_error("No access to model", "model_not_found"), ModelNotFoundError, "'m'"),
        ("openai", 404, openai_error("Invalid URL (POST /chat/completions)"), BadRequestError, "Check the base URL"),
        ("openai", 404, "<html>not here</html>", BadRequestError, "Check the base URL."),
        ("openai", 405, {"detail": "Method Not Allowed"}, BadRequestError, "Check the base URL"),
        ("openai", 400, openai_error("Too long", "context_length_exceeded", "messages"), BadRequestError, "Too long"),
        ("openai", 400, openai_error("No", "content_policy_violation"), BlockedError, "was blocked by OpenAI"),
        ("openai", 413, "Payload\r\nToo\x1b[31m Large", BadRequestError, "says: Payload Too [31m Large"),
        ("openai", 422, {"detail": [{"loc": ["body", 0], "msg": "odd"}]}, BadRequestError, "says: body 0 odd"),
        ("openai", 429, openai_error("Slow down", "rate_limit_exceeded"), RateLimitError, "in a row"),
        ("openai", 503, openai_error("Busy"), OverloadedError, "no capacity"),
        ("openai", 500, openai_error("Oops"), ServerError, "It says: Oops"),
        ("openai", 502, "<html>Bad gateway</html>", ServerError, "failed (502). Try again later."),
        ("openai", 408, "", ServerError, "(408)"),
        ("openai", 409, "", ServerError, "(409)"),
        ("openrouter", 402, openai_error("Insufficient credits", 402), QuotaError, "Insufficient credits"),
        ("openrouter", 400, openai_error("x/y is not a valid model ID", 400), ModelNotFoundError, "models --provider"),
        ("openrouter", 403, {"error": {"message": "Flagged", "metadata": {"reasons": ["x"]}}}, BlockedError, "Flagged"),
        ("openrouter", 429, openai_error("Rate limit exceeded: free-models-per-day", 429), QuotaError, "per-day"),
        (
            "openrouter",
            502,
            {"error": {"message": "Provider returned error", "metadata": {"raw": UPSTREAM}}},
            ServerError,
            "Provider returned error Boom",
        ),
        ("compatible", 404, {"error": {"message": 'model "m" not found, try pulling'}}, ModelNotFoundError, "'m'"),
        ("compatible", 500, {"error": "Something broke"}, ServerError, "It says: Something broke"),
        ("compatible", 529, {"message": "Full"}, OverloadedError, "The server has no capacity for now (529)"),
        (
            "gemini",
            400,
            gemini_error(400, "INVALID_ARGUMENT", "Bad key", KEY_INVALID),
            KeyRefusedError,
            "GEMINI_API_KEY",
        ),
        ("gemini", 400, gemini_error(400, "FAILED_PRECONDITION", "User location"), BadRequestError, "User location"),
        ("gemini", 404, gemini_error(404, "NOT_FOUND", NO_MODEL), ModelNotFoundError, NO_MODEL),
        ("gemini", 429, gemini_error(429, "RESOURCE_EXHAUSTED", "Quota", PER_DAY), QuotaError, "credit"),
        ("gemini", 429, [gemini_error(429, "RESOURCE_EXHAUSTED", "Quota", PER_DAY)], QuotaError, "credit"),
        ("gemini", 503, gemini_error(503, "UNAVAILABLE", "Overloaded"), OverloadedError, "Overloaded"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_status_becomes_the_error_that_says_what_to_do(
    script: Script, name: str, status: int, body: Any, error: Type[SubAIError], words: str, *, streaming: bool
) -> None:
    provider = script.says(respond(body, status)).provider(name)
    with pytest.raises(error) as raised:
        provider.stream(chat()) if streaming else provider.complete(chat())
    assert type(raised.value) is error
    assert words in raised.value.user_message
    assert raised.value.user_message.isprintable(), "one line, fit for a terminal"
    assert (raised.value.provider, raised.value.status) == (name, status)
    assert len(script.asked) == (1 if issubclass(error, PERMANENT) else 2)


def test_the_code_and_the_parameter_are_passed_on(script: Script) -> None:
    with pytest.raises(BadRequestError) as raised:
        script.says(respond(openai_error("Bad", "invalid_value", "top_p"), 400)).provider("openai").complete(chat())
    assert (raised.value.code, raised.value.param) == ("invalid_value", "top_p")


@pytest.mark.parametrize(
    ("body", "error", "status"),
    [
        ({"error": {"code": 429, "message": "Slow"}}, RateLimitError, 429),
        ({"error": {"code": 401, "message": "Key"}}, KeyRefusedError, 401),
        ({"error": {"code": 402, "message": "Pay"}}, QuotaError, 402),
        ({"error": {"code": "rate_limit_exceeded", "message": "Slow"}}, RateLimitError, 429),
        ({"error": {"type": "overloaded_error", "message": "Full"}}, OverloadedError, 529),
        ({"error": {"message": "Odd"}}, ServerError, 500),
        ({"error": {"code": True, "message": "Odd"}}, ServerError, 500),
        ({"error": "Unexpected endpoint or method. (POST /chat/completions)"}, BadRequestError, 404),
        ({"choices": [{"error": {"code": 502, "message": "Upstream"}, "message": {"content": ""}}]}, ServerError, 502),
        ({"choices": [{"finish_reason": "error", "message": {"content": "Ho"}}]}, ServerError, 500),
    ],
)
@pytest.mark.parametrize("how", ["whole", "stream", "stream answered by JSON"])
def test_an_error_inside_a_200_is_an_error(
    script: Script, body: Mapping[str, Any], error: Type[ProviderError], status: int, how: str
) -> None:
    provider = script.says(sse(body) if how == "stream" else respond(body)).provider("openrouter")
    with pytest.raises(error) as raised:
        provider.complete(chat()) if how == "whole" else provider.stream(chat())
    assert raised.value.status == status
    assert len(script.asked) == (1 if issubclass(error, PERMANENT) else 2), "and what may pass is asked again"


@pytest.mark.parametrize("status", [200, 429, 500])
def test_what_passes_is_asked_again(script: Script, status: int) -> None:
    refusal = {"error": {"code": 503, "message": "Busy"}}
    script.says(respond(refusal, status), openai_reply("Hola"))
    assert script.provider("openrouter").complete(chat()).text == "Hola"
    assert len(script.asked) == 2


def test_a_stream_that_opens_with_an_error_is_asked_again(script: Script) -> None:
    script.says(sse({"error": {"code": 429, "message": "Slow"}}), sse(openai_delta("Hola", "stop")))
    assert list(script.provider("openrouter").stream(chat())) == ["Hola"]


def test_a_stream_that_has_spoken_is_never_asked_again(script: Script) -> None:
    script.says(sse(openai_delta("Ho"), {"error": {"code": 429, "message": "Slow"}}))
    stream = script.provider("openrouter").stream(chat())
    with pytest.raises(RateLimitError):
        list(stream)
    assert (stream.text, len(script.asked)) == ("Ho", 1)


def test_the_hint_is_passed_on(script: Script) -> None:
    hour = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}
    script.says(respond(gemini_error(429, "RESOURCE_EXHAUSTED", "Quota", hour), 429))
    with pytest.raises(RateLimitError) as raised:
        script.provider("gemini").complete(chat())
    assert raised.value.retry_after == 3600.0
    assert len(script.asked) == 1, "nobody waits for an hour"


def test_geminis_hint_is_waited_for(script: Script) -> None:
    refused = respond(gemini_error(429, "RESOURCE_EXHAUSTED", "Quota", RETRY_NOW), 429)
    script.says(refused, gemini_reply({"text": "Hola"}))
    assert script.provider("gemini").complete(chat()).text == "Hola"


@pytest.mark.parametrize("body", [openai_error("Odd"), ""])
def test_a_provider_that_says_not_to_try_again_is_believed(script: Script, body: Any) -> None:
    script.says(respond(body, 500, {"x-should-retry": "false"}))
    with pytest.raises(ServerError):
        script.provider("openai").complete(chat())
    assert len(script.asked) == 1


def test_a_dead_key_costs_one_request_however_many_wait(script: Script) -> None:
    provider = script.says(respond(openai_error("No", "invalid_api_key"), 401)).provider("openai")
    errors = []

    def ask() -> None:
        try:
            provider.complete(chat())
        except KeyRefusedError as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(errors), len(script.asked)) == (8, 1)


def test_an_endless_429_inside_200_comes_to_an_end(script: Script) -> None:
    script.says({"error": {"code": 429, "message": "Slow"}})
    with pytest.raises(RateLimitError):
        script.provider("openrouter").complete(chat())
    assert len(script.asked) == 2


def test_a_cancel_comes_through_as_it_is(script: Script) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        script.says("").provider("openai").complete(chat(cancel=cancel))


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://new.example/v1/chat?key=secret", "redirects to https://new.example (301)"),
        ("/elsewhere", "redirects elsewhere (301)"),
        (None, "redirects elsewhere (301)"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_a_redirect_is_not_followed_but_told(
    script: Script, location: Optional[str], words: str, *, streaming: bool
) -> None:
    headers: Dict[str, str] = {"location": location} if location else {}
    provider = script.says(respond("", 301, headers)).provider("openai")
    with pytest.raises(BadRequestError) as raised:
        provider.stream(chat()) if streaming else provider.complete(chat())
    assert words in raised.value.user_message
    assert "secret" not in raised.value.user_message


def test_a_redirect_to_nowhere_is_told_too() -> None:
    source = Source("openai", "OpenAI", "", KEY)
    assert "elsewhere (307)" in error_for(source, 307, {"location": "http://[broken"}, b"").user_message


# --- no key in what a person reads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "echo",
    [
        f"Consumer 'api_key:{KEY}' has been suspended",
        f"You sent {KEY[:12]} and {KEY[-9:]}",
        f"Incorrect API key provided: {KEY[:5]}***{KEY[-4:]}. Find it at https://x",
        f"Incorrect API key provided: {KEY[:3]}...{KEY[-4:]}.",
        f"Key {KEY[:4]}\u2026 is dead",
        f"Key '{KEY[3:11]}' is dead",
    ],
)
@pytest.mark.parametrize("status", [401, 403, 400, 500])
def test_a_key_that_the_provider_echoes_is_not_shown(script: Script, echo: str, status: int) -> None:
    with pytest.raises(ProviderError) as raised:
        script.says(respond(openai_error(echo), status)).provider("openai").complete(chat())
    shown = f"{raised.value!r} {raised.value} {raised.value.user_message} {vars(raised.value)}"
    assert not any(KEY[at : at + 8] in shown for at in range(len(KEY) - 7))
    assert KEY[:5] not in shown
    assert KEY[-4:] not in shown


def test_ordinary_words_are_left_alone() -> None:
    assert words_of("Wait ... then **retry**: /v1/models", "") == "Wait ... then **retry**: /v1/models"
    assert words_of("Loading... sk", KEY) == "Loading... sk"
    assert words_of("lm lm-studio lm", "lm-studio") == "lm [key] lm"
    assert words_of("a b abc", "abc") == "a b abc", "so short a key is no secret"
    assert words_of("use abcd here", "abcd") == "use [key] here"


def test_long_words_are_cut_and_control_characters_dropped() -> None:
    assert len(words_of("x" * 5000, KEY)) == MAX_WORDS
    assert words_of("a\tb\r\n\x00c\u202ed", KEY) == "a b c d"
