"""Costs: prices of models, the person's own table, the estimate before a job, and what real use teaches."""

import json
from pathlib import Path
from typing import Any, List, Optional

import pytest

from api.base import Usage
from core.errors import ConfigError
from translate.costs import Estimate, Factors, estimate, learned
from translate.languages import LANGUAGES, find
from translate.prices import BUNDLED, Price, Prices

DIALOGUE = json.loads((Path(__file__).parent / "data" / "dialogue.json").read_text(encoding="utf-8"))
MILLION = Usage(1_000_000, 1_000_000)
# Tokens of tests/data/dialogue.json, line by line, as o200k_base and the vocabulary of Gemma 3 count them.
COUNTED = {
    "en": (136, 140),
    "es": (135, 132),
    "de": (146, 148),
    "ru": (152, 149),
    "ja": (175, 131),
    "zh-CN": (135, 120),
}


@pytest.fixture(scope="module")
def bundled() -> Prices:
    return Prices.load()


def own(tmp_path: Path, content: Any) -> str:
    path = tmp_path / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


# --- prices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "price"),
    [
        ("openai", "gpt-5-mini", Price(0.25, 2.0)),
        ("openai", "GPT-5-mini", Price(0.25, 2.0)),
        ("openai", "gpt-5-mini-2025-08-07", Price(0.25, 2.0)),
        ("openai", "gpt-4.1-nano", Price(0.1, 0.4)),
        ("gemini", "gemini-2.5-flash", Price(0.3, 2.5)),
        ("gemini", "models/gemini-2.5-flash", Price(0.3, 2.5)),
        ("gemini", "gemini-2.5-flash-preview-09-2025", Price(0.3, 2.5)),
        ("gemini", "gemini-2.5-flash-lite", Price(0.1, 0.4)),
        ("gemini", "gemma-3-27b-it", Price(0.0, 0.0)),
        ("anthropic", "claude-sonnet-4-5-20250929", Price(3.0, 15.0)),
        ("openrouter", "anthropic/claude-sonnet-4.5", Price(3.0, 15.0)),
        ("openrouter", "openai/gpt-5-mini", Price(0.25, 2.0)),
        ("openrouter", "google/gemini-2.5-pro", Price(1.25, 10.0)),
        ("openrouter", "meta-llama/llama-3.3-70b-instruct:free", Price(0.0, 0.0)),
        ("openrouter", "deepseek/deepseek-v3.2", Price(0.26, 0.38)),
        ("demo", "anything", Price(0.0, 0.0)),
        ("ollama", "llama3.2:3b", Price(0.0, 0.0)),
    ],
)
def test_the_price_of_a_model_is_found_by_the_names_in_use(
    bundled: Prices, provider: str, model: str, price: Price
) -> None:
    assert bundled.price(provider, model) == price


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-5-mini-turbo"),
        ("openai", "gpt-5-pro"),
        ("openai", ""),
        ("compatible", "gpt-5-mini"),
        ("openrouter", "openai/gpt-99"),
        ("openrouter", "google/gemma-3-4b-it"),  # free at Google's own API, and not there
        ("nobody", "nothing"),
    ],
)
def test_another_model_with_a_similar_name_has_no_price(bundled: Prices, provider: str, model: str) -> None:
    assert bundled.price(provider, model) is None
    assert bundled.cost(provider, model, MILLION) is None


def test_a_cost_counts_prompt_and_answer_at_their_own_price(bundled: Prices) -> None:
    assert bundled.cost("openai", "gpt-5-mini", Usage(2_000_000, 100_000)) == pytest.approx(0.7)


def test_the_bundled_table_is_dated_and_every_provider_names_its_source(bundled: Prices) -> None:
    document = json.loads(Path(BUNDLED).read_text(encoding="utf-8"))
    assert bundled.as_of == document["as_of"] >= "2026-11-21"
    assert all(entry["source"] for entry in document["providers"].values())


def test_the_table_of_the_person_goes_before_the_bundled_one(tmp_path: Path) -> None:
    table = {
        "providers": {
            "openai": {"models": {"gpt-5-mini": {"input": 1, "output": 2.5}, "gpt-6*": {"input": 9, "output": 9}}},
            "compatible": {"models": {"*": {"input": 0.5, "output": 0.5}, "big-*": {"input": 5, "output": 5}}},
        }
    }
    prices = Prices.load(own(tmp_path, table))
    assert prices.price("openai", "gpt-5-mini") == Price(1.0, 2.5)
    assert prices.price("openai", "gpt-6-sol") == Price(9.0, 9.0)
    assert prices.price("openai", "gpt-5") == Price(1.25, 10.0)
    assert prices.price("compatible", "my-model") == Price(0.5, 0.5)
    assert prices.price("compatible", "big-model") == Price(5.0, 5.0)
    assert prices.as_of == Prices.load().as_of


def test_without_a_table_of_their_own_the_bundled_one_is_used(tmp_path: Path) -> None:
    assert Prices.load(str(tmp_path / "none.json")).price("openai", "gpt-5-mini") == Price(0.25, 2.0)


