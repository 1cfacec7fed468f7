"""A provider that refuses at once, after Kodi was already given a file to show."""

from pathlib import Path

from tests_kodi.conftest import KEY, Starter
from tests_kodi.driver.waiting import until


def test_nothing_stays_that_would_pass_for_a_translation_and_with_a_good_key_it_begins_anew(
    start: Starter, film: Path
) -> None:
    remote = start(openai_api_key="sk-dead-7Jq2Vx9LmZ4TbR8wKc5NhY3dQ")
    remote.play(film, at=600)
    until(lambda: remote.language_on_screen() == "eng", "the English subtitle")
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.shows("Window.IsVisible(yesnodialog)")
    remote.finishes()
    remote.picture("dead-key-nothing-stays")
    assert remote.told() == ["OpenAI refused the key."]
    until(lambda: remote.language_on_screen() == "eng", "the English subtitle again")
    assert sorted(path.name for path in film.parent.iterdir()) == ["film.en.srt", "film.mkv"]
    remote.clear()
    remote.stop()

    remote.change_setting("openai_api_key", KEY)
    remote.change_setting("auto_translate", "ask")
    remote.play(film, at=600)
    remote.shows("Window.IsVisible(yesnodialog)")
    remote.answer("Translate")
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    remote.finishes()
    assert film.with_name("film.es.srt").exists()
