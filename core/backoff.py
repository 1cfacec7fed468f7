"""The only retry loop: how often and after what pause a request is sent again.

Waits are asked of the endpoint's shared state (``core.endpoints``) and end at once on a cancel. What counts as a
passing failure follows docs/design.md, "Which failure may be sent again".
"""

import functools
import logging
import random
import time
from dataclasses import replace
from typing import Any, Callable, Dict, Optional, TypeVar, cast

from core.config import CONNECTION_POOL_CONFIG, FIXED, BackoffConfig, backoff_for
from core.endpoints import Turn, state_of
from core.errors import (
    KeyRefusedError,
    ModelNotFoundError,
    NothingSentError,
    ProviderError,
    QuotaError,
    RateLimitError,
    SubAIError,
    TransportError,
)
from core.messages import Request
from core.rate_limit import limiter_for

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
) -> Callable[[Exchange], Exchange]:
    """Decorate ``exchange(request, ...)``: one request, answered or raising one of our errors.

    ``settings``, or else the provider's (``core.config.BACKOFF``), apply where an argument is None; delays are in
    seconds. Each try is made with a copy of the request that counts it. What is raised in the end is the last try's own
    error.
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
                request = replace(request, deadline=time.monotonic() + CONNECTION_POOL_CONFIG.total_timeout)
            return _until_final(settings, request, lambda again: exchange(again, *args, **kwargs))

        return cast(Exchange, persistent)

    return decorate


def _until_final(settings: BackoffConfig, request: Request, send: Callable[[Request], Any]) -> Any:
    state, limiter = state_of(request.endpoint), limiter_for(request.endpoint)
    deadline = cast(float, request.deadline)
    tries = 0
    passing_failures = 0
    while True:
        tries += 1
        turn = state.wait_for_turn(settings, request.model, request.cancel, deadline)
        pause = 0.0
        try:
            charge = limiter.acquire(request.tokens, request.cancel, deadline, settings.min_interval)
            try:
                return send(replace(request, attempt=tries, charge=charge, on_headers=turn.answered))
            except NothingSentError:
                charge.take_back()
                raise
        except RateLimitError as error:
            _take_refusal(settings, turn, error)  # the pause is everybody's, and waited for above
        except SubAIError as error:
            if isinstance(error, _FINAL_FOR_EVERYONE):
                turn.denied(error)
            passing_failures += 1
            if not _may_repeat(error) or passing_failures > settings.retries or not state.take_retry():
                raise
            pause = _pause(settings, error, passing_failures)
            if pause > settings.longest_hint or time.monotonic() + pause > deadline:
                raise
            log.debug("%s: try %d failed (%s); again in %.1f s", request.provider, tries, error.user_message, pause)
        finally:
            turn.over()
        request.cancel.wait(pause)


def _take_refusal(settings: BackoffConfig, turn: Turn, error: RateLimitError) -> None:
    hint = error.retry_after
    turn.refused(error, fixed(hint) if hint is not None else delay_for(settings, 429), settings.max_refusals)
    log.debug("%s asks for a pause (hint: %s)", error.provider, hint)
    if error.permanent or (hint is not None and hint > settings.longest_hint):
        raise error


def _may_repeat(error: SubAIError) -> bool:
    return not error.permanent and isinstance(error, (TransportError, ProviderError))


def _pause(settings: BackoffConfig, error: SubAIError, failures: int) -> float:
    if error.retry_after is not None:
        return error.retry_after
    return delay_for(settings, error.status or 0)(failures)
