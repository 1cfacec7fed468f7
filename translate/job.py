"""A translation job: workers that take batches from the playhead on, until every cue is translated or kept.

It knows neither files nor faces: cues and a provider go in, events and a report come out.
"""

import threading
import time
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from api.base import Usage
from core.cancel import CancelToken
from core.errors import (
    AnswerError,
    BadRequestError,
    BodyTooLargeError,
    CancelledError,
    ConfigError,
    KeyRefusedError,
    LengthError,
    ModelNotFoundError,
    ProviderError,
    QuotaError,
    RateLimitError,
    SubAIError,
    TransportError,
)
from translate.align import Judged
from translate.asking import Around, Outcome, Route, ask
from translate.documents import Cue
from translate.ladder import LADDER, Climb, Step
from translate.plan import Batch, Plan
from translate.prompt import Brief
from translate.report import KEPT, PENDING, PROVISIONAL, TRANSLATED, CueEvent, JobReport

#: Requests in a row, over all workers, that brought nothing because the provider could not be reached.
UNREACHABLE_AFTER = 3
#: Batches in a row that brought not one usable cue: the model does not do what it is asked to.
HOPELESS_AFTER = 4

#: What the second route is asked for what the first could not: once together, then each alone.
SECOND_LADDER = (Step(40, True), Step(1, False))


