"""What an endpoint said no to for good: one model, or everything asked with that key."""

import copy
from typing import Dict, Optional

from core.errors import ModelNotFoundError, QuotaError, RateLimitError, SubAIError


class Denials:
    """Not thread-safe. Errors are kept without their tracebacks, which hold on to whole requests."""

    def __init__(self) -> None:
        self._of_all: Optional[SubAIError] = None
        self._of_model: Dict[str, SubAIError] = {}

    @property
    def of_all(self) -> bool:
        """It is not only some models."""
        return self._of_all is not None

    def to(self, model: str) -> Optional[SubAIError]:
        """What is to be raised for ``model``, None where nothing is. A new object: threads must not share one."""
        error = self._of_all or self._of_model.get(model)
        return None if error is None else copy.copy(error)

    def add(self, model: str, error: SubAIError) -> None:
        """``error`` was the answer to a request for ``model``."""
        # A free tier counts each model by itself; without credit there is none for any.
        if isinstance(error, ModelNotFoundError) or (isinstance(error, QuotaError) and error.status != 402):
            self._of_model[model] = copy.copy(error)
        else:
            self._of_all = copy.copy(error)


def too_many(error: SubAIError, refusals: int) -> RateLimitError:
    """What so many 429s in a row come to, of which ``error`` was the last."""
    return RateLimitError(
        f"The provider refused {refusals} requests in a row as too many (429). "
        "Wait some minutes, or use fewer parallel requests.",
        provider=error.provider,
        status=429,
        retry_after=error.retry_after,
        permanent=True,
    )
