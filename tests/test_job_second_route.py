"""A second provider, or key, takes over what the first refuses, and all of it when the first is lost."""

import pytest
from job_support import SPANISH, Heard, batches, check, leaving_blank, lines, route, saying, texts, where
from standin_faults import always, bad_key, blocked_prompt, failing, in_turn, no_credit, null_content, too_many

from cli.standin import Fault, StandIn
from core.errors import AnswerError, QuotaError
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.ladder import PATIENCE
from translate.report import KEPT, TRANSLATED
from translate.standing import HOPELESS_AFTER

pytest_plugins = ("job_fixtures",)

FILM = saying(lines(160), {137: "Something unspeakable, 137 times."})


def test_only_the_cue_that_the_first_blocks_goes_to_the_second(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.script = where("unspeakable", blocked_prompt)
    report = TranslationJob(FILM, SPANISH, [way, second_way]).run()
    check(FILM, report)
    assert texts(second_standin) == ["Something unspeakable, 137 times."]
    assert second_standin.log[0].model == "other"
    assert report.notices == ()


def test_what_the_first_cannot_do_goes_to_the_second(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn, heard: Heard
) -> None:
    standin.script = always(leaving_blank("Line 7 "))
    check(FILM, TranslationJob(FILM, SPANISH, [way, second_way], on_event=heard).run())
    assert texts(second_standin) == [FILM[7].text]
    assert KEPT not in heard.states(7)


def test_what_neither_can_do_is_kept_with_the_last_reason(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.script = where("unspeakable", blocked_prompt)
    second_standin.script = always(leaving_blank("unspeakable"))
    report = TranslationJob(FILM, SPANISH, [way, second_way]).run()
    check(FILM, report, kept=[137])
    assert report.kept == {137: "empty"}


@pytest.mark.parametrize("fault", [bad_key, no_credit, failing, too_many()])
def test_when_the_first_is_lost_the_second_does_it_all(
    fault: Fault, way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.script = always(fault)
    report = TranslationJob(FILM, SPANISH, [way, second_way], parallel=8).run()
    check(FILM, report)
    assert standin.stats().requests <= (1 if fault in (bad_key, no_credit) else 10)
    assert sorted(texts(second_standin)) == sorted(cue.text for cue in FILM)
    (notice,) = report.notices
    assert "Going on with the server" in notice


def test_a_first_that_is_not_there_costs_no_cue(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.stop()
    check(FILM, TranslationJob(FILM, SPANISH, [way, second_way], parallel=8).run())


@pytest.mark.parametrize("fault", [no_credit, bad_key, failing])
def test_the_second_goes_on_where_the_first_ends(
    fault: Fault, way: Route, standin: StandIn, second_way: Route, second_standin: StandIn, heard: Heard
) -> None:
    standin.script = lambda exchange: fault if exchange.number > 3 else None
    report = TranslationJob(FILM, SPANISH, [way, second_way], parallel=8, on_event=heard).run()
    check(FILM, report)
    assert heard.texts(TRANSLATED) == report.translated
    done = {text for batch in batches(standin)[:3] for text in batch.values()}
    assert done.isdisjoint(texts(second_standin)), "paid for twice"
    assert len(report.notices) == 1


def test_when_both_are_lost_the_job_ends_with_what_the_second_said(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.script = always(bad_key)
    second_standin.script = in_turn(None, *[no_credit] * 50)
    report = TranslationJob(FILM, SPANISH, [way, second_way], parallel=8).run()
    assert isinstance(report.stopped_by, QuotaError)
    assert report.kept == {}
    assert 0 < len(report.translated) < len(FILM)
    assert standin.stats().requests == 1
    assert second_standin.stats().requests <= 1 + 8


def test_a_second_that_is_lost_does_not_end_the_first(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    culprits = (20, 90, 137)
    cues = saying(FILM, {at: f"Something unspeakable, {at} times." for at in culprits})
    standin.script = where("unspeakable", blocked_prompt)
    second_standin.script = always(bad_key)
    report = TranslationJob(cues, SPANISH, [way, second_way], parallel=1).run()
    check(cues, report, kept=culprits)
    assert second_standin.stats().requests == 1
    assert len(report.notices) == 1


def test_a_first_whose_model_is_hopeless_is_not_paid_for_the_whole_film(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.script = always(null_content)
    report = TranslationJob(FILM, SPANISH, [way, second_way], parallel=1).run()
    check(FILM, report)
    assert standin.stats().requests <= HOPELESS_AFTER * PATIENCE
    assert "did not give one usable answer" in report.notices[0]


def test_a_second_that_cannot_do_the_hard_lines_either_still_takes_over(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    hard = range(0, 240, 10)
    cues = saying(lines(300), {at: f"Unspeakable {at}." for at in hard})
    block = where("Unspeakable", blocked_prompt)
    standin.script = lambda exchange: no_credit if "Unspeakable 230." in texts(second_standin) else block(exchange)
    second_standin.script = block
    check(cues, TranslationJob(cues, SPANISH, [way, second_way], parallel=1).run(), kept=hard)


def test_when_both_models_are_hopeless_the_job_says_so(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    standin.script = second_standin.script = always(null_content)
    report = TranslationJob(lines(700), SPANISH, [way, second_way], parallel=1).run()
    assert isinstance(report.stopped_by, AnswerError)
    assert "other did not give" in report.stopped_by.user_message
    assert second_standin.stats().requests <= HOPELESS_AFTER * PATIENCE


def test_another_key_of_the_same_provider_is_another_route(standin: StandIn, key: str, transport: Transport) -> None:
    dead = route(standin, "sk-of-yesterday", transport)
    report = TranslationJob(FILM, SPANISH, [dead, route(standin, key, transport)], parallel=8).run()
    check(FILM, report)
    keys = [record.headers["authorization"].split()[1] for record in standin.log]
    assert keys.count("sk-of-yesterday") == 1


def test_both_answer_at_once_when_both_are_needed(
    way: Route, standin: StandIn, second_way: Route, second_standin: StandIn
) -> None:
    """Half of all cues are blocked by the first."""
    blocked = {at: f"Unspeakable {at}." for at in range(0, 60, 2)}
    cues = saying(lines(60), blocked)
    standin.script = where("Unspeakable", blocked_prompt)
    check(cues, TranslationJob(cues, SPANISH, [way, second_way], parallel=4).run())
