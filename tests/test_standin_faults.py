"""Every way in which the stand-in can be told to answer badly is what a client then sees."""

import gzip
import http.client
import json
import socket
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import standin_faults as faults
from standin_client import CUES, Client, Got

from cli.standin import Fault, StandIn, pseudo_translate

TRANSLATED = {key: pseudo_translate(text) for key, text in CUES.items()}
MANY = {str(number): f"This is line {number}." for number in range(1, 11)}
OK_STATUS = 200


@contextmanager
def talking_to(*script: Fault) -> Iterator[Client]:
    """A client of a stand-in that has these faults in turn, the last one for ever."""
    standin = StandIn(script=lambda exchange: script[min(exchange.number, len(script)) - 1])
    with standin, Client(standin, "sk-0123456789abcdef") as client:
        yield client


def content_of(got: Got) -> Any:
    return got.json["choices"][0]["message"]["content"]


def pairs_of(client: Client, cues: Dict[str, str]) -> List[Tuple[str, str]]:
    """What comes back for ``cues``, key by key, in order."""
    content = content_of(client.openai(cues))
    return list(json.loads(content).items())


# --- scripts ----------------------------------------------------------------------------------------------------------


def test_faults_come_in_turn_and_then_no_more() -> None:
    with StandIn(script=faults.in_turn(faults.failing, None, faults.unavailable)) as standin, Client(standin) as client:
        assert [client.openai().status for _ in range(5)] == [500, 200, 503, 200, 200]
        standin.reset()
        assert client.openai().status == 500


def test_a_mixture_is_the_same_each_time_and_about_as_bad_as_asked() -> None:
    def statuses(seed: int) -> List[int]:
        script = faults.mixed(0.3, seed, (faults.failing, faults.too_many()))
        with StandIn(script=script) as standin, Client(standin) as client:
            return [client.openai("Hi").status for _ in range(200)]

    once = statuses(seed=1)
    assert once == statuses(seed=1)
    assert once != statuses(seed=2)
    assert {200, 429, 500} == set(once)
    assert 0.6 < once.count(200) / len(once) < 0.8


