"""What the service answers to whoever wants to start something: rows of the subtitle dialog, prices, a first file.

Anyone can send messages, so a path only counts if it is a subtitle of the film in question that can be read.
"""

import hashlib
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from core.errors import InputError
from kodi import player, strings, subtitle_files, vfs, wording
from kodi.addon import call_kodi
from kodi.copies import CopyHunt, lasting_paths, name_of_copy
from kodi.desk import Offer
from kodi.jobs import FilmJob
from kodi.strings import localised
from kodi.tasks import Task
from translate.languages import Language

if TYPE_CHECKING:
    from kodi.service import Service

ANSWERED = "answers"  # our folder for what the dialog hands to Kodi
COPY_SECONDS = 30.0  # in which Kodi has made its copy: it does so at once
_FACTS = ["title", "year", "plot", "showtitle", "season", "episode", "cast"]

Answer = Dict[str, Any]


class Starting:
    """Each public method is the action of its name; called on threads of their own."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._answered = os.path.join(service.engine.folder, ANSWERED)

    # --- the subtitle dialog ----------------------------------------------------------------------------------------

    def rows(self, data: Answer) -> Answer:
        """Row 0 is free; each of the others is a source and what translating it takes."""
        service = self._service
        video = str(data.get("video", "")) or service.player.playing()
        elsewhere = not video and service.player.plays_elsewhere()
        wrong = localised(strings.PLAYS_ELSEWHERE) if elsewhere else service.desk.why_not(video)
        if wrong:
            return {"ok": False, "text": wrong}
        if not service.engine.settings.ready:
            return {"ok": False, "text": localised(strings.ROW_SET_UP), "set_up": True}
        offers = service.desk.offers(video, self.facts(video))
        finished = service.desk.finished(video)
        target = service.engine.settings.target
        rows: List[Answer] = []
        if finished is not None and finished.done:
            rows.append(_row(target, wording.finished_row(finished, target), "show", finished.path, 5))
        elif offers:
            film = offers[0].task.film
            text = localised(strings.ROW_SOURCE, name=offers[0].name, source=wording.language_name(film.source))
            rows.append(_row(film.source, text, "show", film.path, 0))
        if finished is None or finished.done < finished.total:
            rows += [_row(target, wording.offer_row(offer), "start", offer.task.film.path, 4) for offer in offers]
        return {"ok": bool(rows), "rows": rows, "text": "" if rows else localised(strings.NO_SOURCE)}

    def show(self, data: Answer) -> Answer:
        """Put a subtitle that is there already on the screen.

        Kodi is handed no file: its copy would take the place of whatever has that name, such as the plain subtitle
        when this is the one for the hard of hearing.
        """
        service = self._service
        video = service.player.playing()
        finished = service.desk.finished(video)
        path = _one_of([*([finished.path] if finished else []), *self._paths(video)], data)
        service.choices.forget(video)
        if service.engine.ownership.figures(path) is None:
            service.screen.show_theirs(path)
        elif not service.screen.refresh(path):
            service.screen.show(path, service.engine.settings.target)
        return {"ok": True, "text": ""}

    # --- starting ---------------------------------------------------------------------------------------------------

    def estimate(self, data: Answer) -> Answer:
        """What can be translated at ``path``, a video or a subtitle, and what it takes."""
        service = self._service
        path = str(data.get("path", ""))
        wrong = service.desk.why_not(path)
        if wrong:
            return {"ok": False, "text": wrong}
        if not service.engine.settings.ready:
            return {"ok": False, "text": localised(strings.NOT_SET_UP), "set_up": True}
        anew = bool(data.get("anew"))
        if subtitle_files.is_subtitle(path):
            offers = [service.desk.offer(service.desk.task(path, ""), anew=anew)]
            finished = None
        else:
            offers = service.desk.offers(path, self.facts(path), anew=anew)
            finished = service.desk.finished(path)
        described = [self._described(offer) for offer in offers]
        whole = finished is not None and finished.done >= finished.total
        text = wording.finished_row(finished, service.engine.settings.target) if finished else ""
        if not described and finished is None:
            return {"ok": False, "text": localised(strings.NO_SOURCE)}
        return {"ok": True, "offers": described, "finished": whole, "text": text}

    def _described(self, offer: Offer) -> Answer:
        place = offer.task.places[0]
        foreign = vfs.exists(place) and self._service.engine.ownership.figures(place) is None
        return {
            "source": offer.task.film.path,
            "video": offer.task.video,
            "row": wording.choice_row(offer),
            "question": wording.question(offer),
            "taken": place if foreign else "",
            "backup": subtitle_files.backup_name(place) if foreign else "",
        }

    def start(self, data: Answer) -> Answer:
        """Start or join; for the dialog (``dialog``) with the file that Kodi is to copy, if its copy gets our name."""
        service = self._service
        self.raise_if_not_ready()
        dialog = bool(data.get("dialog"))
        video = service.player.playing() if dialog else str(data.get("video", ""))
        source = _one_of(self._paths(video), data) if video else str(data.get("source", ""))
        task = service.desk.task(source, video, self.facts(video))
        task = replace(task, replace=bool(data.get("replace")), anew=bool(data.get("anew")))
        service.choices.forget(video)
        place = task.places[0]
        copy = name_of_copy(video, task.film.target, os.path.splitext(place)[1]) if dialog else ""
        if copy and copy == vfs.base_name(place):  # under any other name it would not be found the next time
            return self._start_from_dialog(task, copy)
        if not task.replace and vfs.exists(place) and service.engine.ownership.figures(place) is None:
            return {"ok": False, "taken": place, "backup": subtitle_files.backup_name(place), "text": ""}
        known = service.book.find(task)
        service.begin(task)
        return {"ok": True, "text": localised(strings.JOINED) if known else ""}

    def _start_from_dialog(self, task: Task, name: str) -> Answer:
        """``name`` is that of the copy."""
        service = self._service
        taken = service.desk.in_the_way(task.video, name)
        if taken is not None:
            if not task.replace:
                return {"ok": False, "taken": taken, "backup": subtitle_files.backup_name(taken), "text": ""}
            service.engine.ownership.set_aside(taken)
        running, film = service.book.find(task), task.film
        known = {} if running is not None else service.desk.known(task)
        content = running.lines.render() if running is not None else film.document.render(known)
        for path in lasting_paths(task.video, name):
            service.engine.ownership.expect(path, content, done=len(known), total=len(film.wanted))
        answered = self._hand_out(name, content)
        hunt, before = CopyHunt(task.video, name), player.current_stream()
        told: List[FilmJob] = []

        def expect(job: FilmJob) -> None:
            told.append(job)
            job.expect_copy(hunt, content, COPY_SECONDS, before)

        job = service.begin(task, before=expect)
        if job not in told:  # it was joined
            expect(job)
        return {"ok": True, "path": answered}

    def _paths(self, video: str) -> List[str]:
        return [one.path for one in self._service.desk.all_candidates(video)]

    def clear_up(self) -> None:
        """Delete what Kodi was handed in earlier days: it has made its copies."""
        shutil.rmtree(self._answered, ignore_errors=True)

    def _hand_out(self, name: str, content: bytes) -> str:
        vfs.make_folder(self._answered)
        path = vfs.join(self._answered, name)
        vfs.write(path, content)
        return path

    # --- inside -----------------------------------------------------------------------------------------------------

    def raise_if_not_ready(self) -> None:
        if not self._service.engine.settings.ready:
            raise InputError(localised(strings.NOT_SET_UP))

    def facts(self, video: str) -> Answer:
        if not video:
            return {}
        if video == self._service.player.playing():
            return player.film_facts()
        result = call_kodi("Files.GetFileDetails", file=video, media="video", properties=_FACTS)
        found = result.get("filedetails") if isinstance(result, dict) else None
        return found if isinstance(found, dict) else {}


def _row(language: Optional[Language], text: str, action: str, path: str, stars: int) -> Answer:
    return {
        "language": language.name if language else "",
        "flag": language.base if language else "",
        "text": text,
        "action": action,
        "row": _mark(path),
        "stars": stars,
    }


def _mark(path: str) -> str:
    """Kodi logs what a row stands for, and the path of a share may hold a password."""
    return hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _one_of(known: List[str], data: Answer) -> str:
    """The file that a message means, by its path or the mark of its row.

    :raises InputError: it is none of the ``known``.
    """
    source, row = str(data.get("source", "")), str(data.get("row", ""))
    found = next((path for path in known if source == path or row == _mark(path)), None)
    if found is None:
        raise InputError(localised(strings.NO_SOURCE))
    return found
