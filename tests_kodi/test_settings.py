"""The settings screen under the remote control: what its buttons do, and values that it does not take."""

from pathlib import Path
from typing import Any, List

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.conftest import KEY
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import SETTINGS, Remote
from tests_kodi.driver.waiting import until

LIST, PAGE, FILES = (f"Window.IsVisible({name})" for name in ("selectdialog", "textviewer", "filebrowser"))
SLOW = Pace(first_token=0.2, tokens_per_second=60)
GERMAN = ("Übersetzung", "Anbieter", "Automatik", "Verbindungen")


pytestmark = pytest.mark.usefixtures("left_as_found")


def stored(remote: Remote, name: str, kind: str = "Int") -> Any:
    code = f"import xbmcaddon\nanswer = xbmcaddon.Addon(addon).getSettings().get{kind}(name)"
    return remote.inside(code, addon=ID, name=name)


def slide(remote: Remote, name: str, value: str, key: str) -> None:
    """From the category on, move a slider until it shows ``value``."""
    remote.press("Right")
    remote.focus(name)
    remote.press("Select")
    remote.focus(f"{name} {value}", key)
    remote.press("Select")


def test_the_connection_is_tested_and_what_was_changed_before_is_saved(remote: Remote, standin: StandIn) -> None:
    remote.open_settings()
    remote.open_category("Connections")
    slide(remote, "Requests at the same time", "5", "Right")
    remote.press_button("Connections", "Test connection")
    remote.shows(PAGE)
    remote.picture("test-connection")
    assert not remote.rpc.holds(SETTINGS)
    assert stored(remote, "parallel_requests") == 5
    stats = standin.stats()
    assert (stats.requests, stats.max_open) == (2, 1)
    remote.press("Back")
    remote.shows(SETTINGS)
    remote.change_setting("parallel_requests", 4)


def test_the_status_of_the_connections_is_live(remote: Remote, standin: StandIn, film: Path) -> None:
    standin.pace = SLOW
    remote.play(film)
    remote.message("start", source=str(film.with_name("film.en.srt")), video=str(film))
    until(lambda: film.with_name("film.es.srt").exists(), "the first lines")
    remote.open_settings()
    remote.press_button("Connections", "Connection status")
    until(lambda: remote.focused() == "Close", "the window")
    first = until(lambda: figures(remote), "figures")
    until(lambda: figures(remote) != first, "other figures")
    remote.picture("connection-status")
    assert not remote.rpc.holds(SETTINGS)
    remote.press("Select")
    remote.shows(SETTINGS)


def figures(remote: Remote) -> List[str]:
    """What the window says; its labels have Kodi's numbers for controls that Python made."""
    texts = remote.rpc.labels(*(f"Control.GetLabel({number})" for number in range(3000, 3060)))
    return [text for text in texts if text] if "127.0.0.1" in " ".join(texts) else []


def test_reset_puts_the_page_back(remote: Remote) -> None:
    remote.change_setting("pool_maxsize", 3)
    remote.change_setting("pool_read_timeout", 90)
    remote.open_settings()
    remote.press_button("Connections", "Reset to defaults")
    until(lambda: remote.told()[-1] == "The connection settings are as they were at the start.", "a word about it")
    remote.shows(SETTINGS)
    remote.picture("reset")
    assert (stored(remote, "pool_maxsize"), stored(remote, "pool_read_timeout")) == (20, 30)


def test_values_that_do_not_go_together_are_told_once_and_the_last_good_ones_stay(remote: Remote) -> None:
    told = len(remote.told())
    remote.open_settings()
    remote.open_category("Connections")
    slide(remote, "Renew a connection after", "30 s", "Left")  # shorter than it may be unused
    remote.focus("Test connection")
    remote.answer("OK", "Right")
    remote.hides(SETTINGS)
    until(lambda: remote.told()[told:], "a word about it")
    remote.picture("settings-clash")
    remote.change_setting("style_hint", "plain words")
    assert remote.message("status")["ready"]
    assert len([line for line in remote.told()[told:] if "last good" in line]) == 1
    remote.change_setting("pool_max_age", 300)


def test_a_model_is_chosen_from_the_list(remote: Remote) -> None:
    remote.open_settings()
    remote.press_button("Providers", "Choose a model from the list")
    remote.shows(LIST)
    remote.picture("models")
    remote.answer(until(lambda: remote.list_items()[2:], "models")[0], "Down")
    remote.shows(SETTINGS)
    assert stored(remote, "openai_model", "String")
    remote.change_setting("openai_model", "stand-in")


def test_the_key_is_read_from_a_file(remote: Remote) -> None:
    (remote.kodi.profile.stick / "key.txt").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    remote.change_setting("openai_api_key", "sk-an-older-one-0123456789")
    remote.open_settings()
    remote.press_button("Providers", "Read the key from a text file")
    remote.choose_file("Stick", "key.txt")
    until(lambda: remote.told()[-1] == "The key for OpenAI is stored.", "a word about it")
    remote.shows(SETTINGS)
    assert stored(remote, "openai_api_key", "String") == KEY


def test_in_another_language_everything_is(remote: Remote, standin: StandIn, film: Path) -> None:
    standin.pace = SLOW
    use_language(remote, "de_de")
    try:
        remote.open_settings()
        for number, category in enumerate(GERMAN, 1):
            remote.open_category(category, GERMAN)
            remote.picture(f"german-settings-{number}")
        remote.clear()
        clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=5.5))  # lines that are not remembered
        remote.play(film)
        rows = remote.open_subtitle_dialog()
        remote.picture("german-subtitle-dialog")
        assert rows[0] == "film.en.srt unverändert, Englisch"
        assert rows[1].startswith("film.en.srt (Englisch) übersetzen in: Spanisch.")
        remote.choose_row("übersetzen")
        until(lambda: film.with_name("film.es.srt").exists(), "the first lines")
        remote.open_menu()
        remote.picture("german-menu")
        assert remote.list_items()[0].startswith("Übersetzen anhalten: film.en.srt, ")
        assert remote.list_items()[-2:] == ["Video oder Untertitel wählen", "Einstellungen öffnen"]
    finally:
        remote.clear()
        use_language(remote, "en_gb")


def use_language(remote: Remote, code: str) -> None:
    value = f"resource.language.{code}"
    remote.rpc.call("Settings.SetSettingValue", setting="locale.language", value=value)
    words = {"de_de": "Einstellungen öffnen", "en_gb": "Open settings"}
    code_ = "import xbmcaddon\nanswer = xbmcaddon.Addon(addon).getLocalizedString(30528)"
    until(lambda: remote.inside(code_, addon=ID) == words[code], f"Kodi to speak {code}")
    remote.clear()
