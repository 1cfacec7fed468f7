"""A film on a share of the network: everything goes through Kodi, which alone can open it."""

from pathlib import Path
from typing import Iterator

import pytest

from cli.standin import StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.share import PASSWORD, Share
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

LINES = len(clips.dialogue())


@pytest.fixture
def share(tmp_path: Path, film: Path) -> Iterator[Share]:
    """The folder that the film is in."""
    with Share(tmp_path / "samba", film.parent) as running:
        yield running


def play(remote: Remote, url: str) -> None:
    remote.rpc.call("Player.Open", item={"file": url})
    until(lambda: remote.position() is not None and remote.playing() == url, "the film to play")


def test_a_film_on_a_share_is_translated_there_and_the_second_time_it_is_simply_there(
    remote: Remote, standin: StandIn, share: Share, film: Path
) -> None:
    url = f"{share.url}film.mkv"
    play(remote, url)
    assert remote.open_subtitle_dialog() == [
        "film.en.srt as it is, in English",
        f"Translate film.en.srt (English) to Spanish: about {LINES} lines, price not known, stand-in",
    ]
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    remote.finishes()
    remote.play_on()
    remote.picture("film-on-a-share")
    assert len(translated(film.with_name("film.es.srt"))) == LINES
    assert sorted(path.name for path in film.parent.glob("film*")) == ["film.en.srt", "film.es.srt", "film.mkv"]
    remote.stop()

    before = standin.stats().requests
    play(remote, url)
    until(lambda: remote.language_on_screen() == "spa", "the translation, found by itself")
    assert remote.open_subtitle_dialog() == [f"Spanish, translated: all {LINES} lines"]
    remote.clear()
    remote.stop()
    assert standin.stats().requests == before
    assert PASSWORD not in "".join(remote.told())
    leaks = [line for line in remote.kodi.log().splitlines() if PASSWORD in line and ID in line]
    assert leaks == []
