"""The line that is about to be seen comes first, and what the person chooses stays chosen."""

import time
from pathlib import Path
from typing import Iterator

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import asked, translated
from tests_kodi.driver.waiting import until

FIRST = 1.0  # seconds that the provider takes for a short answer
SLOW = Pace(first_token=FIRST, tokens_per_second=60)


@pytest.fixture(autouse=True)
def nothing_plays(remote: Remote, standin: StandIn) -> Iterator[None]:
    standin.reset()
    yield
    remote.message("cancel")
    remote.clear()
    remote.stop()
    remote.finishes()


def start(remote: Remote) -> None:
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)


def test_begun_at_40_minutes_the_lines_there_come_first_and_after_a_seek_those_at_its_goal(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    standin.pace = SLOW
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=1.0))  # so it takes minutes to come to the end
    ours = film.with_name("film.es.srt")
    remote.play(film, at=2400)
    start(remote)
    until(lambda: ours.exists() and translated(ours), "the first translated lines")
    first = next(asked(record) for record in standin.log if asked(record))
    assert 2370 <= first[0] <= 2410
    assert min(translated(ours)) > 2300

    remote.seek(600)
    remote.play_on(2.0)  # by then the service has seen it
    before = len(standin.log)
    until(lambda: any(590 <= at <= 660 for at in translated(ours)), "the lines after the seek")
    remote.picture("after-a-seek")
    batches = [asked(record) for record in standin.log if asked(record)]
    there = next(number for number, batch in enumerate(batches) if batch[0] < 2300)
    print([(b[0], b[-1]) for b in batches], before, there)
    assert 580 <= batches[there][0] <= 620
    assert there <= before
    assert max(at for batch in batches for at in batch) < 3500


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
    remote.show_subtitle(1)
    until(lambda: remote.line_on_screen(), "ours, when it is chosen again")
    assert remote.language_on_screen() == "spa"


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
    remote.show_subtitle(choice)
    until(lambda: remote.language_on_screen() == shown, "the person's choice")
    before = len(translated(ours))
    until(lambda: len(translated(ours)) > before + 40, "more lines in the file")
    assert remote.language_on_screen() == shown
    assert remote.jobs()
