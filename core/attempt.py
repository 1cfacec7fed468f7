"""One request on its way: what it waits for, and how it is woken by a cancel, a shutdown or its deadline.

A blocked ``recv`` or handshake ends only when its socket is shut down (closing it does not wake anyone), so every
attempt keeps hold of what it waits for: first its permit, then the resolver, then the socket, from before that connects
until the answer is read.
"""

import contextlib
import os
import socket
import threading
import time
from typing import Any, Callable, Optional

from core.cancel import remaining
from core.errors import DeadlineError, SubAIError

_NEVER = float("inf")

_current = threading.local()


class Attempt:
    """One request on its way.

    :ivar deadline: instant of ``time.monotonic`` after which nobody wants its answer.
    :ivar fresh: True asks the pool for a connection that was never used.
    :ivar reused: the connection existed before this attempt.
    :ivar generation: that of the connection.
    :ivar connected: bytes can have left this machine.
    :ivar answered: the first byte of an answer came.
    :ivar asking_proxy: a proxy was asked for a tunnel, and has not opened one yet.
    """

    __slots__ = (
        "_duplicate",
        "_interrupted",
        "_lock",
        "_sock",
        "_wake",
        "answered",
        "asking_proxy",
        "connected",
        "deadline",
        "fresh",
        "generation",
        "reused",
    )

    def __init__(self, deadline: Optional[float] = None) -> None:
        self.deadline = _NEVER if deadline is None else deadline
        self.fresh = False
        self.reused = False
        self.generation = 0
        self.connected = False
        self.answered = False
        self.asking_proxy = False
        self._interrupted: Optional[SubAIError] = None
        self._lock = threading.Lock()
        self._wake: Optional[Callable[[], object]] = None
        self._sock: Optional[socket.socket] = None
        self._duplicate: Optional[socket.socket] = None

    # --- what it waits for ------------------------------------------------------------------------------------------

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for ``event``, at most ``seconds``; whether it came.

        :raises SubAIError: why this attempt must not go on.
        """
        self.call_when_interrupted(event.set)
        came = event.wait(remaining(self.deadline, seconds))
        self.call_when_interrupted(None)
        self.check()
        return came

    def call_when_interrupted(self, wake: Optional[Callable[[], object]]) -> None:
        """Have ``wake``, and nothing else any more, called on an interrupt; at once, if that already happened."""
        with self._lock:
            self._wake = wake
            too_late = self._interrupted is not None
        if wake is not None and too_late:
            wake()

    def hold(self, sock: Any) -> None:
        """Remember the socket that this attempt waits on; shut it down at once if it was interrupted already."""
        with self._lock:
            # A TLS connection inside a TLS proxy is no socket itself; it has one.
            self._sock = getattr(sock, "socket", sock)
            self._drop_duplicate()
            if self._interrupted is not None:
                _shut_down(self._sock)

    def hold_through_handshake(self, sock: socket.socket) -> None:
        """Hold a duplicate of ``sock``: wrapping a socket in TLS takes the descriptor away from the object we know.

        :raises OSError: there can be none; ``sock``, which nobody has yet, is closed.
        """
        try:
            duplicate = sock.dup()
        except OSError:
            sock.close()
            raise
        self.hold(duplicate)
        with self._lock:
            self._duplicate = duplicate

    def established(self, sock: Any, generation: int, *, reused: bool) -> None:
        """The connection stands: from here on a failure can have cost money."""
        self.hold(sock)
        self.reused = reused
        self.generation = generation
        self.connected = True

    def set_timeout(self, seconds: float) -> None:
        """The longest silence from now on, in seconds."""
        # An answer that is in whole may have closed its socket by itself (the fallback's does on Python 3.13).
        with self._lock, contextlib.suppress(OSError):
            if self._sock is not None:
                self._sock.settimeout(seconds)

    def abandon(self) -> None:
        """In a forked process: close our copy of the socket, on which the parent goes on."""
        for sock in (self._sock, self._duplicate):
            if sock is not None and sock.fileno() >= 0:
                os.close(sock.detach())

    def let_go(self) -> None:
        """Forget the socket: it goes back to the pool, or is closed by its owner."""
        with self._lock:
            self._sock = None
            self._drop_duplicate()

    def start_afresh(self) -> None:
        """Once more, on a connection that was never used."""
        self.let_go()
        self.fresh = True
        self.reused = False
        self.connected = False

    def _drop_duplicate(self) -> None:
        if self._duplicate is not None:
            self._duplicate.close()
            self._duplicate = None

    # --- how it ends ------------------------------------------------------------------------------------------------

    def interrupt(self, error: SubAIError) -> None:
        """Wake the attempt from any thread; it then fails with ``error``. The first reason stays."""
        with self._lock:
            if self._interrupted is not None:
                return
            self._interrupted = error
            _shut_down(self._sock)
            wake = self._wake
        if wake is not None:
            wake()

    def expire(self) -> None:
        """As ``interrupt``, because its deadline has come."""
        self.interrupt(_deadline_error())

    @property
    def interrupted(self) -> bool:
        return self._interrupted is not None

    def ended(self) -> Optional[SubAIError]:
        """Why it must not go on: another thread's reason, or that its time is over."""
        if self._interrupted is None and time.monotonic() >= self.deadline:
            return _deadline_error()
        return self._interrupted

    def check(self) -> None:
        """:raises SubAIError: why it must not go on, if there is a reason."""
        error = self.ended()
        if error is not None:
            raise error


def _deadline_error() -> DeadlineError:
    return DeadlineError("The provider took longer than the time given to the whole request.")


def _shut_down(sock: Optional[socket.socket]) -> None:
    if sock is None:
        return
    # Not SSLSocket.shutdown: it forgets the TLS layer, and a writer that wakes up would go on in clear text.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def current_attempt() -> Optional[Attempt]:
    """The attempt this thread works on; the pool's connections ask for it."""
    return getattr(_current, "attempt", None)


class working_on:  # noqa: N801  it is used like a function
    """Make ``attempt`` the current one of this thread, for the length of a ``with`` block."""

    __slots__ = ("_attempt",)

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __enter__(self) -> None:
        _current.attempt = self._attempt

    def __exit__(self, *_: object) -> None:
        _current.attempt = None
