"""What a job may spend: each request is paid for in advance by its estimate, and settled by what it really took."""

import threading
from typing import Callable, Optional

from api.base import Usage
from core.errors import ConfigError, SubAIError
from translate.prices import Price


class CostLimitError(SubAIError):
    """The next request could pass the limit that the person set."""

    permanent = True


class Purse:
    """Thread-safe; in US dollars.

    :param price: of the model, or None where it is not known.
    :param limit: what the job may cost at most, or None.
    :param on_spent: told of each request that was answered, with what it took and cost (0 where no price is known).
    :raises ConfigError: there is a limit and no price to hold it to.
    """

    def __init__(
        self,
        price: Optional[Price] = None,
        limit: Optional[float] = None,
        on_spent: Callable[[Usage, float], None] = lambda usage, dollars: None,
    ) -> None:
        if limit is not None and price is None:
            raise ConfigError("The price of this model is not known, so no limit can be kept. Add it to prices.json.")
        self._price = price
        self._limit = limit
        self._on_spent = on_spent
        self._lock = threading.Lock()
        self._spent = 0.0
        self._reserved = 0.0

    @property
    def spent(self) -> Optional[float]:
        """Dollars so far, or None where the price is not known."""
        return None if self._price is None else self._spent

    def reserve(self, estimate: Usage) -> float:
        """Set aside what a request may take; hand the result to ``settle``.

        :raises CostLimitError: the limit could be passed.
        """
        if self._price is None:
            return 0.0
        cost = self._price.cost(estimate)
        with self._lock:
            if self._limit is not None and self._spent + self._reserved + cost > self._limit:
                spent = f"${self._spent:.4f} of ${self._limit:g}"
                raise CostLimitError(f"The next request could pass the limit: {spent} are spent. Raise it to go on.")
            self._reserved += cost
        return cost

    def settle(self, reserved: float, usage: Usage, *, billed: bool = True) -> None:
        """Replace what was set aside by what was used; a provider that does not count costs the estimate.

        :param billed: False for a request that was refused or never sent.
        """
        counted = usage.prompt_tokens + usage.completion_tokens
        cost = reserved  # 0 where there is no price
        if self._price is not None and (counted or not billed):
            cost = self._price.cost(usage)
        with self._lock:
            self._reserved -= reserved
            self._spent += cost
        if billed:
            self._on_spent(usage, cost)
