"""The line that is about to be seen comes first, and what the person chooses stays chosen."""

import time
from pathlib import Path
from typing import List

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import asked, translated
from tests_kodi.driver.waiting import until

FIRST = 1.0  # seconds that the provider takes for a short answer
SLOW = Pace(first_token=FIRST, tokens_per_second=60)


pytestmark = pytest.mark.usefixtures("left_as_found")


def start(remote: Remote) -> None:
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)


def batches(standin: StandIn) -> List[List[int]]:
    """When the lines of each batch that was asked are spoken, in seconds."""
    return [asked(record) for record in standin.log if asked(record)]


def test_begun_at_40_minutes_the_lines_there_come_first_and_after_a_seek_those_at_its_goal(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    standin.pace = SLOW
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=1.0))  # so it takes minutes to come to the end
    ours = film.with_name("film.es.srt")
    remote.play(film, at=2400)
    start(remote)
    until(lambda: ours.exists() and translated(ours), "the first translated lines")
    assert 2370 <= batches(standin)[0][0] <= 2410
    assert min(translated(ours)) > 2300

    remote.seek(600)
    remote.play_on(3.0)  # by then the service has seen it
    before = len(batches(standin))
    until(lambda: any(590 <= at <= 660 for at in translated(ours)), "the lines after the seek")
    remote.picture("after-a-seek")
    begins = [batch[0] for batch in batches(standin)]
    first_there = next(number for number, at in enumerate(begins) if at < 2300)
    assert first_there <= before
    assert 580 <= begins[first_there] <= 620
    assert max(max(batch) for batch in batches(standin)) < 3500, "the film was asked to its end first"


def test_the_first_translated_line_is_on_the_screen_soon_after_the_provider_gave_it(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    standin.pace = SLOW
    minute = 60.0
    clips.film(film, minutes=25, rate=25)
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=minute))
    remote.play(film, at=1201)
    english = until(remote.line_on_screen, "the English line")
    start(remote)
    until(lambda: remote.line_on_screen() not in ("", english), "the Spanish line", 20)
    after = time.monotonic() - (standin.log[0].started + FIRST)
    remote.picture("first-line")
    print(f"The first translated line is seen {after:.2f} s after the provider's first word.")
    assert after < 2.0


@pytest.mark.parametrize(("choice", "shown"), [("off", ""), (0, "eng")])
def test_what_the_person_chooses_before_the_first_line_is_there_stays(
    remote: Remote, standin: StandIn, film: Path, choice: object, shown: str
) -> None:
    standin.pace = Pace(first_token=10.0, tokens_per_second=400)
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=7.0 if shown else 3.0))  # of which none is remembered
    ours = film.with_name("film.es.srt")
    remote.play(film, at=600)
    start(remote)
    until(lambda: remote.language_on_screen() == "spa", "Kodi's copy in the player")
    remote.play_on(2.0)
    remote.show_subtitle(choice)
    until(lambda: remote.language_on_screen() == shown, "the person's choice")
    assert not translated(ours)
    until(lambda: translated(ours), "the first translated lines")
    remote.play_on(3.0)
    assert remote.language_on_screen() == shown


@pytest.mark.parametrize(("choice", "shown"), [("off", ""), (0, "eng")])
def test_what_the_person_chooses_in_the_middle_is_not_switched_back(
    remote: Remote, standin: StandIn, film: Path, choice: object, shown: str
) -> None:
    standin.pace = SLOW
    ours = film.with_name("film.es.srt")
    remote.play(film, at=600)
    start(remote)
    until(lambda: ours.exists() and translated(ours), "the first translated lines")
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    remote.play_on(1.0)  # Kodi tells of a choice a moment later: what reloads in that moment would not know of it
    remote.show_subtitle(choice)
    until(lambda: remote.language_on_screen() == shown, "the person's choice")
    before = len(translated(ours))
    until(lambda: len(translated(ours)) > before + 40, "more lines in the file")
    assert remote.language_on_screen() == shown
    assert remote.jobs()
