"""One pool for everything that a Kodi translates, and settings that it takes over while it runs."""

from pathlib import Path
from typing import Iterator

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.conftest import Starter
from tests_kodi.driver import clips
from tests_kodi.driver.power import Power
from tests_kodi.driver.remote import Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

PACE = Pace(first_token=0.1, tokens_per_second=3000)


@pytest.fixture(scope="module")
def power(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Power]:
    with Power(tmp_path_factory.mktemp("power")) as running:
        yield running


@pytest.fixture(scope="module")
def remote(start: Starter, power: Power) -> Remote:
    """A Kodi whose machine can sleep."""
    return start(power=power)


@pytest.fixture(autouse=True)
def provider_takes_a_while(standin: StandIn) -> None:
    standin.pace = PACE
    standin.reset()


def translate(remote: Remote, film: Path, every: float) -> None:
    """Lines that no other film has, from the first to the last."""
    lines = clips.dialogue(every=every)
    source = clips.srt(film.with_name("film.en.srt"), lines)
    remote.play(film)
    remote.message("start", source=str(source), video=str(film))
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and len(translated(ours)) == len(lines), "the whole film")
    remote.finishes()
    remote.stop()


def test_three_films_in_a_row_share_their_connections(remote: Remote, standin: StandIn, tmp_path: Path) -> None:
    for number, every in enumerate((7.0, 8.0, 9.0)):
        translate(remote, clips.film(tmp_path / str(number) / "film.mkv"), every)
    stats = standin.stats()
    print(f"{stats.requests} requests on {stats.connections} connections, {stats.max_in_flight} at once")
    assert stats.connections == stats.max_in_flight <= 4
    assert stats.requests > 3 * stats.connections


def test_after_the_machine_slept_no_idle_connection_is_used_again(
    remote: Remote, standin: StandIn, film: Path, power: Power
) -> None:
    translate(remote, film, 10.0)
    before = remote.connections()
    assert before["idle"] > 0
    standin.reset()
    power.sleep()
    power.wake()
    until(lambda: remote.connections()["idle"] == 0, "the idle connections to be closed")
    translate(remote, film, 10.5)
    stats = standin.stats()
    assert stats.connections == stats.max_in_flight > 0
    assert remote.connections()["errors"] == before["errors"]


def test_what_sleep_interrupts_goes_on_after_it(remote: Remote, standin: StandIn, film: Path, power: Power) -> None:
    standin.pace = Pace(first_token=0.1, tokens_per_second=150)
    lines = clips.dialogue(every=6.5)
    source = clips.srt(film.with_name("film.en.srt"), lines)
    ours = film.with_name("film.es.srt")
    remote.play(film, at=600)
    remote.message("start", source=str(source), video=str(film))
    until(lambda: ours.exists() and len(translated(ours)) > 60, "a part of the film")
    power.sleep()  # Kodi stops the film for it
    until(lambda: standin.stats().in_flight == 0, "the requests to be given up")
    standin.pace = PACE
    power.wake()  # and goes on with it
    until(lambda: len(translated(ours)) == len(lines), "the rest", 60)
    remote.finishes()
    remote.stop()


@pytest.mark.parametrize(("setting", "usual", "every"), [("pool_maxsize", 20, 5.5), ("parallel_requests", 4, 5.6)])
def test_fewer_or_more_requests_at_once_count_in_the_middle_of_a_film(
    remote: Remote, standin: StandIn, film: Path, setting: str, usual: int, every: float
) -> None:
    standin.pace = Pace(first_token=0.3, tokens_per_second=400)
    lines = clips.dialogue(every=every)
    source = clips.srt(film.with_name("film.en.srt"), lines)
    ours = film.with_name("film.es.srt")
    remote.play(film)
    remote.message("start", source=str(source), video=str(film))
    until(lambda: standin.stats().in_flight == 4, "four requests at the same time")
    remote.change_setting(setting, 1)
    until(lambda: standin.stats().in_flight <= 1, "those in flight to end")
    standin.reset()
    until(lambda: standin.stats().requests >= 3, "some requests more")
    assert standin.stats().max_in_flight == 1
    remote.change_setting(setting, usual)
    until(lambda: standin.stats().in_flight > 1, "several at the same time again")
    standin.pace = PACE
    until(lambda: len(translated(ours)) == len(lines), "the rest", 90)
    remote.finishes()
    assert remote.told()[-1] == f"All {len(lines)} lines translated."
    remote.stop()


def test_a_profile_counts_instead_of_the_sliders_until_they_are_chosen_again(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    remote.change_setting("pool_profile", "debug")
    translate(remote, film, 12.0)
    assert standin.stats().max_in_flight == 1
    remote.change_setting("pool_profile", "custom")
    standin.reset()
    translate(remote, film, 14.0)
    assert 1 < standin.stats().max_in_flight <= 4
