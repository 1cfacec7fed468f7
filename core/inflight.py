"""All requests that are under way in one pool: cancelled together, and each interrupted when its deadline comes."""

import copy
import threading
import time
from typing import Callable, Optional, Set

from core.attempt import Attempt
from core.cancel import CancelToken
from core.errors import CancelledError, SubAIError

#: Seconds between two looks of the watcher; after a second one in a row that finds nothing to watch it ends.
LINGERING = 10.0

_NEVER = float("inf")


class InFlight:
    """All attempts of one pool, and the one thread that watches their deadlines while there is one to watch.

    Nobody has to close a pool, so the thread does not stay for one that is at rest, and perhaps gone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._attempts: Set[Attempt] = set()
        self._wake_at = _NEVER
        self._thread: Optional[threading.Thread] = None
        self._watching = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._attempts)

    def add(self, attempt: Attempt, cancel: CancelToken) -> Callable[[], None]:
        """Watch ``attempt`` until the returned function is called (once)."""
        with self._lock:
            self._attempts.add(attempt)
            # The watcher sleeps until the earliest deadline it knew; only an earlier one is news.
            if attempt.deadline < self._wake_at and self._start_or_wake():
                self._wake_at = attempt.deadline
        forget = cancel.subscribe(lambda: attempt.interrupt(CancelledError("Cancelled.")))

        def done() -> None:
            forget()
            with self._lock:
                self._attempts.discard(attempt)
                if not self._attempts and self._closed:
                    self._changed.notify_all()

        return done

    def interrupt_all(self, error: SubAIError) -> None:
        """Wake every attempt; each fails with ``error``."""
        with self._changed:
            attempts = list(self._attempts)
        for attempt in attempts:
            attempt.interrupt(copy.copy(error))  # one object raised in several threads would mix up their tracebacks

    def abandon(self) -> None:
        """In a forked process: none of these requests is ours."""
        for attempt in self._attempts:
            attempt.abandon()

    def close(self, seconds: float) -> bool:
        """End the watcher and wait until nothing is in flight, at most ``seconds``; True when nothing is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            idle = self._changed.wait_for(lambda: not self._attempts, timeout=seconds)
            watcher = self._thread
        if watcher is not None:
            watcher.join(seconds)  # it is awake already
        return idle

    def _start_or_wake(self) -> bool:
        """False: the system has no thread to give, and only its waits and timeouts keep a request to its deadline."""
        if not self._watching and not self._closed:
            thread = threading.Thread(target=self._watch, name="subai-deadlines", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread, self._watching = thread, True
        self._changed.notify_all()
        return True

    def _watch(self) -> None:
        while not self._watched_to_the_end():
            pass

    def _watched_to_the_end(self) -> bool:
        """Interrupt who is late, or wait for that; True when there is nothing to watch any more."""
        # No list of those who are in time: it would keep them, and all that they hold, for as long as this waits.
        with self._changed:
            now = time.monotonic()
            late = [attempt for attempt in self._attempts if attempt.deadline <= now and not attempt.interrupted]
            if not late:
                in_time = (attempt.deadline for attempt in self._attempts if not attempt.interrupted)
                earliest = min(in_time, default=_NEVER)
                # Not at the first look without one: it would be a thread for each request, where they are far between.
                if self._closed or self._wake_at == earliest == _NEVER:
                    self._watching = False
                    return True
                self._wake_at = earliest
                self._changed.wait(min(earliest - now, LINGERING))
        for attempt in late:
            attempt.expire()
        return False
