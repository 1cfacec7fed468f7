"""Fixtures of the engine's tests; a test module takes them by naming this one in ``pytest_plugins``."""

from typing import Iterator

import pytest
from job_support import Heard, route, workers

import api
import core.config
from cli.standin import StandIn
from core.config import BackoffConfig
from core.connection_pool import ConnectionPoolManager
from core.transport import Transport
from translate.asking import Route


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    """Eight requests in flight, with retries that do not tarry. In the end nothing may be left of a job."""
    quick = BackoffConfig(base_delay=0.002, max_delay=0.01)
    monkeypatch.setattr(core.config, "BACKOFF", dict.fromkeys(api.PROVIDERS, quick))
    with ConnectionPoolManager() as pool:
        yield Transport(pool, parallel=8)
        assert pool.close_all(2.0), "requests were left in flight"
        assert [snapshot.active for snapshot in pool.stats().values() if snapshot.active] == [], "permits were lost"
    assert workers() == []


@pytest.fixture
def way(standin: StandIn, key: str, transport: Transport) -> Route:
    """The way to ``standin``."""
    return route(standin, key, transport)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def second_standin(key: str) -> Iterator[StandIn]:
    """Another provider than ``standin``."""
    with StandIn(keys={key}) as running:
        yield running


@pytest.fixture
def second_way(second_standin: StandIn, key: str, transport: Transport) -> Route:
    """The way to ``second_standin``."""
    return route(second_standin, key, transport, model="other")
