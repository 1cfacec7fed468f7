"""What goes wrong in living rooms: dead keys, silent providers, folders that cannot be written to, power cuts."""

import socket
from pathlib import Path

from cli.standin import Pace, StandIn
from tests_kodi.conftest import KEY, Starter
from tests_kodi.driver import clips
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import asked, translated
from tests_kodi.driver.waiting import until

LINES = len(clips.dialogue())


def choose(remote: Remote, film: Path, *, at: float = 0.0) -> None:
    remote.play(film, at=at)
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)


def test_a_dead_key_is_one_request_and_one_question(remote: Remote, standin: StandIn, film: Path) -> None:
    remote.change_setting("openai_api_key", "sk-dead-7Jq2Vx9LmZ4TbR8wKc5NhY3dQ")
    standin.reset()
    told = len(remote.told())
    choose(remote, film)
    remote.shows("Window.IsVisible(yesnodialog)")
    remote.picture("dead-key")
    assert remote.told()[told:] == ["OpenAI refused the key."]
    remote.clear()
    remote.finishes()
    assert standin.stats().requests == 1
    assert "sk-dead" not in remote.kodi.log()
    remote.stop()
    remote.change_setting("openai_api_key", KEY)


def test_a_provider_that_is_down_is_told_once(remote: Remote, standin: StandIn, film: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
    remote.change_setting("openai_base_url", closed)
    told = len(remote.told())
    choose(remote, film)
    until(lambda: remote.told()[told:], "a word about it", 60)
    remote.picture("provider-down")
    remote.finishes()
    assert remote.told()[told:] == ["OpenAI cannot be reached. Is the network working?"]
    remote.clear()
    remote.stop()
    remote.change_setting("openai_base_url", standin.openai_base_url)


def test_beside_a_film_in_a_read_only_folder_nothing_is_needed(remote: Remote, standin: StandIn, film: Path) -> None:
    film.parent.chmod(0o555)
    try:
        choose(remote, film, at=600)
        until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
        remote.finishes()
        assert not film.with_name("film.es.srt").exists()
        remote.stop()
        before = standin.stats().requests
        remote.play(film)
        until(lambda: remote.language_on_screen() == "spa", "our subtitle, found by itself")
        assert standin.stats().requests == before
    finally:
        film.parent.chmod(0o755)
        remote.clear()
        remote.stop()


def test_after_a_power_cut_no_finished_line_is_asked_again(start: Starter, standin: StandIn, film: Path) -> None:
    remote = start()
    standin.pace = Pace(first_token=0.1, tokens_per_second=200)
    standin.reset()
    ours = film.with_name("film.es.srt")
    choose(remote, film)
    until(lambda: ours.exists() and len(translated(ours)) > LINES // 5, "a part of the film")
    done = set(translated(ours))
    remote.play_on(1.0)  # what is in the file is in the journal half a second later
    remote.kodi.kill()
    standin.reset()
    remote.kodi.start()
    remote.clear()
    remote.play(film)
    until(lambda: len(translated(ours)) == LINES, "the rest", 90)
    again = [at for record in standin.log for at in asked(record)]
    assert len(again) < LINES
    assert not done & set(again)