class TranslationJob:
    """Translates ``cues``; every method but ``run`` may be called from any thread, at any time.

    :param cues: all cues of the film, in document order; those with ``skip`` are left alone.
    :param routes: whom to ask, and whom to ask for what that one refuses.
    :param known: cue index -> translation that exists already (memory, an earlier run).
    :param parallel: requests in flight at once.
    :param position: seconds into the film, where to begin.
    :param on_event: told of each cue, on a worker's thread; it must not block for long.
    """

    def __init__(
        self,
        cues: Sequence[Cue],
        brief: Brief,
        routes: Sequence[Route],
        *,
        known: Optional[Mapping[int, str]] = None,
        parallel: int = 4,
        position: float = 0.0,
        on_event: Callable[[CueEvent], None] = lambda event: None,
    ) -> None:
        self._cues = {cue.index: cue for cue in cues}
        self._brief = brief
        self._routes = list(routes)
        self._parallel = parallel
        self._on_event = on_event
        self._lock = threading.Lock()
        self._cancel = CancelToken()
        self._known = dict(known or {})
        self._translated: Dict[int, str] = dict(self._known)
        self._kept: Dict[int, str] = {}
        self._usage = Usage()
        self._began = 0.0
        self._first_cue: Optional[float] = None
        self._stopped_by: Optional[SubAIError] = None
        self._unreachable = 0
        self._hopeless = 0
        self._answered: Set[int] = set()  # ids of the routes that have answered
        self._shown: Set[int] = set()  # provisional texts that a face may be showing
        self._notices: List[str] = []
        lines = [cue for cue in cues if not cue.skip]
        todo = [cue.index for cue in lines if cue.index not in self._known]
        self._plan = Plan(lines, todo=todo, parallel=parallel, position=position)

    # --- steering ---------------------------------------------------------------------------------------------------

    def seek(self, position: float) -> None:
        """Go on from ``position`` (seconds); what is in flight is finished, the rest is ordered anew."""
        self._plan.seek(position)

    def cancel(self) -> None:
        """End the job within 100 ms; what is translated by then stays."""
        self._stop(CancelledError("Cancelled."))

    def run(self) -> JobReport:
        """Work until all is done, a cancel, or the provider's final no. Call it again to take a cancelled job up."""
        self._began = time.monotonic()
        self._stopped_by = None
        self._cancel = CancelToken()
        workers = [
            threading.Thread(target=self._work, name=f"subai-worker-{number}", daemon=True)
            for number in range(min(self._parallel, max(1, len(self._plan))))
        ]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except BaseException:  # Ctrl-C arrives here: the workers must not go on spending
            self.cancel()
            for worker in workers:
                worker.join()
            raise
        return self.report()

    def report(self) -> JobReport:
        """How things stand; after ``run``, how they ended."""
        with self._lock:
            return JobReport(
                cues=len(self._cues),
                translated=dict(self._translated),
                kept=dict(self._kept),
                remembered=len(self._known),
                usage=self._usage,
                first_cue_seconds=self._first_cue,
                total_seconds=time.monotonic() - self._began,
                stopped_by=self._stopped_by,
                notices=tuple(self._notices),
            )

    # --- working ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._stopped_by is None:
            batch = self._plan.next()
            if batch is None:
                return
            route = self._routes[0]
            try:
                self._translate(batch, route)
            except CancelledError:
                self._plan.put_back(self._unfinished(batch))
            except _RouteLostError as lost:
                self._plan.put_back(self._unfinished(batch))
                self._lose(lost.route, lost.error)

    def _translate(self, batch: Batch, route: Route) -> None:
        cues = [self._cues[index] for index in batch.indices]
        around = Around(self._texts(batch.before), self._texts(batch.after))
        left, reasons = self._climb(cues, around, LADDER, route)
        for other in self._routes[1:2] if left else ():
            left, more = self._climb(left, around, SECOND_LADDER, other)
            reasons.update(more)
        for cue in left:
            self._keep(cue, reasons.get(cue.index, "failed"))
        self._note_batch(hopeless=len(left) == len(cues), route=route)

    def _climb(
        self, cues: Sequence[Cue], around: Around, steps: Sequence[Step], route: Route
    ) -> Tuple[List[Cue], Dict[int, str]]:
        climb = Climb(lambda part, anchored: self._ask(part, around, anchored, route))
        left = climb.run(cues, steps)
        return left, climb.reasons

    def _ask(self, cues: Sequence[Cue], around: Around, anchored: bool, route: Route) -> Outcome:
        self._cancel.raise_if_cancelled()
        outcome = ask(route, self._brief, cues, around, anchored=anchored, cancel=self._cancel, on_judged=self._hear)
        with self._lock:
            self._usage = Usage(
                self._usage.prompt_tokens + outcome.usage.prompt_tokens,
                self._usage.completion_tokens + outcome.usage.completion_tokens,
            )
            reached = outcome.accepted or not isinstance(outcome.error, TransportError)
            self._unreachable = 0 if reached else self._unreachable + 1
            if reached and not isinstance(outcome.error, ProviderError):
                self._answered.add(id(route))
        if isinstance(outcome.error, LengthError):
            self._plan.limit(max(1, len(cues) // 2))
        if outcome.error is not None and self._is_final(outcome.error, route):
            raise _RouteLostError(route, outcome.error)
        return outcome

    def _is_final(self, error: SubAIError, route: Route) -> bool:
        """Whether asking this route for anything else is pointless."""
        answered = id(route) in self._answered
        if isinstance(error, (KeyRefusedError, QuotaError, ModelNotFoundError, ConfigError)):
            return True
        if isinstance(error, RateLimitError):
            return error.permanent
        if isinstance(error, TransportError):
            # The backoff has tried several times already; before the first answer that is proof enough.
            gone = error.permanent and not isinstance(error, BodyTooLargeError)
            return gone or not answered or self._unreachable >= UNREACHABLE_AFTER
        return isinstance(error, BadRequestError) and not answered

    def _lose(self, route: Route, error: SubAIError) -> None:
        with self._lock:
            if len(self._routes) > 1:
                if route in self._routes:
                    self._routes.remove(route)
                    self._notices.append(f"{error.user_message} Going on with {self._routes[0].provider.label}.")
                    self._unreachable = self._hopeless = 0
                return
        self._stop(error)

    def _note_batch(self, *, hopeless: bool, route: Route) -> None:
        with self._lock:
            self._hopeless = self._hopeless + 1 if hopeless else 0
            give_up = self._hopeless >= HOPELESS_AFTER
        if give_up:
            words = f"{route.model} did not give one usable answer in {HOPELESS_AFTER} batches. Try another model."
            self._lose(route, AnswerError(words, provider=route.provider.name))

    def _hear(self, cue: Cue, judged: Judged) -> None:
        if judged.state == "failed":
            if cue.index in self._shown:
                self._shown.discard(cue.index)
                self._on_event(CueEvent(cue.index, PENDING))
            return
        with self._lock:
            if self._first_cue is None:
                self._first_cue = time.monotonic() - self._began
            if judged.state == "accepted":
                self._translated[cue.index] = judged.text
        if judged.state == "accepted":
            self._on_event(CueEvent(cue.index, TRANSLATED, judged.text))
        else:
            self._shown.add(cue.index)
            self._on_event(CueEvent(cue.index, PROVISIONAL, judged.text))

    def _keep(self, cue: Cue, reason: str) -> None:
        with self._lock:
            self._kept[cue.index] = reason
        self._on_event(CueEvent(cue.index, KEPT, reason=reason))

    def _stop(self, error: SubAIError) -> None:
        with self._lock:
            if self._stopped_by is None:
                self._stopped_by = error
        self._cancel.cancel()

    def _unfinished(self, batch: Batch) -> List[int]:
        with self._lock:
            return [index for index in batch.indices if index not in self._translated and index not in self._kept]

    def _texts(self, indices: Sequence[int]) -> List[str]:
        return [self._cues[index].text for index in indices]


class _RouteLostError(Exception):
    """Internal: a route said no for good."""

    def __init__(self, route: Route, error: SubAIError) -> None:
        super().__init__(error.user_message)
        self.route = route
        self.error = error
