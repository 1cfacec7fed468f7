"""What a job is told to do and what became of it, as plain values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Protocol, Tuple

from core.errors import CancelledError, SubAIError
from translate.film import Film, untranslated
from translate.prompt import Brief
from translate.report import JobReport

if TYPE_CHECKING:
    from kodi.jobs import FilmJob


class Copies(Protocol):
    """Where Kodi puts the copy of what it was answered."""

    def find(self, data: bytes) -> Optional[str]:
        """The path of the copy, once it is there."""

    def lasts(self, path: str) -> bool:
        """Whether ``path`` is in a folder that Kodi does not empty by itself."""


@dataclass(frozen=True)
class Task:
    """What to translate, and where the translation may go.

    :ivar video: the path of the film, or ``""`` if only the subtitle is known.
    :ivar places: paths for the output, the best first; one that cannot be written makes way for the next.
    :ivar replace: a file of somebody else may be replaced, once it was set aside.
    :ivar limit: US dollars that this job may cost, or None where a person asked for it, now or when it was begun.
    :ivar by_itself: nobody asked for it just now.
    """

    film: Film
    brief: Brief
    video: str
    places: Tuple[str, ...]
    replace: bool = False
    anew: bool = False
    limit: Optional[float] = None
    by_itself: bool = False
    ahead_of_time: bool = False

    @property
    def asked(self) -> bool:
        """Whether a person asked for it, now or when it was begun."""
        return self.limit is None


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    :ivar left: index and reason of each cue that shows its source.
    :ivar parked: it was stopped by us or the person, and goes on from here another time.
    :ivar notices: what the person should know though it went on, such as a key that was refused.
    """

    done: int
    total: int
    left: Tuple[Tuple[int, str], ...] = ()
    error: Optional[SubAIError] = None
    parked: bool = False
    notices: Tuple[str, ...] = ()


def outcome_of(film: Film, report: JobReport, unwritable: Optional[SubAIError]) -> Outcome:
    """What became of ``film``; ``unwritable``: why its translation could not be written."""
    left, total = tuple(untranslated(film, report)), len(film.wanted)
    stop = unwritable or report.stopped_by
    parked = isinstance(stop, CancelledError)
    return Outcome(total - len(left), total, left, None if parked else stop, parked, report.notices)


class Listener(Protocol):
    """Told from the job's own thread; it must not block for long."""

    def adopts(self, job: "FilmJob") -> None:
        """``job.output`` is a copy that Kodi has just made, and shows; nothing is written to it yet."""

    def wrote(self, job: "FilmJob") -> None:
        """The file at ``job.output`` has changed."""

    def withdraws(self, job: "FilmJob") -> None:
        """The file at ``job.output`` is going to be removed, as nothing in it is translated."""

    def ended(self, job: "FilmJob") -> None:
        """``job.outcome`` is there."""
