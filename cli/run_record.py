"""What a run of the command line writes down of itself, for other processes: ``stats``, ``events``, ``serve-status``.

Figures only: no key, no path, no dialogue. Each run has two small files in the data directory: its snapshot, written
anew each second, and its last hour with the latest events, written anew with each step of that hour and at the end.
"""

import json
import logging
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, TypedDict, cast

from core.connection_pool import ConnectionPoolManager
from core.database import Database
from core.endpoint_group import EndpointGroup
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
FORMAT = 2

_SNAPSHOT, _PAST = ".json", ".past"


class Record(TypedDict):
    """What is in the files of a run. ``ended``: it said goodbye; a run that was killed did not."""

    format: int
    ended: bool
    snapshot: Snapshot
    past: Past
    events: List[Dict[str, Any]]


class Recorder:
    """Writes down what ``begin`` was told to watch, until it is closed."""

    def __init__(self) -> None:
        self._path = os.path.join(folder(), f"{time.time_ns()}-{os.getpid()}")
        self._watch: Optional[Watch] = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="subai-record", daemon=True)

    def begin(self, pool: ConnectionPoolManager, database: Database, groups: Sequence[EndpointGroup]) -> None:
        self._watch = Watch(pool, database, lambda: groups)
        self._thread.start()

    def close(self) -> None:
        """Write the last figures; to be called when the pool is closed, so that nothing is open in them."""
        if self._watch is None:
            return
        self._over.set()
        self._thread.join()
        self._watch.tick(now=True)
        self._write_past(self._watch)
        self._write_snapshot(self._watch, ended=True)
        _forget_old(but=self._path)

    def _run(self) -> None:
        while self._watch is not None and not self._over.wait(EVERY):
            if self._watch.tick():
                self._write_past(self._watch)
            self._write_snapshot(self._watch, ended=False)

    def _write_snapshot(self, watch: Watch, *, ended: bool) -> None:
        self._write(_SNAPSHOT, {"format": FORMAT, "ended": ended, "snapshot": watch.snapshot()})

    def _write_past(self, watch: Watch) -> None:
        self._write(_PAST, {"past": watch.past(), "events": watch.events()})

    def _write(self, ending: str, data: Mapping[str, Any]) -> None:
        path = self._path + ending
        aside = path + ".new"
        try:
            os.makedirs(folder(), mode=0o700, exist_ok=True)
            with open(aside, "w", encoding="utf-8") as file:
                file.write(json.dumps(data))  # dump() would take the encoder that is written in Python
            os.replace(aside, path)
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
    """A ``status.watch.Source``: the run that is under way, of several the latest; else the one that began last.

    It stays with a run for as long as that is under way: to go to and fro between two would mix up their figures.
    """

    def __init__(self) -> None:
        self._path = ""

    def one(self) -> "OneRun":
        return OneRun(self.record())

    def record(self) -> Optional[Record]:
        """All of it; None before the first run."""
        kept = _read(self._path)
        if kept is not None and is_under_way(kept):
            return kept
        self._path = _latest_path()
        return _read(self._path)


class OneRun:
    """A ``status.watch.Run``, as it was written down; None is that there was none yet."""

    def __init__(self, record: Optional[Record]) -> None:
        self._record = record

    def snapshot(self) -> Snapshot:
        return self._record["snapshot"] if self._record else NOTHING

    def past(self) -> Past:
        return self._record["past"] if self._record else NO_PAST

    def events(self) -> List[Dict[str, Any]]:
        return self._record["events"] if self._record else []


def folder() -> str:
    """Where the files are."""
    return os.path.join(data_directory(), FOLDER)


def recorded(runs: RecordedRun) -> Record:
    """What ``runs`` has.

    :raises InputError: there is none.
    """
    record = runs.record()
    if record is None:
        raise InputError("No run has been written down yet. Translate something first.")
    return record


def is_under_way(record: Mapping[str, Any]) -> bool:
    return bool(not record["ended"] and abs(time.time() - record["snapshot"]["at"]) < SILENT)


def _latest_path() -> str:
    """Of the run that is to be shown, without an ending; ``""`` where there is none."""
    known = [(path, head) for path, head in ((path, _head(path)) for path in _runs()) if head is not None]
    under_way = (path for path, head in known if is_under_way(head))
    return next(under_way, known[0][0] if known else "")


def _runs() -> List[str]:
    """The path of each run, without an ending, of one that was killed while it wrote too. The latest first."""
    try:
        names = os.listdir(folder())
    except OSError:
        return []
    return [os.path.join(folder(), run) for run in sorted({name.split(".")[0] for name in names}, reverse=True)]


def _head(path: str) -> Optional[Dict[str, Any]]:
    """What is in the file with the snapshot."""
    head = _loaded(path + _SNAPSHOT)
    return head if head is not None and head.get("format") == FORMAT else None


def _read(path: str) -> Optional[Record]:
    head = _head(path)
    if head is None:
        return None
    past = _loaded(path + _PAST) or {"past": NO_PAST, "events": []}
    if not is_under_way(head):
        head["snapshot"] = _settled(head["snapshot"])
    return cast(Record, {**head, **past})


def _settled(snapshot: Snapshot) -> Snapshot:
    """As after a run that is over: nothing of the moment is left, though one that was killed could not say so."""
    for figures in snapshot["endpoints"].values():
        figures["active"] = figures["idle"] = figures["open"] = figures["waiting"] = 0
        figures["utilisation"] = 0.0
        figures["failing"] = False
    if snapshot["database"]:
        snapshot["database"].update(active=0, idle=0)
    return {**snapshot, "breakers": [], "limits": [], "process": NOTHING["process"]}


def _loaded(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            found: Any = json.load(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _forget_old(but: str) -> None:
    for path in _runs()[KEPT:]:
        head = _head(path)
        if path == but or (head is not None and is_under_way(head)):
            continue
        for ending in (_SNAPSHOT, _PAST, _SNAPSHOT + ".new", _PAST + ".new"):
            with suppress(OSError):
                os.remove(path + ending)
