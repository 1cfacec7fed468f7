"""The first run, and the settings screen."""

from pathlib import Path

import pytest

from cli.standin import StandIn
from tests_kodi.conftest import KEY, Starter
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import Remote
from tests_kodi.driver.waiting import until

QUESTION, LIST = "Window.IsVisible(yesnodialog)", "Window.IsVisible(selectdialog)"
SETTINGS = "Window.IsVisible(addonsettings)"


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


def test_the_guide_leads_to_a_tested_key(newcomer: Remote, standin: StandIn) -> None:
    newcomer.rpc.call("Addons.ExecuteAddon", addonid=ID, wait=False)
    newcomer.shows(QUESTION)
    newcomer.answer("Set up")
    newcomer.shows("Window.IsVisible(textviewer)")
    newcomer.picture("first-run-1-what-is-sent")
    newcomer.press("Back")
    newcomer.shows(QUESTION)
    newcomer.answer("I agree")
    newcomer.shows(LIST)
    newcomer.picture("first-run-2-provider")
    newcomer.answer("OpenAI")
    until(lambda: "Type it" in newcomer.rpc.label("System.CurrentControl"), "the ways to give a key")
    newcomer.picture("first-run-3-key")
    newcomer.press("Select")
    newcomer.shows("Window.IsVisible(virtualkeyboard)")
    newcomer.rpc.call("Input.SendText", text=KEY, done=True)
    newcomer.shows(LIST)
    newcomer.picture("first-run-4-language")
    newcomer.press("Select")
    newcomer.shows(QUESTION)
    newcomer.picture("first-run-5-test")
    assert standin.stats().connections == 0
    newcomer.answer("Test", "Left")
    newcomer.shows("Window.IsVisible(textviewer)")
    newcomer.picture("first-run-6-tested")
    assert standin.stats().connections == 1
    newcomer.press("Back")
    newcomer.shows("Window.IsVisible(okdialog)")
    newcomer.picture("first-run-7-ready")
    newcomer.press("Select")
    newcomer.clear()
    assert newcomer.message("status")["ready"]
    assert KEY not in newcomer.kodi.log()


def test_every_category_of_the_settings_screen_opens(newcomer: Remote) -> None:
    newcomer.builtin(f"Addon.OpenSettings({ID})")
    newcomer.shows(SETTINGS)
    for number, category in enumerate(("Translation", "Providers", "Automatic", "Connections"), 1):
        newcomer.focus(category, "Down" if number > 1 else "Left")
        newcomer.picture(f"settings-{number}-{category.lower()}")
    newcomer.clear()
    assert newcomer.kodi.complaints() == []
