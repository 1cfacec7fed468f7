"""What a job may spend: set aside before each request, settled after it, and never more than the limit."""

import threading
from dataclasses import replace
from typing import List, Tuple

import pytest
from job_support import SPANISH, Heard, Running, check, lines, workers, wrong
from standin_faults import always, bad_key, cut_body, in_turn, stall, too_many
from waiting import until

from api.base import Usage
from cli.standin import Exchange, Pace, StandIn
from core.errors import ConfigError, KeyRefusedError
from translate.asking import Route
from translate.job import TranslationJob
from translate.prices import Price
from translate.purse import CostLimitError, Purse, Reservation
from translate.report import TRANSLATED

pytest_plugins = ("job_fixtures",)

DOLLAR = Price(1.0, 2.0)  # a dollar for a million tokens of prompt, two for the answer
THOUSANDTH = Usage(1000, 0)  # costs $0.001
FILM = lines(160)


# --- the purse --------------------------------------------------------------------------------------------------------


def test_what_was_used_replaces_what_was_set_aside() -> None:
    purse = Purse(limit=0.01)
    purse.settle(purse.reserve(Usage(1000, 1000), DOLLAR), Usage(500, 250))
    assert purse.spent == pytest.approx(0.001)


def test_no_two_requests_can_spend_the_same_money() -> None:
    purse = Purse(limit=0.0025)
    first, second = purse.reserve(THOUSANDTH, DOLLAR), purse.reserve(THOUSANDTH, DOLLAR)
    with pytest.raises(CostLimitError, match=r"\$0\.0000 of \$0\.0025"):
        purse.reserve(THOUSANDTH, DOLLAR)
    purse.settle(first, Usage(100, 0))
    purse.settle(second, Usage(100, 0))
    purse.reserve(THOUSANDTH, DOLLAR)


def test_the_limit_itself_may_be_spent() -> None:
    purse = Purse(limit=0.001)
    purse.settle(purse.reserve(THOUSANDTH, DOLLAR), THOUSANDTH)
    assert purse.spent == pytest.approx(0.001)
    with pytest.raises(CostLimitError):
        purse.reserve(Usage(1, 0), DOLLAR)


def test_what_earlier_runs_have_spent_counts_for_the_limit_and_not_for_this_run() -> None:
    purse = Purse(limit=0.0025, before=0.001)
    purse.settle(purse.reserve(THOUSANDTH, DOLLAR), THOUSANDTH)
    assert purse.spent == pytest.approx(0.001)
    with pytest.raises(CostLimitError, match=r"\$0\.0020 of \$0\.0025"):
        purse.reserve(THOUSANDTH, DOLLAR)


def test_a_model_that_is_known_to_think_is_paid_for_as_one_in_advance() -> None:
    purse = Purse(limit=0.01, swell=8.0)
    purse.reserve(THOUSANDTH, DOLLAR)
    with pytest.raises(CostLimitError):
        purse.reserve(THOUSANDTH, DOLLAR)


def test_an_answer_that_broke_off_costs_no_less_than_was_set_aside() -> None:
    """Anthropic tells of one token of the answer when it begins, and of all of them when it ends."""
    purse = Purse()
    purse.settle(purse.reserve(Usage(300, 250), DOLLAR), Usage(300, 1), broken_off=True)
    assert purse.spent == pytest.approx(DOLLAR.cost(Usage(300, 250)))
    purse.settle(purse.reserve(Usage(300, 250), DOLLAR), Usage(300, 400), broken_off=True)
    assert purse.spent == pytest.approx(DOLLAR.cost(Usage(600, 650)))


