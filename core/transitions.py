"""Who is told when an endpoint goes from one state to another: the log, and whoever asks for it."""

import logging
from typing import Callable, List, NamedTuple

log = logging.getLogger("subai.endpoints")


class Transition(NamedTuple):
    """An endpoint went from one state (``core.circuit_breaker``) to another.

    :ivar endpoint: what a person calls it; holds no key. :ivar reason: in a few words, ``""`` where time did it.
    """

    endpoint: str
    before: str
    after: str
    reason: str


Listener = Callable[[Transition], None]

_listeners: List[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Have ``listener`` told of every transition from now on, on the thread that caused it; returns what ends that.

    It must neither block nor raise.
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def tell(transition: Transition) -> None:
    """Log ``transition``, and tell whoever listens. No lock may be held."""
    reason = f" ({transition.reason})" if transition.reason else ""
    log.info("%s: %s -> %s%s", transition.endpoint or "endpoint", transition.before, transition.after, reason)
    for listener in _listeners.copy():
        listener(transition)
