"""``subai translate``: files in, translated files and an honest last word out."""

import argparse
import json
import os
from typing import Any, Dict, List, Tuple

from cli import exits
from cli.connect import DEMO, DEMO_MODEL, KEY_VARIABLES, Connection, choose_provider, connected
from cli.run_report import as_document, last_words, network_so_far
from cli.terminal import ProgressBar, say, say_error
from core.cancel import CancelToken
from core.errors import ConfigError, InputError, SubAIError
from translate import film as films
from translate import languages
from translate.asking import Route
from translate.documents import write_atomically
from translate.film import Film
from translate.job import TranslationJob
from translate.prompt import Brief
from translate.report import JobReport

_DEMO_NOTICE = (
    "No key is set, so the bundled stand-in answers. This is NOT a translation: it only puts each line in brackets, "
    "to show how a run goes.\nFor a real one set a key first, for example:  export OPENAI_API_KEY=...   "
    f"(or {', '.join(sorted(set(KEY_VARIABLES.values()) - {'OPENAI_API_KEY', 'SUBAI_API_KEY'}))})"
)
#: Which exit code wins where several files end differently.
_GRAVITY = (exits.ALL_TRANSLATED, exits.SOME_KEPT, exits.BAD_USAGE, exits.BAD_INPUT, exits.REFUSED, exits.CANCELLED)


def translate(options: argparse.Namespace) -> int:
    """Translate each file in turn over the same connections; the gravest outcome gives the exit code."""
    target = languages.find(options.to)
    source = languages.find(options.source) if options.source else None
    if options.output and len(options.files) > 1:
        raise ConfigError("-o names one file, but several are to be translated. Leave it out, or call once for each.")
    if options.report:
        _check_folder(options.report)
    codes: List[int] = []
    opened: List[Film] = []
    for path in options.files:
        try:
            opened.append(films.open_film(path, target, source=source, output=options.output, force=options.force))
        except SubAIError as error:
            say_error(error.user_message)
            codes.append(exits.BAD_USAGE if isinstance(error, films.OutputExistsError) else exits.code_for(error))
    if opened:
        codes += _translate_all(opened, options)
    return max(codes, key=_GRAVITY.index)


def _translate_all(opened: List[Film], options: argparse.Namespace) -> List[int]:
    codes: List[int] = []
    documents: List[Dict[str, Any]] = []
    name = choose_provider(options.provider, options.base_url)
    if name == DEMO and not options.estimate:
        say(_DEMO_NOTICE)
    with connected(options) as connection:
        model = connection.provider.pick_model(options.model or (DEMO_MODEL if name == DEMO else ""), CancelToken())
        for film in opened:
            code, document = _translate_one(film, Route(connection.provider, model), connection, options)
            codes.append(code)
            documents.append(document)
            if options.report:
                _write_report(options.report, documents[0] if len(opened) == 1 else documents)
            if code in (exits.REFUSED, exits.CANCELLED):
                break
    return codes


def _translate_one(film: Film, route: Route, connection: Connection, options: argparse.Namespace) -> Tuple[int, Dict[str, Any]]:
    """Exit code and figures of one file."""
    before = network_so_far(connection)
    brief = Brief(target=film.target, source=film.source, style=" ".join(options.style.split()))
    report = _run(film, brief, route, options)
    left = films.untranslated(film, report)
    written = bool(report.translated) or not left
    if written:
        films.write(film, report.translated)
    network = network_so_far(connection) - before
    document = as_document(film, report, left, network, connection.name, route.model, written=written)
    for notice in report.notices:
        say_error(notice)
    stop = report.stopped_by
    if stop is not None:
        say_error(stop.user_message)
    say(last_words(film, report, left, network, written=written))
    if stop is not None:
        return exits.code_for(stop), document
    return (exits.SOME_KEPT if left else exits.ALL_TRANSLATED), document


def _run(film: Film, brief: Brief, route: Route, options: argparse.Namespace) -> JobReport:
    with ProgressBar(os.path.basename(film.path), total=len(film.wanted), done=0) as bar:
        job = TranslationJob(film.cues, brief, [route], parallel=options.parallel, on_event=bar.hear)
        try:
            return job.run()
        except KeyboardInterrupt:
            return job.report()


def _check_folder(path: str) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise InputError(f"The report cannot be written in {folder}. Choose another place with --report.")


def _write_report(path: str, document: object) -> None:
    write_atomically(path, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8"))
