"""The tunables: bounds and contradictions are refused by name."""

import dataclasses
import math

import pytest

from core.config import (
    BACKOFF,
    BREAKER_CONFIG,
    CONNECTION_POOL_CONFIG,
    DEFAULT_BACKOFF,
    FIXED,
    BackoffConfig,
    BreakerConfig,
    PoolConfig,
    backoff_for,
    describe,
)
from core.errors import ConfigError


def test_the_defaults_are_those_of_the_design() -> None:
    config = CONNECTION_POOL_CONFIG
    assert (config.num_pools, config.maxsize) == (10, 20)
    assert (config.connect_timeout, config.read_timeout, config.first_byte_timeout) == (5.0, 30.0, 120.0)
    assert (config.pool_timeout, config.max_idle, config.max_age) == (5.0, 60.0, 300.0)


@pytest.mark.parametrize(
    "values",
    [
        {"maxsize": 0},
        {"maxsize": 101},
        {"maxsize": 2.5},
        {"maxsize": True},
        {"connect_timeout": 0.0},
        {"connect_timeout": math.nan},
        {"connect_timeout": "5"},
        {"age_jitter": 0.6},
        {"max_body": 0},
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(values: dict) -> None:  # type: ignore[type-arg]
    (name,) = values
    with pytest.raises(ConfigError, match=f"^{name} .* is not between .* and "):
        PoolConfig(**values)


def test_a_whole_number_serves_for_seconds() -> None:
    assert PoolConfig(connect_timeout=5).connect_timeout == 5


def test_values_that_contradict_each_other_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="max_idle 400 s > max_age 300 s"):
        PoolConfig(max_idle=400.0)
    with pytest.raises(ConfigError, match="first_byte_timeout 120 s > total_timeout 60 s"):
        PoolConfig(total_timeout=60.0)
    with pytest.raises(ConfigError, match="base_delay 60 s > max_delay 30 s"):
        BackoffConfig(base_delay=60.0)
    with pytest.raises(ConfigError, match="least_outcomes 30 > window 20"):
        BreakerConfig(least_outcomes=30)
    with pytest.raises(ConfigError, match="open_time 400 > longest_open_time 300"):
        BreakerConfig(open_time=400.0)
    with pytest.raises(ConfigError, match="strategy 'linear' of status 503"):
        BackoffConfig(strategies=((503, "linear"),))


def test_each_provider_has_its_backoff_and_the_others_the_default() -> None:
    assert backoff_for("openrouter").strategy(503) == FIXED
    assert backoff_for("openrouter").strategy(500) != FIXED
    assert backoff_for("compatible") is BACKOFF["compatible"]
    assert backoff_for("nobody knows it") is DEFAULT_BACKOFF


@pytest.mark.parametrize("config", [CONNECTION_POOL_CONFIG, DEFAULT_BACKOFF, BREAKER_CONFIG])
def test_every_tunable_is_described_with_unit_and_bounds(config: object) -> None:
    described = describe(config)
    numbers = {spec.name for spec in dataclasses.fields(config) if spec.name != "strategies"}  # type: ignore[arg-type]
    assert set(described) == numbers
    assert all("(" in words for words in described.values())


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONNECTION_POOL_CONFIG.maxsize = 3  # type: ignore[misc]
