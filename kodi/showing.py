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

    def wrote(self, job: FilmJob) -> None:
        """Show the file of ``job``, or show it anew; not where the person chose another language the last time."""
        video, target = job.task.video, job.task.film.target
        if not video or video != self._player.playing():
            return
        if self._screen.is_shown(job.output):
            self._screen.refresh(job.output)
            return
        if job.adopted:
            self._screen.was_chosen(job.output, target, job.shown_before)
        elif self._choices.of(video) in (None, target.base):
            self._screen.show(job.output, target)
        self.watch(video, target.base)

    def withdraws(self, job: FilmJob) -> None:
        """Show what was shown before the file of ``job``, which is going to be removed."""
        if job.task.video != self._player.playing():
            return
        if job.adopted and not self._screen.is_shown(job.output):
            self._screen.was_chosen(job.output, job.task.film.target, job.shown_before)
        self._screen.take_back(job.output)
