"""The database: transactions, pooled connections, files that are damaged, too new or missing, threads and processes."""

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from waiting import until

from core.database import Database
from core.database_file import DamagedError, DatabaseError

ROOT = str(Path(__file__).parent.parent)
STEPS = (("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)",),)
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows does not rename files that are open, and can't fork")


class Opener:
    """Makes databases that are closed after the test, and collects what they tell."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "data" / "test.db")
        self.notices: List[str] = []
        self._opened: List[Database] = []

    def __call__(self, path: str = "", **options: Any) -> Database:
        options.setdefault("steps", STEPS)
        self._opened.append(Database(path or self.path, on_notice=self.notices.append, **options))
        return self._opened[-1]

    def close(self) -> None:
        for database in self._opened:
            database.close()


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    made = Opener(tmp_path)
    yield made
    made.close()


def add(database: Database, text: str) -> None:
    with database.writing() as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def texts(database: Database) -> List[str]:
    with database.reading() as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]


def pragma(database: Database, name: str) -> Any:
    with database.reading() as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def beside(path: str) -> List[str]:
    """Names of what lies beside the database, its lock and its own log apart."""
    name = os.path.basename(path)
    return sorted(set(os.listdir(os.path.dirname(path))) - {name, f"{name}-wal", f"{name}-shm", f"{name}.lock"})


# --- transactions -----------------------------------------------------------------------------------------------------


def test_what_was_written_is_there_after_closing(opener: Opener) -> None:
    database = opener()
    add(database, "one")
    database.close()
    assert texts(opener()) == ["one"]


def test_the_file_has_a_write_ahead_log_and_a_version(opener: Opener) -> None:
    database = opener()
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "synchronous") == 1
    assert pragma(database, "user_version") == 1


def test_an_error_in_the_block_takes_everything_back(opener: Opener) -> None:
    database = opener()

    def fail() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO notes (text) VALUES ('lost')")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    add(database, "kept")
    assert texts(database) == ["kept"]
    assert database.stats().recycled == {}


def test_a_reader_sees_one_state_while_another_writes(opener: Opener) -> None:
    database = opener()
    add(database, "one")
    with database.reading() as connection:
        query = "SELECT count(*) FROM notes"
        assert connection.execute(query).fetchone() == (1,)
        add(database, "two")
        assert connection.execute(query).fetchone() == (1,)
    assert texts(database) == ["one", "two"]


def test_a_reading_connection_does_not_write(opener: Opener) -> None:
    database = opener()
    with pytest.raises(DatabaseError, match="readonly"), database.reading() as connection:
        connection.execute("INSERT INTO notes (text) VALUES ('no')")
    assert texts(database) == []


def test_a_mistake_in_the_program_is_not_taken_for_bad_luck(opener: Opener) -> None:
    database = opener()
    add(database, "one")
    with pytest.raises(sqlite3.IntegrityError):
        add(database, "one")
    assert database.stats().recycled == {"broken": 1}


def test_a_full_disk_is_told_once_and_the_work_goes_on(opener: Opener) -> None:
    database = opener()
    add(database, "one")

    def much(connection: sqlite3.Connection) -> int:
        connection.execute("PRAGMA max_page_count = 5")
        return connection.execute("INSERT INTO notes (text) VALUES (?)", ("x" * 100_000,)).rowcount

    assert database.attempt(much, writing=True) is None
    assert database.attempt(much, writing=True) is None
    assert len(opener.notices) == 1
    assert "full" in opener.notices[0]
    assert texts(database) == ["one"]


def test_steps_bring_an_older_file_up_to_date(opener: Opener) -> None:
    database = opener()
    add(database, "old")
    database.close()
    newer = opener(steps=(*STEPS, ("ALTER TABLE notes ADD COLUMN colour TEXT DEFAULT 'red'",)))
    with newer.reading() as connection:
        assert connection.execute("SELECT text, colour FROM notes").fetchall() == [("old", "red")]
    assert pragma(newer, "user_version") == 2
    assert opener.notices == []


@posix_only
def test_a_file_system_without_shared_memory_keeps_its_own_journal(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def without_shared_memory(path: str, **options: Any) -> sqlite3.Connection:
        found: sqlite3.Connection = connect(f"file:{path}?vfs=unix-none", uri=True, **options)
        return found

    monkeypatch.setattr(sqlite3, "connect", without_shared_memory)
    database = opener()
    add(database, "one")
    assert texts(database) == ["one"]
    assert pragma(database, "journal_mode") == "delete"
    assert pragma(database, "synchronous") == 2
    assert opener.notices == []


# --- the pool ---------------------------------------------------------------------------------------------------------


def test_connections_are_reused_and_counted(opener: Opener) -> None:
    database = opener()
    assert database.stats().reuse_rate == 0
    for number in range(10):
        add(database, str(number))
        texts(database)
    stats = database.stats()
    assert (stats.created, stats.reused, stats.checkouts, stats.waits) == (2, 18, 20, 0)
    assert (stats.active, stats.idle, stats.recycled) == (0, 2, {})
    assert stats.reuse_rate == 0.9
    with database.reading():
        assert repr(database) == f"<Database {database.path} 1 in use, 1 idle, reuse 90%>"


def test_an_old_connection_is_replaced(opener: Opener) -> None:
    database = opener(max_age=0.0)
    add(database, "one")
    add(database, "two")
    assert texts(database) == ["one", "two"]
    assert database.stats().recycled == {"max_age": 1}


def test_size_is_never_passed_and_waiting_ends_with_a_clear_word(opener: Opener) -> None:
    database = opener(size=3, wait=0.02)
    with database.reading(), database.reading(), database.writing():
        assert database.stats().active == 3
        with pytest.raises(DatabaseError, match=r"No connection to .*test.db came free within 0.02 s"):
            texts(database)
        with pytest.raises(DatabaseError, match="came free"):
            add(database, "no")
    add(database, "yes")
    assert texts(database) == ["yes"]
    assert database.stats().waits == 2


def test_who_waits_longest_is_served_first(opener: Opener) -> None:
    database = opener()
    threads = []
    with database.writing():
        for number in range(5):
            threads.append(in_thread(lambda number=number: add(database, str(number))))  # type: ignore[misc]
            until(lambda number=number: database.stats().waits == number + 1)  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert texts(database) == ["0", "1", "2", "3", "4"]


def test_closing_ends_waits_and_closes_what_comes_back(opener: Opener) -> None:
    database = opener()
    refused: List[str] = []

    def wait_for_it() -> None:
        try:
            add(database, "late")
        except DatabaseError as error:
            refused.append(error.user_message)

    with database.writing() as connection:
        thread = in_thread(wait_for_it)
        until(lambda: database.stats().waits == 1)
        database.close()
        thread.join()
        connection.execute("INSERT INTO notes (text) VALUES ('in time')")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    with pytest.raises(DatabaseError, match="closed"), database.reading():
        pass
    database.close()
    assert refused == [f"{database.path} is closed."]
    assert texts(opener()) == ["in time"]


def test_a_failed_opening_leaves_its_place_to_others(opener: Opener) -> None:
    database = opener(size=2, wait=0.0)
    os.makedirs(opener.path)
    for _ in range(3):
        with pytest.raises(DatabaseError, match="unable to open"), database.reading():
            pass
    os.rmdir(opener.path)
    assert texts(database) == []


def test_a_connection_that_cannot_roll_back_is_not_used_again(opener: Opener) -> None:
    database = opener()

    def fail() -> None:
        with database.writing() as connection:
            connection.close()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    add(database, "one")
    assert database.stats().recycled == {"broken": 1}


# --- files that are not as they should be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"This is no database at all. " * 50, b"SQLite format 3\x00" + b"\xff" * 4080], ids=["text", "header"]
)
def test_a_damaged_file_is_set_aside_whole_and_a_fresh_one_begun(opener: Opener, content: bytes) -> None:
    os.makedirs(os.path.dirname(opener.path))
    Path(opener.path).write_bytes(content)
    Path(opener.path + "-journal").write_bytes(b"")
    database = opener()
    add(database, "fresh")
    assert texts(database) == ["fresh"]
    assert Path(opener.path + ".damaged-1").read_bytes() == content
    assert beside(opener.path)[0] == "test.db.damaged-1"
    assert opener.notices == [
        f"{opener.path} is damaged. It was kept as {opener.path}.damaged-1, and a fresh one begun."
    ]


def test_a_file_of_a_newer_version_is_kept_for_it(opener: Opener) -> None:
    for number in (1, 2):
        newer = opener(steps=(*STEPS, ("CREATE TABLE more (id)",)))
        add(newer, f"newer {number}")
        newer.close()
        assert texts(opener()) == []
        opener.close()
        os.remove(opener.path)
    assert [line.split(" It was")[0] for line in opener.notices] == [
        f"{opener.path} was made by a newer version of this program."
    ] * 2
    kept = opener(opener.path + ".newer-2", steps=(*STEPS, ()))
    assert texts(kept) == ["newer 2"]


def fill_and_spoil(database: Database) -> None:
    """Make a database that opens well and is damaged further on."""
    with database.writing() as connection:
        connection.executemany("INSERT INTO notes (text) VALUES (?)", [(f"{n:04}" * 200,) for n in range(300)])
    database.close()  # which copies the log into the file
    with open(database.path, "r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\x55" * 4096 * 20)


@posix_only
def test_damage_found_in_use_sets_the_file_aside(opener: Opener) -> None:
    fill_and_spoil(opener())
    database = opener()
    with pytest.raises(DamagedError):
        texts(database)
    assert texts(database) == []
    assert beside(opener.path) == ["test.db.damaged-1"]
    assert database.stats().recycled["damaged"] == 1
    assert len(opener.notices) == 1


@posix_only
def test_work_is_done_again_on_a_fresh_file(opener: Opener) -> None:
    fill_and_spoil(opener())
    database = opener()
    texts_of = "SELECT text FROM notes"
    assert database.attempt(lambda connection: connection.execute(texts_of).fetchall()) == []
    assert database.stats().active == 0


@posix_only
def test_two_who_find_the_same_damage_set_it_aside_once(opener: Opener) -> None:
    fill_and_spoil(opener())
    first, second = opener(), opener()

    def read_while_the_other_finds_it() -> None:
        with second.reading() as connection:
            with pytest.raises(DamagedError):
                texts(first)
            add(first, "fresh")
            connection.execute("SELECT text FROM notes").fetchall()

    with pytest.raises(DamagedError):
        read_while_the_other_finds_it()
    assert texts(second) == ["fresh"]
    assert os.path.exists(opener.path + ".damaged-1")
    assert not os.path.exists(opener.path + ".damaged-2")


def test_work_is_not_tried_for_ever_on_files_that_are_damaged_at_once(opener: Opener) -> None:
    database = opener()
    calls = []

    def damaged(connection: sqlite3.Connection) -> int:
        calls.append(1)
        raise sqlite3.DatabaseError("database disk image is malformed")

    assert database.attempt(damaged) is None
    assert len(calls) == 2


def test_a_damaged_file_that_cannot_be_renamed_is_told(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is on Windows while another process has it open."""

    def in_use(source: str, target: str) -> None:
        raise PermissionError(13, "in use", source)

    database = opener()
    add(database, "one")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", in_use)
        with pytest.raises(DatabaseError, match="in use"), database.reading():
            raise sqlite3.DatabaseError("database disk image is malformed")
    assert texts(database) == ["one"]


