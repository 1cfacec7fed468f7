"""What the person chose to be shown is shown the next time, though Kodi only remembers its number."""

from pathlib import Path

from tests_kodi.driver.remote import Remote
from tests_kodi.driver.waiting import until


def play_again(remote: Remote, film: Path, shown: str) -> None:
    remote.stop()
    remote.play(film)
    until(lambda: remote.language_on_screen() == shown, f"{shown or 'nothing'} on the screen")
    remote.play_on(3.0)
    assert remote.language_on_screen() == shown


def choose(remote: Remote, shown: str) -> None:
    found = {one["language"]: one["index"] for one in remote.subtitles()["subtitles"]}
    remote.show_subtitle(found[shown] if shown else "off")
    until(lambda: remote.language_on_screen() == shown, "the person's choice")
    remote.play_on(3.0)


def test_the_translation_is_shown_until_another_one_is_chosen_and_again_when_it_is(remote: Remote, film: Path) -> None:
    remote.play(film)
    remote.message("start", source=str(film.with_name("film.en.srt")), video=str(film))
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    remote.finishes()
    remote.play_on(1.0)
    choose(remote, "eng")
    play_again(remote, film, "eng")
    choose(remote, "")
    play_again(remote, film, "")
    remote.show_subtitle("on")
    choose(remote, "spa")
    play_again(remote, film, "spa")
    remote.clear()
    remote.stop()
