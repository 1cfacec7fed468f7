"""What is counted of the requests to a provider: tries, waits, tokens, money, and the states of its endpoint."""

from typing import Dict, Optional

import pytest
from api_support import KEY, Script, chat, openai_delta, openai_error, openai_reply, respond, sse

from api.base import Usage
from core import events, metrics
from core.circuit_breaker import CircuitBreaker
from core.config import BreakerConfig
from core.endpoint_group import EndpointGroup
from core.endpoints import Target
from core.errors import (
    CancelledError,
    ConfigError,
    EmptyAnswerError,
    KeyRefusedError,
    OverloadedError,
    ProxyError,
    ReadTimeoutError,
    ServerError,
    SubAIError,
    kind_of,
)
from core.limits import Limits
from core.metrics import Counter
from core.minute_budget import MinuteBudget, Spending
from core.rate_headers import Level
from core.rate_limit import RateLimiter
from core.transport import Transport
from status import snapshot
from translate.prices import Price
from translate.purse import Purse

pytest_plugins = ["api_fixtures"]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Dict[str, Counter]:
    """Counters in which nothing was counted before, by their names in ``core.metrics``."""
    fresh = {}
    for name, metric in vars(metrics).items():
        if isinstance(metric, Counter):
            fresh[name] = Counter(metric.name, metric.help, metric.labels)
    for name, counter in fresh.items():
        monkeypatch.setattr(metrics, name, counter)
    return fresh


def values(counter: Counter) -> Dict[str, float]:
    """Label values, with blanks between -> the sum."""
    return {" ".join(sample["labels"].values()): sample["value"] for sample in counter.family()["samples"]}


def latest(name: str) -> Dict[str, object]:
    return next(dict(event.about) for event in reversed(events.EVENTS.latest()) if event.name == name)


# --- tries ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_retry")
def test_each_try_is_counted_and_why_there_was_another(script: Script, counted: Dict[str, Counter]) -> None:
    script.says(respond(openai_error("Busy."), 503), openai_reply("Hola"))
    script.provider("compatible").complete(chat(model="m1"))
    assert values(counted["REQUESTS"]) == {"compatible m1 503": 1, "compatible m1 200": 1}
    assert values(counted["RETRIES"]) == {"compatible 503": 1}
    assert values(counted["HINTS"]) == {}
    assert latest("request_repeated") == {"provider": "compatible", "reason": "503"}


@pytest.mark.usefixtures("one_retry")
def test_a_pause_that_was_asked_for_is_heeded_and_counted(script: Script, counted: Dict[str, Counter]) -> None:
    script.says(respond(openai_error("Slow down."), 429, {"retry-after-ms": "30"}), openai_reply("Hola"))
    script.provider("compatible").complete(chat())
    assert values(counted["RETRIES"]) == {"compatible 429": 1}
    assert values(counted["HINTS"]) == {"compatible": 1}
    assert values(counted["LIMIT_WAITS"]) == {"compatible": 1}
    assert 0.01 < values(counted["LIMIT_WAIT_SECONDS"])["compatible"] < 5.0
    assert latest("endpoint_cooling_down") == {"endpoint": script.url, "before": "closed"}


@pytest.mark.usefixtures("one_retry")
def test_what_is_final_is_no_retry(script: Script, counted: Dict[str, Counter]) -> None:
    script.says(respond(openai_error("No such key."), 401))
    with pytest.raises(KeyRefusedError):
        script.provider("compatible").complete(chat())
    assert values(counted["RETRIES"]) == {}
    assert latest("endpoint_disabled")["endpoint"] == script.url


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ServerError("Oops.", status=500), "500"),
        (OverloadedError("Busy."), "not_sent"),
        (ReadTimeoutError("Late."), "read_timeout"),
        (ProxyError("No.", status=407), "proxy"),
        (EmptyAnswerError("Nothing.", status=200), "empty"),
        (CancelledError("Cancelled."), "cancelled"),
        (ConfigError("No."), "not_sent"),
    ],
)
def test_an_error_is_kept_under_one_word(error: SubAIError, kind: str) -> None:
    assert kind_of(error) == kind


# --- tokens and money -----------------------------------------------------------------------------------------------


def test_tokens_are_counted_as_the_provider_counts_them(script: Script, counted: Dict[str, Counter]) -> None:
    script.says(openai_reply("Hola"))
    provider = script.provider("compatible")
    for _ in range(2):
        provider.complete(chat(model="/models/m.gguf"))
    assert values(counted["TOKENS"]) == {"compatible m.gguf prompt": 22, "compatible m.gguf completion": 14}


