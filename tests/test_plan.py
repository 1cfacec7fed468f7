"""The plan: order from the playhead, sizes of batches, budgets of requests, seeks, and the time it makes possible."""

import random
import threading
from typing import Iterator, List, Optional, Sequence

import pytest
from simulated_workers import Line, film, run

from translate.plan import MOST, SCENE_GAP, SIZES, Batch, Plan, requests_for_film, sizes_for


def drain(plan: Plan) -> List[Batch]:
    return list(iter(plan.next, None))


def steady(cues: int, seconds: float = 5.0) -> List[Line]:
    """A cue each ``seconds``, without a change of scene."""
    return [Line(index, index * seconds, index * seconds + seconds - 1.0) for index in range(cues)]


def given(batches: Sequence[Batch]) -> List[int]:
    return [index for batch in batches for index in batch.indices]


def test_every_cue_is_given_out_once_and_in_the_order_of_the_film() -> None:
    plan = Plan(film(1300))
    assert given(drain(plan)) == list(range(1300))
    assert plan.done
    assert len(plan) == 0
    assert plan.next() is None


def test_batches_grow_from_the_first_few_cues_on() -> None:
    assert [len(plan_batch.indices) for plan_batch in drain(Plan(steady(1300)))][:5] == [4, 12, 40, 100, 100]


def test_the_first_batch_begins_with_the_cue_on_the_screen() -> None:
    first = Plan(steady(1000), position=2502.0).next()
    assert first is not None
    assert (first.indices, first.kind) == ((500, 501, 502, 503), "first")


def test_between_two_cues_the_next_one_comes_first() -> None:
    first = Plan(steady(1000), position=2504.5).next()
    assert first is not None
    assert first.indices[0] == 501


def test_of_two_cues_on_the_screen_the_earlier_one_comes_first() -> None:
    lines = [Line(0, 0.0, 1.0), Line(1, 10.0, 30.0), Line(2, 12.0, 20.0), Line(3, 25.0, 28.0)]
    first = Plan(lines, position=15.0).next()
    assert first is not None
    assert first.indices == (1, 2, 3)


def test_what_lies_ahead_of_the_playhead_comes_before_what_lies_behind() -> None:
    batches = drain(Plan(steady(1000), position=3000.0))
    order = given(batches)
    assert order == [*range(600, 1000), *range(600)]
    kinds = [batch.kind for batch in batches]
    assert kinds[0] == "first"
    assert kinds == sorted(kinds, key=["first", "ahead", "behind"].index)


def test_from_the_end_credits_the_beginning_of_the_film_is_what_is_left() -> None:
    batches = drain(Plan(steady(50), position=99999.0))
    assert given(batches) == list(range(50))
    assert batches[0].kind == "behind"


def test_a_seek_reorders_what_is_not_given_out_and_starts_small_again() -> None:
    plan = Plan(steady(1000))
    begun = [plan.next() for _ in range(3)]
    plan.seek(4000.0)
    batches = drain(plan)
    assert [len(batch.indices) for batch in batches[:4]] == [4, 12, 40, 100]
    assert batches[0].kind == "first"
    assert given(batches)[:200] == list(range(800, 1000))
    assert given([batch for batch in begun if batch]) + sorted(given(batches)) == list(range(1000))


def test_a_seek_to_what_is_given_out_for_the_next_minute_keeps_batches_large() -> None:
    plan = Plan(steady(1000))
    for _ in range(4):
        plan.next()
    plan.seek(100.0)
    batch = plan.next()
    assert batch is not None
    assert (len(batch.indices), batch.kind) == (100, "ahead")


def test_a_seek_to_the_end_of_a_finished_film_changes_nothing() -> None:
    plan = Plan(steady(10))
    drain(plan)
    plan.seek(0.0)
    assert plan.next() is None


