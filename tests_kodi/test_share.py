"""A film on a share of the network: everything goes through Kodi, which alone can open it."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Iterator

import pytest

from cli.standin import StandIn
from tests_kodi.conftest import make_new
from tests_kodi.driver import clips
from tests_kodi.driver.nfs import NoServerError, shared_by_nfs
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.share import PASSWORD, Share
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

LINES = len(clips.dialogue())


@pytest.fixture
def remote(shared: Remote, standin: StandIn) -> Remote:
    """A Kodi in which nothing was translated so far, not even by the test before."""
    make_new(shared, standin)
    return shared


@pytest.fixture
def share(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Share]:
    """The folder that the film is in."""
    with Share(tmp_path_factory.mktemp("samba"), film.parent) as running:
        yield running


@pytest.fixture(scope="session")
def nfs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="session")
def nfs(nfs_folder: Path, tmp_path_factory: pytest.TempPathFactory, outlasting: ExitStack) -> str:
    """The URL of that folder. Kodi asks but once what a server exports, so it is the same for all tests."""
    try:
        return outlasting.enter_context(shared_by_nfs(nfs_folder, tmp_path_factory.mktemp("nfs")))
    except NoServerError as error:
        pytest.skip(str(error))


def play(remote: Remote, url: str) -> None:
    remote.rpc.call("Player.Open", item={"file": url})
    until(lambda: remote.position() is not None and remote.playing() == url, "the film to play")


def is_translated_there_and_found_again(remote: Remote, standin: StandIn, url: str, film: Path) -> None:
    """``film`` with its English subtitle, which Kodi knows as ``url``."""
    source, output = film.with_suffix(".en.srt"), film.with_suffix(".es.srt")
    play(remote, url)
    assert remote.open_subtitle_dialog() == [
        f"{source.name} as it is, in English",
        f"Translate {source.name} (English) to Spanish: about {LINES} lines, price not known, stand-in",
    ]
    remote.choose_row(f"Translate {source.name}")
    remote.hides(SUBTITLE_DIALOG)
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    remote.finishes()
    remote.play_on()
    remote.picture(f"film-on-a-share-{url[:3]}")
    assert len(translated(output)) == LINES
    assert sorted(path.name for path in film.parent.iterdir()) == [source.name, output.name, film.name]
    remote.stop()

    before = standin.stats().requests
    play(remote, url)
    until(lambda: remote.language_on_screen() == "spa", "the translation, found by itself")
    assert remote.open_subtitle_dialog() == [f"Spanish, translated: all {LINES} lines"]
    remote.clear()
    remote.stop()
    assert standin.stats().requests == before


def test_a_film_on_a_share_is_translated_there_and_the_second_time_it_is_simply_there(
    remote: Remote, standin: StandIn, share: Share, film: Path
) -> None:
    is_translated_there_and_found_again(remote, standin, f"{share.url}film.mkv", film)
    assert PASSWORD not in "".join(remote.told())
    leaks = [line for line in remote.kodi.log().splitlines() if PASSWORD in line and ID in line]
    assert leaks == []


@pytest.mark.parametrize("path", ["film/film.mkv", "Über den Fluß/100 % #1; der [alte] Fährmann.mkv"])
def test_so_is_a_film_on_a_share_of_nfs_whatever_its_name(
    remote: Remote, standin: StandIn, nfs: str, nfs_folder: Path, path: str
) -> None:
    # A folder that Kodi has not seen: the test may be tried again.
    film = clips.film(Path(tempfile.mkdtemp(dir=nfs_folder)) / path)
    clips.srt(film.with_suffix(".en.srt"), clips.dialogue())
    is_translated_there_and_found_again(remote, standin, f"{nfs}/{film.relative_to(nfs_folder)}", film)
    assert remote.kodi.complaints() == []


@pytest.mark.parametrize("kind", ["smb", "nfs"])
def test_what_is_written_to_a_share_takes_the_place_of_what_was_there(
    remote: Remote, kind: str, request: pytest.FixtureRequest, nfs_folder: Path
) -> None:
    """It is not written over: whoever has the old file open still reads all of it."""
    if kind == "smb":
        url, shared = request.getfixturevalue("share").url, request.getfixturevalue("film").parent
    else:
        url, shared = request.getfixturevalue("nfs") + "/", nfs_folder
    name = "100 % #1; [alt].srt"
    code = (
        "import sys, xbmcaddon\n"
        "sys.path.insert(0, xbmcaddon.Addon(addon).getAddonInfo('path'))\n"
        "from kodi import vfs\n"
        "vfs.make_folder(folder)\n"
        "vfs.write(folder + name, text.encode())\n"
        "answer = vfs.read_bytes(folder + name).decode(), vfs.list_folder(folder)\n"
    )

    def write(text: str) -> Path:
        answer = remote.inside(code, addon=ID, folder=f"{url}Für später/", name=name, text=text)
        assert answer == [text, [[], [name]]]
        path = Path(shared, "Für später", name)
        assert path.read_text(encoding="utf-8") == text
        assert list(path.parent.iterdir()) == [path]
        return path

    with write("What was there.").open(encoding="utf-8") as old:
        write("What is there now.")
        assert old.read() == "What was there."
