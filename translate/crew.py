"""The threads of a job, which may become more or fewer while it runs. What they do, and when to stop, is the job's."""

import threading
from typing import Callable, List, Set


class Crew:
    """Serves all runs of a job, one after the other; every method but ``start`` and ``wait`` from any thread.

    :param size: how many are wanted.
    """

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._size = max(1, size)
        self._follow: Callable[[], None] = lambda: None
        self._begun: List[_Worker] = []
        self._present: Set[threading.Thread] = set()

    def start(self, lead: Callable[[], None], follow: Callable[[], None], *, most: int) -> None:
        """Have ``lead`` done by one worker and ``follow`` by each of the others, no more than ``most`` in all."""
        with self._lock:
            self._follow = follow
            self._begun = []
            self._add(lead)
            for _ in range(1, min(self._size, most)):
                self._add(follow)

    def wait(self) -> None:
        """Until all have left, those that come meanwhile included."""
        for worker in self._begun:  # it grows only while somebody is present, so before its end is reached
            worker.wait()

    def resize(self, size: int, *, most: int) -> None:
        """Want so many from now on: those that are missing begin at once (no more than ``most``), others may leave."""
        with self._lock:
            self._size = max(1, size)
            if self._present:
                for _ in range(min(self._size - len(self._present), most)):
                    self._add(self._follow)

    def may_leave(self, nothing_left: Callable[[], bool]) -> bool:
        """Whether the worker that asks is to end: there is nothing left to do, or there are more than are wanted.

        Whoever stays is counted on to do what is put back, so both are looked at in one go.
        """
        with self._lock:
            if len(self._present) <= self._size and not nothing_left():
                return False
            self._present.discard(threading.current_thread())
            return True

    def _add(self, task: Callable[[], None]) -> None:
        worker = _Worker(len(self._begun), task, self._gone)
        worker.start()
        self._begun.append(worker)
        self._present.add(worker)

    def _gone(self, worker: threading.Thread) -> None:
        with self._lock:
            self._present.discard(worker)


class _Worker(threading.Thread):
    """A thread that can still be waited for after a Ctrl-C, when ``join`` takes it for ended (Python 3.9 to 3.12)."""

    def __init__(self, number: int, task: Callable[[], None], gone: Callable[[threading.Thread], None]) -> None:
        super().__init__(name=f"subai-worker-{number}", daemon=True)
        self._task = task
        self._gone = gone
        self._over = threading.Event()

    def run(self) -> None:
        try:
            self._task()
        finally:
            self._gone(self)
            self._over.set()

    def wait(self) -> None:
        while not self._over.wait(0.2):  # seconds: on Windows a Ctrl-C is only heard between two waits
            pass
        self.join()
