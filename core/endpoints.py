"""What is remembered of one endpoint and key between requests: whether it answered, cools down, or said no for good.

One state, shared by every thread and provider instance that uses the pair. No lock is held while anyone waits.
"""

import copy
import hashlib
import os
import threading
import time
from typing import Callable, Dict, Optional

from core.cancel import CancelToken
from core.config import BackoffConfig
from core.errors import DeadlineError, ModelNotFoundError, QuotaError, RateLimitError, SubAIError

_SALT = os.urandom(16)

#: Retries that may be outstanding without successes to pay for them, and what a success pays back. Half a retry for
#: each success keeps a service that fails one time in three going, and a dead one from being stormed.
RETRY_BUDGET = 10.0
RETRY_REFUND = 0.5

#: However many requests were under way when the 429s began, give up only after so many pauses.
LEAST_PAUSES = 3


def endpoint_id(base_url: str, api_key: str) -> str:
    """An opaque name for endpoint and key; the key cannot be found out from it, not even by trying likely ones."""
    return hashlib.blake2b(f"{base_url}\n{api_key}".encode(), key=_SALT, digest_size=16).hexdigest()


class Turn:
    """The right to send one request now; tell it how that ended."""

    def __init__(self, state: "EndpointState", model: str, epoch: int) -> None:
        self._state = state
        self.model = model
        self.epoch = epoch

    def answered(self, status: int) -> None:
        """Headers came. A 2xx proves endpoint and key, and lets the others go."""
        if 200 <= status < 300:
            self._state._succeeded(self)

    def refused(self, error: SubAIError, pause: Callable[[int], float], limit: int) -> None:
        """A 429: everybody pauses, for ``pause(pauses in a row)`` seconds, and then one probe goes.

        :raises RateLimitError: ``limit`` of them came without a success between; final for everyone.
        """
        self._state._refused(self, error, pause, limit)

    def denied(self, error: SubAIError) -> None:
        """The endpoint said no for good (to this model, if that is what it does not have, or not for free)."""
        self._state._denied(self, error)

    def over(self) -> None:
        """It ended, in whatever way; a probe makes room for the next."""
        self._state._over(self)


class EndpointState:
    """What keeps a request back: a probe of an endpoint that has not proved itself yet, and a pause after a 429."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._proved = False
        self._epoch = 0  # counts the pauses; a success is proof only if its request started after the last one
        self._probing: Optional[Turn] = None
        self._paused_until = 0.0
        self._refusals = 0
        self._pauses = 0  # in a row, like the refusals
        self._retry_budget = RETRY_BUDGET
        self._denial: Optional[SubAIError] = None
        self._model_denials: Dict[str, SubAIError] = {}

    def enable(self) -> None:
        """Forget past refusals: a person asked again, and may have paid or waited meanwhile."""
        with self._changed:
            self._denial = None
            self._model_denials.clear()
            self._refusals = self._pauses = 0
            self._retry_budget = RETRY_BUDGET
            self._proved = False
            self._changed.notify_all()

    def wait_for_turn(self, settings: BackoffConfig, model: str, cancel: CancelToken, deadline: float) -> Turn:
        """Wait until a request may start.

        :raises SubAIError: what the endpoint last said, if that was final or asks for a wait that is too long.
        :raises DeadlineError: ``deadline`` (an instant of ``time.monotonic``) would pass first.
        :raises CancelledError: at once when ``cancel`` is set.
        """
        with cancel.waking(self._wake), self._changed:
            while True:
                cancel.raise_if_cancelled()
                self._raise_if_denied(model)
                now = self._clock()
                pause = self._seconds_to_wait(now)
                if pause <= 0:
                    return self._take_turn(model)
                self._raise_if_too_long(settings, now)
                if now >= deadline or (pause != float("inf") and now + pause > deadline):
                    raise DeadlineError("The time given to the request ends before the provider may be asked again.")
                self._changed.wait(min(pause, deadline - now))

    def take_retry(self) -> bool:
        """Whether another try may be spent on a passing failure; the budget is shared, so that no storm can form."""
        with self._changed:
            if self._retry_budget < 1.0:
                return False
            self._retry_budget -= 1.0
            return True

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _raise_if_denied(self, model: str) -> None:
        denial = self._denial or self._model_denials.get(model)
        if denial is not None:
            raise copy.copy(denial)  # one object raised in several threads would mix up their tracebacks

    def _seconds_to_wait(self, now: float) -> float:
        if self._probing is not None and not self._proved:
            return float("inf")
        return self._paused_until - now

    def _raise_if_too_long(self, settings: BackoffConfig, now: float) -> None:
        left = self._paused_until - now
        if left > settings.longest_hint:
            words = f"The provider asks to wait {left:.0f} s. Try again later."
            raise RateLimitError(words, status=429, retry_after=left, permanent=True)

    def _take_turn(self, model: str) -> Turn:
        turn = Turn(self, model, self._epoch)
        if not self._proved:
            self._probing = turn
        return turn

    def _succeeded(self, turn: Turn) -> None:
        with self._changed:
            self._refusals = self._pauses = 0
            self._retry_budget = min(RETRY_BUDGET, self._retry_budget + RETRY_REFUND)
            if self._probing is turn:
                self._probing = None  # its body may take long yet, and the next probe is not to wait for that
            if turn.epoch == self._epoch and not self._proved:
                self._proved = True
                self._changed.notify_all()

    def _refused(self, turn: Turn, error: SubAIError, pause: Callable[[int], float], limit: int) -> None:
        with self._changed:
            self._refusals += 1
            if turn.epoch == self._epoch:  # otherwise it was under way when the pause began, and is part of the same
                self._epoch += 1
                self._pauses += 1
                self._proved = False
            self._paused_until = max(self._paused_until, self._clock() + pause(self._pauses))
            if self._refusals >= limit and self._pauses >= min(limit, LEAST_PAUSES):
                self._denial = _too_many(error, self._refusals)
            self._changed.notify_all()
            if self._denial is not None:
                raise copy.copy(self._denial) from error

    def _denied(self, turn: Turn, error: SubAIError) -> None:
        kept = copy.copy(error)  # without its traceback, which holds on to the whole request
        with self._changed:
            if isinstance(error, (ModelNotFoundError, QuotaError)):  # a free tier counts each model by itself
                self._model_denials[turn.model] = kept
            else:
                self._denial = kept
            self._changed.notify_all()

    def _over(self, turn: Turn) -> None:
        with self._changed:
            if self._probing is turn:
                self._probing = None
                self._changed.notify_all()


_states: Dict[str, EndpointState] = {}
_states_lock = threading.Lock()


def state_of(endpoint: str) -> EndpointState:
    """The state of endpoint and key, shared by this process."""
    with _states_lock:
        return _states.setdefault(endpoint, EndpointState())


def _too_many(error: SubAIError, refusals: int) -> RateLimitError:
    return RateLimitError(
        f"The provider refused {refusals} requests in a row as too many (429). "
        "Wait some minutes, or use fewer parallel requests.",
        provider=error.provider,
        status=429,
        retry_after=error.retry_after,
        permanent=True,
    )
