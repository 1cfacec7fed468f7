"""The jobs that run, each output having one at most, and the one that ended last."""

import threading
import time
from typing import List, Optional

from kodi.jobs import FilmJob
from kodi.tasks import Task


class JobBook:
    """The jobs that run, and the last one that ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: List[FilmJob] = []
        self._last: Optional[FilmJob] = None

    def running(self) -> List[FilmJob]:
        with self._lock:
            return [job for job in self._jobs if job.running]

    def find(self, task: Task) -> Optional[FilmJob]:
        """The running job with the same output."""
        return next((job for job in self.running() if job.task.places[0] == task.places[0]), None)

    def see_off(self, task: Task, seconds: float) -> None:
        """Wait, at most so long, for a job with the same output that was told to stop: it could not be joined."""
        for job in self.running():
            if job.stopping and job.task.places[0] == task.places[0]:
                job.join(seconds)

    def of_video(self, video: str) -> List[FilmJob]:
        return [job for job in self.running() if video and job.task.video == video]

    @property
    def last(self) -> Optional[FilmJob]:
        """The job that ended last."""
        return self._last

    def add(self, job: FilmJob) -> FilmJob:
        """Start ``job``, unless there is one with the same output already: then it is joined. Returns which it is."""
        with self._lock:
            for known in self._jobs:
                if known.running and known.task.places[0] == job.task.places[0]:
                    return known
            self._jobs.append(job)
        job.start()
        return job

    def note_end(self, job: FilmJob) -> None:
        with self._lock:
            self._last = job
            self._jobs = [one for one in self._jobs if one is not job]

    def stop_all(self, seconds: float) -> bool:
        """Park every job and wait for them at most so long; whether all have ended."""
        jobs = self.running()
        for job in jobs:
            job.park()
        end = time.monotonic() + seconds
        ended = [job.join(max(0.0, end - time.monotonic())) for job in jobs]
        return all(ended)
