"""What real use has taught about estimates: for each model and pair of languages, how far off the last ones were."""

import time
from typing import Callable

from core.database import Database
from translate.costs import Factors

KEPT = 500  # models and pairs; the ones used last

TABLES = (
    """CREATE TABLE factors (
        topic TEXT PRIMARY KEY, prompt REAL NOT NULL, completion REAL NOT NULL, touched INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

_PUT = "INSERT OR REPLACE INTO factors VALUES (?, ?, ?, ?)"
_PRUNE = "DELETE FROM factors WHERE topic IN (SELECT topic FROM factors ORDER BY touched DESC LIMIT -1 OFFSET ?)"
_GET = "SELECT prompt, completion FROM factors WHERE topic = ?"


class Learning:
    """The factors in ``database``; thread-safe. Where that can't be used, nothing was learnt.

    A topic names what they hold for, such as ``"gpt-4.1-mini en es"``.
    """

    def __init__(self, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wall = wall

    def factors(self, topic: str) -> Factors:
        """What was learnt of ``topic``, else nothing."""
        row = self._database.attempt(lambda connection: connection.execute(_GET, (topic,)).fetchone())
        return Factors(*row) if row else Factors()

    def learn(self, topic: str, factors: Factors) -> None:
        """Keep ``factors`` for the next estimate."""
        row = (topic, factors.prompt, factors.completion, int(self._wall()))
        self._database.attempt(lambda connection: bool(connection.execute(_PUT, row)), writing=True)
        self._database.attempt(lambda connection: bool(connection.execute(_PRUNE, (KEPT,))), writing=True)
