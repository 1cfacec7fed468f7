"""What is done about the screen while a film plays: our subtitle is put there and kept fresh, a choice remembered."""

import time
from typing import Callable

from kodi.choices import OFF, Choices, Watch
from kodi.jobs import FilmJob
from kodi.player import Player, Screen, current_stream


class Showing:
    """Told by the service what plays, and by the jobs what they write.

    :param spawn: does on another thread what may take time.
    """

    def __init__(
        self, player: Player, screen: Screen, choices: Choices, spawn: Callable[[Callable[[], None]], None]
    ) -> None:
        self._player = player
        self._screen = screen
        self._choices = choices
        self._watch = Watch(lambda video, language: spawn(lambda: choices.note(video, language)))
        self._video = ""

    def film(self, video: str) -> None:
        """``video`` plays from now on, or nothing: what was on the screen before means nothing for it."""
        self._video = video
        self._watch.end()
        self._screen.forget()

    def tick(self) -> None:
        """Look whether the person has chosen something else."""
        if self._watch.is_on:
            shown = current_stream()
            self._watch.look(shown.base if shown else OFF, time.monotonic())

    def watch(self, video: str, language: str) -> None:
        """Remember what the person chooses instead of ``language`` as long as ``video`` plays."""
        if video == self._video:
            self._watch.begin(video, language)

    def adopts(self, job: FilmJob) -> None:
        """Kodi shows its copy of the file of ``job``: whatever the person puts on the screen after that stays."""
        if self._plays(job) and not self._screen.is_shown(job.output):
            self._screen.was_chosen(job.output, job.task.film.target, job.shown_before)
            self.watch(job.task.video, job.task.film.target.base)

    def wrote(self, job: FilmJob) -> None:
        """Show the file of ``job``, or show it anew; not where the person chose another language the last time."""
        if job.adopted:
            self.adopts(job)  # if Kodi had not opened it by then
        if not self._plays(job) or self._screen.refresh(job.output) or job.adopted or self._screen.is_shown(job.output):
            return
        video, target = job.task.video, job.task.film.target
        if self._choices.of(video) in (None, target.base):
            self._screen.show(job.output, target)
        self.watch(video, target.base)

    def withdraws(self, job: FilmJob) -> None:
        """Show what was shown before the file of ``job``, which is going to be removed."""
        if job.adopted:
            self.adopts(job)
        if self._plays(job):
            self._screen.take_back(job.output)

    def _plays(self, job: FilmJob) -> bool:
        return bool(job.task.video) and job.task.video == self._player.playing()
