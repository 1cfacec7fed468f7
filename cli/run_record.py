"""What a run of the command line writes down of itself, for other processes: ``stats``, ``events``, ``serve-status``.

Figures only: no key, no path, no dialogue. Each run has a small file in the data directory, written anew each second.
"""

import json
import logging
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Optional, TypedDict, cast

from core.connection_pool import ConnectionPoolManager
from core.database import Database
from core.errors import InputError
from core.paths import data_directory
from status.history import NO_PAST, Past
from status.snapshot import NOTHING, Snapshot
from status.watch import Watch

log = logging.getLogger("subai.record")

FOLDER = "runs"
EVERY = 1.0  # seconds between two writes
SILENT = 15.0  # seconds after which a run that says nothing has been killed
KEPT = 5  # runs that are remembered

#: What was written by a version that wrote otherwise is not read.
FORMAT = 1


class Record(TypedDict):
    """What is in the file of a run. ``ended``: it said goodbye; a run that was killed did not."""

    format: int
    ended: bool
    snapshot: Snapshot
    past: Past
    events: List[Dict[str, Any]]


class Recorder:
    """Writes down what ``begin`` was told to watch, until it is closed."""

    def __init__(self) -> None:
        self._path = os.path.join(folder(), f"{time.time_ns()}-{os.getpid()}.json")
        self._watch: Optional[Watch] = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="subai-record", daemon=True)

    def begin(self, pool: ConnectionPoolManager, database: Database) -> None:
        self._watch = Watch(pool, database)
        self._thread.start()

    def close(self) -> None:
        """Write the last figures; to be called when the pool is closed, so that nothing is open in them."""
        if self._watch is None:
            return
        self._over.set()
        self._thread.join()
        self._write(self._watch, ended=True)
        _forget_old()

    def _run(self) -> None:
        while self._watch is not None and not self._over.wait(EVERY):
            self._watch.tick()
            self._write(self._watch, ended=False)

    def _write(self, watch: Watch, *, ended: bool) -> None:
        record: Record = {
            "format": FORMAT,
            "ended": ended,
            "snapshot": watch.snapshot(),
            "past": watch.past(),
            "events": watch.events(),
        }
        aside = self._path + ".new"
        try:
            os.makedirs(folder(), mode=0o700, exist_ok=True)
            with open(aside, "w", encoding="utf-8") as file:
                json.dump(record, file)
            os.replace(aside, self._path)
        except OSError as error:
            log.debug("the figures of this run are not written down: %s", error)


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder, closed on the way out. Open the pool inside, so that it is closed before."""
    recorder = Recorder()
    try:
        yield recorder
    finally:
        recorder.close()


class RecordedRun:
    """A ``status.watch.Source``: the run that is under way, of several the latest; else the one that ended last."""

    def snapshot(self) -> Snapshot:
        record = latest()
        if record is None:
            return NOTHING
        snapshot = record["snapshot"]
        if not is_under_way(record):
            for figures in snapshot["endpoints"].values():  # a run that was killed could not say that it is over
                figures["active"] = figures["idle"] = figures["open"] = figures["waiting"] = 0
                figures["utilisation"] = 0.0
        return snapshot

    def past(self) -> Past:
        record = latest()
        return record["past"] if record else NO_PAST

    def events(self) -> List[Dict[str, Any]]:
        record = latest()
        return record["events"] if record else []


def folder() -> str:
    """Where the files are."""
    return os.path.join(data_directory(), FOLDER)


def latest() -> Optional[Record]:
    """The record of the run that is under way, of several the latest, else of the one that began last; or None."""
    records = [record for record in map(_read, _files()) if record is not None]
    return next(filter(is_under_way, records), records[0] if records else None)


def recorded() -> Record:
    """As ``latest``.

    :raises InputError: there is none.
    """
    record = latest()
    if record is None:
        raise InputError("No run has been written down yet. Translate something first.")
    return record


def is_under_way(record: Record) -> bool:
    return not record["ended"] and time.time() - record["snapshot"]["at"] < SILENT


def _files() -> List[str]:
    """The latest first."""
    try:
        names = os.listdir(folder())
    except OSError:
        return []
    return [os.path.join(folder(), name) for name in sorted(names, reverse=True) if name.endswith(".json")]


def _read(path: str) -> Optional[Record]:
    try:
        with open(path, encoding="utf-8") as file:
            record: Any = json.load(file)
    except (OSError, ValueError):
        return None
    return cast(Record, record) if isinstance(record, dict) and record.get("format") == FORMAT else None


def _forget_old() -> None:
    for path in _files()[KEPT:]:
        with suppress(OSError):
            os.remove(path)
