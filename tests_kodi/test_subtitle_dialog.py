"""Kodi's own subtitle dialog while a film plays."""

from pathlib import Path
from typing import Iterator, List

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

LINES = len(clips.dialogue())
FOREIGN = "1\n00:00:01,000 --> 00:00:02,000\nHecho por otra persona.\n"
QUESTION = "Window.IsVisible(yesnodialog)"


@pytest.fixture(autouse=True)
def nothing_plays(remote: Remote) -> Iterator[None]:
    yield
    remote.clear()
    remote.stop()
    remote.finishes()


def names(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_row_is_chosen_and_the_translated_line_is_on_the_screen(remote: Remote, standin: StandIn, film: Path) -> None:
    standin.pace = Pace(first_token=0.3, tokens_per_second=400)
    remote.play(film, at=600)
    rows = remote.open_subtitle_dialog()
    remote.picture("subtitle-dialog")
    assert rows[0] == "film.en.srt as it is, in English"
    assert rows[1].startswith(f"Translate film.en.srt (English) to Spanish: about {LINES} lines")
    assert len(rows) == 2
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and any(590 < at < 660 for at in translated(ours)), "the lines around the playhead")
    assert len(translated(ours)) < LINES
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    remote.play_on()
    remote.picture("translated-line")
    until(lambda: len(translated(ours)) == LINES, "the whole film", 60)
    remote.finishes()
    remote.picture("last-word")
    assert names(film.parent) == ["film.en.srt", "film.es.srt", "film.mkv"]
    assert len(remote.subtitles()["subtitles"]) == 2
    rows = remote.open_subtitle_dialog()
    remote.picture("subtitle-dialog-afterwards")
    assert rows == [f"Spanish, translated: all {LINES} lines"]


def test_a_subtitle_from_another_hand_is_only_replaced_after_a_yes_and_kept_as_a_copy(
    remote: Remote, film: Path
) -> None:
    theirs = film.with_name("film.es.srt")
    theirs.write_text(FOREIGN, encoding="utf-8")
    remote.play(film)
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.shows(QUESTION)
    remote.picture("replace-question")
    remote.press("Back")
    remote.hides(QUESTION)
    remote.clear()
    assert theirs.read_text(encoding="utf-8") == FOREIGN
    assert not remote.jobs()

    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.shows(QUESTION)
    remote.focus("Replace", "Left")
    remote.press("Select")
    until(lambda: len(translated(theirs)) == LINES, "our translation in its place")
    assert film.with_name("film.es.bak.srt").read_text(encoding="utf-8") == FOREIGN


def test_row_0_is_free_and_hands_out_the_source(remote: Remote, standin: StandIn, film: Path) -> None:
    before = standin.stats().requests
    remote.play(film)
    assert remote.open_subtitle_dialog()[0] == "film.en.srt as it is, in English"
    remote.choose_row("as it is")
    remote.hides(SUBTITLE_DIALOG)
    until(lambda: remote.language_on_screen() == "eng", "the source on the screen")
    assert not remote.jobs()
    assert standin.stats().requests == before


def test_what_cannot_be_translated_is_said(remote: Remote, film: Path) -> None:
    film.with_name("film.en.srt").unlink()
    remote.play(film)
    remote.rpc.call("GUI.ActivateWindow", window="subtitlesearch")
    remote.shows("Window.IsVisible(notification)")
    remote.picture("no-source")
    assert remote.row_count() == 0
