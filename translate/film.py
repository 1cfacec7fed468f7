"""One subtitle file on its way: read, translated by a job, written beside its source.

Everything that can be wrong with the file or its output is found before the first request is paid for.
"""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple

from core.errors import InputError
from translate import documents
from translate.documents import Cue, Document
from translate.language_guess import guess_source
from translate.languages import Language, from_suffix
from translate.report import JobReport

NOT_REACHED = "not reached"


class OutputTakenError(InputError):
    """Where the translation would go, there is a file that is kept: a source, or what nobody said may be replaced."""


@dataclass(frozen=True)
class Film:
    """A subtitle that was read and can be translated, and where its translation will go."""

    path: str
    output: str
    document: Document
    source: Optional[Language]
    target: Language

    @property
    def cues(self) -> Tuple[Cue, ...]:
        return self.document.cues

    @property
    def wanted(self) -> List[Cue]:
        """The cues that have something to translate."""
        return [cue for cue in self.cues if not cue.skip]


def open_film(
    path: str,
    target: Language,
    *,
    source: Optional[Language] = None,
    output: Optional[str] = None,
    may_replace: Optional[Callable[[str], bool]] = lambda output: False,
) -> Film:
    """Read ``path`` and make sure that its translation can be written, if it is to be.

    :param source: the language it is in; told from its name or its text if None.
    :param output: where the translation goes; beside the source, with the target's code in its name, if None.
    :param may_replace: whether an output that exists may be replaced. None: nothing will be written.
    :raises InputError: the file is no subtitle that can be read, or the output cannot be written.
    :raises ConfigError: the output's name is that of another format.
    :raises OutputTakenError: it is the source, or exists and may not be replaced.
    """
    named = source or _language_in_name(path)
    document = documents.load(path, source_language=named.code if named else None)
    source = named or guess_source([cue.text for cue in document.cues])
    output = output or documents.output_path(path, target.code, document.format)
    if may_replace is not None:
        documents.refuse_other_format(output, document.format)
        _check_output(path, output, may_replace)
    return Film(path, output, document, source, target)


def untranslated(film: Film, report: JobReport) -> List[Tuple[int, str]]:
    """Index and reason of every cue that shows its source although it has something to translate, in film order."""
    return [
        (cue.index, report.kept.get(cue.index, NOT_REACHED))
        for cue in film.wanted
        if cue.index not in report.translated
    ]


def _language_in_name(path: str) -> Optional[Language]:
    """The language in ``film.en.srt`` or ``film.en.forced.srt``; ``hi`` beside another one says "hearing impaired"."""
    parts = os.path.basename(path).split(".")[1:-1]
    found = [language for language in map(from_suffix, reversed(parts[-2:])) if language is not None]
    found.sort(key=lambda language: language.code == "hi")
    return found[0] if found else None


def check_writable(path: str, advice: str) -> None:
    """:raises InputError: ``path`` cannot be written, for the reason in it and with ``advice`` on what to do."""
    documents.refuse_other_than_file(path, advice)
    folder = os.path.dirname(os.path.abspath(path))
    try:
        with suppress(FileNotFoundError):
            os.stat(path)  # a name that is too long
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"Nothing can be written in {folder} ({error.strerror}). {advice}") from error


def _check_output(path: str, output: str, may_replace: Callable[[str], bool]) -> None:
    if documents.same_file(path, output):
        raise OutputTakenError(
            f"{output} is the source itself, which is never written to. Choose another name with -o."
        )
    check_writable(output, "Choose another place with -o.")
    if os.path.exists(output) and not may_replace(output):
        raise OutputTakenError(f"{output} exists and was kept. Use --force to translate anew.")
