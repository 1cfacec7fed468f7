"""How a run of a job ends before its time: who ended it, and which of its requests may still come to their end."""

import threading
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, Tuple

from core.cancel import CancelToken
from core.errors import CancelledError, SubAIError


class Halt:
    """Serves all runs of a job, one after the other; thread-safe.

    :ivar reason: what ended the run that is under way, or the last one; None where nothing did.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False
        self._waiting = CancelToken()
        self._all = CancelToken()
        self.reason: Optional[SubAIError] = None

    def begin(self) -> None:
        """A run begins; one that was cancelled beforehand has its reason to end already."""
        with self._lock:
            self._make_ready()

    def over(self, *, finished: bool) -> None:
        """The run has ended, and a cancel from now on is meant for the next; one that found it ``finished`` is void."""
        with self._lock:
            self._over = True
            if finished and isinstance(self.reason, CancelledError):
                self.reason = None

    def cancel(self) -> None:
        """End the run that is under way, or else the next one: no cancel is lost."""
        with self._lock:
            self._make_ready()
        self.stop(CancelledError("Cancelled."), at_once=True)

    def begin_no_more(self, error: SubAIError) -> None:
        """No request begins from now on; those under way come to their end."""
        with self._lock:
            self.reason = self.reason or error

    def stop(self, error: SubAIError, *, at_once: bool) -> None:
        """No request begins from now on, and those that wait for an answer end; ``at_once``: all of them."""
        self.begin_no_more(error)
        with self._lock:
            tokens = (self._waiting, self._all) if at_once else (self._waiting,)
        for token in tokens:
            token.cancel()

    def raise_if_stopped(self) -> None:
        """:raises CancelledError: the run is to end."""
        if self.reason is not None:
            raise CancelledError("Cancelled.")

    def wait(self, seconds: float) -> None:
        """:raises CancelledError: the run is to end; at once."""
        with self._lock:
            waiting = self._waiting
        waiting.wait(seconds)

    @contextmanager
    def request(self, on_answer: Callable[[], None]) -> Iterator[Tuple[CancelToken, Callable[[], None]]]:
        """What cancels one request, and what to call when its answer begins, which calls ``on_answer``."""
        token = CancelToken()
        with self._lock:
            waiting, everything = self._waiting, self._all
        no_longer_waiting = waiting.subscribe(token.cancel)

        def answer_begins() -> None:
            no_longer_waiting()
            on_answer()

        with everything.waking(token.cancel):
            try:
                yield token, answer_begins
            finally:
                no_longer_waiting()

    def _make_ready(self) -> None:
        if self._over:
            self._over = False
            self.reason = None
            self._waiting = CancelToken()
            self._all = CancelToken()
