"""A job on each of the providers that have a protocol of their own: whatever is wrong with an answer, no cue is."""

import json
from typing import List, Tuple

import pytest
from job_support import SPANISH, check, lines, route, wrong
from standin_faults import (
    FILM_FAULTS,
    always,
    at_the_limit,
    bad_key,
    blocked_prompt,
    cut_body,
    error_in_mid_stream,
    in_turn,
    mixed,
    overloaded,
    quota_spent,
    refusal,
    unsupported,
)

from cli.standin import Fault, StandIn
from core.errors import KeyRefusedError, QuotaError
from core.transport import Transport
from translate.job import TranslationJob

pytest_plugins = ("job_fixtures",)

PROVIDERS = ["anthropic", "ollama", "lmstudio"]
PASSING: List[Fault] = [overloaded, cut_body, error_in_mid_stream, at_the_limit]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_costs_no_cue(standin: StandIn, key: str, transport: Transport, name: str, fault: Fault) -> None:
    cues = lines(60)
    standin.script = in_turn(None, fault, None, fault)
    check(cues, TranslationJob(cues, SPANISH, [route(standin, key, transport, name)], parallel=2).run())


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_film_on_a_provider_of_which_three_answers_in_ten_are_bad(
    standin: StandIn, key: str, transport: Transport, name: str
) -> None:
    cues = lines(300)
    standin.script = mixed(0.3, 1, (*FILM_FAULTS, *PASSING))
    report = TranslationJob(cues, SPANISH, [route(standin, key, transport, name)]).run()
    assert report.stopped_by is None
    assert wrong(cues, report) == []
    assert len(report.translated) + len(report.kept) == len(cues)
    assert len(report.kept) <= 3


@pytest.mark.parametrize(
    ("name", "parameter"), [("anthropic", "output_config"), ("ollama", "format"), ("lmstudio", "response_format")]
)
def test_where_no_schema_is_taken_the_words_do(
    standin: StandIn, key: str, transport: Transport, name: str, parameter: str
) -> None:
    cues = lines(30)
    standin.script = always(unsupported(parameter))
    check(cues, TranslationJob(cues, SPANISH, [route(standin, key, transport, name)], parallel=2).run())
    bodies = [json.loads(record.body) for record in standin.log]
    assert [parameter in body for body in bodies[:2]] == [True, False]
    assert standin.stats().requests == sum(record.status == 200 for record in standin.log) + 1


@pytest.mark.parametrize("fault", [blocked_prompt, refusal])
def test_what_anthropic_declines_is_kept_and_the_rest_translated(
    standin: StandIn, key: str, transport: Transport, fault: Fault
) -> None:
    cues = lines(12)
    word = "Line 5 of"
    standin.script = lambda exchange: (
        fault if exchange.chat and any(word in text for text in (exchange.chat.cues or {}).values()) else None
    )
    way = route(standin, key, transport, "anthropic")
    check(cues, TranslationJob(cues, SPANISH, [way]).run(), kept=[5])


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_dead_key_costs_one_request(standin: StandIn, key: str, transport: Transport, name: str) -> None:
    standin.script = always(bad_key)
    report = TranslationJob(lines(60), SPANISH, [route(standin, key, transport, name)], parallel=4).run()
    assert isinstance(report.stopped_by, KeyRefusedError)
    assert standin.stats().requests == 1


@pytest.mark.parametrize("name", ["anthropic", "lmstudio"])
def test_a_spent_quota_costs_one_request(standin: StandIn, key: str, transport: Transport, name: str) -> None:
    standin.script = always(quota_spent)
    report = TranslationJob(lines(60), SPANISH, [route(standin, key, transport, name)], parallel=4).run()
    assert isinstance(report.stopped_by, QuotaError)
    assert standin.stats().requests == 1


def test_usage_is_what_the_provider_counted(standin: StandIn, key: str, transport: Transport) -> None:
    cues = lines(20)
    used: List[Tuple[int, int]] = []
    for name in PROVIDERS:
        way = route(standin, key, transport, name)
        usage = TranslationJob(cues, SPANISH, [way], parallel=1).run().usage
        used.append((usage.prompt_tokens, usage.completion_tokens))
    assert used[0] == used[1] == used[2]
    assert min(used[0]) > 0
