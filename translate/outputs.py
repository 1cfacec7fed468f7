"""Which subtitle files are ours: written by us, and not touched since. Only such a file is ever replaced unasked."""

import hashlib
import os
import sqlite3
import time
from typing import Callable, Optional, Tuple

from core.database import Database

KEPT = 5000  # files; the ones written last

TABLES = (
    """CREATE TABLE outputs (
        path TEXT PRIMARY KEY, digest BLOB NOT NULL,
        done INTEGER NOT NULL, total INTEGER NOT NULL, touched INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

_PUT = "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?)"
_PRUNE = "DELETE FROM outputs WHERE path IN (SELECT path FROM outputs ORDER BY touched DESC LIMIT -1 OFFSET ?)"


class Outputs:
    """The record of files in ``database``; thread-safe. Where that can't be used, no file is ours."""

    def __init__(self, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    def note(self, path: str, data: bytes, *, done: int, total: int) -> None:
        """``data`` was written to ``path``, with ``done`` of ``total`` cues translated."""
        row = (_name(path), _digest(data), done, total, int(self._wall()))

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute(_PUT, row)
            connection.execute(_PRUNE, (KEPT,))
            return True

        self._database.attempt(write, writing=True)

    def is_unfinished(self, path: str) -> bool:
        """Whether ``path`` holds just what we wrote there, and that was not the whole film yet."""
        figures = self.written(path, _content(path))
        return figures is not None and figures[0] < figures[1]

    def written(self, path: str, data: Optional[bytes]) -> Optional[Tuple[int, int]]:
        """Cues done and in all, if ``data`` is just what we wrote to ``path``; None if it is from another hand."""
        if data is None:
            return None
        query = "SELECT digest, done, total FROM outputs WHERE path = ?"
        row = self._database.attempt(lambda connection: connection.execute(query, (_name(path),)).fetchone())
        return (row[1], row[2]) if row is not None and bytes(row[0]) == _digest(data) else None


def _name(path: str) -> str:
    # A name may hold bytes that are no text; what only a face can reach is no path of this machine.
    real = path if "://" in path else os.path.realpath(path)
    return real.encode("utf-8", "backslashreplace").decode()


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _content(path: str) -> Optional[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
