"""From counts to figures: the last hour, health, metric families, and the text that Prometheus reads."""

import json
import sys
import time
from typing import Any, List

import pytest
from status_support import ORIGIN, Made, endpoint, full

from core.health import LATELY
from core.metrics import Counter, Histogram
from status import health, process, prometheus
from status.families import families
from status.history import History
from status.snapshot import EndpointFigures

# --- the last hour --------------------------------------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_step_holds_what_happened_in_it_and_what_was_at_its_end() -> None:
    clock, source = Clock(), Made()
    endpoints = source.endpoints
    history = History(source.snapshot, interval=5.0, clock=clock)
    for figures in (endpoint(3, active=2, utilisation=0.5), endpoint(10, 1, waiting=4), endpoint(10, 1)):
        endpoints[ORIGIN] = figures
        clock.now += 5.0
        history.tick()
        history.tick()  # too early
    past = history.past()
    assert past["endpoints"] == {
        ORIGIN: {
            "active": [2, 0, 0],
            "idle": [1, 1, 1],
            "waiting": [0, 4, 0],
            "utilisation": [0.5, 0.0, 0.0],
            "requests": [3, 7, 0],
            "errors": [0, 1, 0],
            "opened": [1, 0, 0],
            "connect": [0.03, None, None],
        }
    }
    assert (past["interval"], len(past["at"])) == (5.0, 3)
    json.dumps(past)


def test_an_endpoint_that_came_later_was_nothing_before() -> None:
    clock, source = Clock(), Made()
    endpoints = source.endpoints
    history = History(source.snapshot, interval=1.0, clock=clock)
    for name in ("a", "b"):
        endpoints[name] = endpoint(5)
        clock.now += 1.0
        history.tick()
    assert history.past()["endpoints"]["b"]["requests"] == [0, 5]


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    clock, source = Clock(), Made()
    endpoints = source.endpoints
    history = History(source.snapshot, interval=1.0, samples=4, clock=clock)
    for requests in range(1, 9):
        endpoints[ORIGIN] = endpoint(requests)
        clock.now += 1.0
        history.tick()
    past = history.past()
    assert past["endpoints"][ORIGIN]["requests"] == [1, 1, 1, 1]
    assert len(past["at"]) == 4


# --- health ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "status", "reason"),
    [
        (endpoint(0), "ok", None),
        (endpoint(100, 5, waiting=50, utilisation=0.9), "ok", None),
        (endpoint(100, 6), "degraded", "6 errors, 100 requests lately"),
        (endpoint(10, 10), "failing", "10 errors, 10 requests lately"),
        (endpoint(0, 1), "degraded", "1 errors, 0 requests lately"),
        (endpoint(10, waiting=51), "degraded", "51 requests wait for a connection"),
        (endpoint(10, waiting=1, utilisation=1.0), "degraded", "the connections are in use, and requests wait"),
        (endpoint(10, waiting=0, utilisation=1.0), "ok", None),
    ],
)
def test_an_endpoint_is_judged_by_errors_and_waiting(figures: EndpointFigures, status: str, reason: Any) -> None:
    source = Made()
    source.endpoints[ORIGIN] = figures
    source.history.tick()
    judged = health.connections(source.snapshot(), source.past(), time.time())
    assert judged["status"] == judged["endpoints"][ORIGIN]["status"] == status
    assert judged["endpoints"][ORIGIN]["reasons"] == ([] if reason is None else [reason])


def test_an_endpoint_that_found_no_answer_lately_is_failing() -> None:
    source = Made()
    source.endpoints[ORIGIN] = endpoint(1000, 3, failing=True)
    judged = health.connections(source.snapshot(), source.past(), time.time())["endpoints"][ORIGIN]
    assert (judged["status"], judged["reasons"]) == ("failing", ["the last requests found no answer"])


def test_what_went_wrong_long_ago_is_over() -> None:
    source = Made()
    source.at = 1_000_000.0
    source.endpoints[ORIGIN] = endpoint(10, 10)
    source.history.tick()

    def status_after(seconds: float) -> str:
        return str(health.connections(source.snapshot(), source.past(), 1_000_000.0 + seconds)["status"])

    assert status_after(LATELY - 1) == "failing"
    assert status_after(LATELY) == "ok", "whether or not anything was sampled since"
    source.at += LATELY + 60  # the machine slept, say: the samples before that are no younger for being the last
    source.history.tick()
    assert status_after(LATELY + 60) == "ok"


