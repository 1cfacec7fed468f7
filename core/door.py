"""What a limiter asks besides its own budgets: the seam between ``core.rate_limit`` and who has a say there too."""

import math
from contextlib import nullcontext
from typing import Callable, ContextManager, Protocol


class Door(Protocol):
    """What else has a say in whether the request at the head of the line may start, besides the budgets."""

    def enter(self) -> float:
        """0 if the request may start now, and has; else seconds until it may be asked again (infinite: until woken).

        Called with the limiter's lock held. Whatever it raises ends the wait.
        """
        ...

    def look(self) -> float:
        """Called by whoever waits, each time it wakes; seconds until it wants to look again. It may raise, too."""
        ...

    def waking(self, callback: Callable[[], None]) -> ContextManager[object]:
        """Have ``callback`` called when there is something to look at."""
        ...


class _NoDoor:
    def enter(self) -> float:
        return 0.0

    def look(self) -> float:
        return math.inf

    def waking(self, callback: Callable[[], None]) -> ContextManager[object]:
        return nullcontext()


#: Always open.
NO_DOOR: Door = _NoDoor()
