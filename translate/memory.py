"""Translation memory: what was translated once, found again by its text and by where it stands.

"Right." means something else in another scene, so the lines before and after belong to the key. What was imported from
other tools has no such place; it is taken for a line only where nothing is known of that place itself.
"""

import hashlib
import json
import sqlite3
import threading
import time
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from core.database import Database
from translate.tmx import legal

MAX_BYTES = 64 * 1024 * 1024
_AFTER_PRUNING = 0.9  # of max_bytes, so that not every film prunes anew
_PRUNED_AT_ONCE = 2000  # entries at most; a few ms in which nobody else writes
_IN_ONE_QUERY = 300  # of the 999 variables that SQLite allows
_PAGE_SIZE = 1000  # entries

TABLES = (
    """CREATE TABLE memory (
        id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,
        text TEXT NOT NULL, before TEXT, after TEXT, source TEXT NOT NULL, target TEXT NOT NULL,
        model TEXT NOT NULL, style TEXT NOT NULL, glossary TEXT NOT NULL, translation TEXT NOT NULL,
        created INTEGER NOT NULL, last_used INTEGER NOT NULL, uses INTEGER NOT NULL
    )""",
    "CREATE INDEX memory_last_used ON memory (last_used)",
)

_STORE = """
    INSERT INTO memory (digest, text, before, after, source, target, model, style, glossary, translation,
                        created, last_used, uses)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET translation = excluded.translation, last_used = excluded.last_used"""
_OUT = """
    DELETE FROM memory WHERE id IN (
        SELECT id FROM memory ORDER BY last_used LIMIT min(?, (SELECT count(*) / 20 + 1 FROM memory)))"""
_PAGE = """
    SELECT id, text, before, after, source, target, model, style, glossary, translation, created, last_used, uses
    FROM memory WHERE id > ? ORDER BY id LIMIT ?"""


class MemoryKey(NamedTuple):
    """What a translation is found by; the amount of white space and the form of accents make no difference.

    :ivar before: the text of the line before, ``""`` at the beginning of a film; ``after`` likewise. None for both:
        wherever it stands.
    :ivar source: language code, ``""`` where it is not known.
    :ivar style: whatever else in the request changes what is wanted, such as a tone.
    :ivar glossary: names the version of the glossary, ``""`` without one.
    """

    text: str
    before: Optional[str]
    after: Optional[str]
    source: str
    target: str
    model: str
    style: str = ""
    glossary: str = ""

    def digest(self) -> bytes:
        """16 bytes that are the same for keys that mean the same."""
        key = self.anywhere() if self.before is None else self
        text, before, after = (None if part is None else _plain(part) for part in key[:3])
        return hashlib.blake2b(json.dumps((text, before, after, *key[3:])).encode(), digest_size=16).digest()

    def anywhere(self) -> "MemoryKey":
        """The key that an entry of another tool has for the same text: no place, model, style and glossary.

        Such tools name a country even where none is meant: that of the source makes no difference, nor does the one
        that a target language is at home in.
        """
        base, _, region = self.target.partition("-")
        target = base if region in ("", base.upper()) or self.target in ("en-US", "zh-CN") else self.target
        return MemoryKey(self.text, None, None, self.source.partition("-")[0], target, "")


class Entry(NamedTuple):
    """A translation, when it was made and last used (seconds since the epoch), and how often it was used since."""

    key: MemoryKey
    translation: str
    created: int
    last_used: int
    uses: int


@dataclass(frozen=True)
class MemoryStats:
    """What is in the memory.

    :ivar bytes: of the database file that are in use, with everything else that lies in it.
    :ivar languages: entries of each pair (source, target).
    :ivar oldest: when the entry that was not used for longest was used last, in seconds since the epoch; None if empty.
    :ivar hits: how often an entry was used instead of a request.
    """

    entries: int
    bytes: int
    languages: Dict[Tuple[str, str], int]
    oldest: Optional[int]
    hits: int


def keys_for(
    texts: Sequence[str], *, source: str, target: str, model: str, style: str = "", glossary: str = ""
) -> List[MemoryKey]:
    """The keys of all lines of a film, in order; ``texts`` are those that have something to translate."""
    around = ["", *texts, ""]
    return [
        MemoryKey(text, before, after, source, target, model, style, glossary)
        for before, text, after in zip(around, texts, around[2:])
    ]


