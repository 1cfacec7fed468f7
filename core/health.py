"""Whether an endpoint is well, judged from the requests that go there anyway; and a quiet look at idle connections.

Nothing is sent to find out. What is done about a sick endpoint (asking another, waiting) is decided elsewhere.
"""

import _thread
import logging
import threading
import time
from typing import Callable, Set
from weakref import WeakMethod

from core.errors import BodyTooLargeError, DeadlineError, PoolClosedError, PoolTimeoutError, TransportError
from core.gate import Gate

log = logging.getLogger("subai.pool")

#: Failures in a row after which an endpoint counts as failing.
THRESHOLD = 3

#: Seconds for which what was seen of an endpoint says how it is now.
LATELY = 300.0

#: What is warned of, once: requests that wait for a permit, share of connections that failed, share of them in use.
MOST_WAITING = 50
MOST_ERRORS = 0.05
MOST_UTILISATION = 0.9

#: Connections handed out before a share of them means anything.
ENOUGH = 20

# They say something of our own limits and clocks, or the endpoint did answer.
_NOT_THE_NETWORK = (PoolTimeoutError, PoolClosedError, DeadlineError, BodyTooLargeError)


def utilisation(in_flight: int, maxsize: int) -> float:
    """Requests in flight, as a share of the connections that there may be; more than 1 while a pool is made smaller."""
    return in_flight / maxsize


class EndpointHealth:
    """What real traffic tells about one endpoint. Thread-safe."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._last_failure = 0.0
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._failures = 0
        self._warned: Set[str] = set()

    @property
    def failing(self) -> bool:
        """The last ``THRESHOLD`` requests or more found no answer, the last of them ``LATELY``."""
        return self._in_a_row >= THRESHOLD and self._clock() - self._last_failure < LATELY

    def answered(self) -> None:
        """The headers of an answer are in, whatever it says."""
        if not self._in_a_row:
            return
        with self._lock:
            recovered, self._in_a_row = self._in_a_row >= THRESHOLD, 0
        if recovered:
            log.info("%s answers again", self._name)

    def failed(self, failure: TransportError) -> bool:
        """A request found no answer; True when that makes the endpoint a failing one."""
        if isinstance(failure, _NOT_THE_NETWORK):
            return False
        with self._lock:
            self._failures += 1
            self._in_a_row += 1
            self._last_failure = self._clock()
            news = self._in_a_row == THRESHOLD
        if news:
            log.info("%s: %d requests in a row without an answer (%s)", self._name, THRESHOLD, failure.kind)
        return news

    def watch(self, gate: Gate, maxsize: int, handed_out: int) -> None:
        """Warn of what is too much now, of each thing once.

        :param maxsize: connections that there may be. :param handed_out: connections that requests were given so far.
        """
        if gate.waiting > MOST_WAITING:
            self._warn("waiting", f"{gate.waiting} requests wait for a connection; ask for less at once")
        if handed_out >= ENOUGH and self._failures > MOST_ERRORS * handed_out:
            self._warn("errors", f"{self._failures} of {handed_out} connections failed; is the network well?")
        if utilisation(gate.in_flight, maxsize) > MOST_UTILISATION:
            self._warn("utilisation", f"{gate.in_flight} of {maxsize} connections are in use; a larger pool would help")

    def _warn(self, kind: str, words: str) -> None:
        with self._lock:
            known = kind in self._warned
            self._warned.add(kind)
        if not known:
            log.warning("%s: %s", self._name, words)


class HealthMonitor:
    """Calls ``look`` every ``interval`` seconds, on a thread that only lives while there is something to look at.

    :ivar interval: seconds; 0 for never.
    :param look: a method that returns how many connections are idle after it looked. Its object is not kept alive.
    """

    def __init__(self, look: Callable[[], int], interval: float) -> None:
        self.interval = interval
        self._look = WeakMethod(look)
        self._changed = threading.Condition()
        self._running = False
        self._news = False
        self._closed = False

    def __repr__(self) -> str:
        return f"<HealthMonitor {'looking' if self._running else 'at rest'}>"

    def idle_began(self) -> None:
        """There is an idle connection."""
        if self._news:
            return  # the thread knows, and stays for another look
        with self._changed:
            if not self._wanted:
                return
            if not self._running:
                try:
                    # start() waits until the thread runs: under load for milliseconds, and the answer whose connection
                    # became idle, with the first cues in it, would wait too. So somebody else waits.
                    _thread.start_new_thread(self._start, ())
                except RuntimeError:  # no threads left, or the interpreter ends: go without
                    return
                self._running = True
            self._news = True

    def close(self, seconds: float) -> None:
        """End the thread, waiting for it at most ``seconds``; it starts no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, seconds)

    @property
    def _wanted(self) -> bool:
        return not self._closed and self.interval > 0

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="subai-health", daemon=True).start()
        except RuntimeError:
            with self._changed:
                self._ended()

    def _run(self) -> None:
        idle = True
        while self._wait(idle):
            idle = self._look_once()

    def _wait(self, idle: bool) -> bool:
        """Until the next look; False when there is to be none."""
        with self._changed:
            if self._wanted and (idle or self._news):
                self._changed.wait(self.interval)
                self._news = False
                if self._wanted:
                    return True
            self._ended()
            return False

    def _ended(self) -> None:
        """There is no thread any more; to be called with the lock."""
        self._running = self._news = False
        self._changed.notify_all()

    def _look_once(self) -> bool:
        """Whether there are idle connections after it."""
        look = self._look()
        try:
            return look is not None and look() > 0
        except Exception:  # the edge of a thread: nobody else would hear of it
            log.exception("A look at idle connections failed")
            return False