def test_what_is_put_back_is_given_out_again_at_its_place() -> None:
    plan = Plan(steady(400))
    first, second = plan.next(), plan.next()
    assert first is not None
    assert second is not None
    plan.put_back(second.indices[4:])
    plan.put_back([12345])
    assert not plan.done
    assert given(drain(plan)) == list(range(8, 400))


def test_cues_far_apart_make_batches_of_their_own() -> None:
    plan = Plan(steady(400), todo=[*range(30, 33), *range(200, 206), 390])
    assert [batch.indices for batch in drain(plan)] == [(30, 31, 32), (200, 201, 202, 203, 204, 205), (390,)]


def test_cues_with_a_few_finished_ones_between_them_share_a_batch() -> None:
    plan = Plan(steady(400), todo=[0, 1, 2, 3, 10, 14, 19, 30])
    assert [batch.indices for batch in drain(plan)] == [(0, 1, 2, 3), (10, 14, 19), (30,)]


def test_a_batch_ends_with_a_scene_where_one_of_the_sizes_allows_it() -> None:
    lines = steady(1300)
    moved = [line if line.index < 216 else Line(line.index, line.start + 60, line.end + 60) for line in lines]
    batches = drain(Plan(moved))
    assert [len(batch.indices) for batch in batches[:5]] == [4, 12, 40, 100, 60]
    assert moved[batches[4].indices[-1] + 1].start - moved[batches[4].indices[-1]].end >= SCENE_GAP


def test_only_the_last_batch_of_a_run_has_a_size_of_its_own() -> None:
    for count in (1, 3, 5, 57, 799, 1300, 1301):
        sizes = [len(batch.indices) for batch in drain(Plan(film(count)))]
        assert set(sizes[:-1]) <= set(SIZES)
        assert count < 5 or sizes[-1] >= SIZES[0]


def test_the_lines_around_some_cues_are_their_context_whether_they_are_to_be_translated_or_not() -> None:
    assert Plan(steady(100), todo=range(20, 24)).around([20, 21, 23]) == ((16, 17, 18, 19), (24, 25))


def test_the_context_stops_at_the_ends_of_the_film_and_at_a_long_silence() -> None:
    lines = [Line(0, 0.0, 1.0), Line(1, 2.0, 3.0), Line(2, 60.0, 61.0), Line(3, 62.0, 63.0), Line(4, 120.0, 121.0)]
    plan = Plan(lines)
    assert plan.around([0]) == ((), (1,))
    assert plan.around([3]) == ((2,), ())


def test_a_file_out_of_order_is_worked_on_in_the_order_of_time() -> None:
    lines = [Line(0, 20.0, 21.0), Line(1, 0.0, 1.0), Line(2, 10.0, 11.0)]
    batch = Plan(lines, position=5.0).next()
    assert batch is not None
    assert batch.indices == (2, 0)


