"""The program entry and the context item: ask the service what there is, ask the person, tell the service to begin.

Short-lived interpreters: nothing of the engine is imported here.
"""

from functools import partial
from typing import Any, Callable, Dict, List, Optional, Tuple

import xbmc

from kodi import addon, setting_actions, strings, vfs, windows
from kodi.messages import ask
from kodi.strings import localised

READING = 15.0  # seconds: the service reads every subtitle of the film for its lines and price
SUBTITLES = ".srt|.ass|.ssa|.vtt|.sub|.smi|.txt"

Answer = Dict[str, Any]


def run_script(arguments: List[str]) -> None:
    """A button of the settings screen, ``translate`` and a path, a command of the menu, or the menu itself."""
    action = arguments[0] if arguments else ""
    if action == "translate" and len(arguments) > 1:
        translate(arguments[1])
    elif action in _COMMANDS:
        _COMMANDS[action]()
    elif not setting_actions.run(action):
        _menu()


def run_context(item: Any) -> None:
    """``item`` is what the context menu was opened on."""
    translate(item.getVideoInfoTag().getFilenameAndPath() or item.getPath())


def translate(path: str) -> None:
    """Offer what can be translated at ``path``, a video or a subtitle, and start it after a yes."""
    answer = _told("estimate", {"path": path}, READING)
    if answer is None:
        return
    if answer["finished"]:
        _offer_more(path, answer["text"])
        return
    _start(answer["offers"])


def may_replace(answer: Answer) -> bool:
    """Whether somebody else's file, which is in the way, may be set aside."""
    name, backup = vfs.base_name(answer["taken"]), vfs.base_name(answer["backup"])
    return windows.confirm(localised(strings.REPLACE_SURE, name=name, backup=backup), strings.REPLACE)


def _menu() -> None:
    status = _told("status")
    if status is None:
        return
    if not status["ready"]:
        _set_up()
        return
    items = _items(status)
    chosen = windows.choose(addon.name(), [text for text, _ in items])
    if chosen is not None:
        items[chosen][1]()


def _items(status: Answer) -> List[Tuple[str, Callable[[], None]]]:
    items: List[Tuple[str, Callable[[], None]]] = []
    for job in status["jobs"]:
        lines = localised(strings.PROGRESS_LINES, done=job["done"], total=job["total"])
        items.append((f"{localised(strings.STOP)}: {job['name']}, {lines}", partial(_cancel, job["place"])))
    if status["left"]:
        items.append((localised(strings.SEE_WHY), _why))
        items.append((localised(strings.RETRY), _retry))
    if status["output"]:
        name = vfs.base_name(status["output"])
        items.append((f"{localised(strings.ANEW)}: {name}", _anew))
        items.append((f"{localised(strings.REMOVE)}: {name}", lambda: _remove(status["output"])))
    items.append((localised(strings.CHOOSE_FILE), _choose_file))
    items.append((localised(strings.OPEN_SETTINGS), addon.open_settings))
    return items


def _choose_file() -> None:
    mask = f"{xbmc.getSupportedMedia('video')}|{SUBTITLES}"
    path = windows.ask_file(localised(strings.CHOOSE_FILE), mask, share="video")
    if path:
        translate(path)


def _offer_more(path: str, text: str) -> None:
    """There is a whole translation already."""
    chosen = windows.choose(text, [localised(strings.ANEW), localised(strings.REMOVE)])
    if chosen == 0:
        answer = _told("estimate", {"path": path, "anew": True}, READING)
        if answer is not None:
            _start(answer["offers"], anew=True)
    elif chosen == 1:
        _remove(path)


def _start(offers: List[Answer], *, anew: bool = False) -> None:
    chosen: Optional[int] = 0
    if len(offers) > 1:
        chosen = windows.choose(localised(strings.CHOOSE_SOURCE), [offer["row"] for offer in offers])
    if chosen is None or not offers:
        return
    offer = offers[chosen]
    if not windows.confirm(offer["question"], strings.TRANSLATE):
        return
    if offer["taken"] and not may_replace(offer):
        return
    data = {"source": offer["source"], "video": offer["video"], "replace": bool(offer["taken"]), "anew": anew}
    answer = _told("start", data, READING)
    if answer is not None and answer["text"]:
        windows.say(answer["text"])


def _why() -> None:
    answer = _told("why")
    if answer is not None:
        windows.show_text(localised(strings.SEE_WHY), answer["text"])


def _cancel(place: str = "") -> None:
    """Stop the job that writes to ``place``, or all of them."""
    _told("cancel", {"place": place})


def _retry() -> None:
    _told("retry", {}, READING)


def _anew() -> None:
    """What it costs is asked for first: all of it is paid for again."""
    status = _told("status")
    if status is None or not status["source"]:
        return
    answer = _told("estimate", {"path": status["video"] or status["source"], "anew": True}, READING)
    if answer is None:
        return
    offers = [offer for offer in answer["offers"] if offer["source"] == status["source"]]
    _start(offers, anew=True)


def _remove(path: str) -> None:
    """``path`` is a translation, or a video that has one."""
    if windows.confirm(localised(strings.REMOVE_SURE, name=vfs.base_name(path)), strings.REMOVE_IT):
        answer = _told("remove", {"path": path})
        if answer is not None:
            windows.say(answer["text"])


def _set_up() -> None:
    if windows.confirm(localised(strings.NOT_SET_UP), strings.SET_UP_NOW, strings.NOT_NOW):
        setting_actions.guide()


def _told(action: str, data: Optional[Answer] = None, timeout: float = 2.0) -> Optional[Answer]:
    """The service's answer if it is a good one; otherwise the person was told why not."""
    answer = ask(action, data, timeout)
    if answer is None:
        windows.tell(localised(strings.NO_SERVICE))
    elif answer["ok"]:
        return answer
    elif answer.get("set_up"):
        _set_up()
    else:
        windows.tell(answer["text"])
    return None


_COMMANDS: Dict[str, Callable[[], None]] = {"cancel": _cancel, "retry": _retry, "anew": _anew, "why": _why}
