"""The books of one job: which cues are done or kept, what it took, and what the person is to be told."""

import threading
import time
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Set

from api.base import Usage
from core import metrics
from core.errors import SubAIError
from translate.align import Judged
from translate.report import KEPT, PENDING, PROVISIONAL, TRANSLATED, CueEvent, JobReport


class Tally:
    """Written by all workers of a job; each change of a cue is told to ``on_event`` once, outside the lock.

    :param cues: how many the film has.
    :param known: cue index -> translation that existed before the job.
    """

    def __init__(self, cues: int, known: Mapping[int, str], on_event: Callable[[CueEvent], None]) -> None:
        self._lock = threading.Lock()
        self._cues = cues
        self._remembered = len(known)
        self._translated: Dict[int, str] = dict(known)
        self._kept: Dict[int, str] = {}
        self._shown: Set[int] = set()  # provisional texts that a face may be showing
        self._usage = Usage()
        self._notices: List[str] = []
        self._on_event = on_event
        self._began = time.monotonic()
        self._ended: Optional[float] = None
        self._first_cue: Optional[float] = None
        metrics.CUES.add(len(known), "remembered")

    def begin(self) -> None:
        """The job starts now (or goes on)."""
        self._began = time.monotonic()
        self._ended = None

    def end(self) -> None:
        """Its clock stops."""
        self._ended = time.monotonic()

    def judged(self, index: int, judged: Judged) -> None:
        """The aligner knows something of a cue."""
        if judged.state == "failed":
            self.take_back([index])
            return
        accepted = judged.state == "accepted"
        with self._lock:
            if self._first_cue is None:
                self._first_cue = time.monotonic() - self._began
            if accepted:
                if index not in self._translated:
                    metrics.CUES.add(1, TRANSLATED)
                self._translated[index] = judged.text
                self._shown.discard(index)
            else:
                self._shown.add(index)
        self._on_event(CueEvent(index, TRANSLATED if accepted else PROVISIONAL, judged.text))

    def take_back(self, indices: Iterable[int]) -> None:
        """What was only provisional of these is not to be shown any more."""
        with self._lock:
            shown = self._shown.intersection(indices)
            self._shown -= shown
        for index in sorted(shown):
            self._on_event(CueEvent(index, PENDING))

    def keep(self, index: int, reason: str) -> None:
        """Nobody could translate this cue."""
        with self._lock:
            self._kept[index] = reason
        metrics.CUES.add(1, KEPT)
        self._on_event(CueEvent(index, KEPT, reason=reason))

    def used(self, usage: Usage) -> None:
        """A request took this much."""
        with self._lock:
            self._usage = Usage(
                self._usage.prompt_tokens + usage.prompt_tokens,
                self._usage.completion_tokens + usage.completion_tokens,
            )

    def notice(self, line: str) -> None:
        """Something the person should know at the end."""
        with self._lock:
            self._notices.append(line)

    def unfinished(self, indices: Iterable[int]) -> List[int]:
        """Those of ``indices`` that are neither translated nor kept."""
        with self._lock:
            return [index for index in indices if index not in self._translated and index not in self._kept]

    def report(self, stopped_by: Optional[SubAIError]) -> JobReport:
        """How things stand."""
        with self._lock:
            return JobReport(
                cues=self._cues,
                translated=dict(self._translated),
                kept=dict(self._kept),
                remembered=self._remembered,
                usage=self._usage,
                first_cue_seconds=self._first_cue,
                total_seconds=(self._ended or time.monotonic()) - self._began,
                stopped_by=stopped_by,
                notices=tuple(self._notices),
            )
