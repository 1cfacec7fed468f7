"""The one database of this program: its schema as a whole, and what lies in it side by side."""

import os
from dataclasses import dataclass
from typing import Callable

from core.database import Database
from translate import journal, learning, memory, outputs, spending
from translate.journal import Journal
from translate.learning import Learning
from translate.memory import Memory
from translate.outputs import Outputs
from translate.spending import Ledger

FILE = "subai.db"

#: Each step brings the file one version on. One that was released is never changed: what is new is a step of its own.
STEPS = ((*memory.TABLES, *journal.TABLES, *spending.TABLES, *outputs.TABLES, *learning.TABLES), journal.ASKED)


@dataclass(frozen=True)
class Store:
    """Everything that is remembered."""

    database: Database
    memory: Memory
    journal: Journal
    ledger: Ledger
    outputs: Outputs
    learning: Learning

    def close(self) -> None:
        """Write what is not written yet and close the database. Jobs are to be closed before."""
        self.memory.close()
        self.database.close()


def open_store(folder: str, on_notice: Callable[[str], None]) -> Store:
    """What is remembered in ``folder`` (on a desktop ``core.paths.data_directory()``), which is made at its first use.

    Where it can't be used, nothing is found and nothing is kept, and ``on_notice`` is told why, in one line. It may be
    called from any thread.
    """
    database = Database(os.path.join(folder, FILE), STEPS, on_notice=on_notice)
    return Store(database, Memory(database), Journal(database), Ledger(database), Outputs(database), Learning(database))
