"""The one state of an endpoint and key, shared by all who use the pair: what is remembered of it between requests.

It says when a request may start, and learns from how requests end. It does not wait: the line in which requests do is
``core.rate_limit``'s, the choice between endpoints ``core.endpoint_group``'s. Its lock is held for arithmetic only.
"""

import copy
import threading
import time
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, Optional, Tuple

from core.config import BREAKER_CONFIG, BreakerConfig
from core.denials import Denials, too_many
from core.errors import SubAIError
from core.forking import renew_in_children
from core.outcomes import Outcomes, RetryBudget, is_failure
from core.transitions import Transition, tell

CLOSED = "closed"  # requests go
COOLING_DOWN = "cooling down"  # a 429 asked for a pause
OPEN = "open"  # too much failed: nothing goes for a while
HALF_OPEN = "half-open"  # the pause is over: one probe goes
DISABLED = "disabled"  # the key was refused or has no credit: nothing goes until a person asks anew

#: However many requests were under way when the 429s began, give up only after so many pauses.
LEAST_PAUSES = 3


class Turn:
    """The right to send one request now; tell it how that ended."""

    __slots__ = ("_breaker", "epoch", "model", "out")

    def __init__(self, breaker: "CircuitBreaker", model: str, epoch: int) -> None:
        self._breaker = breaker
        self.model = model
        self.epoch = epoch
        self.out = True

    def answered(self, status: int) -> None:
        """Headers came. A 2xx proves endpoint and key, and lets the others go."""
        if 200 <= status < 300:
            self._breaker._succeeded(self)

    def failed(self, error: SubAIError) -> None:
        """It went wrong, maybe after it had begun well. What says nothing of the endpoint is not counted."""
        if is_failure(error):
            self._breaker._failed(self, error)

    def refused(self, error: SubAIError, pause: Callable[[int], float], limit: int) -> None:
        """A 429: everybody pauses, for ``pause(pauses in a row)`` seconds, and then one probe goes.

        :raises RateLimitError: ``limit`` of them came without a success between; final for everyone.
        """
        self._breaker._refused(self, error, pause, limit)

    def denied(self, error: SubAIError) -> None:
        """The endpoint said no for good (to this model, if that is what it does not have, or not for free)."""
        self._breaker._denied(self, error)

    def over(self) -> None:
        """It ended, in whatever way; a probe makes room for the next. Calling it again does nothing."""
        self._breaker._over(self)


