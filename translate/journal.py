"""What a job has done, on disk within half a second: the one truth for resuming it after a kill.

What it takes over from earlier films is memory.py's; what was spent in all is spending.py's.
"""

import hashlib
import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Optional, Set

from api.base import Usage
from core.database import Database
from translate.spending import Spent, add_to_month

FLUSH_AFTER = 0.5  # seconds from the first entry that is not on disk yet
JOBS_WITH_CUES = 50  # the ones touched last can be taken up again
JOBS = 1000  # of which it is known what they took

TABLES = (
    """CREATE TABLE jobs (
        id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        done INTEGER NOT NULL, total INTEGER NOT NULL, touched INTEGER NOT NULL,
        requests INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,
        completion_tokens INTEGER NOT NULL DEFAULT 0, microdollars INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX jobs_touched ON jobs (touched)",
    """CREATE TABLE cues (
        job INTEGER, cue INTEGER, text TEXT, reason TEXT,  -- one of the two
        PRIMARY KEY (job, cue)
    ) WITHOUT ROWID""",
)

#: Whether a person asked for the job, so that it goes on by itself; the second version of the tables.
ASKED = ("ALTER TABLE jobs ADD COLUMN asked INTEGER NOT NULL DEFAULT 0",)

_PUT = "INSERT OR REPLACE INTO cues VALUES (?, ?, ?, ?)"
_TOUCH = """
    UPDATE jobs SET name = ?, done = ?, total = ?, touched = ?, asked = ?, requests = requests + ?,
        prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?, microdollars = microdollars + ?
    WHERE id = ?"""
_FOUND = "SELECT cue, text, reason FROM cues JOIN jobs ON jobs.id = cues.job WHERE fingerprint = ?"
_OLD_CUES = "DELETE FROM cues WHERE job IN (SELECT id FROM jobs ORDER BY touched DESC LIMIT -1 OFFSET ?)"
_OLD_JOBS = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY touched DESC LIMIT -1 OFFSET ?)"
_SPENT = "SELECT asked, requests, prompt_tokens, completion_tokens, microdollars FROM jobs WHERE fingerprint = ?"
_LIST = """
    SELECT name, done, total, touched, requests, prompt_tokens, completion_tokens, microdollars
    FROM jobs ORDER BY touched DESC, id DESC"""


@dataclass(frozen=True)
class JobRecord:
    """What is known of a job.

    :ivar done: cues translated, of ``total`` that have something to translate.
    :ivar touched: when something was last done, in seconds since the epoch.
    """

    name: str
    done: int
    total: int
    touched: int
    spent: Spent


def fingerprint(texts: Iterable[str], *facts: str) -> str:
    """A job's name: the texts of all its cues and what else makes it another job (target language, style).

    Texts rather than the bytes of the file: a file that was only timed anew goes on, and one that a later version of
    this program cuts into other cues begins anew instead of getting texts at the wrong places. The model is better left
    out, so that another one can finish what the first has begun.
    """
    return hashlib.blake2b(json.dumps((list(texts), facts)).encode(), digest_size=16).hexdigest()


class Journal:
    """The jobs in ``database``; thread-safe."""

    def __init__(self, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    def open_job(self, job: str, *, name: str, total: int) -> "JobJournal":
        """Begin a job or take it up again.

        :param job: its ``fingerprint``.
        :param name: what to call it in a list, such as the name of the file.
        :param total: cues that have something to translate.
        """
        opened = JobJournal(self._database, self._wall, job, _storable(name), total)
        self._database.attempt(opened._load)
        return opened

    def jobs(self) -> List[JobRecord]:
        """What is known of all jobs, the latest first; nothing where the database can't be read."""
        rows = self._database.attempt(lambda connection: connection.execute(_LIST).fetchall())
        return [
            JobRecord(name, done, total, touched, Spent(*figures))
            for name, done, total, touched, *figures in rows or ()
        ]

    def forget(self, job: str) -> None:
        """Drop the cues of a job, so that it begins anew. What it took stays known."""
        self._database.attempt(lambda connection: _drop_cues(connection, job), writing=True)

    def clear(self) -> None:
        """Drop the cues of all jobs. What they took stays known.

        :raises DatabaseError: it can't be written to.
        """
        with self._database.writing() as connection:
            connection.execute("DELETE FROM cues")


class JobJournal:
    """One job; every method may be called from any thread and none fails.

    What is added is on disk ``FLUSH_AFTER`` seconds later at most. Where the database can't be used it is kept here,
    and tried again with the next entry.
    """

    def __init__(self, database: Database, wall: Callable[[], float], job: str, name: str, total: int) -> None:
        self._database = database
        self._wall = wall
        self._job = job
        self._name = name
        self._total = total
        self._writing = threading.Lock()  # held while entries are on their way to the disk
        self._lock = threading.Lock()
        self._texts: Dict[int, str] = {}
        self._reasons: Dict[int, str] = {}
        self._spent = Spent()
        self._asked = False
        self._unsaved: Set[int] = set()
        self._unsaved_spent = Spent()
        self._timer: Optional[threading.Timer] = None

    def finished(self) -> Dict[int, str]:
        """Cue index -> translation, for all that are done, in this run or before."""
        with self._lock:
            return dict(self._texts)

    def kept(self) -> Dict[int, str]:
        """Cue index -> why it keeps its source text, so far."""
        with self._lock:
            return dict(self._reasons)

    def spent(self) -> Spent:
        """What the job took, in this run and before."""
        with self._lock:
            return self._spent

    @property
    def asked(self) -> bool:
        """Whether a person asked for the job, when it was last begun."""
        return self._asked

    def begin(self, *, asked: bool) -> None:
        """The job begins or goes on, as a person wished or by itself; that is on disk at once."""
        if asked != self._asked:
            self._asked = asked
            self._database.attempt(lambda connection: self._write(connection, set(), Spent()), writing=True)

    def add(self, index: int, text: str) -> None:
        """Cue ``index`` is translated."""
        with self._lock:
            self._texts[index] = _storable(text)
            self._reasons.pop(index, None)
            self._note({index})

    def keep(self, index: int, reason: str) -> None:
        """Cue ``index`` keeps its source text; a later run may try it again."""
        with self._lock:
            self._reasons[index] = _storable(reason)
            self._texts.pop(index, None)
            self._note({index})

    def spend(self, usage: Usage, dollars: float = 0.0, requests: int = 1) -> None:
        """Requests were answered, for so many tokens and so many US dollars (0 where no price is known)."""
        spent = Spent(requests, usage.prompt_tokens, usage.completion_tokens, round(dollars * 1e6))
        with self._lock:
            self._spent += spent
            self._unsaved_spent += spent
            self._note(())

    def flush(self) -> bool:
        """Write down what is not on disk yet; whether all of it is there now."""
        with self._writing:
            with self._lock:
                self._disarm()
                indices, self._unsaved = self._unsaved, set()
                spent, self._unsaved_spent = self._unsaved_spent, Spent()
            if not indices and spent == Spent():
                return True
            saved = self._database.attempt(lambda connection: self._write(connection, indices, spent), writing=True)
            if not saved:
                with self._lock:
                    self._unsaved |= indices
                    self._unsaved_spent += spent
            return bool(saved)

    def finish(self) -> None:
        """The subtitle is written: from now on it is enough to know what the job took."""
        self.flush()
        self._database.attempt(lambda connection: _drop_cues(connection, self._job), writing=True)

    def close(self) -> None:
        """Write down everything. The job can be opened again and goes on from there."""
        self.flush()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _load(self, connection: sqlite3.Connection) -> bool:
        spent = connection.execute(_SPENT, (self._job,)).fetchone()
        self._asked = bool(spent and spent[0])
        self._spent = Spent(*spent[1:]) if spent else Spent()
        rows = connection.execute(_FOUND, (self._job,)).fetchall()
        self._texts = {cue: text for cue, text, _ in rows if text is not None}
        self._reasons = {cue: reason for cue, text, reason in rows if text is None}
        return True

    def _note(self, indices: Iterable[int]) -> None:
        self._unsaved.update(indices)
        if self._timer is None:
            self._timer = threading.Timer(FLUSH_AFTER, self.flush)
            self._timer.name = "subai-journal"
            self._timer.daemon = True
            self._timer.start()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write(self, connection: sqlite3.Connection, indices: Set[int], spent: Spent) -> bool:
        now = int(self._wall())
        row = connection.execute("SELECT id FROM jobs WHERE fingerprint = ?", (self._job,)).fetchone()
        with self._lock:
            done = len(self._texts)
            if row is None:  # a new job, or a new database in place of one that was lost: all there is
                indices = {*self._texts, *self._reasons}
            cues = [(index, self._texts.get(index), self._reasons.get(index)) for index in indices]
        job = row[0] if row else self._begin(connection)
        connection.executemany(_PUT, [(job, *cue) for cue in cues])
        figures = (spent.requests, spent.prompt_tokens, spent.completion_tokens, spent.microdollars)
        connection.execute(_TOUCH, (self._name, done, self._total, now, self._asked, *figures, job))
        add_to_month(connection, spent, now)
        return True

    def _begin(self, connection: sqlite3.Connection) -> int:
        """A row for this job; it pushes out what is oldest."""
        connection.execute(_OLD_CUES, (JOBS_WITH_CUES - 1,))
        connection.execute(_OLD_JOBS, (JOBS - 1,))
        cursor = connection.execute(
            "INSERT INTO jobs (fingerprint, name, done, total, touched) VALUES (?, '', 0, 0, 0)", (self._job,)
        )
        return int(cursor.lastrowid or 0)


def _drop_cues(connection: sqlite3.Connection, job: str) -> bool:
    connection.execute("DELETE FROM cues WHERE job = (SELECT id FROM jobs WHERE fingerprint = ?)", (job,))
    return True


def _storable(text: str) -> str:
    """``text`` as UTF-8 can hold it: a reply may have half a surrogate pair in it, a name bytes that are no text."""
    return text.encode("utf-8", "replace").decode("utf-8")
