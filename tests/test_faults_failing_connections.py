"""One connection in twenty breaks, somehow and somewhere: the one who asks sees none of it."""

import pytest

from benchmarks.failing_connections import REQUESTS, measure

pytest_plugins = ("network_fixtures",)


@pytest.mark.long
@pytest.mark.usefixtures("nothing_leaks")
def test_of_a_thousand_requests_none_ends_with_an_error() -> None:
    seen = measure(REQUESTS, seed=7)
    assert seen.errors == {}
    assert seen.broken > REQUESTS // 40
    assert seen.connections == REQUESTS + seen.broken
