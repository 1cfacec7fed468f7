"""The copy that Kodi makes of a subtitle it was answered: what it will be called, where it may be, and which it is."""

import time
from typing import List, Optional

import xbmc

from core.errors import InputError
from kodi import subtitle_files, vfs
from kodi.addon import kodi_setting
from translate.languages import Language

_STAYS = 2.0  # seconds in its temporary folder, after which Kodi could not put it anywhere else


def custom_folder() -> str:
    """Kodi's own folder for subtitles, with its separator, or ``""`` where none is set."""
    path = str(kodi_setting("subtitles.custompath") or "")
    return vfs.join(vfs.local(path), "") if path else ""


def temporary_folder() -> str:
    """Where Kodi puts what it can put nowhere else, until it is started the next time."""
    return vfs.join(vfs.local("special://temp/"), "")


def name_of_copy(video: str, target: Language, extension: str) -> str:
    """What Kodi will call it: it makes the code from the language of the row that was chosen.

    It has none with a region or a script, and for a name that it does not know it leaves it out (``film..srt``).
    """
    return f"{subtitle_files.stem_of(video)}.{xbmc.convertLanguage(target.name, xbmc.ISO_639_1)}{extension}"


def lasting_paths(video: str, name: str) -> List[str]:
    """Where Kodi may put a copy called ``name``, without the folder that it empties."""
    return [vfs.join(folder, name) for folder in (vfs.folder_of(video), custom_folder()) if folder]


class CopyHunt:
    """Looks for the copy by its name too: without a translated line its content is that of the source."""

    def __init__(self, video: str, name: str) -> None:
        self._possible = (*lasting_paths(video, name), temporary_folder() + name)
        self._on_its_way: Optional[float] = None

    def find(self, data: bytes) -> Optional[str]:
        """The file of that name with just this content, in a folder that Kodi copies to."""
        path = next((path for path in self._possible if _holds(path, data)), None)
        if path is None or self.lasts(path):
            return path
        now = time.monotonic()
        self._on_its_way = self._on_its_way or now
        return path if now - self._on_its_way >= _STAYS else None

    def lasts(self, path: str) -> bool:
        return vfs.folder_of(path) != temporary_folder()


def _holds(path: str, data: bytes) -> bool:
    try:
        return vfs.read_bytes(path) == data
    except InputError:
        return False
