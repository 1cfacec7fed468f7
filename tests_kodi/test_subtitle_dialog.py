"""Kodi's own subtitle dialog while a film plays."""

import functools
import http.server
import threading
from pathlib import Path
from typing import Iterator, List
from urllib.parse import urlencode

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID, VIDEOS
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import speaks_chinese, translated
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


@pytest.fixture
def priced(remote: Remote) -> Iterator[str]:
    """A model whose price is known."""
    remote.change_setting("openai_model", "gpt-4o-mini")
    yield "gpt-4o-mini"
    remote.change_setting("openai_model", "stand-in")


def names(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_row_is_chosen_and_the_translated_line_is_on_the_screen(
    remote: Remote, standin: StandIn, film: Path, priced: str
) -> None:
    standin.pace = Pace(first_token=0.3, tokens_per_second=400)
    remote.play(film, at=600)
    rows = remote.open_subtitle_dialog()
    remote.picture("subtitle-dialog")
    assert rows == [
        "film.en.srt as it is, in English",
        f"Translate film.en.srt (English) to Spanish: about {LINES} lines, ~$0.009, {priced}",
    ]
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


def test_row_0_leaves_the_files_beside_the_film_as_they_are(remote: Remote, film: Path) -> None:
    """Kodi would copy it to film.en.srt, and say that it failed where it is handed nothing."""
    clips.srt(film.with_name("film.English.srt"), clips.dialogue(every=7.0))
    before = {path.name: path.read_bytes() for path in film.parent.glob("*.srt")}
    remote.play(film)
    remote.open_subtitle_dialog()
    remote.show_subtitle("off")
    until(lambda: remote.language_on_screen() == "", "no subtitle")
    remote.hides("Window.IsVisible(notification)")  # of an earlier film
    remote.choose_row("film.English.srt as it is")
    until(lambda: remote.language_on_screen() == "eng", "the source on the screen")
    remote.hides(SUBTITLE_DIALOG)
    remote.play_on()
    remote.picture("row-0")
    assert not remote.rpc.holds("Window.IsVisible(notification)")
    assert len(remote.subtitles()["subtitles"]) == 2
    assert {path.name: path.read_bytes() for path in film.parent.glob("*.srt")} == before


@pytest.mark.parametrize(("code", "told"), [("pt-BR", "bre"), ("zh-TW", "twi")])
def test_a_language_with_a_region_or_a_script_gets_its_own_file_that_is_found_again(
    remote: Remote, standin: StandIn, film: Path, code: str, told: str
) -> None:
    """Kodi would call its copy film..srt; of our name it only understands the last two letters."""
    if code == "zh-TW":
        standin.script = speaks_chinese
    remote.change_setting("target_language", code)
    ours = film.with_name(f"film.{code}.srt")
    remote.play(film)
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    until(lambda: ours.exists() and len(translated(ours)) == LINES, "the whole film")
    remote.finishes()
    until(lambda: remote.language_on_screen() == told, "our subtitle in the player")
    assert names(film.parent) == ["film.en.srt", "film.mkv", ours.name]
    remote.stop()

    remote.play(film)
    until(lambda: remote.language_on_screen() == told, "our subtitle, found by itself")
    (row,) = remote.open_subtitle_dialog()
    assert row.endswith(f", translated: all {LINES} lines")
    remote.show_subtitle("off")
    until(lambda: remote.language_on_screen() == "", "no subtitle")
    remote.choose_row(row)
    remote.hides(SUBTITLE_DIALOG)
    until(lambda: remote.language_on_screen() == told, "our subtitle again")
    assert names(film.parent) == ["film.en.srt", "film.mkv", ours.name]
    remote.change_setting("target_language", "es")


def test_what_cannot_be_translated_is_said(remote: Remote, film: Path) -> None:
    film.with_name("film.en.srt").unlink()
    remote.play(film)
    remote.rpc.call("GUI.ActivateWindow", window="subtitlesearch")
    remote.shows("Window.IsVisible(notification)")
    remote.picture("no-source")
    assert remote.row_count() == 0


@pytest.mark.parametrize("busy", [False, True], ids=["as-soon-as-kodi-has-the-film", "while-a-translation-begins"])
def test_the_rows_are_there_each_time(remote: Remote, standin: StandIn, film: Path, busy: bool) -> None:
    """Kodi may overlook that a search has ended; we see to it that it does not stay so."""
    standin.pace = Pace(first_token=0.3, tokens_per_second=100)
    for number in range(6):
        if busy:
            clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=40.0 + number))
            remote.play(film)
            remote.message("start", source=str(film.with_name("film.en.srt")), video=str(film))
        else:
            remote.rpc.call("Player.Open", item={"file": str(film)})
            until(lambda: remote.rpc.call("Player.GetActivePlayers"), "a player")
        assert remote.open_subtitle_dialog()
        remote.press("Back")
        remote.hides(SUBTITLE_DIALOG)
        remote.stop()


