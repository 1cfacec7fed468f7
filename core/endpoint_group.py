"""Several base URLs and keys of one provider: which of them a request goes to, and who moves where when one is out.

How each of them does is its breaker's to say (``core.circuit_breaker``), what may be spent there its limiter's
(``core.rate_limit``). When to ask again is ``core.backoff``'s.
"""

import math
from contextlib import ExitStack
from typing import Callable, ContextManager, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, cast

from core.circuit_breaker import Turn
from core.config import BackoffConfig
from core.day_budget import DayCounter
from core.endpoints import Admission, Endpoint, Target, are_open, least_tried
from core.errors import QuotaError, SubAIError
from core.forking import OwnLock
from core.homes import Homes
from core.limits import Limits
from core.messages import Request

#: How a request's endpoint is chosen among those that are fit.
STICKY = "sticky"  # the one that its film is with already, else the first
ROUND_ROBIN = "round-robin"  # one after the other
LEAST_LOADED = "least-loaded"  # the one with the fewest requests in flight
BALANCES = (STICKY, ROUND_ROBIN, LEAST_LOADED)

_NOWHERE: Mapping[str, int] = {}


class ProbeFailedError(Exception):
    """Internal: a request waited for the probe of the last endpoint that was left, and the probe failed."""

    def __init__(self, target: Target, error: SubAIError) -> None:
        super().__init__(error.user_message)
        self.target = target
        self.error = error


class _ElsewhereError(Exception):
    """Internal: a request waits at one endpoint, and another is fit now."""


class _Choice(NamedTuple):
    """:ivar ready: those to which it could go at once; empty where ``member`` is to be waited for.

    :ivar left: those that nothing speaks against, but maybe that they are open. :ivar last: all of these are, and tried
        all the same; then they are those of them whose turn it is. :ivar again: seconds until the choice may be another
        one.
    """

    member: Endpoint
    ready: Sequence[Endpoint]
    left: Sequence[Endpoint]
    last: bool
    again: float


class _Door:
    """The breaker at the head of one member's line, and the view from that line to the others."""

    def __init__(
        self, group: "EndpointGroup", request: Request, settings: BackoffConfig, failed: Mapping[str, int]
    ) -> None:
        self._group = group
        self._request = request
        self._settings = settings
        self._failed = failed
        self._choice = group._choose(request, settings, failed)
        self.member = self._choice.member
        self._failed_probes = self.member.breaker.failed_probes
        self.turn: Optional[Turn] = None

    def enter(self) -> float:
        try:
            self.turn, pause = self.member.breaker.take(self._request.model, last=self._choice.last)
        except SubAIError as denial:
            raise _ElsewhereError from denial
        return pause

    def look(self) -> float:
        breaker = self.member.breaker
        error = breaker.last_failure() if breaker.failed_probes != self._failed_probes else None
        if error is not None:
            raise ProbeFailedError(self.member.target, error)
        self._choice = choice = self._group._choose(self._request, self._settings, self._failed)
        if self.member not in choice.left or (choice.ready and self.member not in choice.ready):
            raise _ElsewhereError
        return choice.again

    def waking(self, callback: Callable[[], None]) -> ContextManager[object]:
        return self._group._waking(callback)