# --- the provider says no ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "code", "name", "kind"),
    [
        (faults.bad_key, 401, "invalid_api_key", "UNAUTHENTICATED", "authentication_error"),
        (faults.bad_key_as_400, 400, None, "INVALID_ARGUMENT", "invalid_request_error"),
        (faults.no_credit, 402, None, "PAYMENT_REQUIRED", "billing_error"),
        (faults.forbidden, 403, "unsupported_country_region_territory", "PERMISSION_DENIED", "permission_error"),
        (faults.no_such_model, 404, "model_not_found", "NOT_FOUND", "not_found_error"),
        (faults.quota_spent, 429, "insufficient_quota", "RESOURCE_EXHAUSTED", "rate_limit_error"),
        (faults.quota_of_the_day, 429, "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "rate_limit_error"),
        (faults.too_many(), 429, "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "rate_limit_error"),
        (faults.failing, 500, None, "INTERNAL", "api_error"),
        (faults.unavailable, 503, None, "UNAVAILABLE", "api_error"),
        (faults.overloaded, 529, None, "OVERLOADED", "overloaded_error"),
    ],
)
def test_a_refusal_has_the_shape_of_the_provider(fault: Fault, status: int, code: str, name: str, kind: str) -> None:
    with talking_to(fault) as client:
        refused = client.openai(stream=True)
        assert (refused.status, refused.json["error"]["code"]) == (status, code)
        assert refused.json["error"]["message"]
        refused = client.openai(prefix="/api/v1")
        assert (refused.status, refused.json["error"]["code"]) == (status, status)
        refused = client.gemini(stream=True)
        assert (refused.status, refused.json["error"]["status"]) == (status, name)
        refused = client.anthropic(stream=True)
        assert (refused.status, refused.json["type"], refused.json["error"]["type"]) == (status, "error", kind)
        refused = client.ollama(stream=True)
        assert (refused.status, isinstance(refused.json["error"], str)) == (status, True)


def test_a_spent_quota_has_its_own_type_and_a_days_quota_says_so() -> None:
    with talking_to(faults.quota_spent, faults.quota_of_the_day) as client:
        assert client.openai().json["error"]["type"] == "insufficient_quota"
        (failure,) = client.gemini().json["error"]["details"]
        assert "PerDay" in failure["violations"][0]["quotaId"]


def test_anthropic_has_a_word_for_a_spent_limit() -> None:
    with talking_to(faults.quota_spent) as client:
        assert client.anthropic().json["error"]["details"]["error_code"] == "enforced_spend_limit_reached"


def test_openai_repeats_its_key_with_the_middle_left_out() -> None:
    with talking_to(faults.bad_key) as client:
        assert "sk-01234************cdef" in client.openai().json["error"]["message"]
        client.key = ""
        assert client.openai().status == 401


def test_geminis_model_is_named_in_its_words() -> None:
    with talking_to(faults.no_such_model) as client:
        assert "models/m is not found" in client.gemini().json["error"]["message"]
        assert client.send("GET", "/v1/models").status == 404


def test_a_429_may_say_when_to_come_back_in_every_known_way() -> None:
    hints = ("", "retry-after", "date", "retry-after-ms", "retry-info")
    with talking_to(*(faults.too_many(hint, 2.0) for hint in hints)) as client:
        none, seconds, date, milliseconds, info = (client.gemini() for _ in hints)
    assert "retry-after" not in none.headers
    assert "details" not in none.json["error"]
    assert seconds.headers["retry-after"] == "2"
    assert date.headers["retry-after"].endswith("GMT")
    assert milliseconds.headers["retry-after-ms"] == "2000"
    assert info.json["error"]["details"][0]["retryDelay"] == "2.0s"


def test_any_other_refusal_can_be_made_up() -> None:
    with talking_to(faults.refusing(500, "Odd", x_should_retry="false")) as client:
        assert client.openai().headers["x-should-retry"] == "false"


def test_a_parameter_is_refused_only_to_those_who_send_it() -> None:
    with talking_to(faults.unsupported("temperature")) as client:
        refused = client.openai(temperature=0.4).json["error"]
        assert (refused["param"], refused["code"]) == ("temperature", "unsupported_parameter")
        assert "temperature" in client.gemini(generationConfig={"temperature": 0.4}).json["error"]["message"]
        assert content_of(client.openai("Hi")) == "OK"
        assert client.gemini().status == OK_STATUS
        assert client.send("GET", "/v1/models").status == OK_STATUS


def test_a_redirect_leads_elsewhere() -> None:
    with talking_to(faults.redirecting("https://elsewhere.example/v1")) as client:
        got = client.openai()
        assert (got.status, got.headers["location"]) == (307, "https://elsewhere.example/v1")


# --- the connection ---------------------------------------------------------------------------------------------------


def test_a_connection_may_end_before_the_answer() -> None:
    with talking_to(faults.close_before_answer) as client, pytest.raises(http.client.RemoteDisconnected):
        client.openai()


def test_a_connection_may_be_reset() -> None:
    with talking_to(faults.reset_connection) as client, pytest.raises(ConnectionResetError):
        client.openai()


def test_a_connection_may_end_after_the_answer_without_a_word() -> None:
    with talking_to(faults.close_after_answer) as client:
        got = client.openai()
        assert content_of(got)
        assert "connection" not in got.headers
        assert client.connection.sock.recv(1) == b""


def test_an_answer_may_end_inside_its_headers() -> None:
    with talking_to(faults.cut_headers) as client:
        got = client.openai()
        assert (got.status, got.body) == (200, b"")
        assert "content-length" not in got.headers


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_may_end_inside_its_body(*, stream: bool) -> None:
    with talking_to(faults.cut_body) as client, pytest.raises(http.client.IncompleteRead) as raised:
        client.openai(stream=stream)
    assert raised.value.partial


@pytest.mark.parametrize("fault", [faults.stall, faults.stall_in_mid_answer])
def test_an_answer_may_never_come_whole(fault: Fault) -> None:
    with talking_to(fault) as client:
        client.connection.timeout = 0.1
        with pytest.raises(socket.timeout):
            client.openai()


def test_what_was_not_sent_whole_has_no_status_on_record() -> None:
    with StandIn(script=faults.always(faults.cut_body)) as standin, Client(standin) as client:
        with pytest.raises(http.client.IncompleteRead):
            client.openai()
        assert (standin.log[0].status, standin.log[0].sent > 0) == (0, True)


def test_an_answer_may_trickle() -> None:
    with talking_to(faults.trickle(size=200, gap=0.005)) as client:
        began = time.monotonic()
        assert json.loads(content_of(client.openai())) == TRANSLATED
        assert time.monotonic() - began > 0.02


def test_an_answer_may_be_announced_by_a_103() -> None:
    with talking_to(faults.early_hints) as client:
        client.connection.request("GET", "/v1/models")
        raw = b""
        while b"stand-in" not in raw:
            raw += client.connection.sock.recv(65536)
        assert raw.startswith(b"HTTP/1.1 103 ")
        assert b"\r\n\r\nHTTP/1.1 200 OK\r\n" in raw


# --- the body ---------------------------------------------------------------------------------------------------------


def test_a_web_page_may_come_instead_of_the_answer() -> None:
    with talking_to(faults.html_page) as client:
        got = client.openai()
        assert (got.status, got.headers["content-type"][:9], got.body[:9]) == (200, "text/html", b"<!DOCTYPE")


@pytest.mark.parametrize("stream", [False, True])
def test_the_body_may_be_empty(*, stream: bool) -> None:
    with talking_to(faults.empty_body) as client:
        got = client.openai(stream=stream)
        assert (got.status, got.body) == (200, b"")


def test_the_answer_may_be_compressed() -> None:
    with talking_to(faults.gzipped) as client:
        got = client.openai()
        assert got.headers["content-encoding"] == "gzip"
        assert content_of(got._replace(body=gzip.decompress(got.body)))


def test_a_small_body_may_swell() -> None:
    size = 8 * 1024 * 1024
    with talking_to(faults.gzip_bomb(size)) as client:
        got = client.openai()
        assert len(got.body) * 500 < size
        assert len(gzip.decompress(got.body)) == size


def test_an_error_may_come_with_a_200() -> None:
    with talking_to(faults.error_inside_200()) as client:
        whole, stream, listed = (
            client.openai(prefix="/api/v1"),
            client.gemini(stream=True),
            client.send("GET", "/v1/models"),
        )
        assert (whole.status, whole.json["error"]["code"]) == (200, 502)
        assert (stream.status, stream.events[0]["error"]["status"]) == (200, "BAD_GATEWAY")
        assert (listed.status, "error" in listed.json) == (200, True)


def test_a_stream_may_turn_into_an_error() -> None:
    with talking_to(faults.error_in_mid_stream) as client:
        *events, last = client.openai(stream=True).events
        assert "".join(event["choices"][0]["delta"].get("content", "") for event in events)
        assert last["error"]
        assert client.openai().json["error"]
        *events, last = client.anthropic(stream=True).events
        assert [event["type"] for event in (events[0], last)] == ["message_start", "error"]
        *lines, last = client.ollama(stream=True).lines
        assert (lines[0]["done"], last) == (False, {"error": "Provider returned error"})


def test_the_filter_may_withhold_the_answer() -> None:
    with talking_to(faults.blocked_prompt) as client:
        choice = client.openai().json["choices"][0]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", None)
        assert client.gemini().json["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
        assert "candidates" not in client.gemini(stream=True).events[0]
        assert (client.anthropic().json["stop_reason"], client.anthropic().json["content"]) == ("refusal", [])
        assert client.anthropic(stream=True).events[-2]["delta"]["stop_reason"] == "refusal"
        assert client.ollama().json["message"]["content"] == ""


# --- the model's text -------------------------------------------------------------------------------------------------


def test_the_content_may_be_null() -> None:
    with talking_to(faults.null_content) as client:
        assert content_of(client.openai()) is None
        assert {event["choices"][0]["delta"].get("content") for event in client.openai(stream=True).events} == {None}
        assert "content" not in client.gemini().json["candidates"][0]


def test_the_model_may_decline() -> None:
    with talking_to(faults.refusal) as client:
        message = client.openai().json["choices"][0]["message"]
        assert (message["content"], message["refusal"][:9]) == (None, "I'm sorry")
        events = client.openai(stream=True).events
        said = "".join(event["choices"][0]["delta"].get("refusal") or "" for event in events)
        assert said == message["refusal"]
        assert client.gemini().json["candidates"][0]["content"]["parts"][0]["text"] == said
        assert client.anthropic().json["stop_details"]["explanation"] == said
        assert client.ollama().json["message"]["content"] == said


def test_the_answer_may_stop_at_the_limit() -> None:
    with talking_to(faults.at_the_limit) as client:
        choice = client.openai().json["choices"][0]
        assert choice["finish_reason"] == "length"
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(choice["message"]["content"])
        assert client.gemini().json["candidates"][0]["finishReason"] == "MAX_TOKENS"
        assert client.anthropic().json["stop_reason"] == "max_tokens"
        assert client.ollama().json["done_reason"] == "length"


def test_the_json_may_be_cut_fenced_or_talked_around() -> None:
    with talking_to(faults.cut_json, faults.code_fence, faults.chatter) as client:
        cut, fenced, chatter = (content_of(client.openai()) for _ in range(3))
    assert (cut[0], cut[-1]) == ("{", cut[-1])
    assert not cut.endswith("}")
    assert json.loads(fenced[len("```json\n") : -len("\n```")]) == TRANSLATED
    assert chatter.startswith("Sure!")
    assert json.loads(chatter[chatter.index("{") : chatter.rindex("}") + 1]) == TRANSLATED


# --- the cues ---------------------------------------------------------------------------------------------------------


def values(*numbers: int) -> List[str]:
    return [pseudo_translate(MANY[str(number)]) for number in numbers]


def test_a_line_may_be_missing() -> None:
    with talking_to(faults.drop_key) as client:
        first, second = (dict(pairs_of(client, MANY)) for _ in range(2))
    assert sorted(MANY.keys() - first.keys()) == ["2"]
    assert sorted(MANY.keys() - second.keys()) == ["3"], "another one each time"
    assert all(first[key] == pseudo_translate(MANY[key]) for key in first)


def test_two_lines_may_be_merged_with_one_key_missing() -> None:
    with talking_to(faults.merge_two) as client:
        got = dict(pairs_of(client, MANY))
    assert sorted(MANY.keys() - got.keys()) == ["3"]
    assert got["2"] == " ".join(values(2, 3))
    assert got["4"] == values(4)[0]


def test_two_lines_may_be_merged_and_the_rest_renumbered() -> None:
    with talking_to(faults.merge_and_renumber) as client:
        got = pairs_of(client, MANY)
    assert [key for key, _ in got] == list(MANY)[:-1]
    assert [text for _, text in got] == [*values(1), " ".join(values(2, 3)), *values(*range(4, 11))]


def test_values_may_slip_by_one() -> None:
    with talking_to(faults.shifted_values) as client:
        got = pairs_of(client, MANY)
    assert [key for key, _ in got] == list(MANY)
    assert [text for _, text in got] == [*values(1), *values(*range(3, 11)), *values(10)]


def test_keys_may_come_in_another_order() -> None:
    with talking_to(faults.reorder_keys) as client:
        got = pairs_of(client, MANY)
    assert [key for key, _ in got] != list(MANY)
    assert dict(got) == {key: pseudo_translate(text) for key, text in MANY.items()}


def test_a_value_may_be_blank_or_not_translated() -> None:
    with talking_to(faults.blank_value, faults.untranslated) as client:
        blank, same = dict(pairs_of(client, MANY)), dict(pairs_of(client, CUES))
    assert [key for key, text in blank.items() if not text.strip()] == ["2"]
    assert [key for key, text in same.items() if text == CUES[key]] == ["2"], "the longest"


@pytest.mark.parametrize(
    "fault",
    [
        faults.drop_key,
        faults.merge_two,
        faults.merge_and_renumber,
        faults.shifted_values,
        faults.reorder_keys,
        faults.blank_value,
        faults.untranslated,
    ],
)
def test_what_is_no_batch_is_answered_well(fault: Fault) -> None:
    with talking_to(fault) as client:
        assert content_of(client.openai("Hi")) == "OK"
        assert client.send("GET", "/v1/models").json["data"]


def test_every_fault_that_a_film_must_survive_leaves_the_server_alive() -> None:
    with talking_to(*faults.FILM_FAULTS, faults.saying(str)) as client:
        for _ in faults.FILM_FAULTS[:-1]:
            client.openai(MANY)
        with pytest.raises(http.client.RemoteDisconnected):
            client.openai(MANY)
        client.connection.close()
        assert pairs_of(client, CUES) == list(TRANSLATED.items())
