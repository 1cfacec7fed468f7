"""The lines of a running job: what is translated so far, and what of it is not in the file yet."""

import threading
from typing import Dict, Mapping, Set

from translate.film import Film
from translate.report import KEPT, PENDING, CueEvent

BEHIND, AHEAD = 10.0, 90.0  # seconds of film around the playhead that are soon on the screen


class Lines:
    """Told by the engine's threads, read by any.

    :ivar changed: notified with each change; whoever owns the job waits on it, and notifies for reasons of its own.
    """

    def __init__(self, film: Film) -> None:
        self.changed = threading.Condition()
        self._film = film
        self._texts: Dict[int, str] = {}
        self._kept: Set[int] = set()
        self._fresh: Set[int] = set()

    # --- changing ---------------------------------------------------------------------------------------------------

    def take(self, known: Mapping[int, str]) -> None:
        """These are remembered from before."""
        with self.changed:
            self._texts.update(known)
            self._fresh.update(known)

    def hear(self, event: CueEvent) -> None:
        with self.changed:
            if event.state == KEPT:
                self._kept.add(event.index)
            if event.state in (KEPT, PENDING):
                if self._texts.pop(event.index, None) is None:
                    return
            else:
                self._texts[event.index] = event.text
            self._fresh.add(event.index)
            self.changed.notify_all()

    def take_fresh(self) -> Set[int]:
        """The lines that have changed since they were taken last."""
        with self.changed:
            fresh, self._fresh = self._fresh, set()
            return fresh

    def give_back(self, fresh: Set[int]) -> None:
        """They did not get into the file."""
        with self.changed:
            self._fresh |= fresh

    def wake(self) -> None:
        """Have whoever waits for a change look around, though nothing has."""
        with self.changed:
            self.changed.notify_all()

    # --- telling ----------------------------------------------------------------------------------------------------

    @property
    def done(self) -> int:
        """Lines that are translated, those that may still be taken back included."""
        with self.changed:
            return len(self._texts)

    @property
    def settled(self) -> int:
        """Lines that are translated or given up."""
        with self.changed:
            return len(self._texts) + len(self._kept)

    def has_fresh(self) -> bool:
        with self.changed:
            return bool(self._fresh)

    def has_fresh_near(self, position: float) -> bool:
        """Whether any of the changed lines is soon on the screen, with the playhead at ``position`` (seconds)."""
        cues, low, high = self._film.cues, position - BEHIND, position + AHEAD
        with self.changed:
            return any(cues[index].end >= low and cues[index].start <= high for index in self._fresh)

    def render(self) -> bytes:
        """The file as it would be now; what is not translated yet shows its source."""
        with self.changed:
            texts = dict(self._texts)
        return self._film.document.render(texts)
