"""The only retry loop: how often, after what pause and to which endpoint a request is sent again.

Each try is admitted anew (``core.endpoint_group``: an endpoint, its breaker, its budgets), and every wait ends at once
on a cancel. What counts as a passing failure follows docs/design.md, "Which failure may be sent again".
"""

import functools
import logging
import random
import time
from dataclasses import replace
from typing import Any, Callable, Dict, Optional, Tuple, TypeVar, cast

from core import events, metrics
from core.circuit_breaker import breaker_for
from core.config import CONNECTION_POOL_CONFIG, FIXED, BackoffConfig, backoff_for
from core.endpoint_group import ProbeFailedError, lone
from core.endpoints import Admission
from core.errors import (
    KeyRefusedError,
    ModelNotFoundError,
    ProviderError,
    QuotaError,
    RateLimitError,
    SubAIError,
    TransportError,
    kind_of,
)
from core.messages import Request
from core.outcomes import is_failure

log = logging.getLogger("subai.backoff")

#: Seconds before try ``n`` (1 for the first repetition).
Delay = Callable[[int], float]

Exchange = TypeVar("Exchange", bound=Callable[..., Any])

_FINAL_FOR_EVERYONE = (KeyRefusedError, QuotaError, ModelNotFoundError)


def exponential(base: float, longest: float) -> Delay:
    """``base``, twice that, four times, ... up to ``longest`` seconds."""
    return lambda tries: min(longest, base * 2.0 ** min(tries - 1, 30))


def fixed(seconds: float) -> Delay:
    """The same pause each time."""
    return lambda tries: seconds


def full_jitter(delay: Delay) -> Delay:
    """Anything between nothing and ``delay``: spreads many clients best (AWS, "Exponential Backoff And Jitter")."""
    return lambda tries: random.uniform(0.0, delay(tries))


def delay_for(settings: BackoffConfig, status: int) -> Delay:
    """The pause after an answer with this status (0: none came), jittered."""
    if settings.strategy(status) == FIXED:
        return full_jitter(fixed(settings.max_delay))
    return full_jitter(exponential(settings.base_delay, settings.max_delay))


