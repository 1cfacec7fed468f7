"""Who answers which message of the entries; and the person's commands that need no film: stop, again, remove, test."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from api import local_servers
from core.cancel import CancelToken
from core.errors import InputError, SubAIError
from kodi import status, strings, subtitle_files, vfs, wording
from kodi.jobs import FilmJob
from kodi.messages import Message
from kodi.starting import Starting
from kodi.strings import localised

if TYPE_CHECKING:
    from kodi.service import Service

Answer = Dict[str, Any]

_LAST_WORD = 60.0  # seconds that a job may take to end, on a slow share


class Answers:
    """Each action is a method of its name; called on threads of their own."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._starting = Starting(service)
        self._starting.clear_up()
        self._actions: Dict[str, Callable[[Dict[str, Any]], Answer]] = {
            "status": self._status,
            "rows": self._starting.rows,
            "show": self._starting.show,
            "estimate": self._starting.estimate,
            "start": self._starting.start,
            "cancel": self._cancel,
            "retry": self._retry,
            "anew": self._anew,
            "remove": self._remove,
            "why": self._why,
            "connections": self._connections,
            "give_up": self._give_up,
        }
        self._queries: Dict[str, Callable[[Answer, CancelToken], Answer]] = {
            "models": self._models,
            "test_connection": self._test_connection,
            "find_servers": self._find_servers,
        }
        self._asking: Dict[str, CancelToken] = {}  # by the id of the message that wants to know

    def to(self, message: Message) -> Answer:
        """The answer, which says so when something is wrong."""
        try:
            if message.action in self._queries:
                return self._ask_provider(message)
            return self._actions[message.action](dict(message.data))
        except SubAIError as error:
            return {"ok": False, "text": wording.error_words(error, self._service.engine.settings.provider_name)}

    # --- telling ----------------------------------------------------------------------------------------------------

    def _status(self, _: Answer) -> Answer:
        jobs = [
            {
                "name": vfs.base_name(job.task.film.path),
                "done": job.lines.settled,
                "total": job.total,
                "path": job.output,
                "place": job.task.places[0],
            }
            for job in self._service.book.running()
        ]
        last = self._last()
        left = len(last.outcome.left) if last and last.outcome else 0
        return {
            "ok": True,
            "ready": self._service.engine.settings.ready,
            "jobs": jobs,
            "left": left,
            "text": wording.last_words(last) if last else "",
            "playing": self._service.player.playing(),
            "output": last.output if last and last.output and vfs.exists(last.output) else "",
            "source": last.task.film.path if last else "",
            "video": last.task.video if last else "",
        }

    def _why(self, _: Answer) -> Answer:
        last = self._last()
        if last is None or last.outcome is None:
            return {"ok": False, "text": localised(strings.NOTHING_RUNS)}
        return {"ok": True, "text": wording.why_kept(last.task.film.cues, last.outcome.left)}

    def _last(self) -> Optional[FilmJob]:
        return self._service.book.last(self._service.player.playing())

    # --- afterwards -------------------------------------------------------------------------------------------------

    def _cancel(self, data: Answer) -> Answer:
        """Stop the job that writes to ``place``, as ``status`` names it; all of them where none is named."""
        stopped = self._service.cancel(str(data.get("place", "")))
        return {"ok": stopped > 0, "text": "" if stopped else localised(strings.NOTHING_RUNS)}

    def _retry(self, _: Answer) -> Answer:
        return self._again(anew=False)

    def _anew(self, _: Answer) -> Answer:
        return self._again(anew=True)

    def _again(self, *, anew: bool) -> Answer:
        self._starting.raise_if_not_ready()
        last = self._last()
        if last is None:
            return {"ok": False, "text": localised(strings.NOTHING_RUNS)}
        task = self._service.desk.task(last.task.film.path, last.task.video, self._starting.facts(last.task.video))
        self._service.choices.forget(last.task.video)
        again = last.output and last.task.film.target == task.film.target
        places = (last.output, *task.places) if again else task.places
        self._service.begin(replace(task, anew=anew, places=tuple(dict.fromkeys(places))))
        return {"ok": True, "text": ""}

    def _remove(self, data: Answer) -> Answer:
        """Delete a translation, if it is just what we wrote."""
        path = str(data.get("path", ""))
        found = self._service.desk.finished(path) if path and not subtitle_files.is_subtitle(path) else None
        last = self._last()
        output = found.path if found else path or (last.output if last else "")
        if not output or self._service.engine.ownership.figures(output) is None:
            return {"ok": False, "text": localised(strings.NO_SOURCE)}
        running = self._service.book.running()
        writing = [job for job in running if job.output == output or (not job.output and output in job.task.places)]
        made_by = [job for job in (*writing, last) if job is not None and job.output == output]
        self._service.unwanted.update([path] if found else [job.task.video for job in made_by])
        for job in writing:
            job.park(for_good=True)
        late = [job for job in writing if not job.join(1.0)]
        if vfs.exists(output) and not vfs.delete(output):
            return {"ok": False, "text": localised(strings.NOT_REMOVED, name=vfs.base_name(output))}
        for job in late:
            self._service.spawn(partial(self._remove_again, job, output))
        self._service.screen.take_back(output)
        return {"ok": True, "text": localised(strings.REMOVED)}

    def _remove_again(self, job: FilmJob, output: str) -> None:
        """On a slow share ``job`` may have been writing its last word while the file was deleted."""
        over = job.join(_LAST_WORD)
        wanted = any(output in one.task.places for one in self._service.book.running())
        if over and not wanted and self._service.engine.ownership.figures(output) is not None:
            vfs.delete(output)

    # --- the provider -----------------------------------------------------------------------------------------------

    def _ask_provider(self, message: Message) -> Answer:
        token = self._asking[message.id] = CancelToken()
        if self._service.ending.is_set():
            token.cancel()
        try:
            return self._queries[message.action](dict(message.data), token)
        finally:
            del self._asking[message.id]

    def _models(self, _: Answer, cancel: CancelToken) -> Answer:
        self._raise_if_nobody_may_be_asked()
        return {"ok": True, "models": self._service.engine.provider().list_models(cancel), "text": ""}

    def _test_connection(self, _: Answer, cancel: CancelToken) -> Answer:
        self._raise_if_nobody_may_be_asked()
        engine = self._service.engine
        each = engine.provider().each()
        found, good = [], True
        for label, provider in each.items():
            try:
                found.append(status.test_words(provider.check(engine.settings.model, cancel), provider.base_url))
            except SubAIError as error:
                if len(each) == 1:
                    raise
                found.append(f"{label}: {error.user_message}")
                good = False
        return {"ok": good, "text": "\n\n".join(found)}

    def _raise_if_nobody_may_be_asked(self) -> None:
        if not self._service.engine.settings.may_ask:
            raise InputError(localised(strings.NOT_SET_UP))

    def _find_servers(self, data: Answer, cancel: CancelToken) -> Answer:
        """Those at the address that the person named, or on this device; nobody is looked for before they agreed."""
        if not self._service.engine.settings.consent:
            return {"ok": False, "text": localised(strings.NOT_AGREED)}
        servers = [
            {"provider": one.provider, "label": one.label, "base_url": one.base_url, "models": dict(one.models)}
            for one in local_servers.find(str(data.get("address", "")), cancel)
            if one.models is not None
        ]
        return {"ok": bool(servers), "servers": servers, "text": "" if servers else localised(strings.NO_SERVERS)}

    def _give_up(self, data: Answer) -> Answer:
        """The person does not want to wait for the answer to another message any more."""
        token = self._asking.get(str(data.get("of", "")))
        if token is not None:
            token.cancel()
        return {"ok": token is not None, "text": ""}

    def stop(self) -> None:
        """End what asks a provider."""
        for token in list(self._asking.values()):
            token.cancel()

    def _connections(self, _: Answer) -> Answer:
        engine = self._service.engine
        endpoints = status.as_data(engine.watch.snapshot(), engine.watch.past())
        return {"ok": True, "text": "", "endpoints": endpoints, "address": engine.status_address}
