"""Whose a subtitle file is, and writing to those that are ours.

A record of what was last written (``translate.outputs``) makes a file ours as long as it holds just that. What someone
else made or changed is never overwritten; it is set aside as ``film.es.bak.srt``, and only after a yes.
"""

import hashlib
import logging
from typing import Dict, Optional, Tuple

from core.errors import InputError
from kodi import strings, subtitle_files, vfs
from kodi.strings import localised
from translate.film import OutputTakenError
from translate.outputs import Outputs

log = logging.getLogger("subai.kodi")

_NEXT = "?next"  # the record of what is about to be written


class Ownership:
    """The files that ``outputs`` has a record of, and those of this session, where it cannot keep any."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._written: Dict[str, Tuple[bytes, Tuple[int, int]]] = {}  # path -> what is there, and its figures
        self._aside: Dict[str, Tuple[str, bool]] = {}  # path -> the copy of what was there; whether it was made for it

    def figures(self, path: str) -> Optional[Tuple[int, int]]:
        """Cues done and in all of a file of ours; None for one of anybody else, or where there is none."""
        if not vfs.exists(path):
            return None
        try:
            data = vfs.read_bytes(path)
        except InputError:
            return None
        recorded = self._outputs.written(path, data) or self._outputs.written(path + _NEXT, data)
        if recorded is not None:
            return recorded
        digest, figures = self._written.get(path, (b"", None))
        return figures if digest == _digest(data) else None

    def is_unfinished(self, path: str) -> bool:
        figures = self.figures(path)
        return figures is not None and figures[0] < figures[1]

    def write(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """Write our file and remember that it is ours.

        :raises InputError: the folder cannot be written to.
        """
        self.expect(path, data, done=done, total=total)
        vfs.write(path, data)
        self.adopt(path, data, done=done, total=total)

    def expect(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """``data`` is going to be at ``path``, by our hand or Kodi's: a kill before it is noted leaves it ours."""
        self._outputs.note(path + _NEXT, data, done=done, total=total)

    def adopt(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """There is ``data`` at ``path`` by now, such as a copy that Kodi made: it is ours from now on."""
        self._outputs.note(path, data, done=done, total=total)
        self._written[path] = _digest(data), (done, total)

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
        """Keep a copy of a file that is not ours, under a name that is free; returns that name. ``put_back`` undoes it.

        :raises InputError: it cannot be read, or the copy cannot be written.
        """
        data = vfs.read_bytes(path)
        backup = subtitle_files.backup_name(path)
        number = 2
        while vfs.exists(backup) and vfs.read_bytes(backup) != data:
            backup = subtitle_files.backup_name(f"{path[: path.rfind('.')]}.{number}{path[path.rfind('.') :]}")
            number += 1
        fresh = not vfs.exists(backup)
        if fresh:
            vfs.write(backup, data)
        self._aside[path] = backup, fresh
        return backup

    def put_back(self, path: str) -> None:
        """What was set aside lies at ``path`` again, unless something else does; a copy that was made of it goes."""
        backup, fresh = self._aside.pop(path, ("", False))
        if not backup:
            return
        try:
            data = vfs.read_bytes(backup)
            if not vfs.exists(path):
                vfs.write(path, data)
            if fresh and vfs.read_bytes(path) == data:
                vfs.delete(backup)
        except InputError as error:
            log.warning("What was at %s is at %s: %s", path, backup, error.user_message)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
