"""What a job may spend: each request is paid for in advance by its estimate, and settled by what it really took."""

import threading
from dataclasses import dataclass
from typing import Callable, Dict, Optional

from api.base import Usage
from core.errors import ConfigError, SubAIError
from translate.prices import Price


class CostLimitError(SubAIError):
    """The next request could pass the limit that the person set."""

    permanent = True


@dataclass(frozen=True)
class Reservation:
    """What is set aside for a request: its estimate, and ``dollars`` for it (0 where there is no price)."""

    estimate: Usage
    price: Optional[Price]
    dollars: float


class Purse:
    """Thread-safe; in US dollars.

    :param limit: what the job may cost at most, or None. :param before: what counts of it as spent already.
    :param swell: how far a request may go beyond its estimate, as far as that is known.
    :param on_spent: told of each request that was answered, with what it took and cost (0 where no price is known).
    """

    def __init__(
        self,
        limit: Optional[float] = None,
        on_spent: Callable[[Usage, float], None] = lambda usage, dollars: None,
        *,
        before: float = 0.0,
        swell: float = 1.0,
    ) -> None:
        self._limit = limit
        self._before = before
        self._on_spent = on_spent
        self._lock = threading.Lock()
        self._spent = 0.0
        self._reserved = 0.0
        self._all_priced = True
        self._least_swell = max(1.0, swell)
        # How far the worst request went beyond its estimate: a model that thinks may take many times as much.
        self._swell: Dict[Price, float] = {}

    @property
    def spent(self) -> Optional[float]:
        """Dollars in this job so far, or None where the price of something is not known."""
        return self._spent if self._all_priced else None

    def reserve(self, estimate: Usage, price: Optional[Price]) -> Reservation:
        """Set aside what a request may take; hand the result to ``settle``.

        :param price: of the model that is asked, or None where it is not known.
        :raises CostLimitError: the limit could be passed.
        :raises ConfigError: there is a limit and no price to hold it to.
        """
        if price is None:
            if self._limit is not None:
                raise ConfigError("The price of this model is not known, so no limit on the cost can be kept.")
            return Reservation(estimate, None, 0.0)
        with self._lock:
            dollars = price.cost(estimate) * self._swell.get(price, self._least_swell)
            spent_in_all = self._before + self._spent
            if self._limit is not None and spent_in_all + self._reserved + dollars > self._limit:
                spent = f"${spent_in_all:.4f} of ${self._limit:g}"
                raise CostLimitError(f"The next request could pass the limit: {spent} are spent. Raise it to go on.")
            self._reserved += dollars
        return Reservation(estimate, price, dollars)

    def lift(self) -> None:
        """There is no limit any more."""
        self._limit = None

    def settle(self, reservation: Reservation, usage: Usage, *, billed: bool = True, broken_off: bool = False) -> float:
        """Replace what was set aside by what was used; a provider that does not count costs what was set aside.

        Returns what it cost, 0 where no price is known.

        :param billed: False for a request that was refused or never sent.
        :param broken_off: the answer was not seen to its end, where most providers tell what it took.
        """
        with self._lock:
            self._reserved -= reservation.dollars
            cost = self._cost(reservation, usage) if billed else 0.0
            if billed and broken_off:
                cost = max(cost, reservation.dollars)
            self._spent += cost
            self._all_priced = self._all_priced and not (billed and reservation.price is None)
        if billed:
            self._on_spent(usage, cost)
        return cost

    def _cost(self, reservation: Reservation, usage: Usage) -> float:
        price = reservation.price
        if price is None or not usage.prompt_tokens + usage.completion_tokens:
            return reservation.dollars
        cost, expected = price.cost(usage), price.cost(reservation.estimate)
        if expected > 0:
            self._swell[price] = max(self._swell.get(price, self._least_swell), cost / expected)
        return cost
