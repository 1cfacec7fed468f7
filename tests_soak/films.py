"""One film of the soak: from its file to its translation, through whatever comes."""

import random
from pathlib import Path
from typing import Callable, List, Mapping, Sequence

import films

import api
from cli.standin import pseudo_translate
from core.transport import Transport
from tests_soak import KEY
from translate.asking import Route
from translate.film import open_film
from translate.job import TranslationJob
from translate.languages import find
from translate.prompt import Brief
from translate.report import JobReport
from translate.session import Session
from translate.store import open_store

CUES = 240
DIALECTS = {"compatible": "openai", "openrouter": "openrouter", "gemini": "gemini"}
#: A film that is ended so often before it is done has met more than bad luck.
MOST_RUNS = 60


class Film:
    """Film ``number``; its translation is in nobody's memory yet.

    :ivar runs: how often it was begun anew. :ivar kept: cues that kept their source in the end.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.runs = 0
        self.kept = 0
        self._chance = random.Random(number)
        self._folder = folder
        self._source = folder / "film.en.srt"
        self._output = folder / "film.es.srt"
        self._texts = films.write_srt(self._source, CUES)
        self._output.unlink(missing_ok=True)

    def translate(
        self,
        transports: Sequence[Transport],
        base_urls: Sequence[Mapping[str, str]],
        watch: Callable[[TranslationJob], None],
    ) -> None:
        """Run it until it is done, taken up from the journal each time; ``watch`` is given each job beforehand."""
        place = self._chance.randrange(2)
        routes = [
            self._route(transports[place], base_urls[place]),
            self._route(transports[1 - place], base_urls[1 - place]),
        ]
        while True:
            self.runs += 1
            assert self.runs <= MOST_RUNS, f"film {self.number} is not done after {MOST_RUNS} runs"
            for route in routes:
                route.provider.forget_refusals()
            report = self._run(routes[: self._chance.choice((1, 2))], watch)
            if report.stopped_by is None:
                self.kept = len(report.kept)
                return

    def faults(self) -> List[str]:
        """What is wrong with the translation: every cue in its place, and its own translation or its source."""
        blocks = self._output.read_text(encoding="utf-8").split("\n\n")
        if len(blocks) != CUES:
            return [f"film {self.number} has {len(blocks)} cues, not {CUES}"]
        return [
            f"cue {block.splitlines()[0]} of film {self.number} became {translation!r}"
            for block, text in zip(blocks, self._texts)
            for translation in [block.split("\n", 2)[2].rstrip("\n")]
            if translation not in (text, pseudo_translate(text))
        ]

    def _route(self, transport: Transport, base_urls: Mapping[str, str]) -> Route:
        name = self._chance.choice(list(DIALECTS))
        provider = api.create(name, api_key=KEY, base_url=base_urls[DIALECTS[name]], transport=transport)
        return Route(provider, "m")

    def _run(self, routes: List[Route], watch: Callable[[TranslationJob], None]) -> JobReport:
        notices: List[str] = []
        store = open_store(str(self._folder), notices.append)
        try:
            film = open_film(str(self._source), find("es"), output=str(self._output), may_replace=lambda _: True)
            brief = Brief(target=film.target, source=film.source, style=f"take {self.number}")
            session = Session(film, brief, routes[0], store=store)
            job = TranslationJob(
                film.cues,
                brief,
                routes,
                known=session.known,
                parallel=self._chance.choice((1, 4, 8)),
                position=self._chance.uniform(0.0, 600.0),
                purse=session.purse,
                on_event=session.hear,
            )
            watch(job)
            report = job.run()
            session.finish(report)
        finally:
            store.close()
        assert notices == []
        return report
