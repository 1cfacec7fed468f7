"""Profiles: sets of settings that go together, by name, on the command line and in Kodi."""

from pathlib import Path
from typing import Any, Dict, List
from xml.etree import ElementTree as ET

import pytest
from cli_support import SMALL, Run, write
from kodi_fakes import SETTINGS, FakeKodi, fake_kodi
from standin_faults import always, failing, in_turn

import api
from cli import arguments
from cli.standin import StandIn
from core.config import BACKOFF, CONNECTION_POOL_CONFIG, DEFAULT_BACKOFF, FIXED, backoff_for
from core.errors import ConfigError
from core.profiles import BALANCED, DEBUG, FAST, LOW_MEMORY, PROFILES, Profile
from kodi import settings
from kodi.settings import Reader

pytest_plugins = ("cli_fixtures",)
__all__ = ["fake_kodi"]


# --- the sets -------------------------------------------------------------------------------------------------------


def test_the_balanced_one_is_what_everything_is_without_a_profile() -> None:
    balanced = PROFILES[BALANCED]
    assert balanced.pool == CONNECTION_POOL_CONFIG
    for provider in (*api.PROVIDERS, "nobody knows it"):
        assert balanced.backoff_for(provider) == backoff_for(provider)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_each_set_goes_together_for_every_provider(profile: Profile) -> None:
    assert 1 <= profile.parallel <= profile.pool.maxsize
    assert profile.pool.read_timeout <= profile.pool.first_byte_timeout
    for provider in api.PROVIDERS:
        assert profile.backoff_for(provider).base_delay <= profile.backoff_for(provider).max_delay


def test_low_memory_holds_less_and_fast_asks_for_more() -> None:
    low, balanced, fast = (PROFILES[name] for name in (LOW_MEMORY, BALANCED, FAST))
    assert low.parallel < balanced.parallel < fast.parallel
    for name in ("num_pools", "maxsize", "max_idle", "max_body"):
        assert getattr(low.pool, name) < getattr(balanced.pool, name)
    assert fast.pool.maxsize > balanced.pool.maxsize
    assert fast.pool.connect_timeout < balanced.pool.connect_timeout
    assert fast.backoff.max_delay < balanced.backoff.max_delay


def test_debug_waits_longer_and_tries_once() -> None:
    debug = PROFILES[DEBUG]
    for name in ("connect_timeout", "first_byte_timeout", "read_timeout", "total_timeout", "max_idle", "max_age"):
        assert getattr(debug.pool, name) > getattr(CONNECTION_POOL_CONFIG, name)
    for provider in api.PROVIDERS:
        assert (debug.backoff_for(provider).retries, debug.backoff_for(provider).max_refusals) == (0, 1)


def test_what_a_profile_does_not_change_stays_the_providers_own() -> None:
    fast = PROFILES[FAST].backoff_for("openrouter")
    assert fast.strategy(503) == FIXED
    assert fast.max_delay == PROFILES[FAST].backoff.max_delay
    assert PROFILES[FAST].backoff_for("compatible").retries == BACKOFF["compatible"].retries != DEFAULT_BACKOFF.retries


def test_more_requests_at_once_get_more_connections() -> None:
    assert PROFILES[LOW_MEMORY].with_parallel(1) == Profile(LOW_MEMORY, 1, PROFILES[LOW_MEMORY].pool)
    assert PROFILES[LOW_MEMORY].with_parallel(9).pool.maxsize == 14


def test_a_set_that_does_not_go_together_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="parallel 0 is not between 1 and 100"):
        PROFILES[LOW_MEMORY].with_parallel(0)
    with pytest.raises(ConfigError, match="parallel 5 > maxsize 4"):
        Profile("mine", 5, PROFILES[LOW_MEMORY].pool)


# --- on the command line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "profile"),
    [
        ([], PROFILES[BALANCED]),
        (["--profile", "fast"], PROFILES[FAST]),
        (["--profile", "low-memory", "--parallel", "7"], PROFILES[LOW_MEMORY].with_parallel(7)),
        (["--parallel", "64"], PROFILES[BALANCED].with_parallel(64)),
    ],
)
@pytest.mark.parametrize("command", [["check"], ["models"], ["translate", "film.srt", "--to", "es"]])
def test_the_flag_chooses_and_parallel_counts_on_top(command: List[str], flags: List[str], profile: Profile) -> None:
    options = arguments.parse([*command, *flags])
    assert options.profile == profile
    assert options.parallel == (profile.parallel if "--parallel" in flags else None), "what was not said, is not told"


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do(run: Run) -> None:
    done = run("check", "--profile", "turbo")
    assert done.code == 2
    for name in PROFILES:
        assert name in done.err