def test_a_text_that_is_no_text_any_more_is_damage(opener: Opener) -> None:
    database = opener()
    with database.writing() as connection:
        connection.execute("INSERT INTO notes (text) VALUES (CAST(x'ff41' AS TEXT))")
    with pytest.raises(DamagedError):
        texts(database)


@posix_only
def test_a_file_that_was_removed_or_replaced_is_noticed(opener: Opener) -> None:
    database = opener()
    add(database, "one")
    for part in ("", "-wal", "-shm"):
        os.remove(opener.path + part)
    assert texts(database) == []
    add(database, "two")
    assert texts(database) == ["two"]
    assert database.stats().recycled == {"replaced": 1}


def test_a_file_that_another_version_changed_meanwhile_is_noticed(opener: Opener) -> None:
    database = opener()
    add(database, "one")
    newer = opener(steps=(*STEPS, ("CREATE TABLE more (id)",)))
    add(newer, "two")
    newer.close()
    assert texts(database) == []
    assert opener.notices[0].startswith(f"{opener.path} was made by a newer version")
    add(database, "three")
    assert "invalid" in database.stats().recycled or "replaced" in database.stats().recycled


def test_a_connection_that_does_not_answer_is_replaced(opener: Opener) -> None:
    database = opener()
    with database.reading() as connection:
        pass
    connection.close()
    assert texts(database) == []
    assert database.stats().recycled == {"invalid": 1}


