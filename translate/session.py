"""One film between its past and its future: what is known of it before a job, and what the job adds to that.

The journal is the truth for resuming after a kill; the memory serves other files and later runs.
"""

import os
import threading
from dataclasses import replace
from typing import Callable, Dict, List, Optional, Sequence

from api.base import Usage
from translate import documents
from translate.asking import Route
from translate.costs import Estimate, Factors, estimate, learned
from translate.film import Film, untranslated
from translate.journal import fingerprint
from translate.memory import MemoryKey, keys_for
from translate.prompt import Brief
from translate.purse import Purse
from translate.report import KEPT, TRANSLATED, CueEvent, JobReport
from translate.store import Store

#: Cues of a run before it teaches anything about the next estimate.
_TELLING = 40


class Session:
    """Hand ``known``, ``purse`` and ``hear`` to the job; call ``finish`` with its report.

    :param store: what is remembered, or None to remember nothing.
    :param apart: a word that keeps a job from being taken up by others, such as that of a stand-in.
    :param route: the first one, whose model the memory goes by; ``limit``: what the film may cost in US dollars, with
        what earlier runs that it goes on from have cost, if ``in_all``.
    :param write: how a file is written, where the output is not on a disk that Python can reach.
    """

    def __init__(
        self,
        film: Film,
        brief: Brief,
        route: Route,
        *,
        store: Optional[Store] = None,
        apart: str = "",
        limit: Optional[float] = None,
        in_all: bool = False,
        write: Callable[[str, bytes], None] = documents.write_atomically,
    ) -> None:
        self._film = film
        self._write_file = write
        self._brief = brief
        self._price = route.price
        self._apart = apart
        self._store = store
        self._topic = f"{route.model} {brief.source.code if brief.source else '?'} {brief.target.code}"
        self._factors = store.learning.factors(self._topic) if store else Factors()
        self._lock = threading.Lock()
        self._used = Usage()
        self._keys = self._memory_keys(route.model)
        self._journal = store.journal.open_job(self._job(), name=self._name(), total=len(self._keys)) if store else None
        self.known = self._look_up()
        before = self._journal.spent().dollars if in_all and self._journal and self._journal.finished() else 0.0
        swell = max(self._factors.prompt, self._factors.completion)
        self.purse = Purse(limit, on_spent=self._spend, before=before, swell=swell)

    def estimate(self, parallel: int, requests: Optional[int] = None) -> Estimate:
        """What the rest of the film will take."""
        texts = [cue.text for cue in self._film.wanted if cue.index not in self.known]
        return self._estimate(texts, parallel, requests)

    def _estimate(self, texts: Sequence[str], parallel: int = 4, requests: Optional[int] = None) -> Estimate:
        return estimate(
            texts,
            self._brief.source,
            self._brief.target,
            instructions=len(self._brief.system_text()),
            price=self._price,
            factors=self._factors,
            parallel=parallel,
            requests=requests,
        )

    @property
    def asked(self) -> bool:
        """Whether a person asked for what was begun here."""
        return self._journal is not None and self._journal.asked

    def begin(self, *, asked: bool) -> None:
        """Remember whether a person asked for it; where nobody says so, nobody did."""
        if self._journal is not None:
            self._journal.begin(asked=asked)

    def hear(self, event: CueEvent) -> None:
        """Write down what became of a cue; called from the job's threads."""
        if self._journal is None:
            return
        if event.state == TRANSLATED:
            self._journal.add(event.index, event.text)
        elif event.state == KEPT:
            self._journal.keep(event.index, event.reason)

    def move(self, output: str) -> None:
        """The translation goes to ``output`` from now on."""
        self._film = replace(self._film, output=output)

    def kept(self) -> Dict[int, str]:
        """Cue index -> why it kept its source text when it was last tried."""
        return self._journal.kept() if self._journal else {}

    def finish(self, report: JobReport) -> bool:
        """Write the translated file, if there is anything to write, and remember it all; whether it was written.

        :raises InputError: the folder cannot be written to (any more); what was translated is remembered all the same.
        """
        self._remember(report)
        self._learn(report)
        return self._write(report)

    def _write(self, report: JobReport) -> bool:
        left = untranslated(self._film, report)
        if not report.translated and left:
            return False
        data = self._film.document.render(report.translated)
        self._write_file(self._film.output, data)
        if self._store:
            total = len(self._film.wanted)
            self._store.outputs.note(self._film.output, data, done=total - len(left), total=total)
        if self._journal and not left:
            self._journal.finish()  # last: what a kill leaves undone before this is found there
        return True

    def _remember(self, report: JobReport) -> None:
        if self._store is None or self._journal is None:
            return
        new = [(self._keys[index], text) for index, text in report.translated.items() if index in self._keys]
        self._store.memory.store(new)
        self._journal.close()

    def _learn(self, report: JobReport) -> None:
        """Compare what was estimated for the cues of this run with what they took."""
        new = [cue for cue in self._film.wanted if cue.index in report.translated and cue.index not in self.known]
        if self._store is None or len(new) < _TELLING or report.stopped_by is not None:
            return
        expected = self._estimate([cue.text for cue in new])
        self._store.learning.learn(self._topic, learned(self._factors, expected.usage, self._used))

    def _spend(self, usage: Usage, dollars: float) -> None:
        with self._lock:
            used = self._used
            self._used = Usage(
                used.prompt_tokens + usage.prompt_tokens, used.completion_tokens + usage.completion_tokens
            )
        if self._journal is not None:
            self._journal.spend(usage, dollars)

    def _look_up(self) -> Dict[int, str]:
        if self._store is None or self._journal is None:
            return {}
        found = self._store.memory.lookup(list(self._keys.values()))
        remembered = {index: found[key] for index, key in self._keys.items() if key in found}
        return {**remembered, **self._journal.finished()}

    def _memory_keys(self, model: str) -> Dict[int, MemoryKey]:
        cues, brief = self._film.wanted, self._brief
        keys: Sequence[MemoryKey] = keys_for(
            [cue.text for cue in cues],
            source=brief.source.code if brief.source else "",
            target=brief.target.code,
            model=model,
            style=brief.style,
            glossary=repr(brief.glossary) if brief.glossary else "",
        )
        return {cue.index: key for cue, key in zip(cues, keys)}

    def _job(self) -> str:
        texts: List[str] = [cue.text for cue in self._film.cues]
        return fingerprint(texts, self._brief.target.code, self._brief.style, repr(self._brief.glossary), self._apart)

    def _name(self) -> str:
        return os.path.basename(self._film.path)
