"""One film being translated: the engine's job on threads of its own, and its file written while the job goes on.

What is translated is ``kodi.lines``'s, where the file is and whose ``kodi.output``'s; what is on the screen
``kodi.player``'s, which is told of changes.
"""

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from core.cancel import CancelToken
from core.errors import CancelledError, InputError, SubAIError
from kodi import strings
from kodi.engine import Engine
from kodi.lines import Lines
from kodi.output import Output
from kodi.pace import Pace
from kodi.runner import Runner
from kodi.strings import localised
from kodi.tasks import Copies, Listener, Outcome, Task, outcome_of
from translate.job import TranslationJob
from translate.report import CueEvent
from translate.session import Session

if TYPE_CHECKING:
    from kodi.player import Stream

log = logging.getLogger("subai.kodi")

_BREATH = 0.1  # seconds between two looks at a job that is being stopped
_NEXT_TRY = 2.0  # seconds after which the last write is tried again


class FilmJob:
    """Runs from ``start`` until all is done or ``park``; every method may be called from any thread."""

    def __init__(self, task: Task, engine: Engine, listener: Listener, *, position: float = 0.0) -> None:
        self.task = task
        self.outcome: Optional[Outcome] = None
        self.shown_before: Optional[Stream] = None
        self._engine = engine
        self._listener = listener
        self._position = position
        self._cancel = CancelToken()
        self.lines = Lines(task.film)
        self._changed = self.lines.changed
        self._goes_on = False
        self._translation: Optional[TranslationJob] = None
        self._session: Optional[Session] = None
        self._output = Output(task, engine.ownership, self.total)
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
        self.lines.wake()

    def playhead(self, position: float) -> None:
        """The playhead is at ``position`` (seconds), and came there by playing."""
        self._position = position

    def resize(self, parallel: int) -> None:
        """So many requests at once from now on."""
        translation = self._translation
        if translation is not None:
            translation.resize(parallel)

    def ask_for(self) -> None:
        """A person wants it, though it may have begun by itself: it has no limit, and goes on another time."""
        self.task = replace(self.task, limit=None)
        if self._session is not None:
            self._heed_wish(self._session)

    def park(self, *, for_good: bool = False) -> None:
        """Stop at once; what is done stays and is not asked again.

        :param for_good: the person wants it so; otherwise it goes on by itself when its film plays again.
        """
        self._goes_on = not for_good
        self._cancel.cancel()
        translation = self._translation
        if translation is not None:
            translation.cancel()
        self.lines.wake()

    def join(self, seconds: float) -> bool:
        """Whether it has ended after so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def expect_copy(self, copies: Copies, data: bytes, seconds: float, shown: Optional["Stream"]) -> None:
        """Kodi was answered ``data`` and copies it: that copy becomes the output, unless it is not there in time.

        ``shown`` is what was on the screen before, kept for whoever looks whether the copy is by now.
        """
        with self._changed:
            self._output.expect(copies, data, seconds)
            self.shown_before = shown
            self._changed.notify_all()

    # --- telling ----------------------------------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """The path of its file, as soon as there is something in it."""
        return self._output.path

    @property
    def adopted(self) -> bool:
        """Whether its file is a copy that Kodi made, and shows."""
        return self._output.adopted

    @property
    def total(self) -> int:
        return len(self.task.film.wanted)

    @property
    def running(self) -> bool:
        return self.outcome is None

    @property
    def stopping(self) -> bool:
        """It was told to stop; it ends in a moment."""
        return self._cancel.cancelled

    # --- working ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        outcome = Outcome(0, self.total)
        try:
            try:
                outcome = self._work()
            finally:
                self._leave_nothing_empty()
        except CancelledError:
            outcome = replace(outcome, parked=True)
        except SubAIError as error:
            outcome = replace(outcome, error=error)
        except Exception:  # the edge of the thread: the person must hear that it has ended
            log.exception("A job ended unexpectedly")
            outcome = replace(outcome, error=SubAIError(localised(strings.BROKEN)))
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
            write=lambda _, data: self._write_last(data, session),
        )
        self._session = session
        self._heed_wish(session)
        known = {} if task.anew else session.known
        self.lines.take(known)
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
        translation.resize(engine.settings.parallel)  # it may have changed before anybody could tell
        runner = Runner(translation, self.lines.wake)
        runner.start()
        unwritable: Optional[SubAIError] = None
        try:
            self._write_while(runner)
        except InputError as error:
            log.warning("Not written any more: %s", error.user_message)
            unwritable = error
            translation.cancel()  # nobody is to pay for what cannot be shown
        except BaseException:
            translation.cancel()
            session.finish(runner.report())
            raise
        report = runner.report()
        self._await_copy()
        try:
            session.finish(report)
        except InputError:
            if unwritable is None:
                raise
        return outcome_of(task.film, report, unwritable)

    def _heed_wish(self, session: Session) -> None:
        session.begin(asked=self.task.asked)
        if self.task.limit is None:
            session.purse.lift()

    def _hear(self, event: CueEvent, session: Session) -> None:
        session.hear(event)
        self.lines.hear(event)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write_while(self, runner: Runner) -> None:
        """Write now and then until the job has ended.

        :raises InputError: it cannot be written, or not any more.
        """
        pace = Pace()
        while True:
            with self._changed:
                wait = self._wait(pace)
                if not runner.over and wait != 0.0:
                    self._changed.wait(wait)
                if runner.over:
                    return
                if self._cancel.cancelled:
                    runner.translation.cancel()  # again: it may not have begun when it was told first
                    continue
                wait = self._wait(pace)
            if self._settle() and wait == 0.0:
                self._write()
                pace.written(time.monotonic())

    def _wait(self, pace: Pace) -> Optional[float]:
        """Seconds until something is to be done; None until something happens."""
        if self._cancel.cancelled:
            return _BREATH
        near = self.lines.has_fresh_near(self._position)
        due = pace.due(time.monotonic(), changed=self.lines.has_fresh(), near=near)
        return _BREATH if self._output.is_awaited else due

    def _write(self) -> None:
        """:raises InputError: it failed too often, or for good."""
        fresh, done = self.lines.take_fresh(), self.lines.done
        # What is not finished must not look so, even if all that is missing is the last word on a cue.
        if self._output.write(self.lines.render(), min(done, self.total - 1)):
            self._listener.wrote(self)
        else:
            self.lines.give_back(fresh)

    def _write_last(self, data: bytes, session: Session) -> None:
        while not self._output.write(data, self.lines.done):
            self._cancel.wait(_NEXT_TRY)
        session.move(self.output)
        self._listener.wrote(self)

    def _settle(self, *, give_up: bool = False) -> bool:
        """Whether it is decided where to write; what Kodi has copied is taken over as soon as it is there."""
        awaited = self._output.is_awaited
        settled = self._output.settle(give_up=give_up)
        if settled and awaited and self.adopted:
            self._listener.adopts(self)
        return settled

    def _await_copy(self) -> None:
        """A film that is remembered whole, or refused at once, is over before Kodi has made its copy."""
        while not self._settle(give_up=self._cancel.cancelled):
            with self._changed:
                self._changed.wait(_BREATH)

    def _leave_nothing_empty(self) -> None:
        """A file in which nothing is translated would pass for a translation, here and wherever else it is seen."""
        self._await_copy()
        if self.output and self.total and not self.lines.done and not self._goes_on:
            self._listener.withdraws(self)
            self._output.remove()
