"""Paths and machines that are gone without a word are found out, at the defaults, between two real machines."""

import sys

import pytest

from benchmarks import dead_path
from benchmarks.dead_path import BOUND, OUTAGE
from benchmarks.two_machines import why_not


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_each_is_found_in_time_and_survived_where_it_can_be() -> None:
    """At most 25 s until an error says so; before that nothing is given up that may still come back."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    outcomes = dead_path.measure()
    for case in dead_path.FOUND:
        found = outcomes[case.__name__]
        assert found.error == "ConnectionDroppedError", case.__name__
        assert OUTAGE < found.seconds <= BOUND, case.__name__
        assert found.connections == 1, case.__name__
    for case in dead_path.SURVIVED:
        assert outcomes[case.__name__].error == "", case.__name__
    assert outcomes["outage"].connections == 1, "what was sent meanwhile arrived afterwards"
    assert outcomes["restarted"].connections == 2
