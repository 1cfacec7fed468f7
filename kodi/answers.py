"""Who answers which message of the entries; and the person's commands that need no film: stop, again, remove, test."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict

from core.cancel import CancelToken
from core.errors import SubAIError
from kodi import status, strings, subtitle_files, vfs, wording
from kodi.messages import Message
from kodi.starting import Starting
from kodi.strings import localised

if TYPE_CHECKING:
    from kodi.service import Service

Answer = Dict[str, Any]


class Answers:
    """Each action is a method of its name; called on threads of their own."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._starting = Starting(service)
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
            "models": self._models,
            "test_connection": self._test_connection,
            "connections": self._connections,
        }

    def to(self, message: Message) -> Answer:
        """The answer, which says so when something is wrong."""
        try:
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
            }
            for job in self._service.book.running()
        ]
        last = self._service.book.last
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
        last = self._service.book.last
        if last is None or last.outcome is None:
            return {"ok": False, "text": localised(strings.NOTHING_RUNS)}
        lines = [localised(strings.WHY_LINE, number=index + 1, reason=reason) for index, reason in last.outcome.left]
        return {"ok": True, "text": "\n".join(lines)}

    # --- afterwards -------------------------------------------------------------------------------------------------

    def _cancel(self, _: Answer) -> Answer:
        stopped = self._service.cancel()
        return {"ok": stopped > 0, "text": "" if stopped else localised(strings.NOTHING_RUNS)}

    def _retry(self, _: Answer) -> Answer:
        return self._again(anew=False)

    def _anew(self, _: Answer) -> Answer:
        return self._again(anew=True)

    def _again(self, *, anew: bool) -> Answer:
        self._starting.raise_if_not_ready()
        last = self._service.book.last
        if last is None:
            return {"ok": False, "text": localised(strings.NOTHING_RUNS)}
        task = self._service.desk.task(last.task.film.path, last.task.video, self._starting.facts(last.task.video))
        self._service.choices.forget(last.task.video)
        places = (last.output, *task.places) if last.output else task.places
        self._service.begin(replace(task, anew=anew, places=tuple(dict.fromkeys(places))))
        return {"ok": True, "text": ""}

    def _remove(self, data: Answer) -> Answer:
        """Delete a translation, if it is just what we wrote."""
        path = str(data.get("path", ""))
        found = self._service.desk.finished(path) if path and not subtitle_files.is_subtitle(path) else None
        last = self._service.book.last
        output = found.path if found else path or (last.output if last else "")
        if not output or self._service.engine.ownership.figures(output) is None:
            return {"ok": False, "text": localised(strings.NO_SOURCE)}
        for job in self._service.book.running():
            if job.output == output:
                job.park()
                job.join(1.0)
        removed = vfs.delete(output)
        return {"ok": removed, "text": localised(strings.REMOVED) if removed else ""}

    # --- the provider -----------------------------------------------------------------------------------------------

    def _models(self, _: Answer) -> Answer:
        self._starting.raise_if_not_ready()
        return {"ok": True, "models": self._service.engine.provider().list_models(CancelToken()), "text": ""}

    def _test_connection(self, _: Answer) -> Answer:
        self._starting.raise_if_not_ready()
        engine = self._service.engine
        provider = engine.provider()
        result = provider.check(engine.settings.model, CancelToken())
        return {"ok": True, "text": status.test_words(result, provider.base_url)}

    def _connections(self, _: Answer) -> Answer:
        return {"ok": True, "text": "", "endpoints": status.as_data(self._service.engine.pool.stats())}