class Memory:
    """The memory in ``database``; thread-safe.

    ``lookup`` and ``store`` never fail: where the database can't be used, nothing is found and nothing kept.

    :param max_bytes: what the database file may hold; what was not used for longest goes first.
    """

    def __init__(
        self, database: Database, *, max_bytes: int = MAX_BYTES, wall: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self._wall = wall
        self._lock = threading.Lock()
        self._used: Set[int] = set()  # ids of entries that were found and not yet marked as used

    def lookup(self, keys: Sequence[MemoryKey]) -> Dict[MemoryKey, str]:
        """The translations that are known.

        An imported entry without a place counts for a line that is not known where it stands, whatever the model.
        """
        exact = {key: key.digest() for key in keys}
        free = {key: key.anywhere().digest() for key in exact}
        wanted = list({*exact.values(), *free.values()})
        found = self._database.attempt(lambda connection: _select(connection, wanted)) or {}
        entries = {key: found.get(exact[key]) or found.get(free[key]) for key in exact}
        hits = {key: entry for key, entry in entries.items() if entry is not None}
        with self._lock:
            self._used.update(number for number, _ in hits.values())
        return {key: translation for key, (_, translation) in hits.items()}

    def store(self, pairs: Iterable[Tuple[MemoryKey, str]]) -> None:
        """Keep translations, in one transaction; a newer one of the same key takes the older one's place."""
        now = int(self._wall())
        self._keep([Entry(key, translation, now, now, 0) for key, translation in pairs])

    def close(self) -> None:
        """Write down which entries were used since the last ``store``."""
        if self._used:
            self._keep([])

    # --- for a person -----------------------------------------------------------------------------------------------

    def stats(self) -> MemoryStats:
        """:raises DatabaseError: it can't be read."""
        query = "SELECT source, target, count(*), min(last_used), sum(uses) FROM memory GROUP BY source, target"
        with self._database.reading() as connection:
            rows = connection.execute(query).fetchall()
            used = _used_bytes(connection)
        return MemoryStats(
            entries=sum(row[2] for row in rows),
            bytes=used,
            languages={(row[0], row[1]): row[2] for row in rows},
            oldest=min((row[3] for row in rows), default=None),
            hits=sum(row[4] for row in rows),
        )

    def clear(self) -> int:
        """Forget everything and give the space back; returns how many entries there were.

        :raises DatabaseError: it can't be written to.
        """
        with self._database.writing() as connection:
            entries = connection.execute("DELETE FROM memory").rowcount
            connection.execute("PRAGMA incremental_vacuum").fetchall()
        return entries

    def entries(self) -> Iterator[Entry]:
        """:raises DatabaseError: they can't be read."""
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(_PAGE, (last, _PAGE_SIZE)).fetchall()
            if not rows:
                return
            for number, *fields in rows:
                yield Entry(MemoryKey(*fields[:8]), *fields[8:])
                last = number

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep ``entries`` as they are, in one transaction; they replace those of the same keys.

        :raises DatabaseError: the memory can't be written to.
        """
        rows = list(map(_row, entries))
        with self._database.writing() as connection:
            full = self._write(connection, rows, (), 0)
        self._shrink(full=full)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _keep(self, entries: Sequence[Entry]) -> None:
        now = int(self._wall())
        rows = list(map(_row, entries))
        with self._lock:
            used, self._used = self._used, set()
        full = self._database.attempt(lambda connection: self._write(connection, rows, used, now), writing=True)
        self._shrink(full=bool(full))

    def _write(
        self, connection: sqlite3.Connection, rows: Sequence[Tuple[object, ...]], used: Iterable[int], now: int
    ) -> bool:
        """Store and mark; whether the memory is larger than it may be."""
        connection.executemany(
            "UPDATE memory SET last_used = ?, uses = uses + 1 WHERE id = ?", [(now, number) for number in used]
        )
        connection.executemany(_STORE, rows)
        return _used_bytes(connection) > self._max_bytes

    def _shrink(self, *, full: bool) -> None:
        while full:
            full = bool(self._database.attempt(self._prune, writing=True))

    def _prune(self, connection: sqlite3.Connection) -> bool:
        """Forget some of the oldest entries; whether that was not enough."""
        if _used_bytes(connection) <= self._max_bytes * _AFTER_PRUNING:
            return False
        return connection.execute(_OUT, (_PRUNED_AT_ONCE,)).rowcount > 0


@lru_cache(maxsize=4096)  # each line of a film is in four keys
def _plain(text: str) -> str:
    lines = unicodedata.normalize("NFC", legal(text)).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def _select(connection: sqlite3.Connection, digests: Sequence[bytes]) -> Dict[bytes, Tuple[int, str]]:
    """Id and translation of the entries that there are."""
    found: Dict[bytes, Tuple[int, str]] = {}
    for start in range(0, len(digests), _IN_ONE_QUERY):
        some = digests[start : start + _IN_ONE_QUERY]
        marks = ", ".join("?" * len(some))
        query = f"SELECT digest, id, translation FROM memory WHERE digest IN ({marks})"  # noqa: S608 - question marks
        found.update((digest, (number, translation)) for digest, number, translation in connection.execute(query, some))
    return found


def _row(entry: Entry) -> Tuple[object, ...]:
    fields = (None if field is None else legal(field) for field in (*entry.key, entry.translation))
    return (entry.key.digest(), *fields, entry.created, entry.last_used, entry.uses)


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