def test_what_was_refused_costs_nothing_and_is_not_told() -> None:
    told: List[Tuple[Usage, float]] = []
    purse = Purse(limit=0.001, on_spent=lambda usage, dollars: told.append((usage, dollars)))
    purse.settle(purse.reserve(THOUSANDTH, DOLLAR), Usage(), billed=False)
    assert (purse.spent, told) == (0.0, [])
    purse.settle(purse.reserve(THOUSANDTH, DOLLAR), THOUSANDTH)
    assert [usage for usage, _ in told] == [THOUSANDTH]
    assert told[0][1] == pytest.approx(0.001)


def test_a_provider_that_does_not_count_costs_the_estimate() -> None:
    purse = Purse(limit=0.01)
    purse.settle(purse.reserve(THOUSANDTH, DOLLAR), Usage())
    assert purse.spent == pytest.approx(0.001)


def test_a_model_that_takes_more_than_estimated_has_more_set_aside_from_then_on() -> None:
    purse = Purse(limit=0.01)
    purse.settle(purse.reserve(THOUSANDTH, DOLLAR), Usage(1000, 1000))
    assert purse.reserve(THOUSANDTH, DOLLAR).dollars == pytest.approx(0.003)
    assert purse.reserve(THOUSANDTH, replace(DOLLAR, input=2.0)).dollars == pytest.approx(0.002), "another model's"


def test_without_a_limit_an_unknown_price_is_no_matter_but_the_sum_is_unknown_too() -> None:
    purse = Purse()
    reservation = purse.reserve(THOUSANDTH, None)
    assert reservation == Reservation(THOUSANDTH, None, 0.0)
    purse.settle(reservation, THOUSANDTH)
    assert purse.spent is None


def test_a_limit_needs_a_price() -> None:
    with pytest.raises(ConfigError, match="price"):
        Purse(limit=1.0).reserve(THOUSANDTH, None)


def test_many_threads_never_pass_the_limit() -> None:
    purse = Purse(limit=0.1005)
    refused = []

    def spend() -> None:
        for _ in range(50):
            try:
                reservation = purse.reserve(THOUSANDTH, DOLLAR)
            except CostLimitError as error:
                refused.append(error)
            else:
                purse.settle(reservation, THOUSANDTH)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert purse.spent == pytest.approx(0.1)
    assert len(refused) == 8 * 50 - 100


# --- the purse of a job -----------------------------------------------------------------------------------------------


@pytest.fixture
def priced(way: Route) -> Route:
    """The way to ``standin``, which costs money."""
    return replace(way, price=DOLLAR)


@pytest.mark.parametrize("parallel", [1, 8])
@pytest.mark.parametrize("pace", [Pace(), Pace(tokens_per_second=20_000.0)])
def test_a_job_ends_before_its_limit_is_passed(
    parallel: int, pace: Pace, priced: Route, standin: StandIn, heard: Heard
) -> None:
    standin.pace = pace
    whole = Purse()
    check(FILM, TranslationJob(FILM, SPANISH, [priced], purse=whole).run())
    assert whole.spent
    purse = Purse(limit=whole.spent / 2)
    report = TranslationJob(FILM, SPANISH, [priced], parallel=parallel, purse=purse, on_event=heard).run()
    assert isinstance(report.stopped_by, CostLimitError)
    assert purse.spent is not None
    assert 0.25 * whole.spent < purse.spent <= 0.5 * whole.spent
    assert 0 < len(report.translated) < len(FILM)
    assert report.translated == heard.texts(TRANSLATED)
    assert (report.kept, wrong(FILM, report), workers()) == ({}, [], [])


def test_what_a_job_has_spent_is_what_was_counted(priced: Route) -> None:
    told: List[float] = []
    purse = Purse(on_spent=lambda usage, dollars: told.append(dollars))
    report = TranslationJob(FILM, SPANISH, [priced], purse=purse).run()
    assert purse.spent == pytest.approx(DOLLAR.cost(report.usage))
    assert sum(told) == pytest.approx(DOLLAR.cost(report.usage))


