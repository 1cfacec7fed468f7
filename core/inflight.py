"""Requests that are under way: what each one holds, and how it is woken by a cancel, a shutdown or its deadline.

A blocked ``recv`` or handshake ends only when its socket is shut down (closing it does not wake anyone), so every
attempt keeps hold of the socket it waits on, from before that socket connects until the answer is read.
"""

import contextlib
import socket
import threading
import time
from typing import Any, Callable, Optional, Set

from core.cancel import CancelToken
from core.errors import CancelledError, DeadlineError, SubAIError

_current = threading.local()


class Attempt:
    """One try of one request.

    :ivar fresh: True asks the pool for a connection that was never used.
    :ivar reused: the connection existed before this attempt.
    :ivar connected: bytes can have left this machine.
    :ivar interrupted: why another thread ended this attempt, once one did.
    """

    __slots__ = ("_duplicate", "_lock", "_sock", "connected", "deadline", "fresh", "interrupted", "reused")

    def __init__(self, deadline: Optional[float] = None, fresh: bool = False) -> None:
        self.deadline = deadline
        self.fresh = fresh
        self.reused = False
        self.connected = False
        self.interrupted: Optional[SubAIError] = None
        self._lock = threading.Lock()
        self._sock: Optional[socket.socket] = None
        self._duplicate: Optional[socket.socket] = None

    def hold(self, sock: Any) -> None:
        """Remember the socket that this attempt waits on; shut it down at once if it was interrupted already."""
        with self._lock:
            # A TLS connection inside a TLS proxy is no socket itself; it has one.
            self._sock = getattr(sock, "socket", sock)
            self._drop_duplicate()
            if self.interrupted is not None:
                _shut_down(self._sock)

    def hold_through_handshake(self, sock: socket.socket) -> None:
        """Hold a duplicate of ``sock``: wrapping a socket in TLS takes the descriptor away from the object we know."""
        duplicate = sock.dup()
        self.hold(duplicate)
        with self._lock:
            self._duplicate = duplicate

    def established(self, sock: Any, *, reused: bool) -> None:
        """The connection stands: from here on a failure can have cost money."""
        self.hold(sock)
        self.reused = reused
        self.connected = True

    def set_timeout(self, seconds: float) -> None:
        """The longest silence from now on, in seconds."""
        with self._lock:
            if self._sock is not None:
                self._sock.settimeout(seconds)

    def interrupt(self, error: SubAIError) -> None:
        """Wake the attempt from any thread; it then fails with ``error``. The first reason stays."""
        with self._lock:
            if self.interrupted is None:
                self.interrupted = error
                _shut_down(self._sock)

    def raise_if_interrupted(self) -> None:
        """:raises SubAIError: the reason, when another thread ended this attempt."""
        if self.interrupted is not None:
            raise self.interrupted

    def let_go(self) -> None:
        """Forget the socket: it goes back to the pool, or is closed by its owner."""
        with self._lock:
            self._sock = None
            self._drop_duplicate()

    def _drop_duplicate(self) -> None:
        if self._duplicate is not None:
            self._duplicate.close()
            self._duplicate = None


def _shut_down(sock: Optional[socket.socket]) -> None:
    if sock is None:
        return
    # Not SSLSocket.shutdown: it forgets the TLS layer, and a writer that wakes up would go on in clear text.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def current_attempt() -> Optional[Attempt]:
    """The attempt this thread works on; the pool's connections ask for it."""
    return getattr(_current, "attempt", None)


@contextlib.contextmanager
def working_on(attempt: Attempt) -> Any:
    """Make ``attempt`` the current one of this thread."""
    _current.attempt = attempt
    try:
        yield attempt
    finally:
        _current.attempt = None


class InFlight:
    """All attempts of one pool, and the one thread that watches their deadlines while there is one to watch."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._attempts: Set[Attempt] = set()
        self._wake_at = float("inf")
        self._thread: Optional[threading.Thread] = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._attempts)

    def add(self, attempt: Attempt, cancel: CancelToken) -> Callable[[], None]:
        """Watch ``attempt`` until the returned function is called (once)."""
        with self._changed:
            self._attempts.add(attempt)
            if attempt.deadline is not None and attempt.deadline < self._wake_at:
                # The watcher sleeps until the earliest deadline it knew; only an earlier one is news.
                self._wake_at = attempt.deadline
                self._start_or_wake()
        forget = cancel.subscribe(lambda: attempt.interrupt(CancelledError("Cancelled.")))

        def done() -> None:
            forget()
            with self._changed:
                self._attempts.discard(attempt)
                if not self._attempts and self._closed:
                    self._changed.notify_all()

        return done

    def interrupt_all(self, error: SubAIError) -> None:
        """Wake every attempt; each fails with ``error``."""
        with self._changed:
            attempts = list(self._attempts)
        for attempt in attempts:
            attempt.interrupt(error)

    def close(self, seconds: float) -> bool:
        """End the watcher and wait until nothing is in flight, at most ``seconds``; True when nothing is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._attempts, timeout=seconds)

    def _start_or_wake(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._watch, name="subai-deadlines", daemon=True)
            self._thread.start()
        else:
            self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                deadlines = [a.deadline for a in self._attempts if a.deadline is not None and a.deadline > now]
                late = [a for a in self._attempts if a.deadline is not None and a.deadline <= now and not a.interrupted]
                self._wake_at = min(deadlines, default=float("inf"))
                if not late:
                    if self._closed:
                        return
                    self._changed.wait(None if self._wake_at == float("inf") else self._wake_at - now)
                    continue
            for attempt in late:
                attempt.interrupt(DeadlineError("The provider took longer than the time given to the whole request."))