def test_the_tokens_of_a_stream_are_counted_once_however_often_it_is_closed(
    script: Script, counted: Dict[str, Counter]
) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}
    script.says(sse(openai_delta("Hola", "stop"), usage, "[DONE]"))
    with script.provider("compatible").stream(chat()) as stream:
        assert list(stream) == ["Hola"]
    assert values(counted["TOKENS"]) == {"compatible m prompt": 11, "compatible m completion": 7}


def test_money_is_counted_where_its_price_is_known(counted: Dict[str, Counter]) -> None:
    purse, usage = Purse(), Usage(1000, 500)
    for price in (None, Price(1.0, 2.0)):
        cost = purse.settle(purse.reserve(usage, price), usage)
        metrics.cost("p", "m", cost)
    assert purse.settle(purse.reserve(usage, Price(1.0, 2.0)), usage, billed=False) == 0.0
    assert values(counted["COST"]) == {"p m": pytest.approx(Price(1.0, 2.0).cost(usage))}


# --- the states of an endpoint --------------------------------------------------------------------------------------


def test_a_breaker_tells_where_it_goes(counted: Dict[str, Counter]) -> None:
    now = [0.0]
    breaker = CircuitBreaker("https://a/v1", BreakerConfig(), lambda: now[0])

    def send(error: Optional[SubAIError] = None) -> None:
        turn, _ = breaker.take("", last=False)
        breaker.announce()
        assert turn is not None
        if error is None:
            turn.answered(200)
        else:
            turn.failed(error)
        turn.over()

    for _ in range(BreakerConfig().failures_in_a_row):
        send(ServerError("Oops.", status=500))
    now[0] += 1000.0
    send()
    told = [event for event in events.EVENTS.latest() if event.about.get("endpoint") == "https://a/v1"]
    assert [event.name for event in told] == ["breaker_opened", "breaker_half_open", "breaker_closed"]
    assert values(counted["BREAKER_OPENINGS"]) == {"https://a/v1": 1}


@pytest.mark.usefixtures("one_retry")
def test_a_snapshot_has_the_state_and_the_budgets_of_each_endpoint(script: Script, api_transport: Transport) -> None:
    script.says(openai_reply("Hola"))
    provider = script.provider("compatible")
    provider.group.limit(Limits(requests_per_minute=4, requests_per_day=8), lambda place: None)
    provider.complete(chat(tokens=10))
    provider.complete(chat(tokens=10))
    taken = snapshot.take(api_transport.pool, groups=[provider.group])
    origin = next(iter(taken["endpoints"]))
    mine = {"endpoint": script.url, "origin": origin, "state": "closed"}
    assert taken["breakers"] == [mine]
    assert taken["limits"] == [
        {"endpoint": script.url, "budget": "requests", "used": 0.5},
        {"endpoint": script.url, "budget": "requests_per_day", "used": 0.25},
    ]
    assert KEY not in repr(taken)


def test_an_endpoint_may_be_called_anything(api_transport: Transport) -> None:
    group = EndpointGroup([Target("an-id-of-its-own", label="the box in the cellar")])
    (told,) = snapshot.take(api_transport.pool, groups=[group])["breakers"]
    assert (told["endpoint"], told["origin"]) == ("the box in the cellar", "")


def test_a_provider_that_is_not_asked_any_more_is_an_event(script: Script) -> None:
    script.provider("compatible").close()
    assert latest("provider_closed") == {"provider": "compatible"}


# --- how much of a budget is used -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "now", "used"),
    [
        (Level(left=40, capacity=100, rate=1.0, at=10.0, reset=60.0), 10.0, 0.6),
        (Level(left=40, capacity=100, rate=1.0, at=10.0, reset=60.0), 40.0, 0.3),
        (Level(left=40, capacity=100, rate=1.0, at=10.0, reset=60.0), 500.0, 0.0),
        (Level(left=40, capacity=100, rate=0.0, at=10.0, reset=60.0), 69.0, 0.6),
        (Level(left=40, capacity=100, rate=0.0, at=10.0, reset=60.0), 70.0, 0.0),
    ],
)
def test_what_the_headers_told_comes_back_with_time(level: Level, now: float, used: float) -> None:
    assert level.used(now) == pytest.approx(used)


def test_of_two_limits_the_nearer_one_counts() -> None:
    budget = MinuteBudget(10, 0)
    for _ in range(3):
        budget.spend(Spending(100, 50.0))
    assert budget.used(60.0) == {"requests": 0.3}
    budget.observe(
        {
            "requests": Level(left=50, capacity=100, rate=0.0, at=50.0, reset=60.0),
            "tokens": Level(left=900, capacity=1000, rate=0.0, at=50.0, reset=60.0),
        }
    )
    assert budget.used(60.0) == pytest.approx({"requests": 0.5, "tokens": 0.1})
    assert budget.used(200.0) == {"requests": 0.0, "tokens": 0.0}


def test_without_a_limit_nothing_of_it_is_used() -> None:
    assert RateLimiter().used() == {}