def test_a_provider_is_judged_by_how_its_requests_ended() -> None:
    requests = Counter("subai_requests_total", "R.", ("provider", "model", "outcome"))
    for provider, outcome, count in (
        ("good", "200", 99), ("good", "429", 1), ("good", "cancelled", 50), ("poor", "200", 9), ("poor", "500", 1),
        ("dead", "401", 1), ("dead", "connect", 2),
    ):  # fmt: skip
        requests.add(count, provider, "m", outcome)
    source = Made()
    source.metrics = [requests.family()]
    source.history.tick()
    judged = health.providers(source.snapshot(), source.past(), time.time())
    assert {name: one["status"] for name, one in judged["providers"].items()} == {
        "good": "ok", "poor": "degraded", "dead": "failing",
    }  # fmt: skip
    assert judged["providers"]["poor"]["error_rate"] == 0.1
    assert health.overall(source.snapshot(), source.past(), time.time())["status"] == "failing"
    judged = health.providers(source.snapshot(), source.past(), time.time() + LATELY)
    assert (judged["status"], judged["providers"]["dead"]["errors"]) == ("ok", 3)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([], "ok"),
        (["closed", "closed"], "ok"),
        (["closed", "cooling down"], "degraded"),
        (["half-open"], "degraded"),
        (["closed", "open"], "degraded"),
        (["disabled", "open"], "failing"),
    ],
)
def test_endpoints_are_judged_by_their_breakers(states: List[str], status: str) -> None:
    source = Made()
    source.breakers = [
        {"endpoint": f"https://{place}/v1", "origin": f"https://{place}:443", "state": state}
        for place, state in enumerate(states)
    ]
    judged = health.breakers(source.snapshot())
    assert (judged["status"], list(judged["endpoints"].values())) == (status, states)
    assert len(health.overall(source.snapshot(), source.past(), time.time())["reasons"]) == sum(
        one != "closed" for one in states
    )


# --- metrics --------------------------------------------------------------------------------------------------------


def exposition(*made: Any) -> List[str]:
    return prometheus.exposition([metric.family() for metric in made]).splitlines()


def test_a_counter_is_a_line_for_each_of_its_labels() -> None:
    counter = Counter("subai_x_total", "X\\y\nz.", ("a", "b"))
    counter.add(2, "plain", 'quote " back \\ line \n')
    counter.add(0.5, "é", "")
    assert exposition(counter) == [
        "# HELP subai_x_total X\\\\y\\nz.",
        "# TYPE subai_x_total counter",
        'subai_x_total{a="plain",b="quote \\" back \\\\ line \\n"} 2',
        'subai_x_total{a="é",b=""} 0.5',
    ]


def test_buckets_of_a_histogram_hold_the_smaller_ones_too() -> None:
    histogram = Histogram("subai_x_seconds", "X.", ("a",), (0.1, 1.0))
    for value in (0.05, 0.5, 0.5, 7.0):
        histogram.observe(value, "b")
    assert exposition(histogram)[2:] == [
        'subai_x_seconds_bucket{a="b",le="0.1"} 1',
        'subai_x_seconds_bucket{a="b",le="1.0"} 3',
        'subai_x_seconds_bucket{a="b",le="+Inf"} 4',
        'subai_x_seconds_sum{a="b"} 8.05',
        'subai_x_seconds_count{a="b"} 4',
    ]


def test_what_was_never_counted_is_left_out() -> None:
    assert prometheus.exposition([Counter("subai_x_total", "X.").family()]) == ""


def test_every_family_has_one_name_one_sentence_and_a_kind() -> None:
    found = families(full().snapshot())
    names = [family["name"] for family in found]
    assert len(set(names)) == len(names)
    for family in found:
        assert family["name"].startswith("subai_")
        assert family["help"].endswith(".")
        assert (family["kind"] == "counter") == family["name"].endswith("_total")
        assert family["samples"] or family["name"] == "subai_open_files"


# --- the process ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the others tell less")
def test_open_files_are_counted() -> None:
    before = process.figures()
    with open(__file__, "rb"):
        assert process.figures()["descriptors"] == (before["descriptors"] or 0) + 1
    assert (before["memory"] or 0) > 5_000_000


def test_what_a_system_does_not_tell_is_none_or_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    monkeypatch.setattr("os.listdir", missing)
    assert process.figures()["descriptors"] is None
    if sys.platform != "win32":
        assert (process.figures()["memory"] or 0) > 5_000_000
    monkeypatch.setitem(sys.modules, "resource", None)
    assert process.figures()["memory"] is None
