"""Kodi's own subtitle dialog while a film plays."""

from pathlib import Path
from typing import Iterator

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

LINES = len(clips.dialogue())


@pytest.fixture(autouse=True)
def nothing_plays(remote: Remote) -> Iterator[None]:
    yield
    remote.clear()
    remote.stop()


def test_a_row_is_chosen_and_the_translated_line_is_on_the_screen(remote: Remote, standin: StandIn, film: Path) -> None:
    standin.pace = Pace(first_token=0.3, tokens_per_second=400)
    remote.play(film, at=600)
    rows = remote.open_subtitle_dialog()
    remote.picture("subtitle-dialog")
    assert rows[0] == "film.en.srt as it is, in English"
    assert rows[1].startswith(f"Translate film.en.srt (English) to Spanish: about {LINES} lines")
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and any(590 < at < 660 for at in translated(ours)), "the lines around the playhead")
    until(lambda: remote.subtitle_on_screen() == "film.es.srt" or remote.subtitles(), "our subtitle in the player")
    remote.picture("translated-line")
    print(remote.subtitles())
    until(lambda: len(translated(ours)) == LINES, "the whole film", 60)
    until(lambda: not remote.message("status")["jobs"], "the job to end")
    remote.picture("last-word")
    assert sorted(path.name for path in film.parent.iterdir()) == ["film.en.srt", "film.es.srt", "film.mkv"]
    assert remote.open_subtitle_dialog()[0] == f"Español, translated: all {LINES} lines"
    remote.picture("subtitle-dialog-afterwards")
