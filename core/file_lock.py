"""A lock between processes, on a small file beside what it guards; a process that dies gives it back."""

import os
import sys
import threading
import time
from contextlib import contextmanager
from typing import Iterator

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_PAUSE = 0.005  # seconds between two tries


@contextmanager
def locked(path: str, wait: float) -> Iterator[None]:
    """Hold the lock on ``path``, which is made when missing and never removed: another process may wait on it.

    Threads exclude each other too. It can't be taken twice by one thread.

    :param wait: seconds to wait at most.
    :raises TimeoutError: another holds it all the time.
    :raises OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait
        while not _take(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path} was locked for {wait:g} s")
            threading.Event().wait(_PAUSE)
        try:
            yield
        finally:
            _give_back(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give_back(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without such locks: SQLite's own have to do
        return True

    def _give_back(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
