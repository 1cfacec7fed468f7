"""What is counted of connections, requests and lines, and the log of events."""

import logging
import threading
from typing import Any, Deque, Dict, Iterator, List, Optional

import pytest
from support_server import Connect, Doing, Serve, closed_port, keep_alive, post, raw, saying, saying_and_staying
from waiting import until

from core import events, metrics, sizing
from core.cancel import CancelToken
from core.errors import CancelledError, ConnectError, ConnectionDroppedError, ReadTimeoutError, TransportError
from core.events import EventLog
from core.metrics import MOST_SERIES, OTHER, Counter, Histogram, model_label
from core.pool_stats import EndpointSnapshot, EndpointStats
from core.transport import Transport
from translate.align import Judged
from translate.tally import Tally

pytest_plugins = ["network_fixtures"]


# --- counters and histograms ----------------------------------------------------------------------------------------


def test_a_counter_keeps_each_combination_of_labels_apart() -> None:
    counter = Counter("subai_x_total", "X.", ("provider", "outcome"))
    counter.add(1, "a", "200")
    counter.add(2.5, "a", "200")
    counter.add(1, "a", "429")
    assert (counter.value("a", "200"), counter.value("a", "429"), counter.value("b", "200")) == (3.5, 1, 0)
    assert counter.family() == {
        "name": "subai_x_total",
        "kind": "counter",
        "help": "X.",
        "samples": [
            {"labels": {"provider": "a", "outcome": "200"}, "value": 3.5},
            {"labels": {"provider": "a", "outcome": "429"}, "value": 1},
        ],
    }


def test_a_value_on_a_bound_of_a_histogram_belongs_below_it() -> None:
    histogram = Histogram("subai_x_seconds", "X.", (), (0.1, 1.0))
    for value in (0.1, 0.2, 1.0, 7.0):
        histogram.observe(value)
    (sample,) = histogram.family()["samples"]
    assert sample == {"labels": {}, "bounds": [0.1, 1.0], "counts": [1, 2, 1], "sum": pytest.approx(8.3), "count": 4}


@pytest.mark.parametrize("labels", [(), ("a",), ("a", "b", "c")])
def test_too_few_or_too_many_labels_are_a_mistake_in_the_program(labels: Any) -> None:
    with pytest.raises(ValueError, match="subai_x_total"):
        Counter("subai_x_total", "X.", ("provider", "model")).add(1, *labels)


def test_whoever_comes_too_late_for_a_name_keeps_an_outcome() -> None:
    counter = Counter("subai_x_total", "X.", ("provider", "model", "outcome"))
    for number in range(MOST_SERIES):
        counter.add(1, "p", f"m{number}", "200")
    counter.add(1, "p", "late", "200")
    counter.add(1, "p", "later", "429")
    assert (counter.value("p", OTHER, "200"), counter.value("p", OTHER, "429")) == (1, 1)


def test_made_up_names_cannot_fill_the_memory() -> None:
    counter = Counter("subai_x_total", "X.", ("provider", "model"))
    histogram = Histogram("subai_x_seconds", "X.", ("model",), (1.0,))
    for number in range(3 * MOST_SERIES):
        counter.add(1, "p", f"m{number}")
        histogram.observe(2.0, f"m{number}")
    counter.add(1, "p", "m1")
    assert len(counter.family()["samples"]) == len(histogram.family()["samples"]) == MOST_SERIES + 1
    assert counter.value("p", "other") == 2 * MOST_SERIES
    assert counter.value("p", "m1") == 2
    assert sum(sample["value"] for sample in counter.family()["samples"]) == 3 * MOST_SERIES + 1


