"""A translation job: workers that take batches from the playhead on, until every cue is translated or kept.

It knows neither files nor faces: cues and providers go in, events and a report come out.
"""

import logging
import threading
import uuid
from functools import partial
from typing import Callable, Dict, Mapping, Optional, Sequence

from api.base import Usage
from core import metrics
from core.errors import CancelledError, PoolTimeoutError, ProviderError, SubAIError, TransportError
from translate.asking import Around, Outcome, Route, ask
from translate.costs import estimate
from translate.crew import Crew
from translate.documents import Cue
from translate.halt import Halt
from translate.ladder import LADDER, SECOND_LADDER, TOO_MUCH, Climb
from translate.plan import Batch, Plan
from translate.prompt import Brief
from translate.purse import CostLimitError, Purse, Reservation
from translate.report import CueEvent, JobReport
from translate.standing import Standing
from translate.tally import Tally

log = logging.getLogger("subai.job")

#: However soon an answer was cut off for its length, batches are not planned smaller than this: the repairs are.
LEAST_BATCH = 12

#: Seconds between two attempts to get one of the connections, on top of what the pool waits itself.
BUSY_PAUSE = 0.1


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
        self._all_routes = tuple(routes)
        self._routes = list(routes)
        self._affinity = uuid.uuid4().hex  # one endpoint for the whole film: prompts are cached there
        self._standing = Standing()
        self._crew = Crew(parallel)
        self._purse = purse or Purse()
        self._lock = threading.Lock()
        self._halt = Halt()
        self._answered = threading.Event()
        known = dict(known or {})
        self._tally = Tally(len(self._cues), known, on_event)
        lines = [cue for cue in cues if not cue.skip]
        todo = [cue.index for cue in lines if cue.index not in known]
        self._plan = Plan(lines, todo=todo, parallel=parallel, position=position, requests=requests)

    # --- steering ---------------------------------------------------------------------------------------------------

    def seek(self, position: float) -> None:
        """Go on from ``position`` (seconds); what is in flight is finished, the rest is ordered anew."""
        self._plan.seek(position)

    def resize(self, parallel: int) -> None:
        """So many requests at once from now on; whoever is one too many ends after the batch it has."""
        self._plan.share(parallel)
        self._crew.resize(parallel, most=len(self._plan))

    def cancel(self) -> None:
        """End the run that is under way, or else the next one, within 100 ms; what is translated by then stays."""
        self._halt.cancel()

    def run(self) -> JobReport:
        """Work until all is done, a cancel, or the provider's final no. Call it again to take the job up."""
        self._halt.begin()
        self._answered.clear()
        self._tally.begin()
        try:
            self._crew.start(self._lead, self._follow, most=len(self._plan))
            self._crew.wait()
        except BaseException:  # Ctrl-C arrives here: the workers must not go on spending
            self.cancel()
            self._crew.wait()
            raise
        finally:
            self._tally.end()
            for route in self._all_routes:
                for line in route.provider.take_notices():
                    self._tally.notice(line)
            self._halt.over(finished=self._plan.done)
        return self.report()

    def report(self) -> JobReport:
        """How things stand; after ``run``, how they ended."""
        return self._tally.report(self._halt.reason)

    # --- working ----------------------------------------------------------------------------------------------------

    def _lead(self) -> None:
        """Begin with the cues on the screen: no other request may get in before the answer to theirs has begun."""
        try:
            self._work()
        finally:
            self._answered.set()

    def _follow(self) -> None:
        self._answered.wait()
        self._work()

    def _work(self) -> None:
        try:
            while self._halt.reason is None and not self._crew.may_leave(lambda: self._plan.done):
                batch = self._plan.next()
                if batch is not None:  # another worker may have been quicker
                    self._work_on(batch)
        except SubAIError as error:  # of who listens, such as a journal whose disk is full
            self._halt.stop(error, at_once=True)
        except BaseException as error:
            log.exception("a worker failed")
            words = f"An error in the program ended the job ({type(error).__name__}). Please report it with the log."
            self._halt.stop(SubAIError(words), at_once=True)

    def _work_on(self, batch: Batch) -> None:
        try:
            self._translate(batch)
        except CancelledError:
            self._tally.take_back(batch.indices)
        except _RouteLostError as lost:
            self._lose(lost.route, lost.error)
        finally:
            self._plan.put_back(self._tally.unfinished(batch.indices))

    def _translate(self, batch: Batch) -> None:
        left = [self._cues[index] for index in batch.indices]
        reasons: Dict[int, str] = {}
        routes = list(self._routes)
        for route in routes:
            climb = Climb(partial(self._ask, route))
            left = climb.run(left, LADDER if route is routes[0] else SECOND_LADDER)
            reasons.update(climb.reasons)
            # Of a second route nothing can be said: it gets only what is hard.
            if route is routes[0] and self._standing.is_hopeless(route, len(batch.indices), len(left)):
                self._lose(route, self._standing.hopeless(route))
            if not left:
                return
        for cue in left:
            self._tally.keep(cue.index, reasons.get(cue.index, "failed"))

    def _ask(self, route: Route, cues: Sequence[Cue], anchored: bool, in_context: bool) -> Outcome:
        """Ask ``route`` once, however long others hold all its connections.

        :raises CancelledError: the job is to end, or cannot pay for this.
        :raises _RouteLostError: there is no point in asking the route for anything else.
        """
        while True:
            outcome = self._try(route, cues, anchored, in_context)
            if not isinstance(outcome.error, PoolTimeoutError):
                return outcome
            self._halt.wait(BUSY_PAUSE)

    def _try(self, route: Route, cues: Sequence[Cue], anchored: bool, in_context: bool) -> Outcome:
        self._halt.raise_if_stopped()
        expected = self._expected(cues)
        reserved = self._reserve(expected, route)
        outcome = Outcome()
        try:
            with self._halt.request(self._answered.set) as (cancel, answer_begins):
                outcome = ask(
                    route,
                    self._brief,
                    cues,
                    self._around(cues) if in_context else Around(),
                    anchored=anchored,
                    tokens=expected.prompt_tokens + expected.completion_tokens,
                    affinity=self._affinity,
                    cancel=cancel,
                    on_answer=answer_begins,
                    on_judged=lambda cue, judged: self._tally.judged(cue.index, judged),
                )
        finally:
            # One that was refused or never sent costs nothing; one that broke off, or was cancelled, may well.
            error = outcome.error
            refused = isinstance(error, ProviderError) and not outcome.answered
            free = refused or (error is not None and error.nothing_sent)
            broken_off = isinstance(error, (TransportError, CancelledError))
            cost = self._purse.settle(reserved, outcome.usage, billed=not free, broken_off=broken_off)
            metrics.cost(route.provider.name, route.model, cost)
        self._tally.used(outcome.usage)
        if isinstance(outcome.error, CancelledError):
            raise outcome.error
        if isinstance(outcome.error, TOO_MUCH):
            self._plan.limit(max(LEAST_BATCH, len(cues) // 2))
        if self._standing.is_lost(route, outcome) and outcome.error is not None:
            raise _RouteLostError(route, outcome.error)
        return outcome

    def _expected(self, cues: Sequence[Cue]) -> Usage:
        texts = [cue.text for cue in cues]
        brief = self._brief
        return estimate(texts, brief.source, brief.target, instructions=self._instructions, requests=1).usage

    def _reserve(self, expected: Usage, route: Route) -> Reservation:
        try:
            return self._purse.reserve(expected, route.price)
        except CostLimitError as error:
            self._halt.begin_no_more(error)  # those under way are paid for in advance
            raise CancelledError("Cancelled.") from error

    def _around(self, cues: Sequence[Cue]) -> Around:
        before, after = self._plan.around([cue.index for cue in cues])
        return Around([self._cues[index].text for index in before], [self._cues[index].text for index in after])

    # --- ending -----------------------------------------------------------------------------------------------------

    def _lose(self, route: Route, error: SubAIError) -> None:
        """Go on with the next route; without one, stop."""
        with self._lock:
            if route not in self._routes:
                return  # another worker was told the same
            if len(self._routes) > 1:
                self._routes.remove(route)
                self._tally.notice(f"{error.user_message} Going on with {self._routes[0].provider.label}.")
                return
        # Answers that still come in are paid for, and may end if it is not the network that fails.
        self._halt.stop(error, at_once=not isinstance(error, ProviderError))


class _RouteLostError(Exception):
    """Internal: a route said no for good."""

    def __init__(self, route: Route, error: SubAIError) -> None:
        super().__init__(error.user_message)
        self.route = route
        self.error = error
