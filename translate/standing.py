"""How a job's routes have done so far, and whether there is any point in asking one again."""

import threading
from typing import Dict

from core.errors import (
    BadRequestError,
    BodyTooLargeError,
    ConfigError,
    KeyRefusedError,
    ModelNotFoundError,
    ProviderError,
    QuotaError,
    RateLimitError,
    SubAIError,
    TransportError,
)
from translate.asking import Outcome, Route

#: Requests in a row, over all workers, that brought nothing because the provider could not be reached.
UNREACHABLE_AFTER = 3

_FINAL = (KeyRefusedError, QuotaError, ModelNotFoundError, ConfigError)


class Standing:
    """Thread-safe; what was told of one route says nothing of another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._missed: Dict[int, int] = {}  # id of a route that has answered -> requests in a row that did not reach it

    def note(self, route: Route, outcome: Outcome) -> None:
        """Remember how a request went."""
        unreached = isinstance(outcome.error, TransportError) and not outcome.accepted
        with self._lock:
            if unreached and id(route) in self._missed:
                self._missed[id(route)] += 1
            elif not unreached and not isinstance(outcome.error, ProviderError):
                self._missed[id(route)] = 0

    def is_lost(self, route: Route, error: SubAIError) -> bool:
        """Whether asking this route for anything else is pointless, now that a request ended with ``error``."""
        with self._lock:
            missed = self._missed.get(id(route))
        if isinstance(error, _FINAL):
            return True
        if isinstance(error, RateLimitError):
            return error.permanent
        if isinstance(error, BodyTooLargeError):
            return False
        if isinstance(error, TransportError):
            # The backoff has tried several times already; before the first answer that is proof enough.
            return error.permanent or missed is None or missed >= UNREACHABLE_AFTER
        return isinstance(error, BadRequestError) and missed is None
