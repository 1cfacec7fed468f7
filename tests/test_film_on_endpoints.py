"""A film on several real servers or keys: one dies, one is slow, one throttles; no line is lost and nobody notices."""

import threading
from contextlib import ExitStack
from typing import Iterator, List, Optional

import pytest
from job_support import SPANISH, batches, check, lines
from standin_faults import always, close_before_answer, cut_body, no_credit, quota_spent, reset_connection, too_many
from waiting import until

import api
from api.base import ChatRequest, Message
from api.http_provider import HTTPProvider
from cli.standin import Exchange, Fault, Pace, StandIn
from core.breaker_state import CLOSED, DISABLED, OPEN
from core.connection_pool import ConnectionPoolManager
from core.endpoint_group import BALANCES, LEAST_LOADED, ROUND_ROBIN, STICKY
from core.errors import KeyRefusedError, SubAIError, TransportError
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.report import JobReport

pytest_plugins = ("job_fixtures",)

FILM = lines(1200)
PARALLEL = 8
OTHER_KEY = "sk-other-9Qw3Er5Ty7Ui1Op2As4Df6Gh"


class Dying:
    """A script: so many requests are answered, then every connection is reset."""

    def __init__(self, answers: int) -> None:
        self.answers = answers
        self.failures = 0

    def __call__(self, exchange: Exchange) -> Optional[Fault]:
        if exchange.number <= self.answers:
            return None
        self.failures += 1
        return reset_connection


def throttling(exchange: Exchange) -> Optional[Fault]:
    """Every third request is told to wait a little."""
    return too_many("retry-after-ms", 0.05) if exchange.number % 3 == 0 else None


@pytest.fixture
def three(key: str) -> Iterator[List[StandIn]]:
    """Three servers."""
    with ExitStack() as stack:
        yield [stack.enter_context(StandIn(keys={key, OTHER_KEY})) for _ in range(3)]


def provider_of(standins: List[StandIn], keys: str, transport: Transport, balance: str = STICKY) -> HTTPProvider:
    urls = ",".join(standin.openai_base_url for standin in standins)
    provider = api.create("compatible", api_key=keys, base_url=urls, transport=transport, balance=balance)
    provider.forget_refusals()
    return provider


def translate(provider: HTTPProvider) -> JobReport:
    return TranslationJob(FILM, SPANISH, [Route(provider, "m")], parallel=PARALLEL).run()


def states(provider: HTTPProvider) -> List[str]:
    return [state for _, state in provider.group.states()]


def answered(standin: StandIn) -> List[str]:
    """The texts that came back, as often as they did."""
    good = [record.status == 200 for record in standin.log]
    return [text for batch, whole in zip(batches(standin), good) if whole for text in batch.values()]


# --- servers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("dying_place", [0, 1, 2])
def test_one_dies_one_is_slow_one_throttles_and_no_line_is_lost(
    dying_place: int, balance: str, three: List[StandIn], key: str, transport: Transport
) -> None:
    dying = Dying(2)
    bad, slow, busy = three[dying_place], three[dying_place - 1], three[dying_place - 2]
    bad.script, busy.script, slow.pace = dying, throttling, Pace(first_token=0.05)
    report = translate(provider_of(three, key, transport, balance))
    check(FILM, report)
    assert report.notices == ()
    # Traffic moves within one failure: whatever failed at one was answered by another, and no line was asked for twice.
    assert sorted(text for standin in three for text in answered(standin)) == sorted(cue.text for cue in FILM)
    assert dying.failures <= 5 + PARALLEL


def test_a_server_that_is_gone_for_good_is_left_alone_after_a_few_requests(
    three: List[StandIn], key: str, transport: Transport
) -> None:
    three[0].stop()
    provider = provider_of(three, key, transport, ROUND_ROBIN)
    check(FILM, translate(provider))
    assert states(provider) == [OPEN, CLOSED, CLOSED] or states(provider) == [CLOSED] * 3


def test_a_film_begins_on_the_first_server_and_goes_on_where_it_had_to_move(
    three: List[StandIn], key: str, transport: Transport
) -> None:
    dying = Dying(3)
    three[0].script = dying
    provider = provider_of(three[:2], key, transport)
    check(FILM, translate(provider))
    first, second = (standin.stats().requests for standin in three[:2])
    assert first == 3 + dying.failures
    assert second > 3


def test_answers_that_break_off_count_against_a_server(three: List[StandIn], key: str, transport: Transport) -> None:
    """They begin well, so only whoever reads them sees it; their lines are asked for again."""
    three[0].script = always(cut_body)
    provider = provider_of(three[:2], key, transport)
    check(FILM, translate(provider))
    assert states(provider)[0] == OPEN
    assert three[0].stats().requests <= 5 + PARALLEL