def test_in_debug_what_fails_is_not_asked_again(run: Run, there: List[str], tls_standin: StandIn) -> None:
    tls_standin.script = always(failing)
    assert run("check", "--model", "m", "--profile", "debug", *there).code == 4
    assert tls_standin.stats().requests == 1


@pytest.mark.usefixtures("no_pauses")
def test_in_the_others_it_is(run: Run, there: List[str], tls_standin: StandIn) -> None:
    tls_standin.script = in_turn(failing)
    assert run("check", "--model", "m", "--profile", "low-memory", *there).code == 0


def test_a_film_has_as_many_requests_at_once_as_the_profile_says(
    run: Run, there: List[str], tls_standin: StandIn, tmp_path: Path
) -> None:
    film = write(tmp_path / "film.en.srt", SMALL)
    assert run("translate", film, "--to", "es", "--model", "m", "--profile", "debug", *there).code == 0
    assert tls_standin.stats().max_in_flight == 1


# --- in Kodi --------------------------------------------------------------------------------------------------------


@pytest.fixture
def told() -> List[str]:
    return []


@pytest.fixture
def reader(told: List[str]) -> Reader:
    return Reader(told.append)


def test_the_screen_offers_every_profile_and_the_sliders_as_one_of_their_own() -> None:
    found = {setting.attrib["id"]: setting for setting in ET.parse(str(SETTINGS)).iter("setting")}
    offered = [option.text for option in found["pool_profile"].iter("option")]
    assert offered == [settings.CUSTOM, *PROFILES]
    sliders = ["parallel_requests", *(f"pool_{name}" for name in settings.POOL_FIELDS)]
    for name in sliders:
        (condition,) = found[name].iter("condition")
        assert (condition.attrib["setting"], condition.text) == ("pool_profile", settings.CUSTOM)


def test_a_fresh_installation_has_the_sliders_which_are_the_balanced_profile(
    fake_kodi: FakeKodi, reader: Reader
) -> None:
    current = reader.refresh()
    assert current.profile.name == settings.CUSTOM
    assert (current.pool, current.parallel) == (PROFILES[BALANCED].pool, PROFILES[BALANCED].parallel)


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_chosen_profile_counts_whatever_the_sliders_say(fake_kodi: FakeKodi, reader: Reader, name: str) -> None:
    fake_kodi.settings.update(pool_profile=name, pool_maxsize=3, parallel_requests=20)
    current = reader.refresh()
    assert current.profile == PROFILES[name]
    assert (current.pool, current.parallel) == (PROFILES[name].pool, PROFILES[name].parallel)


def test_back_to_the_sliders_brings_their_values_back(fake_kodi: FakeKodi, reader: Reader) -> None:
    mine: Dict[str, Any] = {"pool_maxsize": 7, "pool_max_idle": 25, "parallel_requests": 3}
    fake_kodi.settings.update(mine, pool_profile="fast")
    reader.refresh()
    fake_kodi.settings["pool_profile"] = settings.CUSTOM
    current = reader.refresh()
    assert (current.pool.maxsize, current.pool.max_idle, current.parallel) == (7, 25, 3)


def test_sliders_that_clash_do_not_matter_while_a_profile_is_chosen(
    fake_kodi: FakeKodi, reader: Reader, told: List[str]
) -> None:
    fake_kodi.settings.update(pool_profile="low-memory", pool_max_idle=200, pool_max_age=30)
    assert reader.refresh().pool == PROFILES[LOW_MEMORY].pool
    assert told == []
    fake_kodi.settings["pool_profile"] = settings.CUSTOM
    assert reader.refresh().pool == PROFILES[LOW_MEMORY].pool, "the last good ones stay"
    assert len(told) == 1


def test_a_profile_that_does_not_exist_is_told_and_the_last_one_stays(
    fake_kodi: FakeKodi, reader: Reader, told: List[str]
) -> None:
    fake_kodi.settings["pool_profile"] = "fast"
    reader.refresh()
    fake_kodi.settings["pool_profile"] = "turbo"
    assert reader.refresh().profile == PROFILES[FAST]
    assert "turbo" in told[0]


def test_there_are_never_more_requests_at_once_than_connections(fake_kodi: FakeKodi, reader: Reader) -> None:
    fake_kodi.settings.update(pool_maxsize=2, parallel_requests=9)
    assert reader.refresh().parallel == 2