def test_a_limit_that_is_too_low_for_one_request_makes_none(priced: Route, standin: StandIn) -> None:
    report = TranslationJob(FILM, SPANISH, [priced], purse=Purse(limit=1e-9)).run()
    assert isinstance(report.stopped_by, CostLimitError)
    assert standin.stats().requests == 0


def test_a_refused_key_costs_nothing(priced: Route, standin: StandIn) -> None:
    standin.script = always(bad_key)
    purse = Purse(limit=1.0)
    report = TranslationJob(FILM, SPANISH, [priced], parallel=8, purse=purse).run()
    assert isinstance(report.stopped_by, KeyRefusedError)
    assert purse.spent == 0.0


def test_what_was_never_sent_costs_nothing(priced: Route, standin: StandIn) -> None:
    standin.stop()
    purse = Purse(limit=1.0)
    TranslationJob(FILM, SPANISH, [priced], purse=purse).run()
    assert purse.spent == 0.0


def test_waiting_for_a_429_to_end_costs_nothing_more(priced: Route, standin: StandIn) -> None:
    standin.script = in_turn(too_many(), None, too_many())
    purse = Purse(limit=1.0)
    report = TranslationJob(FILM, SPANISH, [priced], purse=purse).run()
    assert purse.spent == pytest.approx(DOLLAR.cost(report.usage))


def test_what_is_cancelled_while_it_waits_costs_nothing_more(priced: Route, standin: StandIn) -> None:
    standin.script = in_turn(None, *[too_many("retry-after", 60)] * 8)
    purse = Purse(limit=1.0)
    job = TranslationJob(FILM, SPANISH, [priced], parallel=4, purse=purse)
    running = Running(job)
    (member,) = priced.provider.group.members  # type: ignore[attr-defined]
    until(lambda: len(standin.log) >= 2 and member.breaker.in_flight == 0)
    report, _ = running.cancel()
    assert purse.spent == pytest.approx(DOLLAR.cost(report.usage))


def test_an_answer_that_was_cut_costs_its_estimate(priced: Route, standin: StandIn) -> None:
    cues = lines(4)
    standin.script = in_turn(cut_body)
    purse = Purse(limit=1.0)
    report = TranslationJob(cues, SPANISH, [priced], purse=purse).run()
    check(cues, report)
    assert purse.spent is not None
    assert purse.spent > 1.3 * DOLLAR.cost(report.usage), "the provider may well bill what it sent"


def test_an_answer_without_a_count_costs_its_estimate(priced: Route, standin: StandIn) -> None:
    def uncounted(exchange: Exchange) -> None:
        reply = exchange.reply()
        exchange.send(replace(reply, pieces=tuple(piece for piece in reply.pieces if b'"usage":{' not in piece[1])))

    standin.script = always(uncounted)
    purse = Purse(limit=1.0)
    report = TranslationJob(FILM, SPANISH, [priced], purse=purse).run()
    assert report.usage == Usage()
    assert purse.spent is not None
    assert purse.spent > 0.0


def test_a_cancel_gives_back_nothing_that_may_have_been_billed(priced: Route, standin: StandIn, heard: Heard) -> None:
    standin.script = lambda exchange: stall if exchange.number > 1 else None
    purse = Purse(limit=1.0)
    running = Running(TranslationJob(FILM, SPANISH, [priced], parallel=8, purse=purse, on_event=heard))
    until(lambda: standin.stats().in_flight == 8)
    report, _ = running.cancel()
    assert purse.spent is not None
    assert purse.spent > 3 * DOLLAR.cost(report.usage)


def test_a_second_route_has_its_own_price(priced: Route, standin: StandIn, second_way: Route) -> None:
    standin.script = always(bad_key)
    dear = Price(10.0, 20.0)
    purse = Purse(limit=10.0)
    report = TranslationJob(FILM, SPANISH, [priced, replace(second_way, price=dear)], purse=purse).run()
    assert purse.spent == pytest.approx(dear.cost(report.usage))