def test_counts_of_many_threads_add_up() -> None:
    counter, histogram = Counter("subai_x_total", "X.", ("n",)), Histogram("subai_x_seconds", "X.", ("n",), (1.0,))

    def count(number: int) -> None:
        for _ in range(2000):
            counter.add(1, str(number % 2))
            histogram.observe(0.5, str(number % 2))

    threads = [threading.Thread(target=count, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value("0") == counter.value("1") == 8000
    assert [sample["count"] for sample in histogram.family()["samples"]] == [8000, 8000]


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("gpt-5-mini", "gpt-5-mini"),
        ("openai/gpt-5-mini:free", "openai/gpt-5-mini:free"),
        ("/home/me/models/qwen3.gguf", "qwen3.gguf"),
        ("C:\\Users\\me\\qwen3.gguf", "qwen3.gguf"),
        ("../qwen3.gguf", "qwen3.gguf"),
        ("~/models/", "models"),
        (" /home/me/qwen3.gguf", "qwen3.gguf"),
        ("file:///home/me/qwen3.gguf", "qwen3.gguf"),
        ("hf://me/models/qwen3", "qwen3"),
        ("home/me/models/qwen3.gguf", "qwen3.gguf"),
        ("home/me/qwen3", "qwen3"),
        ("me/qwen3.GGUF", "qwen3.GGUF"),
        ("models\\me\\qwen3.gguf", "qwen3.gguf"),
        ("me\\qwen3", "qwen3"),
        ("meta-llama/llama-3.1-8b:free", "meta-llama/llama-3.1-8b:free"),
        ("qwen3.gguf", "qwen3.gguf"),
        ("x" * 500, "x" * 80),
        ("m\ud83d", "m?"),  # half a character, which no page can hold
    ],
)
def test_a_model_that_is_a_path_is_shown_without_its_folders(model: str, shown: str) -> None:
    assert model_label(model) == shown


# --- events ---------------------------------------------------------------------------------------------------------


def test_what_happens_all_the_time_does_not_push_out_what_happened_once() -> None:
    log = EventLog(kept=3)
    log.record(events.CONNECTION_POOL_CREATED, {"endpoint": "a"})
    for number in range(100):
        log.record(events.CONNECTION_REUSED, {"endpoint": str(number)})
    log.record(events.CONNECTION_CREATED, {"endpoint": "b"})
    assert [(event.name, event.about["endpoint"]) for event in log.latest()] == [
        ("connection_pool_created", "a"),
        ("connection_reused", "97"),
        ("connection_reused", "98"),
        ("connection_reused", "99"),
        ("connection_created", "b"),
    ]
    times = [event.at for event in log.latest()]
    assert times == sorted(times)


def test_an_event_is_plain_data_and_a_line_in_the_debug_log_but_not_for_each_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = EventLog()
    with caplog.at_level(logging.INFO, "subai"):
        log.record(events.CONNECTION_CREATED, {"endpoint": "http://a:1"})
    with caplog.at_level(logging.DEBUG, "subai"):
        log.record(events.CONNECTION_REUSED, {"endpoint": "http://a:1"})
        log.record(events.CONNECTION_RECYCLED, {"endpoint": "http://a:1", "reason": "max_age"})
    assert [record.getMessage() for record in caplog.records] == [
        "connection_recycled endpoint=http://a:1 reason=max_age"
    ]
    last = log.latest()[-1]
    assert last.as_data() == {
        "at": last.at, "event": "connection_recycled", "endpoint": "http://a:1", "reason": "max_age",
    }  # fmt: skip


