"""One film being translated: the engine's job on threads of its own, and its file written while the job goes on.

What is on the screen is ``kodi.player``'s; this only says when the file has changed.
"""

import logging
import threading
import time
from dataclasses import replace
from typing import Dict, List, Optional, Set, Tuple

from core.cancel import CancelToken
from core.errors import CancelledError, InputError, SubAIError
from kodi import subtitle_files, vfs
from kodi.engine import Engine
from kodi.pace import Pace
from kodi.tasks import Copies, Listener, Outcome, Task
from translate.film import OutputTakenError, untranslated
from translate.job import TranslationJob
from translate.report import KEPT, PENDING, CueEvent, JobReport
from translate.session import Session

log = logging.getLogger("subai.kodi")

BEHIND, AHEAD = 10.0, 90.0  # seconds of film around the playhead that are soon on the screen
_BREATH = 0.1  # seconds between two looks at a job that is being stopped


class FilmJob:
    """Runs from ``start`` until all is done or ``park``; every method may be called from any thread."""

    def __init__(self, task: Task, engine: Engine, listener: Listener, *, position: float = 0.0) -> None:
        self.task = task
        self.outcome: Optional[Outcome] = None
        self.output = ""  # as soon as there is something in it
        self.shown_before: object = None
        self.adopted = False  # the output is a copy that Kodi made, and shows
        self._engine = engine
        self._listener = listener
        self._position = position
        self._cancel = CancelToken()
        self._changed = threading.Condition()
        self._texts: Dict[int, str] = {}
        self._kept: Set[int] = set()
        self._fresh: Set[int] = set()  # cues whose change is not in the file yet
        self._finished = False
        self._translation: Optional[TranslationJob] = None
        self._copies: Optional[Tuple[Copies, bytes, float]] = None
        self._thread = threading.Thread(target=self._run, name="subai-film", daemon=True)

    # --- steering ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def seek(self, position: float) -> None:
        """The playhead jumped to ``position`` (seconds)."""
        self._position = position
        translation = self._translation
        if translation is not None:
            translation.seek(position)
        with self._changed:
            self._changed.notify_all()

    def playhead(self, position: float) -> None:
        """The playhead is at ``position`` (seconds), and came there by playing."""
        self._position = position

    def park(self) -> None:
        """Stop at once; what is done stays and is not asked again."""
        self._cancel.cancel()
        translation = self._translation
        if translation is not None:
            translation.cancel()
        with self._changed:
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Whether it has ended after so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def expect_copy(self, copies: Copies, data: bytes, seconds: float, shown: object) -> None:
        """Kodi was answered ``data`` and copies it: that copy becomes the output, unless it is not there in time.

        ``shown`` is what was on the screen before, kept for whoever looks whether the copy is by now.
        """
        with self._changed:
            self._copies = (copies, data, time.monotonic() + seconds)
            self.shown_before = shown
            self._changed.notify_all()

    # --- telling ----------------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        return len(self.task.film.wanted)

    @property
    def done(self) -> int:
        """Lines that are translated, those that may still be taken back included."""
        with self._changed:
            return len(self._texts)

    @property
    def settled(self) -> int:
        """Lines that are translated or given up."""
        with self._changed:
            return len(self._texts) + len(self._kept)

    @property
    def running(self) -> bool:
        return self.outcome is None

    @property
    def stopping(self) -> bool:
        """It was told to stop; it ends in a moment."""
        return self._cancel.cancelled

    def render(self) -> bytes:
        """The file as it would be now; what is not translated yet shows its source."""
        with self._changed:
            texts = dict(self._texts)
        return self.task.film.document.render(texts)

    # --- working ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        outcome = Outcome(0, self.total)
        try:
            outcome = self._work()
        except CancelledError:
            outcome = replace(outcome, parked=True)
        except SubAIError as error:
            outcome = replace(outcome, error=error)
        except Exception:  # the edge of the thread: the person must hear that it has ended
            log.exception("A job ended unexpectedly")
            outcome = replace(outcome, error=SubAIError("Something went wrong inside; see kodi.log."))
        self.outcome = outcome
        self._listener.ended(self)

    def _work(self) -> Outcome:
        task, engine = self.task, self._engine
        route = engine.route(self._cancel)
        session = Session(
            task.film,
            task.brief,
            route,
            store=engine.store,
            limit=task.limit,
            write=self._write_last,
        )
        known = {} if task.anew else session.known
        with self._changed:
            self._texts.update(known)
            self._fresh.update(known)
        translation = TranslationJob(
            task.film.cues,
            task.brief,
            [route],
            known=known,
            parallel=engine.settings.parallel,
            position=self._position,
            purse=session.purse,
            on_event=lambda event: self._hear(event, session),
        )
        self._translation = translation
        reports: List[JobReport] = []
        runner = threading.Thread(target=lambda: self._translate(translation, reports), name="subai-job", daemon=True)
        runner.start()
        try:
            self._write_while(translation)
        except InputError as error:
            log.warning("Not written any more: %s", error.user_message)
            translation.cancel()  # nobody is to pay for what cannot be kept; the end will say why
        runner.join()
        report = reports[0] if reports else translation.report()
        self._await_copy()
        if report.translated:
            session.move(self.output or self._choose_output())
        session.finish(report)
        left = tuple(untranslated(task.film, report))
        stop = report.stopped_by
        parked = isinstance(stop, CancelledError)
        return Outcome(self.total - len(left), self.total, left, None if parked else stop, parked, report.notices)

    def _translate(self, translation: TranslationJob, reports: List[JobReport]) -> None:
        try:
            reports.append(translation.run())
        finally:
            with self._changed:
                self._finished = True
                self._changed.notify_all()

    def _hear(self, event: CueEvent, session: Session) -> None:
        session.hear(event)
        with self._changed:
            if event.state == KEPT:
                self._kept.add(event.index)
            if event.state in (KEPT, PENDING):
                if self._texts.pop(event.index, None) is None:
                    return
            else:
                self._texts[event.index] = event.text
            self._fresh.add(event.index)
            self._changed.notify_all()

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write_while(self, translation: TranslationJob) -> None:
        """Write now and then until the job has ended."""
        pace = Pace()
        while True:
            with self._changed:
                wait = self._wait(pace)
                if not self._finished and wait != 0.0:
                    self._changed.wait(wait)
                if self._finished:
                    return
                if self._cancel.cancelled:
                    translation.cancel()  # again: it may not have begun when it was told first
                    continue
                wait = self._wait(pace)
            if wait == 0.0 and self._write():
                pace.written(time.monotonic())
                self._listener.wrote(self)

    def _wait(self, pace: Pace) -> Optional[float]:
        """Seconds until something is to be done; None until something happens."""
        if self._cancel.cancelled:
            return _BREATH
        due = pace.due(time.monotonic(), changed=bool(self._fresh), near=self._is_near())
        if self._copies is not None:
            return _BREATH if due is None or due > 0 else 0.0
        return due

    def _is_near(self) -> bool:
        cues, low, high = self.task.film.cues, self._position - BEHIND, self._position + AHEAD
        return any(cues[index].end >= low and cues[index].start <= high for index in self._fresh)

    def _write(self) -> bool:
        """Whether the file was written; not as long as Kodi's copy is awaited."""
        if not self._settle_copy():
            return False
        with self._changed:
            fresh, self._fresh = self._fresh, set()
            done = len(self._texts)
        data = self.render()
        try:
            # What is not finished must not look so, even if all that is missing is the last word on a cue.
            self._write_to(self.output or self._choose_output(), data, min(done, self.total - 1))
        except InputError:
            with self._changed:
                self._fresh |= fresh
            raise
        return True

    def _write_to(self, path: str, data: bytes, done: int) -> None:
        ownership = self._engine.ownership
        if subtitle_files.same_path(path, self.task.film.path):
            raise InputError("The source is never written to.")
        if path == self.output and vfs.exists(path) and ownership.figures(path) is None:
            raise OutputTakenError(f"{vfs.base_name(path)} was changed by someone else meanwhile, and was kept.")
        ownership.write(path, data, done=done, total=self.total)
        self.output = path

    def _await_copy(self) -> None:
        """A film that is remembered whole is done before Kodi has made its copy."""
        while not self._settle_copy(give_up=self._cancel.cancelled):
            with self._changed:
                self._changed.wait(_BREATH)

    def _write_last(self, path: str, data: bytes) -> None:
        self._write_to(path, data, self.done)
        self._listener.wrote(self)

    def _choose_output(self) -> str:
        """The first place that can be written; it is tried with what there is.

        :raises InputError: none can.
        """
        wrong: Optional[InputError] = None
        for path in self.task.places:
            try:
                vfs.make_folder(vfs.folder_of(path))  # our own is made when it is needed first
                self._engine.ownership.make_room(path, agreed=self.task.replace)
                self._write_to(path, self.render(), min(self.done, self.total - 1))
            except OutputTakenError:
                raise
            except InputError as error:
                log.info("Not written to %s: %s", path, error.user_message)
                wrong = error
            else:
                return path
        raise wrong or InputError("There is no place for the translation.")

    def _settle_copy(self, *, give_up: bool = False) -> bool:
        """Whether the output is decided: Kodi's copy was found, or is not awaited any longer."""
        with self._changed:
            awaited = self._copies
        if awaited is None:
            return True
        copies, data, until = awaited
        path = copies.find(data)
        if path is None and time.monotonic() < until and not give_up:
            return False
        with self._changed:
            self._copies = None
        if path is not None and copies.lasts(path):
            self._engine.ownership.adopt(path, data, done=0, total=self.total)
            self.output, self.adopted = path, True
            log.info("Kodi's copy is ours now: %s", path)
        return True
