"""One film between its past and its future: what is known of it before a job, and what the job adds to that.

The journal is the truth for resuming after a kill; the memory serves other files and later runs.
"""

import os
from dataclasses import replace
from typing import Callable, Dict, List, Optional, Sequence

from api.base import Usage
from translate import documents
from translate.asking import Route
from translate.costs import Estimate, estimate
from translate.film import Film, untranslated
from translate.journal import fingerprint
from translate.memory import MemoryKey, keys_for
from translate.prices import Price
from translate.prompt import Brief
from translate.purse import Purse
from translate.report import KEPT, TRANSLATED, CueEvent, JobReport
from translate.store import Store


class Session:
    """Hand ``known``, ``purse`` and ``hear`` to the job; call ``finish`` with its report.

    :param store: what is remembered, or None to remember nothing.
    :param apart: a word that keeps a job from being taken up by others, such as that of a stand-in.
    :param price: of the model, or None where it is not known; ``limit`` is what the film may cost in US dollars.
    :param write: how a file is written, where the output is not on a disk that Python can reach.
    :raises ConfigError: there is a limit but no price.
    """

    def __init__(
        self,
        film: Film,
        brief: Brief,
        route: Route,
        *,
        store: Optional[Store] = None,
        apart: str = "",
        price: Optional[Price] = None,
        limit: Optional[float] = None,
        write: Callable[[str, bytes], None] = documents.write_atomically,
    ) -> None:
        self._film = film
        self._write_file = write
        self._brief = brief
        self._price = price
        self._apart = apart
        self._store = store
        self._keys = self._memory_keys(route.model)
        self._journal = store.journal.open_job(self._job(), name=self._name(), total=len(self._keys)) if store else None
        self.known = self._look_up()
        self.purse = Purse(price, limit, on_spent=self._spend)

    def estimate(self, parallel: int, requests: Optional[int] = None) -> Estimate:
        """What the rest of the film will take."""
        texts = [cue.text for cue in self._film.wanted if cue.index not in self.known]
        return estimate(
            texts,
            self._brief.source,
            self._brief.target,
            instructions=len(self._brief.system_text()),
            price=self._price,
            parallel=parallel,
            requests=requests,
        )

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
        try:
            return self._write(report)
        finally:
            self._remember(report)

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
            self._journal.finish()
        return True

    def _remember(self, report: JobReport) -> None:
        if self._store is None or self._journal is None:
            return
        new = [(self._keys[index], text) for index, text in report.translated.items() if index in self._keys]
        self._store.memory.store(new)
        self._journal.close()

    def _spend(self, usage: Usage, dollars: float) -> None:
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
