"""Requests and tokens of a minute, and the pace between two requests: plain arithmetic, for ``core.rate_limit``'s lock.

A minute is any 60 s, not that of the clock: that holds whether the other side counts in a bucket or in windows.
"""

import math
from collections import deque
from typing import Deque, Dict, Mapping

from core.rate_headers import Level

MINUTE = 60.0


class Spending:
    """One request as it counts: its tokens, when it started (monotonic seconds), and whether it still counts."""

    __slots__ = ("at", "counts", "tokens")

    def __init__(self, tokens: int, at: float) -> None:
        self.tokens = tokens
        self.at = at
        self.counts = False


class MinuteBudget:
    """What was spent within the last minute, and what the headers told; 0 is no limit. Not thread-safe.

    :ivar requests: in any 60 s, at most. :ivar tokens: likewise.
    """

    def __init__(self, requests: int, tokens: int) -> None:
        self.requests = requests
        self.tokens = tokens
        self._spent: Deque[Spending] = deque()  # oldest first
        self._tokens_spent = 0  # their sum
        self._levels: Dict[str, Level] = {}
        self._last_start = -math.inf

    def described(self, now: float) -> str:
        self._forget_old(now)
        return f"{len(self._spent)} requests, {self._tokens_spent} tokens"

    def pause(self, tokens: int, min_interval: float, now: float) -> float:
        """Seconds until a request of ``tokens`` may start; 0 or less: now."""
        self._forget_old(now)
        pause = max(self._last_start + min_interval - now, self._free_request(now), self._free_tokens(tokens, now))
        return max(pause, self.told_pause(tokens, now)) if self._levels else pause

    @property
    def told(self) -> bool:
        """The headers of some answer told how much is left."""
        return bool(self._levels)

    def told_pause(self, tokens: int, now: float) -> float:
        """That part of it which the headers of the answers told; 0 or less without one."""
        needs = (("requests", 1), ("tokens", tokens))
        return max((self._levels[name].pause(need, now) for name, need in needs if name in self._levels), default=0.0)

    def used(self, now: float) -> Dict[str, float]:
        """``requests`` and ``tokens`` to the share that is used of a limit, ours or what the headers told."""
        self._forget_old(now)
        shares = {name: level.used(now) for name, level in self._levels.items()}
        for name, spent, limit in (
            ("requests", len(self._spent), self.requests),
            ("tokens", self._tokens_spent, self.tokens),
        ):
            if limit:
                shares[name] = max(shares.get(name, 0.0), spent / limit)
        return shares

    def spend(self, spending: Spending) -> None:
        """A request starts."""
        self._spent.append(spending)
        self._tokens_spent += spending.tokens
        spending.counts = True
        self._last_start = spending.at
        self._draw(1, spending.tokens)

    def take_back(self, spending: Spending) -> None:
        """It was never sent."""
        if spending.counts:
            self._spent.remove(spending)
            self._no_longer(spending)
        self._draw(-1, -spending.tokens)

    def settle(self, spending: Spending, tokens: int) -> None:
        """It took so many in truth."""
        if spending.counts:
            self._tokens_spent += tokens - spending.tokens
        spending.tokens = tokens

    def observe(self, levels: Mapping[str, Level]) -> None:
        """What the headers of an answer told."""
        self._levels.update(levels)

    def forget_told(self) -> None:
        """What they told may no longer be so."""
        self._levels.clear()

    def _forget_old(self, now: float) -> None:
        while self._spent and self._spent[0].at <= now - MINUTE:
            self._no_longer(self._spent.popleft())

    def _no_longer(self, spending: Spending) -> None:
        spending.counts = False
        self._tokens_spent -= spending.tokens

    def _free_request(self, now: float) -> float:
        if not self.requests or len(self._spent) < self.requests:
            return 0.0
        return self._spent[len(self._spent) - self.requests].at + MINUTE - now

    def _free_tokens(self, tokens: int, now: float) -> float:
        if not self.tokens:
            return 0.0
        over = min(tokens, self.tokens) + self._tokens_spent - self.tokens
        pause = 0.0
        for spending in self._spent:
            if over <= 0:
                break
            over -= spending.tokens
            pause = spending.at + MINUTE - now
        return pause

    def _draw(self, requests: int, tokens: int) -> None:
        for name, amount in (("requests", requests), ("tokens", tokens)):
            if name in self._levels:
                self._levels[name] = self._levels[name].less(amount)
