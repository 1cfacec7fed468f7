"""How the latest requests to an endpoint ended: what counts as its failure, and when it is too many of them."""

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
