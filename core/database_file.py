"""The file of a database: opened with the right settings and schema, and set aside when it is damaged or too new.

Who may use a connection, and when, is database_pool.py's.
"""

import os
import sqlite3
from dataclasses import dataclass
from typing import Callable, ContextManager, Sequence, Tuple

from core.errors import SubAIError
from core.file_lock import locked

BUSY_TIMEOUT = 30.0  # seconds that a transaction waits for one of another process
_LOG_LIMIT = (
    4 * 1024 * 1024
)  # bytes of the write-ahead log that stay on the disk once they are copied into the database
_PARTS = ("-journal", "-wal", "-shm", "")

#: The schema as steps, each a list of statements: step n brings a file of version n to version n + 1.
Steps = Sequence[Sequence[str]]


class DatabaseError(SubAIError):
    """The database cannot be used now: what was to be stored is not, what was to be read is not known."""


class DamagedError(DatabaseError):
    """The file was damaged and has been set aside; the same again works on a fresh one."""


class _NewerError(Exception):
    """Internal: the file was made by a newer version of this program."""


@dataclass(frozen=True)
class Opened:
    """An open connection, and the file that it belongs to, whatever that is called by now."""

    connection: sqlite3.Connection
    file: Tuple[int, int]


class DatabaseFile:
    """``path``, with the schema of ``steps``.

    :param tell: is given a line for the person whenever a file was set aside.
    """

    def __init__(self, path: str, steps: Steps, tell: Callable[[str], None]) -> None:
        self.path = path
        self._steps = steps
        self._tell = tell

    def open(self, *, writing: bool) -> Opened:
        """A connection in autocommit mode, usable from any thread; a reading one refuses to write.

        The file and its folder are made when missing. Two processes that open it at once take turns, since a database
        is set up, switched to a write-ahead log and set aside in several steps.

        :raises DatabaseError: it can't be opened; the message says why.
        """
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            with self._locked():
                return self._open_or_replace(writing)
        except (OSError, sqlite3.Error) as error:
            raise self.failure(error) from error

    def fault(self, opened: Opened) -> str:
        """Why a connection must not be used any more (``replaced``, ``invalid``), or ``""``."""
        try:
            if self._file() != opened.file:
                return "replaced"
            return "" if _version(opened.connection) == len(self._steps) else "invalid"
        except OSError:
            return "replaced"
        except sqlite3.Error:
            return "invalid"

    def set_aside(self, opened: Opened) -> None:
        """Rename the damaged file that ``opened`` belongs to, unless that has been done.

        :raises DatabaseError: it can't be renamed. (On Windows not while anyone has it open; whoever next finds the
            damage tries again.)
        """
        try:
            with self._locked():
                if os.path.exists(self.path) and self._file() == opened.file:
                    self._move("damaged")
        except OSError as error:
            raise self.failure(error) from error

    def failure(self, error: Exception) -> DatabaseError:
        """What to tell about an error of SQLite or the file system."""
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return DatabaseError(
            f"{self.path} cannot be used ({reason}). The work goes on, but is not remembered; "
            "look at the folder's permissions and free space."
        )

    # --- opening ----------------------------------------------------------------------------------------------------

    def _open_or_replace(self, writing: bool) -> Opened:
        try:
            return self._open(writing)
        except _NewerError:
            self._move("newer")
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._move("damaged")
        return self._open(writing)

    def _open(self, writing: bool) -> Opened:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        try:
            self._set_up(connection)
            if not writing:
                connection.execute("PRAGMA query_only = ON")
            return Opened(connection, self._file())
        except BaseException:
            connection.close()
            raise

    def _set_up(self, connection: sqlite3.Connection) -> None:
        if _version(connection) > len(self._steps):
            raise _NewerError
        connection.execute(
            "PRAGMA auto_vacuum = INCREMENTAL"
        )  # has an effect only before there is anything in the file
        # A file system without shared memory, such as a network share, answers with the mode that it keeps.
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode == "wal":
            # A crash of this program loses nothing; one of the machine may lose the last commits. Neither does damage.
            connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT}")
        if _version(connection) < len(self._steps):
            self._bring_up_to_date(connection)

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        # Asked again: where files can't be locked, another process may have been first.
        for step in self._steps[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(self._steps)}")
        connection.execute("COMMIT")

    # --- the file ---------------------------------------------------------------------------------------------------

    def _locked(self) -> ContextManager[None]:
        return locked(self.path + ".lock", BUSY_TIMEOUT)

    def _file(self) -> Tuple[int, int]:
        status = os.stat(self.path)
        return status.st_dev, status.st_ino

    def _move(self, why: str) -> None:
        number = 1
        while os.path.lexists(f"{self.path}.{why}-{number}"):
            number += 1
        aside = f"{self.path}.{why}-{number}"
        for part in _PARTS:
            if os.path.lexists(self.path + part):
                os.replace(self.path + part, aside + part)
        cause = "is damaged" if why == "damaged" else "was made by a newer version of this program"
        self._tell(f"{self.path} {cause}. It was kept as {aside}, and a fresh one begun.")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether ``error`` means that the file itself is broken.

    SQLITE_CORRUPT and SQLITE_NOTADB are what Python raises as a plain DatabaseError; a broken text is found by Python.
    """
    return type(error) is sqlite3.DatabaseError or str(error).startswith("Could not decode to UTF-8")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
