"""A SQLite database for threads and processes: transactions on pooled connections, and work that goes on without it.

Its tables belong to whoever gives the schema; connections are database_pool.py's, the file is database_file.py's.
"""

import logging
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import Callable, ContextManager, Iterator, List, Optional, Set, TypeVar

from core.database_file import DamagedError, DatabaseError, DatabaseFile, Steps, is_damage
from core.database_pool import ConnectionPool, DatabaseStats

SIZE = 5
MAX_AGE = 3600.0  # seconds
WAIT = 30.0  # seconds

log = logging.getLogger("subai.database")

T = TypeVar("T")

# Connections that a forked process got from its parent. To use or to close them here could spoil the parent's locks.
_left_to_parent: List[ConnectionPool] = []


class Database:
    """The database in the file ``path``, which is made at first use; thread-safe, and other processes may use it too.

    :param steps: the schema; step n, a list of statements, brings a file of version n to version n + 1.
    :param size: connections: one that writes, the others read.
    :param max_age: seconds after which a connection is replaced.
    :param wait: seconds to wait for a connection.
    :param on_notice: is told, from any thread, when something is wrong that the work goes on without: a file set aside,
        a folder that can't be written to. Each line once.
    """

    def __init__(
        self,
        path: str,
        steps: Steps,
        *,
        size: int = SIZE,
        max_age: float = MAX_AGE,
        wait: float = WAIT,
        on_notice: Callable[[str], None] = log.warning,
    ) -> None:
        self.path = os.path.abspath(path)
        self._size = size
        self._max_age = max_age
        self._wait = wait
        self._on_notice = on_notice
        self._told: Set[str] = set()
        self._told_lock = threading.Lock()
        self._file = DatabaseFile(self.path, steps, self._tell)
        self._pool = self._new_pool()

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<Database {self.path} {stats.active} in use, {stats.idle} idle, reuse {stats.reuse_rate:.0%}>"

    def reading(self) -> ContextManager[sqlite3.Connection]:
        """A connection that sees one state of the database for the length of a ``with`` block.

        Take no second one in the block: enough threads that do so would wait for each other.

        :raises DatabaseError: it can't be used; also from inside the block, where SQLite raises an OperationalError.
        :raises DamagedError: it is damaged and was set aside; do the same again.
        """
        return self._transaction(writing=False)

    def writing(self) -> ContextManager[sqlite3.Connection]:
        """One transaction, committed at the end of the ``with`` block and rolled back on any error.

        Nobody else writes meanwhile, in any process, so keep it short.

        :raises DatabaseError: and ``DamagedError``, as for ``reading``.
        """
        return self._transaction(writing=True)

    def attempt(self, work: Callable[[sqlite3.Connection], T], *, writing: bool = False) -> Optional[T]:
        """What ``work`` (which must not return None) makes of a connection, in one transaction; None where that fails.

        Why it failed goes to ``on_notice``: this is for what is good to have and not worth stopping for.
        When the file turns out to be damaged, ``work`` is called once more, on a fresh one.
        """
        for _ in range(2):
            try:
                with self._transaction(writing=writing) as connection:
                    return work(connection)
            except DamagedError:
                continue  # that has been told already
            except DatabaseError as error:
                self._tell(error.user_message)
                break
        return None

    def stats(self) -> DatabaseStats:
        return self._pool_of_this_process().stats()

    def close(self) -> None:
        """Close what is open; from then on the database can't be used."""
        self._pool_of_this_process().close()

    # --- inside -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        pool = self._pool_of_this_process()
        lent = pool.check_out(writing=writing)
        try:
            lent.connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            yield lent.connection
            lent.connection.execute("COMMIT")
        except sqlite3.Error as error:
            damaged = is_damage(error)
            pool.give_back(lent, broken="damaged" if damaged else "broken")
            if damaged:
                pool.drop_idle("damaged")
                self._file.set_aside(lent.opened)
                raise DamagedError(f"{self.path} is damaged and was set aside.") from error
            if isinstance(error, sqlite3.OperationalError):
                raise self._file.failure(error) from error
            raise  # a mistake in the program, and not to be taken for bad luck
        except BaseException:
            pool.give_back(lent)
            raise
        pool.give_back(lent)

    def _pool_of_this_process(self) -> ConnectionPool:
        if self._pool.pid != os.getpid():
            _left_to_parent.append(self._pool)
            self._pool = self._new_pool()
        return self._pool

    def _new_pool(self) -> ConnectionPool:
        return ConnectionPool(self._file, size=self._size, max_age=self._max_age, wait=self._wait)

    def _tell(self, message: str) -> None:
        with self._told_lock:
            if message in self._told:
                return
            self._told.add(message)
        self._on_notice(message)
