"""The file that a job writes to: the first place that can be written, or the copy that Kodi makes of its answer.

When to write, and what, is the job's.
"""

import logging
import time
from typing import Optional, Tuple

from core.errors import InputError
from kodi import strings, subtitle_files, vfs
from kodi.ownership import Ownership
from kodi.strings import localised
from kodi.tasks import Copies, Task
from translate.film import OutputTakenError

log = logging.getLogger("subai.kodi")

_PATIENCE = 3  # writes in a row that may fail: a share on the network comes and goes


class Output:
    """Used by the job's own thread; only ``expect`` may be called from any.

    :ivar path: ``""`` until there is something in it.
    :ivar adopted: it is a copy that Kodi made, and shows.
    """

    def __init__(self, task: Task, ownership: Ownership, total: int) -> None:
        self.path = ""
        self.adopted = False
        self._task = task
        self._ownership = ownership
        self._total = total
        self._failed = 0
        self._awaited: Optional[Tuple[Copies, bytes, float]] = None

    # --- Kodi's copy ------------------------------------------------------------------------------------------------

    def expect(self, copies: Copies, data: bytes, seconds: float) -> None:
        """Kodi was answered ``data`` and copies it: that copy is the output, unless it is not there in time."""
        self._awaited = copies, data, time.monotonic() + seconds

    @property
    def is_awaited(self) -> bool:
        """Whether ``settle`` is to be asked now and then."""
        return self._awaited is not None

    def settle(self, *, give_up: bool = False) -> bool:
        """Whether it is decided where to write: Kodi's copy was found, or is not awaited any longer."""
        awaited = self._awaited
        if awaited is None:
            return True
        copies, data, until = awaited
        path = copies.find(data)
        if path is None and time.monotonic() < until and not give_up:
            return False
        if self._awaited is awaited:  # otherwise Kodi was answered once more meanwhile
            self._awaited = None
        if path is not None and copies.lasts(path):
            self._ownership.adopt(path, data, done=0, total=self._total)
            self.path, self.adopted = path, True
            log.info("Kodi's copy is ours now: %s", path)
        return True

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, data: bytes, done: int) -> bool:
        """Write it, with ``done`` lines translated; whether that could be done this time.

        :raises InputError: nowhere, or not any more.
        :raises OutputTakenError: there is a file of somebody else.
        """
        try:
            if self.path:
                self._write_to(self.path, data, done)
            else:
                self._write_to_first_place(data, done)
        except InputError as error:
            self._failed += 1
            if self._failed >= _PATIENCE or not self.path or isinstance(error, OutputTakenError):
                raise
            log.info("Not written this time: %s", error.user_message)
            return False
        self._failed = 0
        return True

    def _write_to_first_place(self, data: bytes, done: int) -> None:
        wrong: Optional[InputError] = None
        for path in self._task.places:
            try:
                vfs.make_folder(vfs.folder_of(path))  # our own is made when it is needed first
                self._ownership.make_room(path, agreed=self._task.replace)
                self._write_to(path, data, done)
            except OutputTakenError:
                raise
            except InputError as error:
                log.info("Not written to %s: %s", path, error.user_message)
                wrong = error
            else:
                return
        raise wrong or InputError(localised(strings.NOT_WRITTEN, name=vfs.base_name(self._task.film.path)))

    def remove(self) -> None:
        """Delete it, as long as it holds just what we wrote; what had to make room for it comes back."""
        if self.path and self._ownership.figures(self.path) is not None:
            vfs.delete(self.path)
            self._ownership.put_back(self.path)
        self.path = ""

    def _write_to(self, path: str, data: bytes, done: int) -> None:
        if subtitle_files.same_path(path, self._task.film.path):
            raise InputError("The source is never written to.")
        if path == self.path and vfs.exists(path) and self._ownership.figures(path) is None:
            raise OutputTakenError(localised(strings.NOT_OURS, name=vfs.base_name(path)))
        self._ownership.write(path, data, done=done, total=self._total)
        self.path = path