def test_a_folder_that_cannot_be_made_turns_it_off_with_one_notice(opener: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = str(tmp_path / "file" / "folder" / "test.db")
    database = opener(path)
    for _ in range(3):
        assert database.attempt(lambda connection: 1) is None
    assert len(opener.notices) == 1
    assert "\n" not in opener.notices[0]
    assert opener.notices[0].startswith(f"{path} cannot be used (Not a directory). The work goes on")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_turns_it_off(opener: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert opener(str(folder / "test.db")).attempt(lambda connection: 1) is None
    assert "cannot be used (Permission denied)" in opener.notices[0]


# --- threads and processes --------------------------------------------------------------------------------------------

WORKER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from core.database import Database
from core.errors import SubAIError
path, threads, operations = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
STEPS = (("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)",),)
database = Database(path, STEPS, on_notice=lambda line: print(line, flush=True))
print("ready", flush=True)
sys.stdin.readline()
def work():
    for number in range(operations):
        try:
            if number % 2:
                with database.reading() as connection:
                    connection.execute("SELECT count(*), max(id) FROM notes").fetchone()
            else:
                with database.writing() as connection:
                    connection.execute("INSERT INTO notes (text) VALUES (NULL)")
        except Exception as error:
            print(type(error).__name__, error, flush=True)
all_threads = [threading.Thread(target=work) for _ in range(threads)]
for thread in all_threads: thread.start()
for thread in all_threads: thread.join()
stats = database.stats()
assert stats.active == 0 and stats.checkouts == threads * operations and stats.created <= 5, stats
database.close()
print("done", flush=True)
"""


def run_workers(path: str, processes: int, threads: int, operations: int) -> List[str]:
    """What they say that was not expected, with all of them beginning at the same moment."""
    command = [sys.executable, "-W", "error", "-c", WORKER, ROOT, path, str(threads), str(operations)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    said = []
    for worker in workers:
        lines = worker.communicate(timeout=300)[0].splitlines()
        assert lines[-1:] == ["done"], lines
        said += lines[:-1]
    return said


def check_result(opener: Opener, written: int) -> None:
    with opener().reading() as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (written,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert opener.notices == []
    assert beside(opener.path) == []


def test_ten_thousand_operations_of_two_processes_neither_block_nor_corrupt(opener: Opener) -> None:
    assert run_workers(opener.path, processes=2, threads=8, operations=626) == []
    check_result(opener, 2 * 8 * 313)


def test_processes_may_create_it_at_the_same_moment(opener: Opener) -> None:
    assert run_workers(opener.path, processes=4, threads=2, operations=2) == []
    check_result(opener, 8)


@pytest.mark.long
def test_processes_may_create_it_at_the_same_moment_again_and_again(tmp_path: Path) -> None:
    for number in range(10):
        opener = Opener(tmp_path / str(number))
        assert run_workers(opener.path, processes=6, threads=2, operations=2) == []
        check_result(opener, 12)
        opener.close()


FORK = """
import os, sys
sys.path.insert(0, sys.argv[1])
from core.database import Database
STEPS = (("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)",),)
database = Database(sys.argv[2], STEPS)
def add(text):
    with database.writing() as connection:
        connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))
    return connection
mine = add("parent")
child = os.fork()
if child == 0:
    same = add("child") is mine
    print("child", same, database.stats().created, flush=True)
    database.close()
    os._exit(0)
os.waitpid(child, 0)
print("parent", add("parent again") is mine, database.stats().created, flush=True)
with database.reading() as connection:
    print([text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")], flush=True)
database.close()
"""


@posix_only
def test_a_forked_process_makes_connections_of_its_own(opener: Opener) -> None:
    command = [sys.executable, "-W", "error", "-c", FORK, ROOT, opener.path]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["child False 1", "parent True 1", "['parent', 'child', 'parent again']"]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_connection_is_only_used_by_the_process_that_made_it(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    database = opener()
    add(database, "one")
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        assert database.stats().created == 0
        assert texts(database) == ["one"]
        database.close()
