"""A lock between threads and processes."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.file_lock import locked

HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[2])
from core.file_lock import locked
with locked(sys.argv[1], 5.0):
    print("held", flush=True)
    time.sleep(60)
"""
ROOT = str(Path(__file__).parent.parent)


def test_a_second_holder_waits_and_then_gives_up(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with locked(path, 1.0), pytest.raises(TimeoutError), locked(path, 0.02):
        pass
    with locked(path, 0.0):
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    inside = []
    most = []

    def work() -> None:
        for _ in range(20):
            with locked(path, 10.0):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 80


def test_a_process_that_dies_gives_the_lock_back(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", HOLDER, path, ROOT], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError), locked(path, 0.0):
            pass
        holder.kill()
        with locked(path, 5.0):
            pass


@pytest.mark.skipif(os.name == "nt", reason="flock is POSIX")
def test_a_file_system_without_locks_does_not_stop_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        if operation != 8:  # LOCK_UN
            raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr("core.file_lock.fcntl.flock", no_locks)
    with locked(str(tmp_path / "lock"), 0.0), locked(str(tmp_path / "lock"), 0.0):
        pass


def test_a_lock_file_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"), locked(str(tmp_path / "missing" / "lock"), 0.0):
        pass
