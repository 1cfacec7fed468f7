"""How a job's routes have done so far, and whether there is any point in asking one again."""

import threading
from dataclasses import dataclass
from typing import Dict, Optional

from core.errors import (
    AnswerError,
    BadRequestError,
    BodyTooLargeError,
    ConfigError,
    KeyRefusedError,
    ModelNotFoundError,
    NotJSONError,
    OverloadedError,
    PoolTimeoutError,
    QuotaError,
    RateLimitError,
    ServerError,
    SubAIError,
    TransportError,
)
from translate.asking import Outcome, Route

#: Requests in a row, over all workers, that brought nothing because the provider could not be reached or failed.
UNREACHABLE_AFTER = 3
#: Batches in a row that brought not one usable cue, and how many cues they must have had in all: the model cannot do
#: what it is asked to. (Leftovers of an earlier run are batches of one cue, and hard ones.)
HOPELESS_AFTER = 4
HOPELESS_CUES = 20

_OTHER_MODEL = "Try another model."

_FINAL = (KeyRefusedError, QuotaError, ModelNotFoundError, ConfigError)
_OF_THIS_SIDE = (BodyTooLargeError, PoolTimeoutError)
_PASSING = (TransportError, ServerError, OverloadedError, RateLimitError)


@dataclass
class _Record:
    """:ivar answered: it has begun an answer once. :ivar missed: requests in a row, and ``hopeless`` batches.

    :ivar complaint: why the last answer could not be used, in the words of its error, if it was not whole; and what to
        do about that.
    """

    answered: bool = False
    missed: int = 0
    hopeless: int = 0
    hopeless_cues: int = 0
    complaint: str = _OTHER_MODEL


class Standing:
    """Thread-safe; what was told of one route says nothing of another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: Dict[int, _Record] = {}  # by the id of a route, which the job holds on to

    def is_lost(self, route: Route, outcome: Outcome) -> bool:
        """Take note of how a request went; whether asking this route for anything else is pointless."""
        error = outcome.error
        with self._lock:
            record = self._record(route)
            if outcome.answered or isinstance(error, AnswerError):
                record.answered = True
            record.complaint = _complaint(error)
            passing = isinstance(error, _PASSING) and not isinstance(error, _OF_THIS_SIDE)
            record.missed = record.missed + 1 if passing and not outcome.accepted else 0
            if isinstance(error, _FINAL) or (passing and error is not None and error.permanent):
                return True
            # The backoff has tried several times already; before the first answer that is proof enough.
            if not record.answered:
                return passing or isinstance(error, BadRequestError)
            return record.missed >= UNREACHABLE_AFTER

    def is_hopeless(self, route: Route, cues: int, left: int) -> bool:
        """Take note of a batch of ``cues`` of which the route left so many; whether it is pointless to go on."""
        with self._lock:
            record = self._record(route)
            if left < cues:
                record.hopeless = record.hopeless_cues = 0
            else:
                record.hopeless += 1
                record.hopeless_cues += cues
            return record.hopeless >= HOPELESS_AFTER and record.hopeless_cues >= HOPELESS_CUES

    def hopeless(self, route: Route) -> AnswerError:
        """What to tell of a route that it is pointless to go on with."""
        with self._lock:
            complaint = self._record(route).complaint
        words = f"{route.model} did not give one usable answer in {HOPELESS_AFTER} batches. {complaint}"
        return AnswerError(words, provider=route.provider.name)

    def _record(self, route: Route) -> _Record:
        return self._records.setdefault(id(route), _Record())


def _complaint(error: Optional[SubAIError]) -> str:
    if isinstance(error, NotJSONError):
        return error.user_message  # no model writes that, but what stands between us and it
    return f"{error.user_message} {_OTHER_MODEL}" if isinstance(error, AnswerError) else _OTHER_MODEL
