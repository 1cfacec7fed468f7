"""The copy that Kodi makes of a subtitle it was answered: what it will be called, where it may be, and which it is."""

from typing import Iterator, List, Optional

import xbmc

from core.errors import InputError
from kodi import subtitle_files, vfs
from kodi.addon import kodi_setting
from translate.languages import Language


def custom_folder() -> str:
    """Kodi's own folder for subtitles, with its separator, or ``""`` where none is set."""
    path = str(kodi_setting("subtitles.custompath") or "")
    return vfs.join(vfs.local(path), "") if path else ""


def temporary_folder() -> str:
    """Where Kodi puts what it can put nowhere else, until it is started the next time."""
    return vfs.join(vfs.local("special://temp/"), "")


def name_of_copy(video: str, target: Language, extension: str) -> str:
    """What Kodi will call it: it makes the code from the language of the row that was chosen."""
    code = xbmc.convertLanguage(target.name, xbmc.ISO_639_1) or target.code
    return f"{subtitle_files.stem_of(video)}.{code}{extension}"


def lasting_paths(video: str, name: str) -> List[str]:
    """Where Kodi may put a copy called ``name``, without the folder that it empties."""
    return [vfs.join(folder, name) for folder in (vfs.folder_of(video), custom_folder()) if folder]


class CopyHunt:
    """Looks for the copy. As long as nothing is translated it is the source word for word: content alone is no proof.

    :param source: never taken for the copy.
    """

    def __init__(self, video: str, answered: str, target: Language, source: str = "") -> None:
        self._video = video
        self._answered = answered
        self._target = target
        self._source = source
        self._before = set(self._possible())

    def find(self, data: bytes) -> Optional[str]:
        """A file of the film's name with just this content, in a folder that Kodi copies to."""
        return next((path for path in self._possible() if self._may_be(path) and _holds(path, data)), None)

    def lasts(self, path: str) -> bool:
        return vfs.folder_of(path) != temporary_folder()

    def _may_be(self, path: str) -> bool:
        """It is new, or in the language of the row that was chosen: then Kodi has replaced what was there."""
        if subtitle_files.same_path(path, self._source):
            return False
        named = subtitle_files.candidates(self._video, "", [vfs.base_name(path)])
        return path not in self._before or bool(subtitle_files.in_language(named, self._target))

    def _possible(self) -> Iterator[str]:
        for folder in (vfs.folder_of(self._video), custom_folder(), temporary_folder()):
            for name in vfs.list_folder(folder)[1] if folder else ():
                if subtitle_files.may_be_copy(name, self._video, self._answered):
                    yield vfs.join(folder, name)


def _holds(path: str, data: bytes) -> bool:
    try:
        return vfs.read_bytes(path) == data
    except InputError:
        return False
