"""The first run, and the settings screen."""

from pathlib import Path

import pytest

from cli.standin import StandIn
from tests_kodi.conftest import KEY, Starter
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import CATEGORIES, SETTINGS, Remote
from tests_kodi.driver.waiting import until

QUESTION, LIST = "Window.IsVisible(yesnodialog)", "Window.IsVisible(selectdialog)"


@pytest.fixture(scope="module")
def newcomer(start: Starter, standin: StandIn) -> Remote:
    """Nothing is set up; only the provider is told to be on loopback."""
    remote = start(set_up=False, openai_base_url=standin.openai_base_url)
    remote.clear()
    return remote


def test_before_the_guide_nothing_is_sent_and_nothing_is_shown_on_a_film(
    newcomer: Remote, standin: StandIn, film: Path
) -> None:
    newcomer.play(film)
    newcomer.play_on(3.0)
    newcomer.stop()
    assert newcomer.told() == []
    assert standin.stats().connections == 0


def begin(newcomer: Remote) -> None:
    """The guide up to how the key is given."""
    newcomer.shows("Window.IsVisible(textviewer)")
    newcomer.picture("first-run-1-what-is-sent")
    newcomer.press("Back")
    newcomer.shows(QUESTION)
    newcomer.picture("first-run-2-agree")
    newcomer.answer("I agree")
    newcomer.shows(LIST)
    newcomer.picture("first-run-3-provider")
    newcomer.answer("OpenAI")
    until(lambda: newcomer.focused() in ("Type it, or send it from a phone", "Keep the one that is stored"), "the ways")
    newcomer.picture("first-run-4-key")


def end(newcomer: Remote) -> None:
    """The guide from the language on, to the end."""
    until(lambda: "As set in Kodi" in newcomer.focused(), "the languages")
    newcomer.picture("first-run-6-language")
    newcomer.press("Select")
    newcomer.shows(QUESTION)
    newcomer.picture("first-run-7-test")
    newcomer.answer("Test")
    newcomer.shows("Window.IsVisible(textviewer)")
    newcomer.picture("first-run-8-tested")
    newcomer.press("Back")
    newcomer.shows("Window.IsVisible(okdialog)")
    newcomer.picture("first-run-9-ready")
    newcomer.press("Select")


def test_the_guide_leads_to_a_tested_key_from_a_file_on_a_stick(newcomer: Remote, standin: StandIn) -> None:
    stick = newcomer.kodi.profile.stick
    (stick / "shopping.txt").write_text("milk and eggs\n", encoding="utf-8")
    (stick / "key.txt").write_text(f"\ufeff# from the account page\r\n{KEY}\r\n", encoding="utf-8")
    newcomer.rpc.call("Addons.ExecuteAddon", addonid=ID, wait=False)
    newcomer.shows(QUESTION)
    newcomer.picture("first-run-0-question")
    newcomer.answer("Set up")
    begin(newcomer)
    newcomer.answer("Read it from a text file", "Down")
    newcomer.shows("Window.IsVisible(filebrowser)")
    newcomer.focus("Stick")
    newcomer.picture("first-run-5-stick")
    newcomer.press("Select")
    newcomer.focus("shopping.txt")
    newcomer.picture("first-run-5-files")
    newcomer.press("Select")
    newcomer.shows("Window.IsVisible(okdialog)")
    newcomer.picture("first-run-5-no-key-in-it")
    newcomer.press("Select")
    until(lambda: "Type it" in newcomer.focused(), "the ways to give a key, again")
    newcomer.answer("Read it from a text file", "Down")
    newcomer.choose_file("Stick", "key.txt")
    assert standin.stats().connections == 0
    end(newcomer)
    assert standin.stats().connections == 1
    newcomer.clear()
    assert newcomer.message("status")["ready"]
    assert KEY not in newcomer.kodi.log()


def test_the_guide_can_be_run_again_from_the_settings_with_a_key_that_is_typed(newcomer: Remote) -> None:
    newcomer.open_settings()
    newcomer.press_button("Providers", "Set up step by step")
    begin(newcomer)
    newcomer.answer("Type it", "Down")
    newcomer.shows("Window.IsVisible(virtualkeyboard)")
    newcomer.picture("first-run-5-typed")
    newcomer.rpc.call("Input.SendText", text=f"{KEY} again", done=True)  # what no key has in it
    newcomer.shows("Window.IsVisible(okdialog)")
    newcomer.picture("first-run-5-cannot-be-a-key")
    newcomer.press("Select")
    newcomer.answer("Type it", "Down")
    newcomer.shows("Window.IsVisible(virtualkeyboard)")
    newcomer.rpc.call("Input.SendText", text=KEY, done=True)
    end(newcomer)
    newcomer.shows(SETTINGS)
    newcomer.clear()
    assert newcomer.message("status")["ready"]
    assert KEY not in newcomer.kodi.log()


def test_every_category_of_the_settings_screen_opens(newcomer: Remote) -> None:
    newcomer.open_settings()
    for number, category in enumerate(CATEGORIES, 1):
        newcomer.open_category(category)
        newcomer.picture(f"settings-{number}-{category.lower()}")
    newcomer.clear()
    assert newcomer.kodi.complaints() == []
