"""A translation job: workers that take batches from the playhead on, until every cue is translated or kept.

It knows neither files nor faces: cues and providers go in, events and a report come out.
"""

import threading
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from api.base import Usage
from core.cancel import CancelToken
from core.errors import AnswerError, CancelledError, LengthError, NothingSentError, ProviderError, SubAIError
from translate.asking import Around, Outcome, Route, ask
from translate.costs import estimate
from translate.documents import Cue
from translate.ladder import LADDER, SECOND_LADDER, Climb, Step
from translate.plan import Batch, Plan
from translate.prompt import Brief
from translate.purse import CostLimitError, Purse
from translate.report import CueEvent, JobReport
from translate.standing import Standing
from translate.tally import Tally

#: Batches in a row that brought not one usable cue: the model does not do what it is asked to.
HOPELESS_AFTER = 4


class TranslationJob:
    """Translates ``cues``; every method but ``run`` may be called from any thread, at any time.

    :param cues: all cues of the film, in document order; those with ``skip`` are left alone.
    :param routes: whom to ask, and whom to ask for what that one refuses.
    :param known: cue index -> translation that exists already (memory, an earlier run).
    :param parallel: requests in flight at once.
    :param position: seconds into the film, where to begin.
    :param requests: at most so many batches are wanted, where requests are scarce; repairs come on top.
    :param purse: holds the job to what it may cost.
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
        requests: Optional[int] = None,
        purse: Optional[Purse] = None,
        on_event: Callable[[CueEvent], None] = lambda event: None,
    ) -> None:
        self._cues = {cue.index: cue for cue in cues}
        self._brief = brief
        self._instructions = len(brief.system_text())
        self._routes = list(routes)
        self._standing = Standing()
        self._parallel = parallel
        self._purse = purse or Purse()
        self._lock = threading.Lock()
        self._cancel = CancelToken()
        self._stopped_by: Optional[SubAIError] = None
        self._hopeless = 0
        known = dict(known or {})
        self._tally = Tally(len(self._cues), known, on_event)
        lines = [cue for cue in cues if not cue.skip]
        todo = [cue.index for cue in lines if cue.index not in known]
        self._plan = Plan(lines, todo=todo, parallel=parallel, position=position, requests=requests)

    # --- steering ---------------------------------------------------------------------------------------------------

    def seek(self, position: float) -> None:
        """Go on from ``position`` (seconds); what is in flight is finished, the rest is ordered anew."""
        self._plan.seek(position)

    def cancel(self) -> None:
        """End the job within 100 ms; what is translated by then stays, and ``run`` takes it up again."""
        self._stop(CancelledError("Cancelled."))

    def run(self) -> JobReport:
        """Work until all is done, a cancel, or the provider's final no. Call it again to take a cancelled job up."""
        with self._lock:
            self._stopped_by = None
            self._cancel = CancelToken()
        self._tally.begin()
        count = max(1, min(self._parallel, len(self._plan)))
        workers = [threading.Thread(target=self._work, name=f"subai-worker-{n}", daemon=True) for n in range(count)]
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
        return self._tally.report(self._stopped_by)

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
                self._plan.put_back(self._tally.unfinished(batch.indices))
            except _RouteLostError as lost:
                self._plan.put_back(self._tally.unfinished(batch.indices))
                self._lose(lost.route, lost.error)

    def _translate(self, batch: Batch, route: Route) -> None:
        cues = [self._cues[index] for index in batch.indices]
        around = Around(self._texts(batch.before), self._texts(batch.after))
        left, reasons = self._climb(cues, around, LADDER, route)
        others = [other for other in self._routes if other is not route]
        if left and others:
            left, more = self._climb(left, around, SECOND_LADDER, others[0])
            reasons.update(more)
        for cue in left:
            self._tally.keep(cue.index, reasons.get(cue.index, "failed"))
        self._note_batch(hopeless=len(left) == len(cues), route=route)

    def _climb(
        self, cues: Sequence[Cue], around: Around, steps: Sequence[Step], route: Route
    ) -> Tuple[List[Cue], Dict[int, str]]:
        climb = Climb(lambda part, anchored: self._ask(part, around, anchored, route))
        left = climb.run(cues, steps)
        return left, climb.reasons

    def _ask(self, cues: Sequence[Cue], around: Around, anchored: bool, route: Route) -> Outcome:
        self._cancel.raise_if_cancelled()
        expected = self._expected(cues)
        reserved = self._reserve(expected)
        outcome = Outcome()
        try:
            outcome = ask(
                route,
                self._brief,
                cues,
                around,
                anchored=anchored,
                tokens=expected.prompt_tokens + expected.completion_tokens,
                cancel=self._cancel,
                on_judged=lambda cue, judged: self._tally.judged(cue.index, judged),
            )
        finally:
            billed = not isinstance(outcome.error, (ProviderError, NothingSentError))
            self._purse.settle(reserved, outcome.usage, billed=billed)
        self._tally.used(outcome.usage)
        self._standing.note(route, outcome)
        if isinstance(outcome.error, LengthError):
            self._plan.limit(max(1, len(cues) // 2))
        if outcome.error is not None and self._standing.is_lost(route, outcome.error):
            raise _RouteLostError(route, outcome.error)
        return outcome

    def _expected(self, cues: Sequence[Cue]) -> Usage:
        texts = [cue.text for cue in cues]
        brief = self._brief
        return estimate(texts, brief.source, brief.target, instructions=self._instructions, requests=1).usage

    def _reserve(self, expected: Usage) -> float:
        try:
            return self._purse.reserve(expected)
        except CostLimitError as error:
            self._stop(error)
            raise CancelledError("Cancelled.") from error

    def _note_batch(self, *, hopeless: bool, route: Route) -> None:
        with self._lock:
            self._hopeless = self._hopeless + 1 if hopeless else 0
            give_up = self._hopeless >= HOPELESS_AFTER
        if give_up:
            words = f"{route.model} did not give one usable answer in {HOPELESS_AFTER} batches. Try another model."
            self._lose(route, AnswerError(words, provider=route.provider.name))

    def _lose(self, route: Route, error: SubAIError) -> None:
        """Go on with the next route; without one, stop."""
        with self._lock:
            if route not in self._routes:
                return  # another worker was told the same
            if len(self._routes) > 1:
                self._routes.remove(route)
                self._hopeless = 0
                self._tally.notice(f"{error.user_message} Going on with {self._routes[0].provider.label}.")
                return
        self._stop(error)

    def _stop(self, error: SubAIError) -> None:
        with self._lock:
            if self._stopped_by is None:
                self._stopped_by = error
            cancel = self._cancel
        cancel.cancel()

    def _texts(self, indices: Sequence[int]) -> List[str]:
        return [self._cues[index].text for index in indices]


class _RouteLostError(Exception):
    """Internal: a route said no for good."""

    def __init__(self, route: Route, error: SubAIError) -> None:
        super().__init__(error.user_message)
        self.route = route
        self.error = error
