"""What is known of an endpoint and key, and what follows from it: the arithmetic of ``core.circuit_breaker``.

No lock and no clock: whoever asks holds the one, and says what the other shows.
"""

import copy
from typing import Callable, Optional

from core.config import BreakerConfig
from core.denials import Denials, too_many
from core.errors import SubAIError
from core.outcomes import Outcomes, RetryBudget

CLOSED = "closed"  # requests go
COOLING_DOWN = "cooling down"  # a 429 asked for a pause
OPEN = "open"  # too much failed: nothing goes for a while
HALF_OPEN = "half-open"  # the pause is over: one probe goes
DISABLED = "disabled"  # the key was refused or has no credit: nothing goes until a person asks anew

STATES = (CLOSED, COOLING_DOWN, OPEN, HALF_OPEN, DISABLED)

#: However many requests were under way when the 429s began, give up only after so many pauses.
LEAST_PAUSES = 3


class BreakerState:
    """``now`` is always an instant of the same clock; a turn is whatever tells requests apart, and has an ``epoch``.

    :ivar proved: it has answered since it was new, paused or opened: requests need no probe.
    :ivar tripped: it is open or half-open: failures came, and no success since.
    :ivar cooled: a pause after a 429 began, and no success came since.
    :ivar probing: the turn of the probe that is out.
    :ivar epoch: counts pauses and openings; what began before the last one says nothing of what is now.
    :ivar failed_probes: while it was tripped. :ivar failure: what the last of them met.
    """

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self.epoch = 0
        self.probing: Optional[object] = None
        self.paused_until = 0.0
        self.open_until = 0.0
        self.forget()

    def forget(self) -> None:
        """Everything but the pause that a 429 asked for, and what is under way."""
        self.proved = False
        self.tripped = False
        self.cooled = False
        self.failed_probes = 0
        self.failure: Optional[SubAIError] = None
        self.open_until = 0.0
        self._openings = 0  # in a row
        self._refusals = self._pauses = 0  # in a row
        self.outcomes = Outcomes(self._config)
        self.retries = RetryBudget()
        self.denials = Denials()

    def name(self, now: float) -> str:
        """One of ``STATES``."""
        if self.denials.of_all:
            return DISABLED
        if self.tripped and now < self.open_until:
            return OPEN
        if now < self.paused_until:
            return COOLING_DOWN
        return HALF_OPEN if self.tripped or self.cooled else CLOSED

    def wait(self, now: float, *, last: bool) -> float:
        """Seconds until a request may start: 0 now, infinite as long as a probe is out.

        :param last: no other endpoint is left, so this one is tried although it is open: one request at a time.
        """
        if self.proved:
            return max(0.0, self.paused_until - now)  # a 429 of before it was proved may have come since
        if self.probing is not None:
            return float("inf")
        until = max(self.paused_until, self.open_until if self.tripped and not last else 0.0)
        return max(0.0, until - now)

    # --- how it went ------------------------------------------------------------------------------------------------

    def counted_success(self, turn: object, epoch: int) -> bool:
        """Take note of a 2xx; whether it proves something that was not proved."""
        self._refusals = self._pauses = 0
        self.retries.refund()
        current = epoch == self.epoch
        if current:
            self.outcomes.succeeded(turn)
        return self.probing is turn or (current and not self.proved)

    def prove(self, turn: object, epoch: int) -> None:
        """It answers, so the others may go."""
        if self.probing is turn:
            self.probing = None  # its body may take long yet, and the next probe is not to wait for that
        if epoch == self.epoch:
            self.proved = True
            self.tripped = self.cooled = False
            self._openings = 0

    def failed(self, turn: object, epoch: int, error: SubAIError, now: float) -> None:
        """A failure that speaks of the endpoint: enough of them open it."""
        if epoch != self.epoch:
            return
        if not self.tripped:
            if self.outcomes.failed(turn):
                self._open(now)
            return
        self.failed_probes += 1
        self.failure = copy.copy(error)  # without its traceback, which holds on to the whole request
        if now >= self.open_until:  # else it went before its time, since no other endpoint was left
            self._open(now)

    def _open(self, now: float) -> None:
        config = self._config
        pause = min(config.longest_open_time, config.open_time * 2.0 ** min(self._openings, 30))
        self._openings += 1
        self.open_until = now + pause
        self.epoch += 1
        self.tripped = True
        self.proved = False
        self.probing = None
        self.outcomes.clear()

    def refused(
        self, model: str, epoch: int, error: SubAIError, pause: Callable[[int], float], limit: int, now: float
    ) -> Optional[SubAIError]:
        """A 429: a pause, and in the end a final no to ``model``, which is returned.

        One to a request that was under way when the last pause began is part of that: it makes it longer. If it is over
        and the endpoint has answered since, everybody waits once more, but no other probe is needed.
        """
        self._refusals += 1
        if epoch == self.epoch:
            self.epoch += 1
            self._pauses += 1
            self.proved = self.tripped = False  # if it was open: it answers again
            self.cooled = True
        self.paused_until = max(self.paused_until, now + pause(max(1, self._pauses)))
        if self._refusals >= limit and self._pauses >= min(limit, LEAST_PAUSES):
            self.denials.add(model, too_many(error, self._refusals))
        return self.denials.to(model)