def test_garbage_that_has_something_to_tell_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that nobody closed is collected wherever memory is asked for: in the midst of reading, too."""
    log, stats = EventLog(), EndpointStats("http://a:1")

    class Collecting(Deque[Any]):
        def __iter__(self) -> Iterator[Any]:
            log.record(events.CONNECTION_CLOSED, {"endpoint": "http://a:1"})
            return super().__iter__()

    log._latest[events.CONNECTION_CREATED] = Collecting()
    monkeypatch.setattr(sizing, "advice", lambda *_: stats.closed("ended"))
    reading = Doing(lambda: stats.snapshot(active=0, idle=0, waiting=0, utilisation=0.0))
    assert reading.join().result.closed == {}
    assert stats.snapshot(active=0, idle=0, waiting=0, utilisation=0.0).closed == {"ended": 1}
    assert [event.name for event in Doing(log.latest).join().result] == [events.CONNECTION_CLOSED]


def events_of(origin: str) -> List[str]:
    """What happened at an endpoint, in words, oldest first."""
    return [
        f"{event.name} {event.about.get('reason', event.about.get('kind', ''))}".strip()
        for event in events.EVENTS.latest()
        if event.about.get("endpoint") == origin
    ]


# --- connections ----------------------------------------------------------------------------------------------------


def figures(transport: Transport, origin: str) -> EndpointSnapshot:
    return transport.pool.stats()[origin]


def test_the_life_of_a_connection_is_a_row_of_events(serve: Serve, connect: Connect) -> None:
    server, transport = serve(), connect()
    for _ in range(3):
        transport.send(post(server))
    transport.pool.purge("woke_up")
    transport.send(post(server))
    transport.pool.close_all()
    assert events_of(server.origin) == [
        "connection_pool_created",
        "connection_created",
        "connection_reused",
        "connection_reused",
        "connection_recycled woke_up",
        "connection_created",
        "connection_closed pool_closed",
        "connection_pool_closed",
    ]


def test_a_pool_that_others_push_out_is_closed_too(serve: Serve, connect: Connect) -> None:
    first, second, transport = serve(), serve(), connect(num_pools=1)
    transport.send(post(first))
    transport.send(post(second))
    until(lambda: "connection_pool_closed" in events_of(first.origin))
    assert figures(transport, first.origin).closed == {"evicted": 1}
    assert events_of(first.origin).count("connection_pool_closed") == 1


def test_a_connection_that_is_too_old_is_closed_for_that(serve: Serve, connect: Connect) -> None:
    server, transport = serve(), connect(max_idle=0.5)
    transport.send(post(server))
    threading.Event().wait(0.6)
    transport.send(post(server))
    one = figures(transport, server.origin)
    assert (one.created, one.closed, one.recycled, one.open) == (2, {"max_idle": 1}, {"max_idle": 1}, 1)


def test_a_connection_that_the_server_closed_while_it_lay_idle_was_dropped(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying(raw()), keep_alive), connect()
    transport.send(post(server))
    until(lambda: figures(transport, server.origin).open == 1)
    threading.Event().wait(0.05)  # until the end of stream is here
    transport.send(post(server))
    one = figures(transport, server.origin)
    assert one.created == 2
    # The end of the stream comes before the request, or crosses it on the way.
    assert one.closed in ({"dropped": 1}, {"failed": 1})
    assert one.recycled == {"dropped": 1}


@pytest.mark.parametrize(
    ("script", "error", "reason"),
    [
        (saying(raw(b"fine", "200 OK", "Connection: close")), None, "ended"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Le"), ConnectionDroppedError, "ended"),
        (saying(b""), ConnectionDroppedError, "failed"),
        (saying_and_staying(), ReadTimeoutError, "failed"),
    ],
)
def test_a_connection_ends_with_its_answer_or_for_want_of_one(
    serve: Serve, connect: Connect, script: Any, error: Optional[type], reason: str
) -> None:
    server, transport = serve(script), connect(first_byte_timeout=0.5, read_timeout=0.5)
    if error is None:
        transport.send(post(server))
    else:
        with pytest.raises(error):
            transport.send(post(server))
    one = figures(transport, server.origin)
    assert (one.created, one.closed, one.open) == (1, {reason: 1}, 0)
    assert one.timeouts == (error is ReadTimeoutError)


def test_a_cancel_closes_the_connection_that_it_cuts(serve: Serve, connect: Connect) -> None:
    server, transport, cancel = serve(saying_and_staying()), connect(), CancelToken()
    doing = Doing(lambda: transport.send(post(server, provider="c", model="m", cancel=cancel)))
    until(lambda: figures(transport, server.origin).open == 1)
    cancel.cancel()
    assert isinstance(doing.join().error, CancelledError)
    assert figures(transport, server.origin).closed == {"cancelled": 1}
    assert metrics.REQUESTS.value("c", "m", "cancelled") == 1


def test_a_peer_that_refuses_opened_nothing(connect: Connect) -> None:
    transport, port = connect(), closed_port()
    with pytest.raises(ConnectError):
        transport.send(post(url=f"http://127.0.0.1:{port}/", provider="h", model="m"))
    one = figures(transport, f"http://127.0.0.1:{port}")
    assert (one.created, one.closed, one.errors) == (0, {}, {"connect": 1})
    assert metrics.REQUESTS.value("h", "m", "connect") == 1


def test_a_request_that_is_cancelled_in_the_line_is_cancelled_and_no_error(serve: Serve, connect: Connect) -> None:
    server, transport, cancel = serve(saying_and_staying()), connect(parallel=1), CancelToken()
    first = Doing(lambda: transport.send(post(server, provider="q", model="m", cancel=cancel)))
    until(lambda: figures(transport, server.origin).open == 1)
    second = Doing(lambda: transport.send(post(server, provider="q", model="m", cancel=cancel)))
    until(lambda: figures(transport, server.origin).waiting == 1)
    cancel.cancel()
    assert [type(doing.join().error) for doing in (first, second)] == [CancelledError] * 2
    assert metrics.REQUESTS.value("q", "m", "cancelled") == 2
    assert [outcome for outcome in outcomes_of("q") if outcome != "cancelled"] == []


def outcomes_of(provider: str) -> List[str]:
    samples = metrics.REQUESTS.family()["samples"]
    return [sample["labels"]["outcome"] for sample in samples if sample["labels"]["provider"] == provider]


@pytest.mark.parametrize("pooled", [True, False])
def test_a_connection_on_which_tls_fails_was_open_and_is_closed(
    serve: Serve, connect: Connect, request: pytest.FixtureRequest, pooled: bool
) -> None:
    if not pooled:
        request.getfixturevalue("no_urllib3")
    server, transport = serve(lambda peer: peer.send(b"no TLS here")), connect()
    with pytest.raises(TransportError):
        transport.send(post(url=server.url.replace("http:", "https:")))
    one = figures(transport, server.origin.replace("http:", "https:"))
    assert (one.created, one.closed, one.open, sum(one.handshake_histogram)) == (1, {"failed": 1}, 0, 0)


@pytest.mark.usefixtures("no_urllib3")
def test_without_a_pool_connections_are_counted_all_the_same(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive, saying(b""), keep_alive), connect()
    transport.send(post(server, provider="f"))
    with pytest.raises(ConnectionDroppedError):
        transport.send(post(server, provider="f"))
    with transport.open(post(server, provider="f")):
        assert figures(transport, server.origin).open == 1
    one = figures(transport, server.origin)
    assert (one.created, one.closed, one.open) == (3, {"ended": 2, "failed": 1}, 0)
    assert metrics.FALLBACKS.value("f") == 3
    assert events_of(server.origin).count("fallback_used") == 3


# --- requests and lines ---------------------------------------------------------------------------------------------


def test_requests_are_counted_by_how_they_ended_and_how_long_they_took(serve: Serve, connect: Connect) -> None:
    server, transport = serve(saying(raw(), raw(status="429 Slow down"), raw()), saying(b"")), connect()
    for _ in range(2):
        transport.send(post(server, provider="r", model="/models/m.gguf"))
    with transport.open(post(server, provider="r", model="/models/m.gguf")):
        assert metrics.REQUESTS.value("r", "m.gguf", "200") == 1  # the second one is not over yet
    with pytest.raises(ConnectionDroppedError):
        transport.send(post(server, provider="r", model="/models/m.gguf"))
    counted = {outcome: metrics.REQUESTS.value("r", "m.gguf", outcome) for outcome in ("200", "429", "dropped")}
    assert counted == {"200": 2, "429": 1, "dropped": 1}
    assert seconds_of("r")["count"] == 4


def seconds_of(provider: str) -> Dict[str, Any]:
    family = metrics.REQUEST_SECONDS.family()
    return next(sample for sample in family["samples"] if sample["labels"] == {"provider": provider})


def test_each_line_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter = Counter("subai_cues_total", "Lines.", ("outcome",))
    monkeypatch.setattr(metrics, "CUES", counted)
    heard: List[object] = []
    tally = Tally(5, {0: "uno", 1: "dos"}, heard.append)
    for state in ("provisional", "accepted", "accepted"):
        tally.judged(2, Judged(0, "tres", state))
    tally.judged(3, Judged(0, "cuatro", "failed", "empty"))
    tally.keep(3, "empty")
    assert [counted.value(outcome) for outcome in ("remembered", "translated", "kept")] == [2, 1, 1]


def test_figures_of_nothing_are_nothing() -> None:
    one = EndpointStats().snapshot(active=0, idle=0, waiting=0, utilisation=0.0)
    assert (one.open, one.timeouts, one.reuse_rate, one.handshake_seconds) == (0, 0, 0.0, 0.0)