def rate_limited_backoff_on_429(
    min_interval: Optional[float] = None,
    retries: Optional[int] = None,
    base_delay: Optional[float] = None,
    max_delay: Optional[float] = None,
    provider: Optional[str] = None,
    settings: Optional[BackoffConfig] = None,
    *,
    goes_on: bool = False,
) -> Callable[[Exchange], Exchange]:
    """Decorate ``exchange(request, ...)``: one request, answered or raising one of our errors.

    ``settings``, or else the provider's (``core.config.BACKOFF``), apply where an argument is None; delays are in
    seconds. Each try is made with a copy of the request, made out to one endpoint. What is raised in the end is the
    last try's own error.

    :param goes_on: what ``exchange`` returns is still being answered; whoever reads it ends the request's turn.
    """
    wanted: Dict[str, Any] = {
        "min_interval": min_interval,
        "retries": retries,
        "base_delay": base_delay,
        "max_delay": max_delay,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    settings = replace(settings or backoff_for(provider or ""), **given)

    def decorate(exchange: Exchange) -> Exchange:
        @functools.wraps(exchange)
        def persistent(request: Request, *args: Any, **kwargs: Any) -> Any:
            if request.deadline is None:
                request = request.but(deadline=time.monotonic() + CONNECTION_POOL_CONFIG.total_timeout)
            tries = _Tries(settings, request, goes_on=goes_on)
            return tries.until_final(lambda again: exchange(again, *args, **kwargs))

        return cast(Exchange, persistent)

    return decorate


class _Tries:
    """All tries of one request."""

    def __init__(self, settings: BackoffConfig, request: Request, *, goes_on: bool) -> None:
        self._settings = settings
        self._request = request
        self._group = request.group or lone(request.endpoint)
        self._goes_on = goes_on
        self._count = 0
        self._passing_failures = 0
        self._failed: Dict[str, int] = {}  # id of a target -> failures there
        self._lost = False  # a try went out and brought neither an answer nor a refusal: it may be billed
        self._last: Optional[SubAIError] = None  # what the last try that was made has met

    def until_final(self, send: Callable[[Request], Any]) -> Any:
        try:
            return self._until_final(send)
        except SubAIError as error:
            if error is not self._last:
                error.nothing_sent = True  # it came between two tries, or before the first
            if self._lost:
                error.nothing_sent = False
            raise

    def _until_final(self, send: Callable[[Request], Any]) -> Any:
        while True:
            self._count += 1
            began = time.monotonic()
            try:
                admission = self._group.admit(self._request, self._settings, self._failed, self._count)
            except ProbeFailedError as probe:
                pause = self._after(probe.error, probe.target.id)
            else:
                metrics.waited(self._request.provider, time.monotonic() - began)
                done, result, pause = self._once(admission, send)
                if done:
                    return result
            self._request.cancel.wait(pause)

    def _once(self, admission: Admission, send: Callable[[Request], Any]) -> Tuple[bool, Any, float]:
        """Whether it was answered, with what, else seconds until the next try."""
        goes_on = False
        try:
            result = self._sent(admission, send)
            goes_on = self._goes_on
        except RateLimitError as error:
            return False, None, self._after_refusal(admission, error)
        except SubAIError as error:
            return False, None, self._after_failure(admission, error)
        finally:
            if not goes_on:
                admission.turn.over()
        return True, result, 0.0

    def _sent(self, admission: Admission, send: Callable[[Request], Any]) -> Any:
        try:
            return send(admission.request)
        except SubAIError as error:
            self._last = error
            if error.nothing_sent:
                admission.charge.take_back()
            elif not isinstance(error, ProviderError):
                self._lost = True
            raise

    def _after_refusal(self, admission: Admission, error: RateLimitError) -> float:
        """The pause is everybody's at that endpoint, and waited for when the next try is admitted."""
        settings, hint, here = self._settings, error.retry_after, admission.request.endpoint
        pause = fixed(hint) if hint is not None else delay_for(settings, 429)
        self._failed[here] = self._failed.get(here, 0) + 1
        log.debug("%s asks for a pause (hint: %s)", error.provider, hint)
        try:
            admission.turn.refused(error, pause, settings.max_refusals)
        except RateLimitError as final:
            self._go_elsewhere(admission, final)
        else:
            self._heeds(error)
            if error.permanent and not self._group.is_left(self._request, settings, self._failed):
                raise error
            if hint is not None and hint > settings.longest_hint and not self._group.is_left(self._request, settings):
                raise error
        self._repeats(error)
        return 0.0

    def _after_failure(self, admission: Admission, error: SubAIError) -> float:
        if isinstance(error, _FINAL_FOR_EVERYONE):
            admission.turn.denied(error)
            self._go_elsewhere(admission, error)
            self._repeats(error)
            return 0.0
        admission.turn.failed(error)
        return self._after(error, admission.request.endpoint)

    def _go_elsewhere(self, admission: Admission, error: SubAIError) -> None:
        """:raises SubAIError: ``error``, which was final where the try was admitted to, when no other is left."""
        if not self._group.is_left(self._request, self._settings):
            raise error
        self._group.note(admission, error)

    def _after(self, error: SubAIError, here: str) -> float:
        """Seconds until the next try; none where another endpoint is fit, whose turn it is then."""
        settings, request = self._settings, self._request
        self._failed[here] = self._failed.get(here, 0) + 1
        deadline = cast(float, request.deadline)
        if time.monotonic() >= deadline:
            raise error
        again = _may_repeat(error)
        if (again or is_failure(error)) and self._group.is_fit(request, settings, self._failed):
            log.debug("%s: try %d failed (%s); now elsewhere", request.provider, self._count, error.user_message)
            self._repeats(error)
            return 0.0
        self._passing_failures += 1
        if not again or self._passing_failures > settings.retries or not breaker_for(here).take_retry():
            raise error
        pause = _pause(settings, error, self._passing_failures)
        if pause > settings.longest_hint or time.monotonic() + pause > deadline:
            raise error
        log.debug("%s: try %d failed (%s); again in %.1f s", request.provider, self._count, error.user_message, pause)
        self._heeds(error)
        self._repeats(error)
        return pause

    def _heeds(self, error: SubAIError) -> None:
        """Count the hint that a pause goes by, if it does."""
        if error.retry_after is not None:
            metrics.HINTS.add(1, self._request.provider)

    def _repeats(self, error: SubAIError) -> None:
        """Count the next try, and what it is for."""
        provider, reason = self._request.provider, kind_of(error)
        metrics.RETRIES.add(1, provider, reason)
        events.record(events.REQUEST_REPEATED, {"provider": provider, "reason": reason})


def _may_repeat(error: SubAIError) -> bool:
    return not error.permanent and isinstance(error, (TransportError, ProviderError))


def _pause(settings: BackoffConfig, error: SubAIError, failures: int) -> float:
    if error.retry_after is not None:
        return error.retry_after
    return delay_for(settings, error.status or 0)(failures)
