"""Dialogs of ours that are open when the person, or Kodi, has had enough."""

from pathlib import Path

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.conftest import Starter
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import SETTINGS, Remote
from tests_kodi.driver.waiting import until
from tests_kodi.test_end import interpreter_part, our_part

QUESTION, WAITING = "Window.IsVisible(yesnodialog)", "Window.IsVisible(progressdialog)"


def test_a_connection_test_can_be_given_up_and_the_settings_come_back_where_they_were(
    remote: Remote, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=600.0)
    remote.rpc.call("Addons.ExecuteAddon", addonid=ID, params=["test_connection"], wait=False)
    remote.shows(WAITING)
    until(lambda: standin.stats().in_flight == 1, "the first request of the test")
    remote.picture("connection-test")
    remote.press("Select")
    remote.shows(SETTINGS, "the settings, at once", 5.0)
    until(lambda: "Connections" in remote.rpc.label("System.CurrentControl"), "the page of the button")
    remote.picture("settings-again")
    remote.clear()
    assert not remote.rpc.holds(WAITING)
    assert "does not answer" not in "".join(remote.told())


@pytest.mark.parametrize("button", ["reset_connections", "status"])
def test_after_any_button_of_a_page_that_page_is_there_again(remote: Remote, button: str) -> None:
    remote.rpc.call("Addons.ExecuteAddon", addonid=ID, params=[button], wait=False)
    if button == "status":
        until(lambda: "Close" in remote.rpc.label("System.CurrentControl"), "the status window")
        remote.press("Select")
    remote.shows(SETTINGS)
    until(lambda: "Connections" in remote.rpc.label("System.CurrentControl"), "the page of the button")
    remote.clear()


def test_a_question_about_a_film_goes_with_the_film_and_does_not_keep_the_service(start: Starter, film: Path) -> None:
    remote = start(auto_translate="ask")
    remote.play(film)
    remote.shows(QUESTION)
    remote.stop()
    remote.hides(QUESTION, 5.0)

    another = clips.film(film.parent / "another" / "film.mkv")  # each is asked about once
    clips.srt(another.with_name("film.en.srt"), clips.dialogue())
    remote.play(another)
    remote.shows(QUESTION)
    remote.kodi.disable()
    assert our_part(remote) < 1.0
    # Kodi takes a question away on the thread that waits for us, so not before it has given up waiting.
    print(f"With a question on the screen the thread of the service ended in {interpreter_part(remote):.2f} s.")
    assert interpreter_part(remote) < 8.0
