"""The bars in the corner of the screen, one for each job that runs."""

import threading
from typing import Dict

from kodi import strings, windows, wording
from kodi.jobs import FilmJob
from kodi.strings import localised


class ProgressBars:
    """Used by the service's main thread and by those of the jobs, which end when they like."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Dict[FilmJob, windows.Progress] = {}

    def open(self, job: FilmJob) -> None:
        """Nothing for a job that has ended by now, as one does at once whose film is remembered whole."""
        target = wording.language_name(job.task.film.target)
        with self._lock:
            if job.running:
                self._bars[job] = windows.Progress(localised(strings.PROGRESS, target=target))

    def update(self) -> None:
        with self._lock:
            for job, bar in self._bars.items():
                bar.update(job.lines.settled, job.total)

    def close(self, job: FilmJob) -> None:
        """Call it when ``job`` is not running any more."""
        with self._lock:
            bar = self._bars.pop(job, None)
            if bar is not None:
                bar.close()

    def close_all(self) -> None:
        with self._lock:
            for bar in self._bars.values():
                bar.close()
            self._bars.clear()
