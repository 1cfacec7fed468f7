"""Counters and histograms of everything but the connections, whose own are in ``core.pool_stats``; always on.

Whoever knows counts, by ``add`` or ``observe``; ``status`` joins the figures and shows them. What that costs a request
is measured by ``benchmarks/per_request.py``.
"""

import re
import threading
from bisect import bisect_left
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from core.forking import renew_in_children

#: Combinations of label values that one metric keeps apart. People name models: a script that makes names up must not
#: fill the memory of a box that runs for weeks.
MOST_SERIES = 200
OTHER = "other"
#: The labels whose values are not ours, nor a provider's, but anybody's.
MADE_UP = frozenset({"model", "endpoint"})

LONGEST_LABEL = 80

#: What names a model by the place of its file: folders before a name. A provider's own name for one has one slash at
#: most (``meta-llama/llama-3.1-8b:free``), or loses nothing that is needed to tell it from others.
_PATH = re.compile(r"[/~.]|.*\\|[a-z][a-z0-9+.-]*:/|[^/]*/[^/]*/|.*/.*\.(gguf|bin|safetensors)$", re.IGNORECASE)

Labels = Tuple[str, ...]


class Metric:
    """What counters and histograms share.

    :ivar name: by the conventions of Prometheus: ``subai_``, what, unit, ``_total`` for what only grows.
    :ivar help: one sentence. :ivar labels: the names of the label values that each count comes with.
    """

    kind = ""

    def __init__(self, name: str, words: str, labels: Labels = ()) -> None:
        self.name = name
        self.help = words
        self.labels = labels
        self._lock = threading.Lock()
        self._series: Dict[Labels, Any] = {}
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked process: a thread that is not here may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self._series)} series>"

    def family(self) -> Dict[str, Any]:
        """The metric as plain data: ``name``, ``kind``, ``help`` and ``samples``, each with its ``labels``."""
        with self._lock:
            samples = [self._sample(dict(zip(self.labels, key)), value) for key, value in self._series.items()]
        return {"name": self.name, "kind": self.kind, "help": self.help, "samples": samples}

    def _sample(self, labels: Mapping[str, str], value: Any) -> Dict[str, Any]:
        raise NotImplementedError

    def _key(self, labels: Labels) -> Labels:
        """Under which ``labels``, which are new, are counted."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {len(labels)} of them")
        if len(self._series) < MOST_SERIES:
            return labels
        return tuple(OTHER if name in MADE_UP else value for name, value in zip(self.labels, labels))


class Counter(Metric):
    """A sum that only grows."""

    kind = "counter"

    def add(self, amount: float, *labels: str) -> None:
        with self._lock:
            try:
                self._series[labels] += amount
            except KeyError:
                key = self._key(labels)
                self._series[key] = self._series.get(key, 0) + amount

    def value(self, *labels: str) -> float:
        """The sum so far."""
        with self._lock:
            return float(self._series.get(labels, 0))

    def _sample(self, labels: Mapping[str, str], value: Any) -> Dict[str, Any]:
        return {"labels": labels, "value": value}


class Histogram(Metric):
    """How often a value fell between two bounds.

    :param bounds: upper ones, rising; what is larger than all of them is counted too.
    """

    kind = "histogram"

    def __init__(self, name: str, words: str, labels: Labels, bounds: Sequence[float]) -> None:
        super().__init__(name, words, labels)
        self._bounds = tuple(bounds)

    def observe(self, value: float, *labels: str) -> None:
        place = bisect_left(self._bounds, value)
        with self._lock:
            series = self._series.get(labels)
            if series is None:
                series = self._series.setdefault(self._key(labels), [0.0, [0] * (len(self._bounds) + 1)])
            series[0] += value
            series[1][place] += 1

    def _sample(self, labels: Mapping[str, str], value: Any) -> Dict[str, Any]:
        return {"labels": labels, **distribution(self._bounds, value[1], value[0])}


def distribution(bounds: Sequence[float], counts: Sequence[int], total: float) -> Dict[str, Any]:
    """A histogram as plain data.

    :param counts: for each of ``bounds`` and one more. :param total: the sum of what was observed.
    """
    return {"bounds": list(bounds), "counts": list(counts), "sum": total, "count": sum(counts)}


@lru_cache(maxsize=256)
def model_label(model: str) -> str:
    """The name of a model as it may be shown: where a server names it by the path of a file, only the last part."""
    model = " ".join(model.encode("utf-8", "replace").decode().split())
    if _PATH.match(model):
        model = re.split(r"[/\\]", model.rstrip("/\\"))[-1]
    return model[:LONGEST_LABEL]


# --- what is counted ------------------------------------------------------------------------------------------------

REQUESTS = Counter(
    "subai_requests_total",
    "Requests that went out or should have, by how they ended: an HTTP status, a kind of failure, or cancelled.",
    ("provider", "model", "outcome"),
)
REQUEST_SECONDS = Histogram(
    "subai_request_seconds",
    "How long requests took, from waiting for a connection to the last byte.",
    ("provider",),
    (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
RETRIES = Counter(
    "subai_retries_total",
    "Requests that were sent again, by what was wrong the time before: a status, or a kind of failure.",
    ("provider", "reason"),
)
HINTS = Counter(
    "subai_hints_honoured_total", "Times that a provider said how long to wait, and was heeded.", ("provider",)
)
LIMIT_WAITS = Counter(
    "subai_limit_waits_total", "Requests that had to wait for a budget, a pause or a probe.", ("provider",)
)
LIMIT_WAIT_SECONDS = Counter("subai_limit_wait_seconds_total", "How long they waited for that.", ("provider",))
BREAKER_OPENINGS = Counter(
    "subai_breaker_openings_total",
    "Times that too much failed at an endpoint, so that it was left alone.",
    ("endpoint",),
)
TOKENS = Counter("subai_tokens_total", "Tokens, as the providers count them.", ("provider", "model", "kind"))
COST = Counter(
    "subai_cost_dollars_total", "What requests cost, in US dollars, where the price is known.", ("provider", "model")
)
FALLBACKS = Counter("subai_fallback_requests_total", "Requests without the pool, over urllib.request.", ("provider",))
CUES = Counter(
    "subai_cues_total", "Subtitle lines: translated, remembered from before, or kept as they were.", ("outcome",)
)

ALL: Tuple[Metric, ...] = (
    REQUESTS,
    REQUEST_SECONDS,
    RETRIES,
    HINTS,
    LIMIT_WAITS,
    LIMIT_WAIT_SECONDS,
    BREAKER_OPENINGS,
    TOKENS,
    COST,
    FALLBACKS,
    CUES,
)

#: Seconds that are no wait: a lock, a thread that gets its turn.
_AT_ONCE = 0.005


def request_ended(provider: str, model: str, outcome: str, seconds: float) -> None:
    """Count one request that is over."""
    REQUESTS.add(1, provider, model_label(model), outcome)
    REQUEST_SECONDS.observe(seconds, provider)


def waited(provider: str, seconds: float) -> None:
    """Count what kept a request back before it was let go, if anything did."""
    if seconds > _AT_ONCE:
        LIMIT_WAITS.add(1, provider)
        LIMIT_WAIT_SECONDS.add(seconds, provider)


def used(provider: str, model: str, prompt_tokens: int, completion_tokens: int) -> None:
    """Count the tokens of a request that was answered."""
    model = model_label(model)
    for kind, tokens in (("prompt", prompt_tokens), ("completion", completion_tokens)):
        if tokens:
            TOKENS.add(tokens, provider, model, kind)


def cost(provider: str, model: str, dollars: float) -> None:
    """Count what a request cost, where that is known."""
    if dollars:
        COST.add(dollars, provider, model_label(model))


def families() -> List[Dict[str, Any]]:
    """Every metric of this module as plain data."""
    return [metric.family() for metric in ALL]
