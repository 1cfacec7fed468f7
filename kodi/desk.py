"""From a path to a task: which subtitles can be translated, what each would take, and where the result would go."""

import logging
import os
import zlib
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from core.errors import InputError, SubAIError
from kodi import strings, subtitle_files, vfs
from kodi.copies import custom_folder, lasting_paths, temporary_folder
from kodi.engine import Engine
from kodi.facts import film_words
from kodi.strings import localised
from kodi.subtitle_files import Candidate
from kodi.tasks import Task
from translate import documents
from translate.asking import Route
from translate.costs import Estimate
from translate.film import Film
from translate.language_guess import guess_source
from translate.languages import Language
from translate.prompt import Brief
from translate.session import Session

log = logging.getLogger("subai.kodi")

SUBTITLES = "subtitles"  # our own folder, where neither beside the film nor Kodi's folder for subtitles can be written


@dataclass(frozen=True)
class Offer:
    """A task and what it would take.

    :ivar known: lines that are remembered and cost nothing.
    :ivar kept: lines that were tried before, in vain.
    :ivar asked: a person asked for what was begun of it.
    :ivar model: as far as it is known without asking anyone.
    """

    task: Task
    expected: Estimate
    known: int
    kept: int
    asked: bool
    model: str

    @property
    def name(self) -> str:
        return vfs.base_name(self.task.film.path)

    @property
    def is_remembered(self) -> bool:
        """Whether nobody has to be asked for any line of it."""
        return not self.expected.cues

    @property
    def is_tried(self) -> bool:
        """Whether all that is left of it was tried before, and is tried again only when someone asks for it."""
        return 0 < self.expected.cues <= self.kept

    @property
    def cost(self) -> Optional[float]:
        """US dollars, or None where the price is not known and something has to be paid."""
        return 0.0 if self.is_remembered else self.expected.cost

    @property
    def tokens(self) -> int:
        return self.expected.usage.prompt_tokens + self.expected.usage.completion_tokens


@dataclass(frozen=True)
class Finished:
    """A translation of ours that is there already, whole or in part."""

    path: str
    done: int
    total: int