class CircuitBreaker:
    """What keeps a request back: a probe that is out, a pause after a 429, failures, a final no.

    Until the endpoint has answered once, and after every pause, one request is in flight: the probe.

    :ivar proved: it has answered since it was new, paused or opened: requests need no probe.
    :ivar tripped: it is open or half-open: failures came, and no success since.
    :ivar in_flight: turns that are out.
    :ivar failed_probes: while it was tripped; who waits for one sees by this that it was in vain.

    :param name: what a person calls the endpoint, without its key; for listeners and the log.
    """

    def __init__(
        self, name: str = "", config: BreakerConfig = BREAKER_CONFIG, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._wakers: Dict[int, Callable[[], None]] = {}
        self._last_waker = 0
        self._told = CLOSED
        self.in_flight = 0
        self._epoch = 0  # counts pauses and openings; what began before the last one says nothing of what is now
        self._probing: Optional[Turn] = None
        self._paused_until = 0.0
        self._reset()
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked process: who is under way or waits is so in the parent; what is known of the endpoint stays."""
        self._lock = threading.Lock()
        self._wakers = {}
        self.in_flight = 0
        self._probing = None

    def _reset(self) -> None:
        self.proved = False
        self._cooled = False  # a pause after a 429 began, and no success came since
        self._refusals = self._pauses = 0  # in a row
        self._outcomes = Outcomes(self._config)
        self.tripped = False  # open or half-open
        self._open_until = 0.0
        self._openings = 0  # in a row
        self.failed_probes = 0
        self._failure: Optional[SubAIError] = None
        self._retries = RetryBudget()
        self._denials = Denials()

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.name or 'of an endpoint'}: {self.state}, {self.in_flight} in flight>"

    # --- what is known ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``CLOSED``, ``COOLING_DOWN``, ``OPEN``, ``HALF_OPEN`` or ``DISABLED``."""
        with self._lock:
            return self._state()

    @property
    def untried(self) -> bool:
        """Nothing speaks for it yet, nor against it; its first probe may be out."""
        return not (self.proved or self.tripped or self._cooled or self._outcomes)

    def last_failure(self) -> Optional[SubAIError]:
        """What the last failed probe met."""
        with self._lock:
            return copy.copy(self._failure)

    def denial(self, model: str) -> Optional[SubAIError]:
        """The final no to ``model``, if there was one."""
        with self._lock:
            return self._denials.to(model)

    def cooling(self) -> float:
        """Seconds that are left of the pause after a 429; 0 or less when there is none."""
        return self._paused_until - self._clock()

    def wait(self, *, last: bool) -> float:
        """Seconds until a request may start: 0 now, infinite as long as a probe is out.

        :param last: no other endpoint is left, so this one is tried although it is open: one request at a time.
        """
        with self._lock:
            return self._wait(last=last)

    # --- requests ---------------------------------------------------------------------------------------------------

    def take(self, model: str, *, last: bool) -> Tuple[Optional[Turn], float]:
        """A turn, or None and the seconds until there may be one (see ``wait``).

        :raises SubAIError: what the endpoint last said, if that was final.
        """
        with self._lock:
            denial = self._denials.to(model)
            if denial is not None:
                raise denial
            pause = self._wait(last=last)
            if pause:
                return None, pause
            turn = Turn(self, model, self._epoch)
            self.in_flight += 1
            if not self.proved:
                self._probing = turn
            return turn, 0.0

    def announce(self) -> None:
        """Tell the listeners of a state that came by time alone: the pause is over, and the probe goes."""
        with self._changing(""):
            pass

    def take_retry(self) -> bool:
        """Whether another try may be spent on a passing failure; the budget is shared, so that no storm can form."""
        with self._lock:
            return self._retries.take()

    def enable(self) -> None:
        """Forget refusals and failures: a person asked again, and may have paid, waited or mended something meanwhile.

        A pause that the provider asked for stays.
        """
        with self._changing("asked anew"):
            self._reset()

    @contextmanager
    def waking(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have ``callback`` called whenever something has changed, for the length of a ``with`` block."""
        with self._lock:
            self._last_waker = key = self._last_waker + 1
            self._wakers[key] = callback
        try:
            yield
        finally:
            with self._lock:
                del self._wakers[key]

    # --- under the lock ---------------------------------------------------------------------------------------------

    def _state(self) -> str:
        now = self._clock()
        if self._denials.of_all:
            return DISABLED
        if self.tripped and now < self._open_until:
            return OPEN
        if now < self._paused_until:
            return COOLING_DOWN
        return HALF_OPEN if self.tripped or self._cooled else CLOSED

    def _wait(self, *, last: bool) -> float:
        if self.proved:
            return 0.0
        if self._probing is not None:
            return float("inf")
        until = max(self._paused_until, self._open_until if self.tripped and not last else 0.0)
        return max(0.0, until - self._clock())

    # --- how it went ------------------------------------------------------------------------------------------------

    def _succeeded(self, turn: Turn) -> None:
        with self._lock:
            self._refusals = self._pauses = 0
            self._retries.refund()
            current = turn.epoch == self._epoch
            if current:
                self._outcomes.succeeded(turn)
            if self._probing is not turn and (self.proved or not current):
                return
        with self._changing("answered"):
            if self._probing is turn:
                self._probing = None  # its body may take long yet, and the next probe is not to wait for that
            if turn.epoch == self._epoch:
                self.proved = True
                self.tripped = self._cooled = False
                self._openings = 0

    def _failed(self, turn: Turn, error: SubAIError) -> None:
        with self._changing(error.user_message):
            if turn.epoch != self._epoch:
                return
            if not self.tripped:
                if self._outcomes.failed(turn):
                    self._open()
                return
            self.failed_probes += 1
            self._failure = copy.copy(error)  # without its traceback, which holds on to the whole request
            if self._clock() >= self._open_until:  # else it went before its time, since no other endpoint was left
                self._open()

    def _open(self) -> None:
        config = self._config
        pause = min(config.longest_open_time, config.open_time * 2.0 ** min(self._openings, 30))
        self._openings += 1
        self._open_until = self._clock() + pause
        self._epoch += 1
        self.tripped = True
        self.proved = False
        self._probing = None
        self._outcomes.clear()

    def _refused(self, turn: Turn, error: SubAIError, pause: Callable[[int], float], limit: int) -> None:
        with self._changing("429"):
            self._refusals += 1
            if turn.epoch == self._epoch:  # otherwise it was under way when the pause began, and is part of the same
                self._epoch += 1
                self._pauses += 1
                self.proved = self.tripped = False  # if it was open: it answers again
                self._cooled = True
            self._paused_until = max(self._paused_until, self._clock() + pause(self._pauses))
            if self._refusals >= limit and self._pauses >= min(limit, LEAST_PAUSES):
                self._denials.add(turn.model, too_many(error, self._refusals))
            denial = self._denials.to(turn.model)
        if denial is not None:
            raise denial from error

    def _denied(self, turn: Turn, error: SubAIError) -> None:
        with self._changing(error.user_message):
            self._denials.add(turn.model, error)

    def _over(self, turn: Turn) -> None:
        with self._lock:
            if not turn.out:
                return
            turn.out = False
            self.in_flight -= 1
            if self._probing is not turn:
                return
        with self._changing(""):
            if self._probing is turn:
                self._probing = None

    @contextmanager
    def _changing(self, reason: str) -> Iterator[None]:
        """Hold the lock; when it is free again, wake who waits, and tell the listeners of a new state."""
        with self._lock:
            yield
            before, after = self._told, self._state()
            self._told = after
            wakers = list(self._wakers.values())
        for wake in wakers:
            wake()
        if after != before:
            tell(Transition(self.name, before, after, reason))


_breakers: Dict[str, CircuitBreaker] = {}
_breakers_lock = threading.Lock()


def breaker_for(endpoint: str, name: str = "") -> CircuitBreaker:
    """The breaker of endpoint and key (``core.endpoints.endpoint_id``), shared by this process."""
    with _breakers_lock:
        if endpoint not in _breakers:
            _breakers[endpoint] = CircuitBreaker(name)
        return _breakers[endpoint]
