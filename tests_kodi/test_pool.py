"""One pool for everything that a Kodi translates, and settings that it takes over while it runs."""

from pathlib import Path

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

PACE = Pace(first_token=0.1, tokens_per_second=3000)


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
    remote.builtin(f"RunScript({ID},status)")
    until(lambda: "Close" in remote.rpc.label("System.CurrentControl"), "the connections on the screen")
    remote.picture("connections")
    remote.press("Back")
    remote.shows("Window.IsVisible(addonsettings)")
    remote.clear()


def test_fewer_requests_at_once_count_from_the_next_film_on(remote: Remote, standin: StandIn, film: Path) -> None:
    remote.change_setting("parallel_requests", 1)
    translate(remote, film, 11.0)
    assert standin.stats().max_in_flight == 1
    remote.change_setting("parallel_requests", 4)


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


def test_values_that_do_not_go_together_are_told_once_and_the_last_good_ones_stay(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    told = len(remote.told())
    remote.change_setting("pool_max_age", 30)  # shorter than a connection may be idle
    until(lambda: remote.told()[told:], "a word about it")
    remote.picture("settings-clash")
    remote.change_setting("style_hint", "plain words")
    translate(remote, film, 13.0)
    assert len([line for line in remote.told()[told:] if "last good" in line]) == 1
    remote.change_setting("pool_max_age", 300)
