"""How the latest requests to an endpoint ended: what is a failure of it, what are too many, how much may be retried."""

from collections import deque
from typing import Any, Deque

from core.config import BreakerConfig
from core.errors import (
    BadRequestError,
    BodyTooLargeError,
    DeadlineError,
    PoolClosedError,
    PoolTimeoutError,
    ProviderError,
    SubAIError,
    TransportError,
)

#: Retries that may be outstanding without successes to pay for them, and what a success pays back. Half a retry for
#: each success keeps a service that fails one time in three going, and a dead one from being stormed.
RETRY_BUDGET = 10.0
RETRY_REFUND = 0.5

_OF_THIS_SIDE = (PoolTimeoutError, PoolClosedError, DeadlineError, BodyTooLargeError)


def is_failure(error: SubAIError) -> bool:
    """Whether ``error`` speaks against the endpoint, and not only against one request or this machine."""
    if isinstance(error, TransportError):
        return not isinstance(error, _OF_THIS_SIDE)
    status = error.status or 0
    # Redirected, or nothing there: the address is wrong, whatever is asked for.
    lost = isinstance(error, BadRequestError) and (0 < status < 400 or status in (404, 405))
    return isinstance(error, ProviderError) and (status >= 500 or lost)


class _Outcome:
    __slots__ = ("failed", "of")

    def __init__(self, of: Any, *, failed: bool) -> None:
        self.of = of
        self.failed = failed


class Outcomes:
    """The last ones, within the window; not thread-safe."""

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self._latest: Deque[_Outcome] = deque(maxlen=config.window)

    def __len__(self) -> int:
        return len(self._latest)

    def succeeded(self, request: object) -> None:
        """``request`` (anything that tells it from the others) has begun to be answered."""
        self._latest.append(_Outcome(request, failed=False))

    def failed(self, request: object) -> bool:
        """``request`` failed, maybe after it had begun well; whether there are too many failures now."""
        known = next((outcome for outcome in self._latest if outcome.of is request), None)
        if known is not None:
            known.failed = True
        else:
            self._latest.append(_Outcome(request, failed=True))
        return self._too_many()

    def clear(self) -> None:
        """Begin anew."""
        self._latest.clear()

    def _too_many(self) -> bool:
        config, latest = self._config, [outcome.failed for outcome in self._latest]
        row = config.failures_in_a_row
        if len(latest) >= row and all(latest[-row:]):
            return True
        return len(latest) >= config.least_outcomes and sum(latest) >= config.failure_rate * len(latest)


class RetryBudget:
    """Shared by all who use the endpoint, so that no storm of retries can form; not thread-safe."""

    def __init__(self) -> None:
        self._left = RETRY_BUDGET

    def take(self) -> bool:
        """Whether another try may be spent on a passing failure."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def refund(self) -> None:
        """A request went well."""
        self._left = min(RETRY_BUDGET, self._left + RETRY_REFUND)
