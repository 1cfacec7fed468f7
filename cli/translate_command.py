"""``subai translate``: files in, translated files and an honest last word out."""

import argparse
import json
import os
from contextlib import ExitStack
from functools import partial
from typing import Any, Dict, Iterable, List, Optional, Tuple

from cli import exits
from cli.connect import DEMO, Connection, connected, say_that_it_is_a_demo
from cli.remembering import prices, remembering
from cli.routes import requests_for_next, routes, set_budgets
from cli.run_record import recording
from cli.run_report import as_document, estimate_words, last_words, network_so_far
from cli.terminal import ProgressBar, say, say_error
from core.errors import ConfigError, InputError, SubAIError
from translate import film as films
from translate import languages
from translate.asking import Route
from translate.documents import write_atomically
from translate.film import Film
from translate.job import TranslationJob
from translate.prompt import Brief
from translate.purse import CostLimitError
from translate.report import CueEvent, JobReport
from translate.session import Session
from translate.store import Store

#: Which exit code wins where several files end differently.
_GRAVITY = (exits.ALL_TRANSLATED, exits.SOME_KEPT, exits.BAD_USAGE, exits.BAD_INPUT, exits.REFUSED, exits.CANCELLED)


def translate(options: argparse.Namespace) -> int:
    """Translate each file in turn over the same connections; the gravest outcome gives the exit code."""
    if options.output and len(options.files) > 1:
        raise ConfigError("-o names one file, but several are to be translated. Leave it out, or call once for each.")
    if options.report and options.estimate:
        raise ConfigError("--report tells of a translation, and --estimate makes none. Leave one of them out.")
    with ExitStack() as stack:
        store = None if options.no_memory else stack.enter_context(remembering())
        opened, codes = _open_all(store, options)
        if options.report:
            _check_report(options.report, [*options.files, *(film.output for film in opened)])
        if opened:
            codes += _translate_all(opened, store, options)
    return max(codes, key=_GRAVITY.index)


def _open_all(store: Optional[Store], options: argparse.Namespace) -> Tuple[List[Film], List[int]]:
    """The films that can be translated, and the exit code of each that cannot."""
    target = languages.find(options.to)
    source = languages.find(options.source) if options.source else None
    opened: List[Film] = []
    codes: List[int] = []
    taken = {_place(path): f"{path}, which is to be translated itself" for path in options.files}
    for path in options.files:
        try:
            film = films.open_film(
                path,
                target,
                source=source,
                output=options.output,
                may_replace=None if options.estimate else partial(_may_replace, store, options),
            )
            if _place(film.output) in taken:
                raise films.OutputTakenError(
                    f"The translation of {path} would take the place of {taken[_place(film.output)]}. "
                    "Translate it alone, with -o."
                )
        except SubAIError as error:
            say_error(error.user_message)
            codes.append(exits.code_for(error))
        else:
            taken[_place(film.output)] = f"that of {path}"
            opened.append(film)
    return opened, codes


def _may_replace(store: Optional[Store], options: argparse.Namespace, output: str) -> bool:
    """A translation of ours that was not finished goes on; anything else is kept."""
    return options.force or (store is not None and store.outputs.is_unfinished(output))


def _place(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _check_report(report: str, others: Iterable[str]) -> None:
    advice = "Choose another place with --report."
    films.check_writable(report, advice)
    if _place(report) in map(_place, others):
        raise ConfigError(f"The report would take the place of {report}. {advice}")


def _translate_all(opened: List[Film], store: Optional[Store], options: argparse.Namespace) -> List[int]:
    codes: List[int] = []
    documents: List[Dict[str, Any]] = []
    # The recorder goes last: its last words are that nothing is open any more.
    with recording() as recorder, connected(options) as connection:
        ways = routes(connection, options)
        set_budgets(connection, ways[0], store, options)
        if store is not None and not options.estimate:
            recorder.begin(connection.pool, store.database, connection.groups)
        if connection.name == DEMO and not options.estimate:
            say_that_it_is_a_demo()
        for place, film in enumerate(opened, 1):
            try:
                run = _Run(film, ways, connection, store, options)
                if options.estimate:
                    say(run.estimate())
                    codes.append(exits.ALL_TRANSLATED)
                    continue
                code, document = run.translate()
            except InputError as error:  # the folder went away, or is full: the next film may lie elsewhere
                say_error(error.user_message)
                codes.append(exits.code_for(error))
                continue
            codes.append(code)
            documents.append(document)
            if options.report:
                _write_report(options.report, documents[0] if len(options.files) == 1 else documents)
            if code in (exits.REFUSED, exits.CANCELLED):
                for other in opened[place:]:
                    say(f"{other.path}: not begun.")
                break
    return codes


class _Run:
    """One file."""

    def __init__(
        self,
        film: Film,
        ways: List[Route],
        connection: Connection,
        store: Optional[Store],
        options: argparse.Namespace,
    ) -> None:
        self._film = film
        self._ways = ways
        self._connection = connection
        self._requests = requests_for_next(connection, options)
        self._options = options
        self._brief = Brief(
            target=film.target,
            source=film.source,
            style=" ".join(options.style.split()),
            film=" ".join(options.film.split()),
        )
        self._session = Session(
            film,
            self._brief,
            ways[0],
            store=store,
            apart=DEMO if connection.name == DEMO else "",
            limit=options.max_cost,
            in_all=True,
        )

    def estimate(self) -> str:
        expected = self._session.estimate(self._connection.parallel, self._requests)
        return estimate_words(self._film, expected, len(self._session.known), prices().as_of)

    def translate(self) -> Tuple[int, Dict[str, Any]]:
        """Exit code and figures."""
        before = network_so_far(self._connection)
        report = self._run()
        left = films.untranslated(self._film, report)
        written = self._session.finish(report)
        network = network_so_far(self._connection) - before
        provider, model = self._connection.name, self._ways[0].model
        document = as_document(self._film, report, left, network, provider, model, self._session.purse, written=written)
        for notice in report.notices:
            say_error(notice)
        stop = report.stopped_by
        if stop is not None:
            say_error(stop.user_message)
        resumable = not (self._options.no_memory or isinstance(stop, CostLimitError))  # which says how to go on
        say(last_words(self._film, report, left, network, self._session.purse, written=written, resumable=resumable))
        if stop is not None:
            return exits.code_for(stop), document
        return (exits.SOME_KEPT if left else exits.ALL_TRANSLATED), document

    def _run(self) -> JobReport:
        film, session, options = self._film, self._session, self._options
        with ProgressBar(os.path.basename(film.path), total=len(film.wanted), done=len(session.known)) as bar:

            def hear(event: CueEvent) -> None:
                session.hear(event)
                bar.hear(event)

            job = TranslationJob(
                film.cues,
                self._brief,
                self._ways,
                known=session.known,
                parallel=self._connection.parallel,
                position=options.start_at,
                requests=self._requests,
                purse=session.purse,
                on_event=hear,
            )
            try:
                return job.run()
            except KeyboardInterrupt:
                return job.report()


def _write_report(path: str, document: object) -> None:
    # A file name may hold bytes that are no text; an escape is the JSON for them.
    written = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    write_atomically(path, written.encode("utf-8", "backslashreplace"))