def test_a_copy_of_the_bundled_table_changes_nothing(tmp_path: Path, bundled: Prices) -> None:
    copy = Prices.load(own(tmp_path, Path(BUNDLED).read_text(encoding="utf-8")))
    assert copy.price("openrouter", "openai/gpt-5") == bundled.price("openrouter", "openai/gpt-5")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"providers": {,}}', r"not valid JSON \(line 1\)"),
        (b"\xff\xfe\x00".decode("latin-1"), "not valid JSON"),
        ([], "the whole must be a JSON object"),
        ({"providers": []}, "providers must be a JSON object"),
        ({"providers": {"openai": 1}}, "openai must be a JSON object"),
        ({"providers": {"openai": {"models": [1]}}}, "openai / models must be"),
        ({"providers": {"openai": {"models": {"gpt-5": 3}}}}, "openai / gpt-5 must be"),
        ({"providers": {"openai": {"models": {"gpt-5": {"input": 1}}}}}, "openai / gpt-5 / output must be US dollars"),
        ({"providers": {"openai": {"models": {"gpt-5": {"input": "1", "output": 1}}}}}, "openai / gpt-5 / input must"),
        ({"providers": {"openai": {"models": {"gpt-5": {"input": -1, "output": 1}}}}}, "openai / gpt-5 / input must"),
        ({"providers": {"openai": {"models": {"gpt-5": {"input": True, "output": 1}}}}}, "gpt-5 / input must"),
        ('{"providers": {"openai": {"models": {"gpt-5": {"input": NaN, "output": 1}}}}}', "gpt-5 / input must"),
        (
            {"providers": {"openrouter": {"same_as": {"": "openrouter"}}}},
            "openrouter / same_as /  must name a provider",
        ),
        ({"providers": {"openrouter": {"same_as": {"a/": 1}}}}, "openrouter / same_as / a/ must name a provider"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line_that_names_the_entry(
    tmp_path: Path, content: Any, complaint: str
) -> None:
    path = own(tmp_path, content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        Prices.load(path)
    assert path in caught.value.user_message
    assert "\n" not in caught.value.user_message


def test_a_table_that_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match="not valid JSON"):
        Prices.load(str(binary))
    with pytest.raises(ConfigError, match="cannot be read"):
        Prices.load(str(tmp_path))


# --- the estimate -----------------------------------------------------------------------------------------------------


def guess(texts: List[str], source: Optional[str] = "en", target: str = "es", **details: Any) -> Estimate:
    return estimate(texts, find(source) if source else None, find(target), instructions=900, **details)


@pytest.mark.parametrize("code", sorted(COUNTED))
def test_the_tokens_of_a_dialogue_are_estimated_within_a_fifth_of_two_real_tokenizers(code: str) -> None:
    lines = DIALOGUE["en"]
    answer = guess(lines, target=code).usage.completion_tokens - 3 * len(lines)
    for counted in COUNTED[code]:
        assert answer == pytest.approx(counted, rel=0.2)


def test_a_whole_film_is_estimated() -> None:
    found = guess(DIALOGUE["en"] * 100, price=Price(0.25, 2.0))
    assert (found.cues, found.requests) == (1200, 21)
    assert found.usage.completion_tokens == pytest.approx(17_000, rel=0.05)
    assert found.usage.prompt_tokens == pytest.approx(23_000, rel=0.1)
    assert found.cost == pytest.approx(0.04, rel=0.05)


def test_what_memory_has_costs_nothing() -> None:
    nothing = guess([], price=Price(1.0, 1.0))
    assert (nothing.cues, nothing.requests, nothing.usage, nothing.cost) == (0, 0, Usage(), 0.0)


def test_an_unknown_price_leaves_the_tokens() -> None:
    found = guess(DIALOGUE["en"])
    assert found.cost is None
    assert found.usage.completion_tokens > 100


def test_few_requests_carry_the_instructions_less_often() -> None:
    lines = DIALOGUE["en"] * 100
    assert guess(lines, requests=4).requests == 4
    assert guess(lines, requests=4).usage.prompt_tokens < guess(lines).usage.prompt_tokens


def test_every_language_can_be_estimated() -> None:
    lines = DIALOGUE["en"]
    for language in [*LANGUAGES, find("other:Klingon")]:
        answer = estimate(lines, None, language, instructions=0).usage.completion_tokens
        assert 100 < answer < 450, language.code


def test_chinese_to_english_grows_in_characters_and_not_in_tokens() -> None:
    back = guess(DIALOGUE["zh-CN"], source="zh-CN", target="en").usage.completion_tokens
    assert back == pytest.approx(136 + 36, rel=0.1)


# --- what real use teaches --------------------------------------------------------------------------------------------


def test_factors_scale_the_estimate() -> None:
    plain = guess(DIALOGUE["en"] * 10)
    scaled = guess(DIALOGUE["en"] * 10, factors=Factors(2.0, 3.0))
    assert scaled.usage.prompt_tokens == pytest.approx(2 * plain.usage.prompt_tokens, abs=1)
    assert scaled.usage.completion_tokens == pytest.approx(3 * plain.usage.completion_tokens, abs=1)


def test_after_a_few_jobs_the_estimate_is_right() -> None:
    """A model that thinks: its answers take four times what the plain estimate says."""
    lines = DIALOGUE["en"] * 100
    plain = guess(lines).usage
    real = Usage(round(plain.prompt_tokens * 1.3), plain.completion_tokens * 4)
    factors = Factors()
    for _ in range(6):
        factors = learned(factors, guess(lines, factors=factors).usage, real)
    assert guess(lines, factors=factors).usage.completion_tokens == pytest.approx(real.completion_tokens, rel=0.05)
    assert guess(lines, factors=factors).usage.prompt_tokens == pytest.approx(real.prompt_tokens, rel=0.05)


def test_what_was_not_counted_teaches_nothing() -> None:
    before = Factors(1.2, 0.8)
    assert learned(before, Usage(100, 100), Usage()) == before
    assert learned(before, Usage(), Usage(100, 100)) == before


def test_no_single_job_turns_the_estimate_upside_down() -> None:
    wild = learned(Factors(), Usage(1, 1_000_000), Usage(1_000_000, 1))
    assert wild == Factors(20.0, 0.05)
