"""Disabling the add-on, updating it, and quitting Kodi, in the middle of the work. They share a Kodi, in this order."""

import re
from pathlib import Path

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.conftest import Starter
from tests_kodi.driver import clips
from tests_kodi.driver.package import newer_zip
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

REQUESTS = 8
SWIFT, FOREVER = Pace(first_token=0.1, tokens_per_second=200), Pace(first_token=600.0)
_ENDED = re.compile(r"Ended in (\d+\.\d+) s$", re.MULTILINE)  # behind it stands what did not end


@pytest.fixture(scope="module")
def remote(start: Starter) -> Remote:
    return start(parallel_requests=str(REQUESTS))


def busy(remote: Remote, standin: StandIn, film: Path, every: float) -> None:
    """Eight requests are in flight, and none of them will be answered. The lines are those of no other film."""
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=every))
    standin.pace = SWIFT
    remote.play(film)
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and translated(ours), "the first translated lines")
    standin.pace = FOREVER
    before = standin.stats().requests
    until(lambda: standin.stats().requests >= before + REQUESTS, "eight requests that will not be answered")


def ends(remote: Remote) -> int:
    """How often the service has come to an end."""
    return len(_ENDED.findall(remote.kodi.log()))


def our_part(remote: Remote, before: int = 0) -> float:
    """Seconds that the service took to end, after it did so ``before`` times, as it wrote into the log."""
    until(lambda: ends(remote) > before, "the service's last word")
    return float(_ENDED.findall(remote.kodi.log())[-1])


def goes_on(remote: Remote, standin: StandIn, film: Path, kept: int) -> None:
    standin.pace = SWIFT
    until(lambda: len(translated(film.with_name("film.es.srt"))) > kept, "the translation to go on", 60)
    remote.message("cancel")
    remote.finishes()
    remote.stop()


def test_disabled_it_ends_at_once_and_enabled_again_it_goes_on(remote: Remote, standin: StandIn, film: Path) -> None:
    busy(remote, standin, film, 5.0)
    before = ends(remote)
    remote.kodi.disable()
    assert our_part(remote, before) < 1.0
    kept = len(translated(film.with_name("film.es.srt")))
    remote.kodi.enable()
    goes_on(remote, standin, film, kept)
    assert remote.kodi.complaints() == []


def test_updated_from_a_zip_file_it_ends_at_once_and_the_new_one_goes_on(
    remote: Remote, standin: StandIn, film: Path, request: pytest.FixtureRequest
) -> None:
    version = newer_zip(remote.kodi.profile.stick / "newer.zip", request.config.getoption("commit"))
    busy(remote, standin, film, 5.1)
    before, kept = ends(remote), len(translated(film.with_name("film.es.srt")))
    remote.rpc.call("GUI.ActivateWindow", window="addonbrowser", parameters=["addons://", "return"])
    remote.shows("Window.IsVisible(addonbrowser)")
    remote.answer("Install from zip file", "Down")
    remote.choose_file("Stick", "newer.zip")
    assert our_part(remote, before) < 1.0
    until(lambda: remote.kodi.version() == version, "the update")
    goes_on(remote, standin, film, kept)
    assert remote.kodi.complaints() == []


def test_quitting_with_eight_slow_requests_in_flight_takes_no_longer(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    busy(remote, standin, film, 5.2)
    before = ends(remote)
    took = remote.kodi.quit()
    print(f"Kodi ended {took:.2f} s after it was told to, our part in {our_part(remote, before):.2f} s.")
    assert our_part(remote, before) < 1.0
    assert took < 8.0
    assert translated(film.with_name("film.es.srt"))
    assert "didn't stop in 5 seconds" not in remote.kodi.log()
