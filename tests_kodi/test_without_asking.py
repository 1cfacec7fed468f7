"""Translations that begin with a film, from a list, from the program entry; and what was begun or done before."""

from pathlib import Path
from typing import Iterator

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import Remote
from tests_kodi.driver.speech import asked, translated
from tests_kodi.driver.waiting import until

LINES = len(clips.dialogue())
QUESTION = "Window.IsVisible(yesnodialog)"


@pytest.fixture(autouse=True)
def off_in_the_end(left_as_found: None, remote: Remote) -> Iterator[None]:
    yield
    remote.change_setting("auto_translate", "off")


def test_off_means_that_nothing_happens(remote: Remote, standin: StandIn, film: Path) -> None:
    remote.play(film)
    remote.play_on(2.0)
    assert not remote.jobs()
    assert standin.stats().requests == 0


def test_ask_offers_it_and_a_yes_begins(remote: Remote, film: Path) -> None:
    remote.change_setting("auto_translate", "ask")
    remote.play(film)
    remote.shows(QUESTION)
    remote.picture("offer")
    remote.focus("Translate", "Left")
    remote.press("Select")
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and len(translated(ours)) == LINES, "the whole film", 60)
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")


def test_on_begins_by_itself_and_the_second_time_the_file_is_simply_there(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    remote.change_setting("auto_translate", "on")
    remote.change_setting("openai_model", "gpt-4o-mini")  # one with a known price: others are asked about
    remote.play(film)
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and len(translated(ours)) == LINES, "the whole film", 60)
    remote.finishes()
    remote.stop()
    before = standin.stats().requests
    remote.play(film)
    until(lambda: remote.language_on_screen() == "spa", "the translation, found by Kodi")
    remote.play_on(1.0)
    assert not remote.jobs()
    assert standin.stats().requests == before
    remote.change_setting("openai_model", "stand-in")


def test_a_half_done_film_is_gone_on_with(remote: Remote, standin: StandIn, film: Path) -> None:
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=7.0))  # lines that are not remembered yet
    standin.pace = Pace(first_token=0.1, tokens_per_second=150)
    ours = film.with_name("film.es.srt")
    remote.play(film)
    remote.message("start", source=str(film.with_name("film.en.srt")), video=str(film))
    until(lambda: ours.exists() and len(translated(ours)) > 60, "a part of the film")
    remote.stop()
    remote.finishes()
    done = set(translated(ours))
    standin.pace = Pace()
    standin.reset()
    remote.play(film)
    until(lambda: len(translated(ours)) == len(clips.dialogue(every=7.0)), "the rest", 60)
    assert not done & {at for record in standin.log for at in asked(record)}


def test_the_context_menu_of_a_video(remote: Remote, film: Path) -> None:
    remote.rpc.call("GUI.ActivateWindow", window="videos", parameters=[str(film.parent) + "/", "return"])
    remote.shows(f"String.Contains(Container.FolderPath,{film.parent.name})")  # not the folder of the test before
    remote.focus("film", "Down")
    remote.press("ContextMenu")
    remote.shows("Window.IsVisible(contextmenu)")
    remote.focus("Translate the subtitle")
    remote.picture("context-menu")
    remote.press("Select")
    remote.shows(QUESTION)
    remote.picture("context-question")
    remote.focus("Translate", "Left")
    remote.press("Select")
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and len(translated(ours)) == LINES, "the whole film", 60)


def test_the_program_entry_offers_what_there_is(remote: Remote) -> None:
    remote.rpc.call("Addons.ExecuteAddon", addonid=ID, wait=False)
    remote.shows("Window.IsVisible(selectdialog)")
    remote.picture("program")
    remote.press("Back")


@pytest.mark.parametrize("wished", [True, False])
def test_the_next_episode_is_prepared_when_this_one_is_done(
    remote: Remote, standin: StandIn, tmp_path: Path, wished: bool
) -> None:
    episodes = [tmp_path / f"Harbour.S01E0{number}.mkv" for number in (1, 2)]
    for number, episode in enumerate(episodes):
        clips.film(episode)
        every = 15.0 + number + 2 * wished  # lines that are not remembered
        clips.srt(episode.with_suffix(".en.srt"), clips.dialogue(every=every))
    first, second = (episode.with_suffix(".es.srt") for episode in episodes)
    remote.change_setting("openai_model", "gpt-4o-mini")  # one with a known price: others are asked about
    remote.change_setting("next_episode", wished)
    told = len(remote.told())
    remote.play(episodes[0])
    remote.message("start", source=str(episodes[0].with_suffix(".en.srt")), video=str(episodes[0]))
    until(lambda: remote.told()[told:], "the last word on the first")
    if wished:
        until(lambda: second.exists() and len(translated(second)) == len(clips.dialogue(every=18.0)), "the second")
        until(lambda: remote.told()[told + 1 :], "a word about the second")
        remote.picture("next-episode")
        assert remote.told()[told + 1 :] == ["The subtitle of the next episode is ready."]
        before = standin.stats().requests
        remote.play(episodes[1])
        until(lambda: remote.language_on_screen() == "spa", "the translation, found by Kodi")
        assert standin.stats().requests == before
    else:
        before = standin.stats().requests
        remote.play_on(3.0)
        assert not remote.jobs()
        assert standin.stats().requests == before
        assert not second.exists()
    assert translated(first)
    remote.change_setting("next_episode", True)
    remote.change_setting("openai_model", "stand-in")
