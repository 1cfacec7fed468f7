"""The add-on's long life: owns engine, jobs and player, listens to Kodi and to the entries, and ends within a second.

Kodi calls back on the main thread, which therefore only waits; whatever may take time is done on another.
"""

import logging
import threading
import time
from typing import Callable, Optional, Set

import xbmc

from core.errors import SubAIError
from kodi import addon, log, messages, strings, vfs, windows, wording
from kodi.answers import Answers
from kodi.changes import Changes
from kodi.choices import Choices
from kodi.desk import Desk
from kodi.engine import Engine
from kodi.job_book import JobBook
from kodi.jobs import FilmJob
from kodi.player import Player, Playhead, Screen
from kodi.progress import ProgressBars
from kodi.settings import Reader
from kodi.showing import Showing
from kodi.strings import localised
from kodi.tasks import Task
from kodi.telling import Teller
from kodi.unasked import Unasked

logger = logging.getLogger("subai.kodi")

TICK = 0.5  # seconds between two looks at the playhead
STOPPING = 10.0  # seconds that a job may take to write down what it has, on a slow share, before its film begins anew
LAST_WORDS = 0.7  # seconds that jobs get to write down what they have, when Kodi quits


class Service(xbmc.Monitor):
    """Everything that lives as long as Kodi does."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = threading.Event()
        self.teller = Teller(self.spawn, self.ending)
        self._reader = Reader(self.teller.say)
        self._changes = Changes(self._take_settings, self.spawn, self.ending)
        self._heard = messages.Heard()
        settings = self._reader.refresh()
        log.hide(self._reader.secrets())
        vfs.make_folder(addon.profile())
        self.engine = Engine(addon.profile(), settings)
        self.desk = Desk(self.engine)
        self.book = JobBook()
        self.player = Player(self._film_started, self._film_stopped)
        self.screen = Screen(self.player, self.ending.wait)
        self.choices = Choices(addon.profile())
        self.showing = Showing(self.player, self.screen, self.choices, self.spawn)
        self._answers = Answers(self)
        self._unasked = Unasked(self)
        self._video = ""
        self._playhead = Playhead()
        self.unwanted: Set[str] = set()  # films whose translation the person stopped or removed
        self._bars = ProgressBars()
        self._stopped: Set[FilmJob] = set()  # by the person, who is then told what there is

    def run(self) -> None:
        """Until Kodi quits, or the add-on is disabled or updated."""
        logger.info("Ready: %s, %d requests at once", self.engine.pool, self.engine.settings.parallel)
        self._tell_limits()
        self.spawn(self.engine.serve_status)
        if self.player.playing():
            self._film_started()
        while not self.waitForAbort(TICK):
            self._edge(self._tick)
        self._close()

    # --- what Kodi tells --------------------------------------------------------------------------------------------

    def onNotification(self, sender: str, method: str, data: str) -> None:  # noqa: N802  # Kodi's name
        if method == "System.OnWake":
            logger.info("Awake: idle connections are not used again")
            self.engine.pool.purge()
            return
        message = messages.read(sender, method, data)
        if message is not None and self._heard.is_new(message):
            self.spawn(lambda: self._answer(message))

    def _answer(self, message: messages.Message) -> None:
        self._changes.wait(messages.PATIENCE / 2)  # whoever has just stored something means what is stored now
        try:
            answer = self._answers.to(message)
        except Exception:  # whoever asked waits for an answer, and would wait in vain
            logger.exception("There is no answer to %s", message.action)
            answer = {"ok": False, "text": localised(strings.BROKEN)}
        messages.answer(message, answer)

    def onSettingsChanged(self) -> None:  # noqa: N802
        self._changes.note()

    def _take_settings(self) -> None:
        settings = self._reader.refresh()
        log.hide(self._reader.secrets())
        self.engine.apply(settings)
        for job in self.book.running():
            job.resize(settings.parallel)
        self.teller.forget()
        self._tell_limits()
        self.engine.serve_status()

    def _film_started(self) -> None:
        video = self.player.playing()
        for job in self.book.of_video(self._video):
            if self._video != video:
                job.park()
        self._now_plays(video)
        if video:
            self.spawn(lambda: self._greet(video))

    def _greet(self, video: str) -> None:
        self._changes.wait(messages.PATIENCE / 2)  # a setting changed a moment ago holds for this film
        self._unasked.film_started(video)

    def _film_stopped(self) -> None:
        for job in self.book.of_video(self._video):
            job.park()
        self._now_plays("")

    def _now_plays(self, video: str) -> None:
        self._video, self._playhead = video, Playhead()
        self.showing.film(video)
        self._unasked.film_ended()

    def _tick(self) -> None:
        self.engine.watch.tick()
        self._bars.update()
        self.showing.tick()
        jobs = self.book.of_video(self._video)
        if not jobs:
            return
        position = self.player.position()
        jumped = self._playhead.moved(position, time.monotonic())
        for job in jobs:
            if jumped:
                job.seek(position)
            else:
                job.playhead(position)

    # --- jobs -------------------------------------------------------------------------------------------------------

    def begin(self, task: Task, before: Optional[Callable[[FilmJob], None]] = None) -> FilmJob:
        """Start translating, or join the job that does already; ``before`` is called with a job before it starts.

        :raises CancelledError: the add-on is ending.
        """
        self.book.see_off(task, STOPPING)
        playing = task.video and task.video == self.player.playing()
        job = FilmJob(task, self.engine, self, position=self.player.position() if playing else 0.0)
        if before is not None:
            before(job)
        if not task.by_itself:
            self._forget_refusals()
            self.unwanted.discard(task.video)
        joined = self.book.add(job)
        if task.by_itself and not task.ahead_of_time and task.video != self._video:
            joined.park()  # the film was stopped while the job before it was seen off
        if joined is not job and task.asked:
            joined.ask_for()
        if joined is job:
            self._bars.open(job)
            logger.info("Translating %s to %s", task.film.path, task.film.target.code)
        return joined

    def cancel(self, place: str = "") -> int:
        """Stop the job that writes to ``place``, or all, because the person said so; how many jobs that were."""
        jobs = [job for job in self.book.running() if place in ("", job.task.places[0])]
        for job in jobs:
            self.unwanted.add(job.task.video)
            self._stopped.add(job)
            job.park(for_good=True)
        return len(jobs)

    def adopts(self, job: FilmJob) -> None:
        if not self.ending.is_set():
            self.showing.adopts(job)

    def wrote(self, job: FilmJob) -> None:
        if not self.ending.is_set():
            self.showing.wrote(job)

    def withdraws(self, job: FilmJob) -> None:
        if not self.ending.is_set():
            self.showing.withdraws(job)

    def ended(self, job: FilmJob) -> None:
        self._bars.close(job)
        self.book.note_end(job)
        outcome = job.outcome
        if outcome is None or self.ending.is_set():
            return
        logger.info(
            "%s: %d of %d lines, %s",
            job.output or job.task.film.path,
            outcome.done,
            outcome.total,
            outcome.error or ("parked" if outcome.parked else "done"),
        )
        for line in outcome.notices:
            self.teller.once(line)
        if outcome.error is not None:
            self.teller.error(outcome.error, self.engine.settings.provider_name)
        elif outcome.parked:
            if job in self._stopped:
                self._stopped.discard(job)
                windows.notice(wording.last_words(job))
        elif job.task.ahead_of_time and job.task.video != self.player.playing():
            windows.notice(localised(strings.NEXT_READY))
        else:
            windows.notice(wording.last_words(job))
            self.spawn(lambda: self._unasked.prepare_next(job.task.video))

    def _tell_limits(self) -> None:
        """The pool may be smaller than was asked for: so many open files the system does not allow."""
        asked, given = self.engine.settings.pool, self.engine.pool.config
        if given != asked:
            self.teller.once(localised(strings.FEW_FILES, count=given.maxsize))

    def _forget_refusals(self) -> None:
        """A person asks again, and may have paid or mended the key meanwhile."""
        try:
            self.engine.provider().forget_refusals()
        except SubAIError as error:
            logger.info("%s", error.user_message)
        self.teller.forget()

    # --- threads and the end ----------------------------------------------------------------------------------------

    def spawn(self, work: Callable[[], None]) -> None:
        """Do ``work`` on a thread of its own."""
        threading.Thread(target=lambda: self._edge(work), name="subai-errand", daemon=True).start()

    def _edge(self, work: Callable[[], None]) -> None:
        try:
            work()
        except SubAIError as error:
            self.teller.error(error, self.engine.settings.provider_name)
        except Exception:  # the edge of a thread: nobody else would hear of it
            logger.exception("An errand ended unexpectedly")

    def _close(self) -> None:
        began = time.monotonic()
        self.ending.set()
        self._answers.stop()
        self._unasked.film_ended()
        for job in self.book.running():
            job.park()
        self.engine.pool.cancel()
        whole = self.book.stop_all(LAST_WORDS)
        self._bars.close_all()
        self.engine.close()
        logger.info("Ended in %.2f s%s", time.monotonic() - began, "" if whole else ", jobs still stopping")


def run() -> None:
    """The entry of the service."""
    log.install()
    Service().run()
