"""The add-on's entry among the program add-ons: choosing what to translate, stopping it, and what comes afterwards."""

from pathlib import Path
from typing import List

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.remote import Remote
from tests_kodi.driver.speech import asked, left_alone, speaks_spanish, translated
from tests_kodi.driver.waiting import until
from translate import documents

QUESTION, LIST, PAGE = "Window.IsVisible(yesnodialog)", "Window.IsVisible(selectdialog)", "Window.IsVisible(textviewer)"
SLOW, NEVER = Pace(first_token=0.2, tokens_per_second=60), Pace(first_token=600.0)


pytestmark = pytest.mark.usefixtures("left_as_found")


@pytest.fixture
def source(remote: Remote, request: pytest.FixtureRequest) -> Path:
    """A subtitle on the shelf, in a folder and with lines that no other test has."""
    number = list(request.session.items).index(request.node)
    lines = clips.dialogue(minutes=30, every=5.0 + number / 100)
    folder = remote.kodi.profile.films / request.node.name.replace("_", " ")
    folder.mkdir()
    return clips.srt(folder / "Harbour.en.srt", lines)


def choose(remote: Remote, path: Path) -> None:
    remote.open_menu()
    remote.answer("Choose a video", "Down")
    remote.choose_file("Films", path.parent.name[:20], path.name)
    remote.shows(QUESTION)


def menu(remote: Remote) -> List[str]:
    """Open it, and tell what it offers."""
    remote.open_menu()
    return remote.list_items()


def result(source: Path) -> Path:
    return source.with_name("Harbour.es.srt")


def test_a_subtitle_is_chosen_from_a_list_and_its_translation_lies_beside_it(remote: Remote, source: Path) -> None:
    remote.open_menu()
    remote.picture("program-1-menu")
    remote.answer("Choose a video", "Down")
    remote.shows("Window.IsVisible(filebrowser)")
    remote.focus("Films", "Down")
    remote.picture("program-2-files")
    remote.choose_file("Films", source.parent.name[:20], source.name)
    remote.shows(QUESTION)
    remote.picture("program-3-question")
    question, lines = remote.question(), len(documents.load(str(source)).cues)
    assert question.startswith("Translate Harbour.en.srt (English) to Spanish?")
    assert f"{lines} lines, about" in question
    assert "tokens, price not known, stand-in" in question
    assert not result(source).exists()
    remote.answer("Translate")
    until(lambda: result(source).exists() and len(translated(result(source))) == lines, "the translation")
    remote.finishes()
    assert remote.told()[-1] == f"All {lines} lines translated."


def test_a_video_with_several_subtitles_asks_which_one(remote: Remote, source: Path) -> None:
    clips.srt(source.with_name("Harbour.fr.srt"), clips.dialogue(every=30.0))
    video = clips.film(source.with_name("Harbour.mkv"), minutes=1)
    remote.open_menu()
    remote.answer("Choose a video", "Down")
    remote.choose_file("Films", source.parent.name[:20], video.name)
    remote.shows(LIST)
    until(lambda: "Harbour.en.srt" in remote.focused(), "the list of subtitles")
    remote.picture("program-which-subtitle")
    remote.answer("Harbour.fr.srt", "Down")
    remote.shows(QUESTION)
    assert remote.question().startswith("Translate Harbour.fr.srt (French) to Spanish?")


def test_a_no_begins_nothing(remote: Remote, standin: StandIn, source: Path) -> None:
    choose(remote, source)
    remote.answer("Cancel", "Right")
    remote.hides(QUESTION)
    assert not remote.jobs()
    assert standin.stats().requests == 0


def test_it_is_stopped_and_what_is_done_is_kept(remote: Remote, standin: StandIn, source: Path) -> None:
    standin.pace = SLOW
    choose(remote, source)
    remote.answer("Translate")
    until(lambda: result(source).exists() and translated(result(source)), "the first translated lines")
    standin.pace = NEVER
    until(lambda: standin.stats().in_flight == 4, "requests that are not going to be answered")
    remote.picture("progress")
    remote.open_menu()
    remote.picture("program-stop")
    remote.answer("Stop translating: Harbour.en.srt", "Down")
    remote.finishes()
    assert remote.told()[-1].startswith("Stopped: ")
    remote.picture("stopped")
    assert translated(result(source))
    assert remote.connections()["active"] == 0


def test_kept_lines_are_told_explained_and_tried_again(remote: Remote, standin: StandIn, source: Path) -> None:
    clips.srt(source, clips.dialogue(minutes=30, every=10.0))
    lines = 180
    standin.script = left_alone(" 30 seconds")
    choose(remote, source)
    remote.answer("Translate")
    until(lambda: remote.told()[-1].endswith("kept in English."), "the last word")
    assert remote.told()[-1] == f"{lines - 30} of {lines} lines translated, 30 kept in English."
    remote.picture("last-word-some-kept")

    remote.open_menu()
    remote.picture("program-afterwards")
    remote.answer("Why lines were kept", "Down")
    remote.shows(PAGE)
    remote.picture("why-kept")
    remote.press("Back")
    remote.hides(PAGE)

    standin.script = speaks_spanish
    standin.reset()
    remote.open_menu()
    remote.answer("Try the kept lines again", "Down")
    until(lambda: len(translated(result(source))) == lines, "the kept lines")
    remote.finishes()
    assert remote.told()[-1] == f"All {lines} lines translated."
    assert {at % 60 for record in standin.log for at in asked(record)} == {30}
    assert not any("kept" in item for item in menu(remote))


def test_it_is_translated_anew_after_a_yes_to_the_price_and_removed_after_another(
    remote: Remote, standin: StandIn, source: Path
) -> None:
    choose(remote, source)
    remote.answer("Translate")
    until(lambda: result(source).exists(), "the translation")
    remote.finishes()
    standin.reset()
    remote.open_menu()
    remote.answer("Translate anew: Harbour.es.srt", "Down")
    remote.shows(QUESTION)
    remote.picture("program-anew")
    assert f"{len(translated(result(source)))} lines, about" in remote.question()
    assert standin.stats().requests == 0
    remote.answer("Translate")
    until(lambda: standin.stats().requests > 0, "requests")
    remote.finishes()

    remote.open_menu()
    remote.answer("Remove the translation: Harbour.es.srt", "Down")
    remote.shows(QUESTION)
    remote.picture("program-remove")
    remote.answer("Cancel", "Right")
    remote.hides(QUESTION)
    assert result(source).exists()
    remote.open_menu()
    remote.answer("Remove the translation: Harbour.es.srt", "Down")
    remote.shows(QUESTION)
    remote.answer("Remove")
    until(lambda: not result(source).exists(), "the translation to be gone")
    until(lambda: remote.told()[-1] == "The translation is removed.", "a word about it")
    assert not any("Harbour" in item for item in menu(remote))
    assert source.exists()