class EndpointGroup:
    """One or more targets; a request goes to one of them, and after a failure to another one. Thread-safe.

    :param balance: one of ``BALANCES``.
    """

    def __init__(self, targets: Sequence[Target], balance: str = STICKY) -> None:
        self._members = [Endpoint(target, place) for place, target in enumerate(targets)]
        self._balance = balance
        self._lock = OwnLock()
        self._next = 0
        self._homes = Homes()
        self._notices: Dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<EndpointGroup {', '.join(f'{label}: {state}' for label, state in self.states())}>"

    def __len__(self) -> int:
        return len(self._members)

    @property
    def members(self) -> List[Endpoint]:
        """In the order in which their targets were given."""
        return list(self._members)

    def states(self) -> List[Tuple[str, str]]:
        """What each is called, and its state, as ``core.circuit_breaker`` names them."""
        return [(member.target.label, member.breaker.state) for member in self._members]

    def enable(self) -> None:
        """A person asked anew: forget what made them say no for good."""
        for member in self._members:
            member.enable()

    def limit(self, limits: Limits, counters: Callable[[int], Optional[DayCounter]]) -> None:
        """Hold each of them to ``limits``; ``counters`` gives each place, from 0, what its days are counted with."""
        for member in self._members:
            member.limiter.configure(limits, counters(member.place))

    def left_today(self) -> Optional[int]:
        """Requests that today's budgets still have, all together; None without a budget."""
        left = [member.limiter.left_today() for member in self._members]
        return None if None in left else sum(filter(None, left))

    # --- one try of a request ---------------------------------------------------------------------------------------

    def admit(
        self, request: Request, settings: BackoffConfig, failed: Mapping[str, int] = _NOWHERE, attempt: int = 1
    ) -> Admission:
        """Wait until ``request`` may start somewhere, for the ``attempt``-th time.

        :param failed: id of a target -> how often this request has failed there; who has the fewest goes first.
        :raises SubAIError: why none of them can be asked, if that is final or asks for a wait that is too long.
        :raises DeadlineError: its deadline would pass first.
        :raises CancelledError: at once when it is cancelled.
        :raises ProbeFailedError: it waited for the probe of the last one, in vain.
        """
        while True:
            door = _Door(self, request, settings, failed)
            member, charge = door.member, None
            try:
                charge = member.limiter.acquire(
                    request.tokens, request.cancel, request.deadline, settings.min_interval, door
                )
                if not member.breaker.calm:
                    member.breaker.announce()
                self._next = member.place + 1
                return member.made_out(request, attempt, cast(Turn, door.turn), charge)
            except BaseException as error:  # Ctrl-C too: everybody would wait for a probe that nobody sends
                if door.turn is not None:
                    door.turn.over()
                if charge is not None:
                    charge.take_back()
                if isinstance(error, (_ElsewhereError, QuotaError)):
                    continue  # where none is left, choosing again says so
                raise

    def is_fit(self, request: Request, settings: BackoffConfig, failed: Mapping[str, int]) -> bool:
        """Whether one of them, on which ``request`` has not failed, can take it at once; when all are open, by a probe.

        Who waits for another request's probe asks nobody, so one that is out is as good as one that may go.
        """
        left = self._left(request, settings, _NOWHERE)
        last = are_open(left)
        fresh = [member for member in left if not failed.get(member.target.id)]
        waits = [member.wait(request, settings.min_interval, last=last) for member in fresh]
        return any(not wait or (last and math.isinf(wait)) for wait in waits)

    def is_left(self, request: Request, settings: BackoffConfig, failed: Mapping[str, int] = _NOWHERE) -> bool:
        """Whether one of them, on which ``request`` has not failed, may take it, if only later."""
        return bool(self._left(request, settings, failed))

    def _left(self, request: Request, settings: BackoffConfig, failed: Mapping[str, int]) -> List[Endpoint]:
        return [
            member
            for member in self._members
            if not failed.get(member.target.id) and member.objection(request, settings.longest_hint) is None
        ]

    # --- the choice -------------------------------------------------------------------------------------------------

    def _choose(self, request: Request, settings: BackoffConfig, failed: Mapping[str, int]) -> _Choice:
        left, objections = [], []
        for member in self._members:
            objection = member.objection(request, settings.longest_hint)
            if objection is None:
                left.append(member)
            else:
                objections.append(objection)
        if not left:
            raise min(objections, key=lambda error: math.inf if error.retry_after is None else error.retry_after)
        last = are_open(left)
        if len(self._members) == 1:
            return _Choice(left[0], left, left, last, math.inf)  # there is no other to compare its waits with
        waits = {member: member.wait(request, settings.min_interval, last=last) for member in left}
        if last:
            left = least_tried(left, waits, failed)
        ready = [member for member in left if not waits[member]]
        again = min((wait for wait in waits.values() if wait), default=math.inf)
        home = None if last else self._home(request, left, ready)
        failed_at_home = home is not None and failed.get(home.target.id)
        if home is not None and not failed_at_home:
            return _Choice(home, [home] if home in ready else [], left, last, again)
        best = min(
            ready or left, key=lambda one: (waits[one], failed.get(one.target.id, 0), *self._preference(one, last=last))
        )
        if self._balance == STICKY and ready and (home is None or not home.breaker.proved):
            self._homes.settle(request.affinity, best)
        return _Choice(best, ready, left, last, again)

    def _preference(self, member: Endpoint, *, last: bool) -> Tuple[int, int]:
        """What the balance makes of it; the smallest is taken. When all are open they are gone round, to find one."""
        if self._balance == STICKY and not last:
            return 0, member.place
        load = member.breaker.in_flight if self._balance == LEAST_LOADED else 0
        return load, (member.place - self._next) % len(self._members)

    def _home(self, request: Request, left: Sequence[Endpoint], ready: Sequence[Endpoint]) -> Optional[Endpoint]:
        """Where requests like this one go, as long as it is fit; one that nobody has tried before is waited for."""
        home = self._homes.of(request.affinity)
        if home is None or home in ready:
            return home
        return home if home in left and home.breaker.untried else None

    def _waking(self, callback: Callable[[], None]) -> ContextManager[object]:
        stack = ExitStack()
        for member in self._members:
            stack.enter_context(member.breaker.waking(callback))
        return stack

    # --- what a person is told --------------------------------------------------------------------------------------

    def note(self, admission: Admission, error: SubAIError) -> None:
        """Where it was admitted to said no for good; if there are others, a person is told in the end."""
        if len(self._members) > 1:
            here = admission.request.endpoint
            label = next(member.target.label for member in self._members if member.target.id == here)
            with self._lock:
                self._notices[label] = f"{label}: {error.user_message}"

    def take_notices(self) -> List[str]:
        """What was not told yet: which of several endpoints are out, and why."""
        with self._lock:
            notices, self._notices = self._notices, {}
        return list(notices.values())


def lone(endpoint: str) -> EndpointGroup:
    """The endpoint of a request that is made out to it already."""
    return EndpointGroup([Target(endpoint)])
