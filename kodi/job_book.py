"""The jobs that run, each output having one at most, and those that ended last."""

import threading
import time
from typing import List, Optional

from core.errors import CancelledError
from kodi.jobs import FilmJob
from kodi.tasks import Task

KEPT = 4  # jobs that have ended, each with its film: what a box in the living room has room for


class JobBook:
    """The jobs that run, and the last ones that ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: List[FilmJob] = []
        self._ended: List[FilmJob] = []  # the last one last, one for each output
        self._closed = False

    def running(self) -> List[FilmJob]:
        with self._lock:
            return [job for job in self._jobs if job.running]

    def of_video(self, video: str) -> List[FilmJob]:
        return [job for job in self.running() if video and job.task.video == video]

    def find(self, task: Task) -> Optional[FilmJob]:
        """The job with the same output, if one runs that was not told to stop."""
        return next((job for job in self._of_output(task) if not job.stopping), None)

    def see_off(self, task: Task, seconds: float) -> None:
        """Wait, at most so long, for a job with the same output that was told to stop: it cannot be joined."""
        for job in self._of_output(task):
            if job.stopping:
                job.join(seconds)

    def last(self, playing: str) -> Optional[FilmJob]:
        """The job that the person means: the last of the film that plays, or else the last that somebody waited for."""
        with self._lock:
            ended = self._ended[::-1]
        of_film = [job for job in ended if playing and job.task.video == playing]
        awaited = [job for job in ended if not job.task.ahead_of_time]
        return next(iter([*of_film, *awaited, *ended]), None)

    def add(self, job: FilmJob) -> FilmJob:
        """Start ``job``, unless there is one with the same output already: then it is joined. Returns which it is.

        :raises CancelledError: all were stopped, and no other one begins.
        """
        with self._lock:
            if self._closed:
                raise CancelledError("The add-on is ending.")
            for known in self._jobs:
                if known.running and not known.stopping and _same_output(known.task, job.task):
                    return known
            self._jobs.append(job)
            job.start()
        return job

    def note_end(self, job: FilmJob) -> None:
        with self._lock:
            others = [one for one in self._ended if not _same_output(one.task, job.task)]
            self._ended = [*others, job][-KEPT:]
            self._jobs = [one for one in self._jobs if one is not job]

    def stop_all(self, seconds: float) -> bool:
        """Park every job for good and wait for them at most so long; whether all have ended."""
        with self._lock:
            self._closed = True
        jobs = self.running()
        for job in jobs:
            job.park()
        end = time.monotonic() + seconds
        ended = [job.join(max(0.0, end - time.monotonic())) for job in jobs]
        return all(ended)

    def _of_output(self, task: Task) -> List[FilmJob]:
        return [job for job in self.running() if _same_output(job.task, task)]


def _same_output(first: Task, second: Task) -> bool:
    """Which of its places a job writes to shows only once it does; two films never share one."""
    return not set(first.places).isdisjoint(second.places)
