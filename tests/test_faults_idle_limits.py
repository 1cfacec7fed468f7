"""A server that closes idle connections at its own limit, before, while and after the next request: none is lost."""

import random

import pytest

from benchmarks.idle_limit import LIMIT, REQUESTS, measure

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("nothing_leaks")]
pytest_plugins = ("network_fixtures",)

OURS, MARGIN = 3.0, 0.25


def test_of_a_thousand_requests_at_gaps_around_a_limit_of_3_s_none_is_lost() -> None:
    seen = measure(LIMIT, 60.0, lambda chance: chance.uniform(0.5, 6.0), REQUESTS, seed=1)
    assert (seen.lost, seen.twice) == (0, 0)
    assert seen.connections == seen.replaced + 1
    assert seen.replaced > REQUESTS // 3, "otherwise the limit was not met often enough to prove anything"


@pytest.mark.parametrize("limit", [OURS - MARGIN, OURS, OURS + MARGIN])
def test_whatever_lies_between_its_limit_and_ours(limit: float) -> None:
    """Its limit a little shorter than our max idle, the same, a little longer; and gaps on both sides of either."""

    def gap(chance: random.Random) -> float:
        return OURS + MARGIN * chance.choice((-2, -1, -0.01, 0, 0.01, 1, 2))

    seen = measure(limit, OURS, gap, 400, seed=2)
    assert (seen.lost, seen.twice) == (0, 0)
    assert seen.connections > 80
    assert seen.replaced > 20