class Desk:
    """Reads files through Kodi; sends nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- what there is ----------------------------------------------------------------------------------------------

    def why_not(self, path: str) -> str:
        """In words, why nothing beside ``path`` can be translated; ``""`` if it may be."""
        if subtitle_files.is_film_file(path):
            return ""
        in_parts = subtitle_files.scheme_of(path) in ("stack", "bluray", "dvd", "iso9660", "udf")
        return localised(strings.NO_DISC if in_parts else strings.NO_FILE)

    def all_candidates(self, video: str) -> List[Candidate]:
        """Every subtitle file of the film, ours included."""
        found: List[Candidate] = []
        for folder in self._folders(video):
            found += subtitle_files.candidates(video, folder, vfs.list_folder(folder)[1])
        return found

    def sources(self, video: str, *, whole: bool = False) -> List[Candidate]:
        """What can be translated, the best first; nothing of what we made.

        :param whole: leave out what only holds the foreign words of the film: it is no subtitle for all of it.
        """
        settings = self._engine.settings
        found = subtitle_files.best_sources(self.all_candidates(video), settings.target, settings.source)
        wanted = (one for one in found if not (whole and one.forced))
        return [one for one in wanted if self._engine.ownership.figures(one.path) is None]

    def finished(self, video: str) -> Optional[Finished]:
        """Our translation of the film into the language of the settings; not one of its foreign words alone."""
        for one in subtitle_files.in_language(self._at_places(video), self._engine.settings.target):
            figures = None if one.forced else self._engine.ownership.figures(one.path)
            if figures is not None:
                return Finished(one.path, *figures)
        return None

    def is_served(self, video: str) -> bool:
        """Whether a subtitle file in the person's language is there, for all of the film and all of it translated."""
        found = subtitle_files.in_language(self.all_candidates(video), self._engine.settings.target)
        return any(not one.forced and not self._engine.ownership.is_unfinished(one.path) for one in found)

    def clear_up(self, video: str) -> None:
        """Delete what a power cut left of a file that was being written."""
        for folder in self._places_there_are(video):
            for name in vfs.list_folder(folder)[1]:
                if name.endswith(vfs.UNFINISHED) and name.startswith(subtitle_files.stem_of(video)):
                    vfs.delete(vfs.join(folder, name))

    def in_the_way(self, video: str, name: str) -> Optional[str]:
        """A file of somebody else where Kodi would put a copy called ``name``."""
        for path in lasting_paths(video, name):
            if vfs.exists(path) and self._engine.ownership.figures(path) is None:
                return path
        return None

    # --- tasks ------------------------------------------------------------------------------------------------------

    def task(self, source: str, video: str, facts: Optional[Mapping[str, Any]] = None) -> Task:
        """What it takes to translate the subtitle ``source`` of the film ``video`` (``""`` if there is none).

        :raises InputError: it cannot be read, or is no subtitle.
        """
        settings = self._engine.settings
        film = self._read(source, video)
        brief = Brief(
            target=film.target,
            source=film.source,
            style=settings.style,
            film=film_words(facts) if facts else "",
        )
        forced = next((one.forced for one in subtitle_files.candidates(video, "", [vfs.base_name(source)])), False)
        if video:
            name = subtitle_files.output_name(video, source, film.target, film.document.format, forced=forced)
        else:
            name = vfs.base_name(documents.output_path(source, film.target.code, film.document.format))
        places = self._places(video or source, name)
        if any(subtitle_files.same_path(place, source) for place in places):
            raise InputError(localised(strings.NO_SOURCE))
        existing = next((place for place in places if self._engine.ownership.figures(place) is not None), None)
        if existing is not None:  # go on where it was begun
            places = (existing, *(place for place in places if place != existing))
        return Task(film, brief, video, places)

    def known(self, task: Task) -> Dict[int, str]:
        """The translations that are remembered. :raises SubAIError: the provider of the settings cannot be used."""
        return self._session(task).known

    def offer(self, task: Task, *, anew: bool = False) -> Offer:
        """What the task would take. :raises SubAIError: the provider of the settings cannot be used."""
        session = self._session(task)
        if anew:
            session.known.clear()
        expected = session.estimate(self._engine.settings.parallel)
        return Offer(
            task,
            expected,
            len(session.known),
            len(session.kept()),
            session.asked,
            self._engine.model or localised(strings.USUAL_MODEL),
        )

    def offers(
        self, video: str, facts: Optional[Mapping[str, Any]] = None, *, anew: bool = False, whole: bool = False
    ) -> List[Offer]:
        """Of every one of the ``sources``; those that are already in the wished language drop out."""
        made: List[Offer] = []
        for candidate in self.sources(video, whole=whole):
            try:
                task = self.task(candidate.path, video, facts)
                if task.film.source is None or not subtitle_files.same_language(task.film.source, task.film.target):
                    made.append(self.offer(task, anew=anew))
            except SubAIError as error:
                log.info("%s: %s", candidate.name, error.user_message)
        return made

    def _session(self, task: Task) -> Session:
        engine = self._engine
        route = Route(engine.provider(), engine.model, engine.price(engine.model))
        return Session(task.film, task.brief, route, store=engine.store)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _read(self, source: str, video: str) -> Film:
        settings = self._engine.settings
        if not subtitle_files.is_subtitle(source) or not subtitle_files.is_film_file(source):
            raise InputError(localised(strings.NO_SOURCE))
        named = self._language_in_name(source, video)
        content, name = vfs.read_bytes(source), vfs.base_name(source)
        try:
            document = documents.parse(content, name, source_language=_base(named))
        except InputError as error:
            log.info("%s", error.user_message)
            raise InputError(localised(strings.NO_SUBTITLE, name=name)) from error
        language = named or guess_source([cue.text for cue in document.cues]) or settings.source
        return Film(source, "", document, language, settings.target)

    def _language_in_name(self, source: str, video: str) -> Optional[Language]:
        name = vfs.base_name(source)
        stem = video or name.split(".")[0] + ".x"
        return next((one.language for one in subtitle_files.candidates(stem, "", [name])), None)

    def _folders(self, video: str) -> List[str]:
        """Where Kodi would find a subtitle of the film, and where it puts those that it cannot put there."""
        folder = vfs.folder_of(video)
        inside = [vfs.join(vfs.join(folder, name), "") for name in vfs.list_folder(folder)[0] if _holds_subtitles(name)]
        found = [folder, *inside, custom_folder(), temporary_folder()]
        return list(dict.fromkeys(one for one in found if one))

    def _at_places(self, video: str) -> List[Candidate]:
        found: List[Candidate] = []
        for folder in self._places_there_are(video):
            found += subtitle_files.candidates(video, folder, vfs.list_folder(folder)[1])
        return found

    def _places_there_are(self, video: str) -> List[str]:
        """The folders that a translation may lie in; Kodi logs an error for one that it cannot list."""
        folders = dict.fromkeys(vfs.folder_of(place) for place in self._places(video, ""))
        return [folder for folder in folders if vfs.folder_exists(folder)]

    def _places(self, film: str, name: str) -> Tuple[str, ...]:
        folder = vfs.folder_of(film)
        # Two films of one name, in two folders, must not share a translation.
        own = os.path.join(
            self._engine.folder, SUBTITLES, f"{zlib.crc32(folder.encode('utf-8', 'surrogateescape')):08x}", ""
        )
        folders = [one for one in (folder, custom_folder(), own) if one]
        return tuple(vfs.join(one, name) for one in folders)


def with_limit(task: Task, dollars: float, *, ahead_of_time: bool = False) -> Task:
    """The task as one that nobody asked for, held to what may be spent so."""
    return replace(task, by_itself=True, limit=max(0.0, dollars), ahead_of_time=ahead_of_time)


def _holds_subtitles(folder: str) -> bool:
    return folder.lower() in subtitle_files.SUBFOLDERS


def _base(language: Optional[Language]) -> Optional[str]:
    return language.base if language else None
