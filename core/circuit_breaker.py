"""The one state of an endpoint and key, shared by all who use the pair: what is remembered of it between requests.

It says when a request may start, and learns from how requests end. It does not wait: the line in which requests do is
``core.rate_limit``'s, the choice between endpoints ``core.endpoint_group``'s. Its lock is held for arithmetic only.
"""

import copy
import threading
import time
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, Optional, Set, Tuple

from core import events, metrics
from core.breaker_state import CLOSED, COOLING_DOWN, DISABLED, HALF_OPEN, OPEN, BreakerState
from core.config import BREAKER_CONFIG, BreakerConfig
from core.errors import SubAIError
from core.forking import renew_in_children
from core.outcomes import is_failure
from core.transitions import Transition, tell

_EVENTS = {
    CLOSED: events.BREAKER_CLOSED,
    COOLING_DOWN: events.ENDPOINT_COOLING_DOWN,
    OPEN: events.BREAKER_OPENED,
    HALF_OPEN: events.BREAKER_HALF_OPEN,
    DISABLED: events.ENDPOINT_DISABLED,
}


class Turn:
    """The right to send one request now; tell it how that ended."""

    __slots__ = ("_breaker", "epoch", "model")

    def __init__(self, breaker: "CircuitBreaker", model: str, epoch: int) -> None:
        self._breaker = breaker
        self.model = model
        self.epoch = epoch

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

    :param name: what a person calls the endpoint, without its key; for listeners and the log.
    """

    def __init__(
        self, name: str = "", config: BreakerConfig = BREAKER_CONFIG, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._wakers: Dict[int, Callable[[], None]] = {}
        self._last_waker = 0
        self._told = CLOSED
        self._out: Set[Turn] = set()
        self._known = BreakerState(config)
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked process: who is under way or waits is so in the parent; what is known of the endpoint stays."""
        self._lock = threading.Lock()
        self._wakers = {}
        self._out = set()
        self._known.probing = None

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.name or 'of an endpoint'}: {self.state}, {self.in_flight} in flight>"

    # --- what is known ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """One of ``core.breaker_state.STATES``."""
        with self._lock:
            return self._known.name(self._clock())

    @property
    def in_flight(self) -> int:
        """Turns that are out."""
        return len(self._out)

    @property
    def proved(self) -> bool:
        """It has answered since it was new, paused or opened: requests need no probe."""
        return self._known.proved

    @property
    def calm(self) -> bool:
        """It is closed, needs no probe, and the listeners know that."""
        return self._known.proved and self._told == CLOSED

    @property
    def tripped(self) -> bool:
        """It is open or half-open: failures came, and no success since."""
        return self._known.tripped

    @property
    def untried(self) -> bool:
        """Nothing speaks for it yet, nor against it; its first probe may be out."""
        known = self._known
        return not (known.proved or known.tripped or known.cooled or known.outcomes)

    @property
    def failed_probes(self) -> int:
        """While it was tripped; who waits for one sees by this that it was in vain."""
        return self._known.failed_probes

    def last_failure(self) -> Optional[SubAIError]:
        """What the last failed probe met."""
        with self._lock:
            return copy.copy(self._known.failure)

    def denial(self, model: str) -> Optional[SubAIError]:
        """The final no to ``model``, if there was one."""
        with self._lock:
            return self._known.denials.to(model)

    def cooling(self) -> float:
        """Seconds that are left of the pause after a 429; 0 or less when there is none."""
        return self._known.paused_until - self._clock()

    def wait(self, *, last: bool) -> float:
        """Seconds until a request may start (``BreakerState.wait``)."""
        with self._lock:
            return self._known.wait(self._clock(), last=last)

    # --- requests ---------------------------------------------------------------------------------------------------

    def take(self, model: str, *, last: bool) -> Tuple[Optional[Turn], float]:
        """A turn, or None and the seconds until there may be one (see ``wait``).

        :raises SubAIError: what the endpoint last said, if that was final.
        """
        with self._lock:
            known = self._known
            denial = known.denials.to(model)
            if denial is not None:
                raise denial
            pause = known.wait(self._clock(), last=last)
            if pause:
                return None, pause
            turn = Turn(self, model, known.epoch)
            self._out.add(turn)
            if not known.proved:
                known.probing = turn
            return turn, 0.0

    def announce(self) -> None:
        """Tell the listeners of a state that came by time alone: the pause is over, and the probe goes."""
        with self._changing(""):
            pass

    def take_retry(self) -> bool:
        """Whether another try may be spent on a passing failure; the budget is shared, so that no storm can form."""
        with self._lock:
            return self._known.retries.take()

    def enable(self) -> None:
        """Forget refusals and failures: a person asked again, and may have paid, waited or mended something meanwhile.

        A pause that the provider asked for stays.
        """
        with self._changing("asked anew"):
            self._known.forget()

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

    # --- how it went ------------------------------------------------------------------------------------------------

    def _succeeded(self, turn: Turn) -> None:
        with self._lock:
            if not self._known.counted_success(turn, turn.epoch):
                return
        with self._changing("answered"):
            self._known.prove(turn, turn.epoch)

    def _failed(self, turn: Turn, error: SubAIError) -> None:
        with self._changing(error.user_message):
            self._known.failed(turn, turn.epoch, error, self._clock())

    def _refused(self, turn: Turn, error: SubAIError, pause: Callable[[int], float], limit: int) -> None:
        with self._changing("429"):
            denial = self._known.refused(turn.model, turn.epoch, error, pause, limit, self._clock())
        if denial is not None:
            raise denial from error

    def _denied(self, turn: Turn, error: SubAIError) -> None:
        with self._changing(error.user_message):
            self._known.denials.add(turn.model, error)

    def _over(self, turn: Turn) -> None:
        with self._lock:
            if turn not in self._out:  # over already, or one of the process that this one was forked off
                return
            self._out.remove(turn)
            if self._known.probing is not turn:
                return
        with self._changing(""):
            if self._known.probing is turn:
                self._known.probing = None

    @contextmanager
    def _changing(self, reason: str) -> Iterator[None]:
        """Hold the lock; when it is free again, wake who waits, and tell the listeners of a new state."""
        with self._lock:
            yield
            before, after = self._told, self._known.name(self._clock())
            self._told = after
            wakers = list(self._wakers.values())
        for wake in wakers:
            wake()
        if after != before:
            if after == OPEN:
                metrics.BREAKER_OPENINGS.add(1, self.name)
            events.record(_EVENTS[after], {"endpoint": self.name, "before": before})
            tell(Transition(self.name, before, after, reason))


_breakers: Dict[str, CircuitBreaker] = {}


def breaker_for(endpoint: str, name: str = "") -> CircuitBreaker:
    """The breaker of endpoint and key (``core.endpoints.endpoint_id``), shared by this process."""
    known = _breakers.get(endpoint)
    # Of two threads that make it at once both get the first one's, without a lock that a fork could leave locked.
    return known if known is not None else _breakers.setdefault(endpoint, CircuitBreaker(name))
