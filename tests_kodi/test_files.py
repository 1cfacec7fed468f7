"""Subtitle files as Kodi sees them while we write them."""

import threading
from pathlib import Path
from typing import Set

from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import Remote
from tests_kodi.driver.waiting import until

WRITE = """
import os, sys, xbmc, xbmcaddon, xbmcvfs
sys.path.insert(0, xbmcaddon.Addon(addon).getAddonInfo('path'))
from kodi import vfs
folder = os.path.join(os.path.dirname(path), '')
xbmcvfs.listdir(folder)
for number in range(times):
    with open(sources[number % 2], 'rb') as source:
        vfs.write(path, source.read())
xbmc.Player().setSubtitles(path)
answer = sorted(os.listdir(folder))
"""


def watch(path: Path, seen: Set[bytes], over: threading.Event) -> None:
    while not over.is_set():
        if path.exists():
            seen.add(path.read_bytes())


def test_a_file_is_whole_at_every_moment_and_is_shown_in_a_folder_that_kodi_has_listed_before(
    remote: Remote, film: Path, tmp_path: Path
) -> None:
    wholes = [clips.srt(tmp_path / f"{minutes}.txt", clips.dialogue(minutes)) for minutes in (60, 30)]
    ours, over = film.with_name("film.es.srt"), threading.Event()
    seen: Set[bytes] = set()
    remote.play(film)
    watcher = threading.Thread(target=watch, args=(ours, seen, over))
    watcher.start()
    names = remote.inside(WRITE, addon=ID, path=str(ours), sources=[str(whole) for whole in wholes], times=60)
    over.set()
    watcher.join()
    until(lambda: remote.language_on_screen() == "spa", "our subtitle in the player")
    assert seen <= {whole.read_bytes() for whole in wholes}
    assert names == ["30.txt", "60.txt", "film.en.srt", "film.es.srt", "film.mkv"]
