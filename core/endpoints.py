"""One base URL and key of a provider: its name, its breaker and its budgets, and a request made out to it.

Which one of several a request goes to is ``core.endpoint_group``'s choice.
"""

import hashlib
import math
import os
from dataclasses import dataclass, field
from typing import List, Mapping, NamedTuple, Optional, Sequence

from core.circuit_breaker import Turn, breaker_for
from core.errors import RateLimitError, SubAIError
from core.messages import Request
from core.rate_limit import Charge, limiter_for

_SALT = os.urandom(16)


def endpoint_id(base_url: str, api_key: str) -> str:
    """An opaque name for endpoint and key; the key cannot be found out from it, not even by trying likely ones."""
    return hashlib.blake2b(f"{base_url}\n{api_key}".encode(), key=_SALT, digest_size=16).hexdigest()


@dataclass(frozen=True)
class Target:
    """Where requests go.

    :ivar id: ``endpoint_id`` of base URL and key. :ivar headers: those that carry the key.
    :ivar label: what a person calls it; holds no key.
    """

    id: str = field(repr=False)
    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    label: str = ""


class Admission(NamedTuple):
    """The right to send ``request``, which is made out to one target; ``turn`` is told how it ended."""

    request: Request
    turn: Turn
    charge: Charge


class Endpoint:
    """A target with its breaker and its limiter, which it shares with all who use the same base URL and key.

    :ivar place: among the others of its group, from 0.
    """

    def __init__(self, target: Target, place: int) -> None:
        self.target = target
        self.place = place
        self.breaker = breaker_for(target.id, target.label)
        self.limiter = limiter_for(target.id)

    def objection(self, request: Request, longest_pause: float) -> Optional[SubAIError]:
        """Why it is out for longer than anyone would wait; None when it is not.

        A budget of the minute that a person has set is waited for, however long; what the headers tell is a hint.
        """
        denial = self.breaker.denial(request.model)
        if denial is not None:
            return denial
        left = max(self.breaker.cooling(), self.limiter.told_wait(request.tokens))
        if left > longest_pause:
            words = f"The provider asks to wait {left:.0f} s. Try again later."
            return RateLimitError(words, status=429, retry_after=left, permanent=True)
        return self.limiter.spent()

    def enable(self) -> None:
        """A person asked anew: forget what made it say no for good, or would have it waited for."""
        self.breaker.enable()
        self.limiter.forget_told()

    def wait(self, request: Request, min_interval: float, *, last: bool) -> float:
        """Seconds until ``request`` may start there; ``last``: no other is left, so it is tried although it is open."""
        return max(self.breaker.wait(last=last), self.limiter.wait(request.tokens, min_interval))

    def made_out(self, request: Request, attempt: int, turn: Turn, charge: Charge) -> Admission:
        """``request`` with the URL and the key of this target."""
        target = self.target
        ready = request.but(
            url=target.base_url + request.url,
            headers={**request.headers, **target.headers},
            endpoint=target.id,
            attempt=attempt,
            charge=charge,
            turn=turn,
            on_headers=turn.answered,
        )
        return Admission(ready, turn, charge)


def are_open(members: Sequence[Endpoint]) -> bool:
    """None of ``members`` is known to answer."""
    return all(member.breaker.tripped for member in members)


def least_tried(
    members: Sequence[Endpoint], waits: Mapping[Endpoint, float], failed: Mapping[str, int]
) -> List[Endpoint]:
    """Of ``members``, which are all open, those whose turn it is: a request goes to each before it goes to one again.

    It waits for the probe of one rather than ask another twice, but not for a budget, unless there is nothing else.

    :param waits: what ``Endpoint.wait`` says. :param failed: id of a target -> how often the request has failed there.
    """
    at_hand = [member for member in members if waits[member] in (0.0, math.inf)] or members
    fewest = min(failed.get(member.target.id, 0) for member in at_hand)
    return [member for member in at_hand if failed.get(member.target.id, 0) == fewest]
