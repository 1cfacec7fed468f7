"""A film on a provider of which three answers in ten are bad: nothing wrong, nothing lost, next to nothing kept."""

from typing import Sequence

import pytest
from job_support import SPANISH, wrong
from standin_faults import (
    FILM_FAULTS,
    close_after_answer,
    close_before_answer,
    cut_body,
    cut_headers,
    merge_and_renumber,
    mixed,
    reset_connection,
    shifted_values,
)

from benchmarks.films import make_cues
from cli.standin import Fault, StandIn
from translate.asking import Route
from translate.job import TranslationJob
from translate.report import JobReport

pytest_plugins = ("job_fixtures",)

FILM = make_cues(1300)
#: How a connection ends that does not end well.
BREAKS = (close_before_answer, close_after_answer, reset_connection, cut_headers, cut_body)
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 11))]
#: What can be kept of 1,300 cues: a hundredth.
MOST_KEPT = 13
#: A film takes 23 requests when nothing goes wrong.
MOST_REQUESTS = 60


def translate(way: Route, standin: StandIn, faults: Sequence[Fault], seed: int, rate: float = 0.3) -> JobReport:
    """The film, and what must hold of it however bad the answers are."""
    standin.script = mixed(rate, seed, faults)
    report = TranslationJob(FILM, SPANISH, [way], parallel=4).run()
    assert report.stopped_by is None
    assert {**report.translated, **report.kept}.keys() == {cue.index for cue in FILM}
    assert not report.translated.keys() & report.kept.keys()
    return report


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_film_nothing_is_wrong_or_lost_and_at_most_a_hundredth_kept(
    seed: int, way: Route, standin: StandIn
) -> None:
    report = translate(way, standin, FILM_FAULTS, seed)
    assert wrong(FILM, report) == []
    assert len(report.kept) <= MOST_KEPT
    assert standin.stats().requests <= MOST_REQUESTS


@pytest.mark.parametrize("fault", FILM_FAULTS)
@pytest.mark.long
def test_none_of_the_faults_alone_costs_a_line(fault: Fault, way: Route, standin: StandIn) -> None:
    report = translate(way, standin, [fault], seed=11)
    assert wrong(FILM, report) == []
    assert len(report.kept) <= MOST_KEPT


@pytest.mark.parametrize("fault", [merge_and_renumber, shifted_values])
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.long
def test_no_run_of_shifted_lines_gets_through(fault: Fault, seed: int, way: Route, standin: StandIn) -> None:
    """A model that merges two lines and renumbers the rest is wrong from there on, with every key but the last.

    The last two lines of an answer are the hardest to tell: of 78,000 lines one that was told twice got through.
    """
    report = translate(way, standin, [fault], seed)
    assert len(wrong(FILM, report)) <= 1
    assert len(report.kept) <= MOST_KEPT


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.long
def test_not_even_when_most_answers_are_bad(seed: int, way: Route, standin: StandIn) -> None:
    report = translate(way, standin, [*FILM_FAULTS, merge_and_renumber, shifted_values], seed, rate=0.8)
    assert len(wrong(FILM, report)) <= 1


@pytest.mark.parametrize("rate", [0.05, 0.2])
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.long
def test_connections_that_break_cost_no_line(seed: int, rate: float, way: Route, standin: StandIn) -> None:
    report = translate(way, standin, BREAKS, seed, rate)
    assert (wrong(FILM, report), report.kept) == ([], {})
