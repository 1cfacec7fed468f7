"""What goes to a provider and what comes back, as values; how they travel is ``core.transport``'s."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional

from core.cancel import CancelToken
from core.circuit_breaker import Turn
from core.rate_limit import Charge

if TYPE_CHECKING:
    from core.endpoint_group import EndpointGroup


@dataclass(frozen=True)
class Request:
    """What is sent, and how long anyone will wait for it.

    :ivar deadline: instant of ``time.monotonic`` after which nobody wants the answer; None: ``total_timeout`` from now.
    :ivar group: where it may go. ``core.backoff`` has it made out to one of them for each try: until then ``url`` is
        what follows the base URL, and ``headers`` are without the key. None: it is made out to ``endpoint`` already.
    :ivar affinity: requests with the same one go to the same endpoint, where the group's balance is such.
    :ivar endpoint: opaque id of endpoint and key (``core.endpoints.endpoint_id``), under which failures are remembered.
    :ivar attempt: 1 for the first try; ``core.backoff`` counts on.
    :ivar tokens: what it will cost, about, prompt and answer; counts against the budget of a minute.
    :ivar charge: how it counts against the budgets, given by ``core.backoff``; settle it once the real use is known.
    :ivar turn: the right to send it, given by ``core.backoff``; whoever reads a stream says how that went, and ends it.
    :ivar on_headers: called with the status as soon as the answer's headers are in.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Optional[bytes] = field(default=None, repr=False)
    provider: str = ""
    model: str = ""
    cancel: CancelToken = field(default_factory=CancelToken, repr=False)
    deadline: Optional[float] = None
    group: "Optional[EndpointGroup]" = field(default=None, repr=False, compare=False)
    affinity: str = field(default="", repr=False)
    endpoint: str = field(default="", repr=False)
    attempt: int = 1
    tokens: int = 0
    charge: Optional[Charge] = field(default=None, repr=False, compare=False)
    turn: Optional[Turn] = field(default=None, repr=False, compare=False)
    on_headers: Optional[Callable[[int], None]] = field(default=None, repr=False)

    def but(self, **values: Any) -> "Request":
        """The same but for ``values``: ``dataclasses.replace`` at an eighth of its price, as each try takes several."""
        made = object.__new__(Request)
        made.__dict__.update(self.__dict__, **values)
        return made


@dataclass(frozen=True)
class Response:
    """A whole answer; header names are in lower case, the body is decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
