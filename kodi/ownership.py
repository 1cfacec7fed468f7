"""Whose a subtitle file is, and writing to those that are ours.

A record of what was last written (``translate.outputs``) makes a file ours as long as it holds just that. What someone
else made or changed is never overwritten; it is set aside as ``film.es.bak.srt``, and only after a yes.
"""

from typing import Optional, Tuple

from core.errors import InputError
from kodi import strings, subtitle_files, vfs
from kodi.strings import localised
from translate.film import OutputTakenError
from translate.outputs import Outputs

_NEXT = "?next"  # the record of what is about to be written


class Ownership:
    """The files that ``outputs`` has a record of."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def figures(self, path: str) -> Optional[Tuple[int, int]]:
        """Cues done and in all of a file of ours; None for one of anybody else, or where there is none."""
        if not vfs.exists(path):
            return None
        try:
            data = vfs.read_bytes(path)
        except InputError:
            return None
        return self._outputs.written(path, data) or self._outputs.written(path + _NEXT, data)

    def is_unfinished(self, path: str) -> bool:
        figures = self.figures(path)
        return figures is not None and figures[0] < figures[1]

    def write(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """Write our file and remember that it is ours.

        :raises InputError: the folder cannot be written to.
        """
        self.expect(path, data, done=done, total=total)
        vfs.write(path, data)
        self._outputs.note(path, data, done=done, total=total)

    def expect(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """``data`` is going to be at ``path``, by our hand or Kodi's: a kill before it is noted leaves it ours."""
        self._outputs.note(path + _NEXT, data, done=done, total=total)

    def adopt(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """``path`` is a copy of ``data`` that Kodi made: it is ours from now on."""
        self._outputs.note(path, data, done=done, total=total)

    def make_room(self, path: str, *, agreed: bool) -> None:
        """See that ``path`` can be written: nothing is there, or it is ours, or what is there was set aside.

        :param agreed: the person wants a foreign file to be replaced; a copy of it is kept.
        :raises OutputTakenError: there is a file of somebody else, and nobody agreed.
        :raises InputError: it could not be set aside.
        """
        if not vfs.exists(path) or self.figures(path) is not None:
            return
        if not agreed:
            raise OutputTakenError(localised(strings.NOT_OURS, name=vfs.base_name(path)))
        self.set_aside(path)

    def set_aside(self, path: str) -> str:
        """Keep a copy of a file that is not ours, under a name that is free; returns that name.

        :raises InputError: it cannot be read, or the copy cannot be written.
        """
        data = vfs.read_bytes(path)
        backup = subtitle_files.backup_name(path)
        number = 2
        while vfs.exists(backup) and vfs.read_bytes(backup) != data:
            backup = subtitle_files.backup_name(f"{path[: path.rfind('.')]}.{number}{path[path.rfind('.') :]}")
            number += 1
        vfs.write(backup, data)
        return backup