def test_a_server_that_comes_back_is_used_again(three: List[StandIn], key: str, transport: Transport) -> None:
    three[0].script = always(close_before_answer)
    provider = provider_of(three[:2], key, transport, ROUND_ROBIN)
    check(FILM, translate(provider))
    while states(provider)[0] != OPEN:
        provider.ask("Hello", "m")
    three[0].script = None
    three[0].reset()
    provider.group._members[0].breaker._known.open_until = 0.0  # the time is over
    check(FILM, translate(provider))
    assert states(provider) == [CLOSED, CLOSED]
    assert three[0].stats().requests > 3


def test_slow_servers_get_fewer_requests_where_the_load_decides(
    three: List[StandIn], key: str, transport: Transport
) -> None:
    three[0].pace = Pace(first_token=0.3)
    provider = provider_of(three, key, transport, LEAST_LOADED)
    for _ in range(3):
        provider.ask("Hello", "m")
    check(FILM, translate(provider))
    slow, *quick = (standin.stats().requests for standin in three)
    assert slow <= min(quick)


def test_streams_that_are_read_to_their_end_leave_no_load_behind(
    three: List[StandIn], key: str, transport: Transport
) -> None:
    provider = provider_of(three, key, transport, LEAST_LOADED)
    check(FILM, translate(provider))
    with provider.stream(ChatRequest("m", (Message("user", "Hello"),))):
        assert [member.breaker.in_flight for member in provider.group._members].count(1) == 1
    assert [member.breaker.in_flight for member in provider.group._members] == [0, 0, 0]


def test_warming_up_opens_one_connection_to_the_first_that_is_there(
    three: List[StandIn], key: str, transport: Transport
) -> None:
    three[0].stop()
    provider = provider_of(three, key, transport)
    provider.warm_up()
    until(lambda: [standin.stats().connections for standin in three[1:]] == [1, 0])
    for standin in three[1:]:
        standin.stop()
    with pytest.raises(TransportError):
        provider.warm_up()


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("balance", BALANCES)
def test_a_dead_key_of_two_is_told_once_and_the_other_translates_the_film(
    balance: str, standin: StandIn, key: str, transport: Transport
) -> None:
    dead = "sk-dead-7Jq2Vx9LmZ4TbR8wKc5NhY3dQ"
    provider = provider_of([standin], f"{dead},{key}", transport, balance)
    report = translate(provider)
    check(FILM, report)
    (notice,) = report.notices
    assert notice.startswith(f"{standin.openai_base_url}, key 1 of 2: The server refused the key (401).")
    assert dead[:8] not in notice
    assert sum(record.status == 401 for record in standin.log) == 1
    assert states(provider) == [DISABLED, CLOSED]
    assert translate(provider).notices == ()


@pytest.mark.parametrize(("fault", "state"), [(no_credit, DISABLED), (quota_spent, CLOSED)])
def test_a_key_that_runs_out_in_the_middle_leaves_the_rest_to_the_other(
    fault: Fault, state: str, three: List[StandIn], key: str, transport: Transport
) -> None:
    left = iter([None] * 4)
    lock = threading.Lock()

    def script(exchange: Exchange) -> Optional[Fault]:
        if exchange.dialect.key_in(exchange.request) != key:
            return None
        with lock:
            return next(left, fault)

    three[0].script = script
    provider = provider_of(three[:1], f"{key},{OTHER_KEY}", transport)
    report = translate(provider)
    check(FILM, report)
    (notice,) = report.notices
    assert "key 1 of 2: The quota or the credit at the server is used up" in notice
    assert states(provider) == [state, CLOSED]


def test_when_no_key_is_left_the_job_ends_with_what_was_said_last(standin: StandIn, transport: Transport) -> None:
    report = translate(provider_of([standin], "sk-dead-one-0123456,sk-dead-two-0123456", transport))
    assert isinstance(report.stopped_by, KeyRefusedError)
    assert [notice.partition(":")[2].startswith("//") for notice in report.notices] == [True]
    assert standin.stats().requests == 2


# --- connections that fail --------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("servers", [1, 2])
def test_with_one_connection_in_twenty_failing_nobody_sees_an_error(
    servers: int, three: List[StandIn], key: str
) -> None:
    """2,000 requests with the usual settings."""
    faults = (reset_connection, close_before_answer)
    for standin in three:
        standin.script = lambda exchange: faults[exchange.number // 20 % 2] if exchange.number % 20 == 0 else None
    errors: List[SubAIError] = []
    with ConnectionPoolManager() as pool:
        provider = provider_of(three[:servers], key, Transport(pool, parallel=PARALLEL), ROUND_ROBIN)

        def work() -> None:
            for _ in range(2000 // PARALLEL):
                try:
                    provider.ask("Hello", "m")
                except SubAIError as error:
                    errors.append(error)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(PARALLEL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    failed = sum(record.status == 0 for standin in three for record in standin.log)
    assert failed >= 100
    assert errors == []