def test_a_service_that_is_only_just_starting_is_waited_for(remote: Remote, film: Path) -> None:
    remote.play(film)
    remote.kodi.disable()
    until(lambda: not remote.kodi.is_enabled(), "the add-on to be disabled")
    remote.rpc.call("Addons.SetAddonEnabled", addonid=ID, enabled=True)
    assert remote.open_subtitle_dialog()[0] == "film.en.srt as it is, in English"


# --- videos that have no subtitle file --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a film that is not a file, but comes over HTTP."""
    folder = tmp_path_factory.mktemp("stream")
    clips.film(folder / "live.mkv")
    clips.srt(folder / "live.en.srt", clips.dialogue())
    handler = functools.partial(SilentHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/live.mkv"
        server.shutdown()
        thread.join()


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:  # noqa: A002  # the standard library's name
        pass


def parts(film: Path) -> str:
    """A film in two files, which Kodi plays as one."""
    names = [film.with_name(f"film-cd{number}.mkv") for number in (1, 2)]
    for name in names:
        clips.film(name)
        clips.srt(name.with_suffix(".en.srt"), clips.dialogue())
    return f"stack://{names[0]} , {names[1]}"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("stack", "Videos in several parts and discs have no single subtitle file that could be translated."),
        ("plugin", "Live streams and videos from add-ons have no subtitle file that could be translated."),
        ("http", "Live streams and videos from add-ons have no subtitle file that could be translated."),
    ],
    ids=["stack", "plugin", "http"],
)
def test_where_there_is_no_subtitle_file_that_is_said_and_nothing_is_offered(
    remote: Remote, standin: StandIn, film: Path, stream: str, kind: str, word: str
) -> None:
    standin.reset()
    remote.change_setting("auto_translate", "on")
    path = {"stack": parts(film), "http": stream, "plugin": f"plugin://{VIDEOS}/?{urlencode({'play': stream})}"}[kind]
    if kind == "plugin":
        address = f"plugin://{VIDEOS}/?{urlencode({'list': stream})}"
        remote.rpc.call("GUI.ActivateWindow", window="videos", parameters=[address, "return"])
        remote.answer("A video of an add-on", "Down")
    else:
        remote.rpc.call("Player.Open", item={"file": path})
    until(lambda: remote.position() is not None, "the film")
    remote.play_on(2.0)
    told = len(remote.told())
    remote.rpc.call("GUI.ActivateWindow", window="subtitlesearch")
    remote.shows(SUBTITLE_DIALOG)
    until(lambda: remote.told()[told:], "a word about it")
    remote.picture(f"no-file-{kind}")
    assert remote.told()[told:] == [word]
    assert remote.row_count() == 0
    remote.clear()

    remote.builtin(f"RunScript({ID},translate,{path})")  # what the context menu does
    until(lambda: remote.told()[told + 1 :], "a word about it")
    assert remote.told()[told + 1 :] == [word]
    remote.clear()
    remote.change_setting("auto_translate", "off")
    assert standin.stats().requests == 0