@pytest.mark.parametrize("position", [0.0, 10.0, 2500.0, 3000.0, 6400.0, 1e9])
@pytest.mark.parametrize("requests", [1, 2, 3, 4, 7])
def test_few_requests_cover_the_film_from_any_playhead(position: float, requests: int) -> None:
    batches = drain(Plan(steady(1300), position=position, requests=requests))
    assert sorted(given(batches)) == list(range(1300))
    assert len(batches) <= max(requests, -(-1300 // MOST) + 1)


def test_with_four_requests_the_first_begins_at_the_playhead() -> None:
    batches = drain(Plan(steady(1300), position=3000.0, requests=4))
    assert [batch.indices[0] for batch in batches] == [600, 950, 0, 300]
    assert [len(batch.indices) for batch in batches] == [350, 350, 300, 300]


def test_the_last_request_takes_what_lies_ahead_and_then_what_lies_behind() -> None:
    batches = drain(Plan(steady(300), position=1000.0, requests=1))
    assert [batch.indices for batch in batches] == [(*range(200, 300), *range(200))]


def test_a_seek_under_a_budget_still_keeps_to_it() -> None:
    plan = Plan(steady(1300), requests=4)
    first = plan.next()
    assert first is not None
    plan.seek(4500.0)
    batches = drain(plan)
    assert batches[0].indices[0] == 900
    assert len(batches) == 3
    assert sorted(given([first, *batches])) == list(range(1300))


def test_a_large_budget_changes_nothing() -> None:
    assert [batch.indices for batch in drain(Plan(film(1300), requests=1000))] == [
        batch.indices for batch in drain(Plan(film(1300)))
    ]


def test_no_batch_is_larger_than_what_an_answer_can_hold() -> None:
    assert max(len(batch.indices) for batch in drain(Plan(steady(5000), requests=2))) <= MOST


def test_after_a_cut_answer_batches_stay_below_its_size() -> None:
    plan = Plan(steady(1000))
    plan.next()
    plan.limit(63)
    plan.limit(90)
    assert max(len(batch.indices) for batch in drain(plan)) == 60
    tiny = Plan(steady(10))
    tiny.limit(0)
    assert [len(batch.indices) for batch in drain(tiny)] == [1] * 10


@pytest.mark.parametrize(
    ("cues", "parallel", "requests", "sizes"),
    [
        (0, 4, None, ()),
        (3, 4, None, (3,)),
        (1300, 4, 4, (325, 325, 325, 325)),
        (1300, 4, 1, (400, 400, 400, 100)),
        (130, 1, None, (4, 12, 40, 74)),
    ],
)
def test_sizes_are_known_beforehand(cues: int, parallel: int, requests: Optional[int], sizes: Sequence[int]) -> None:
    assert sizes_for(cues, parallel, requests) == sizes


def test_the_sizes_told_beforehand_are_those_of_the_plan_when_no_scene_ends() -> None:
    for cues in (1, 16, 99, 1300):
        assert tuple(len(batch.indices) for batch in drain(Plan(steady(cues)))) == sizes_for(cues, 4)


def test_a_free_tier_of_twenty_requests_a_day_gives_a_film_four() -> None:
    assert requests_for_film(20, 20) == 4
    assert requests_for_film(20, 3) == 3
    assert requests_for_film(1, 0) == 1


@pytest.mark.parametrize("cues", [1000, 1250, 1300, 1600])
def test_four_workers_end_together_within_six_percent_of_the_shortest_time(cues: int) -> None:
    ratios = [run(Plan(film(cues, seed=seed)), seed=seed).ratio for seed in range(8)]
    print(
        f"{cues} cues, 4 workers, 80 tokens/s: {sum(ratios) / len(ratios):.3f} of the bound, at worst {max(ratios):.3f}"
    )
    assert sum(ratios) / len(ratios) <= 1.06
    assert max(ratios) <= 1.08


def test_the_viewer_is_never_overtaken_by_the_film() -> None:
    """From a playhead in the middle, every cue is there before it is on the screen, give or take a second."""
    lines = film(1300)
    result = run(Plan(lines, position=lines[600].start))
    late = [index for index in range(600, 1300) if result.arrivals[index] > lines[index].start - lines[600].start + 1.0]
    assert late == []


def test_workers_seekers_and_returns_at_once_lose_and_double_nothing() -> None:
    plan = Plan(film(3000), parallel=8)
    kept: List[int] = []
    lock = threading.Lock()

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for batch in batches():
            back = [index for index in batch.indices if rng.random() < 0.2]
            plan.put_back(back)
            plan.seek(rng.uniform(0, 12000))
            with lock:
                kept.extend(set(batch.indices) - set(back))

    def batches() -> Iterator[Batch]:
        return iter(plan.next, None)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(kept) == list(range(3000))


def test_the_plan_of_a_very_long_file_is_made_in_no_time() -> None:
    plan = Plan(film(20000))
    assert len(given(drain(plan))) == 20000
    assert repr(plan) == "<Plan 0 of 20000 cues left>"
