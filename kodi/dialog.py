"""Kodi's subtitle dialog: lists what the service offers, and hands Kodi the file of the row that was chosen, if any.

Kodi downloads row 0 unasked where its settings say so, therefore that row never starts anything that costs money.
"""

import time
from typing import Any, Dict, List
from urllib.parse import parse_qsl, urlencode

import xbmc
import xbmcgui
import xbmcplugin

from kodi import actions, addon, messages, strings, vfs, windows
from kodi.strings import localised

SEARCHES = ("search", "manualsearch")
LOOKING = 10.0  # seconds: all subtitles of the film are read for their lines and prices, perhaps over a slow network

_DIALOG = "Window.IsVisible(subtitlesearch)"
_ROWS, _SERVICES = 120, 150  # its two lists, in every skin
_ON_OURS = (
    f"Control.HasFocus({_SERVICES}) + String.IsEqual(Container({_SERVICES}).ListItem.Property(Addon.ID),{addon.ID})"
)
_HOME, _NUDGED = 10000, "subai.nudged"
_UNSEEN = 1.5  # seconds after which rows that are not on the screen by now will never be
_ONCE_IN = 10.0  # seconds


def run(arguments: List[str]) -> None:
    """``arguments`` as Kodi gives them: our URL, a handle, and the query."""
    handle = int(arguments[1])
    query = dict(parse_qsl(arguments[2].lstrip("?"), keep_blank_values=True))
    action = query.get("action", "")
    if action in SEARCHES and _list_rows(handle, query.get("video", "")):
        xbmcplugin.endOfDirectory(handle)
        _see_to_rows()
        return
    if action in ("show", "start"):
        _hand_over(handle, action, query.get("row", ""))
    xbmcplugin.endOfDirectory(handle)


def _list_rows(handle: int, video: str) -> bool:
    """Whether there are any."""
    answer = messages.ask("rows", {"video": video} if video else {}, LOOKING)
    if answer is None or not answer["ok"]:
        windows.say(answer["text"] if answer else localised(strings.NO_SERVICE))
        return False
    for row in answer["rows"]:
        item = xbmcgui.ListItem(label=row["language"], label2=row["text"])
        item.setArt({"icon": str(row["stars"]), "thumb": row["flag"]})
        item.setProperty("sync", "true")
        query = urlencode({"action": row["action"], "row": row["row"]})
        xbmcplugin.addDirectoryItem(handle, f"plugin://{addon.ID}/?{query}", item, isFolder=False)
    return True


def _see_to_rows() -> None:
    """Search again if Kodi overlooked that we are done, as it does when that comes while it draws its dialog.

    It then says "searching" for ever. What helps is OK on our name in the dialog, so that is pressed for the person,
    once. (Kodi's issue 26850; in 20.1 about one opening in a hundred while a film starts.)
    """
    monitor, home = xbmc.Monitor(), xbmcgui.Window(_HOME)
    end = time.monotonic() + _UNSEEN
    while time.monotonic() < end:
        if not xbmc.getCondVisibility(_DIALOG) or xbmc.getInfoLabel(f"Container({_ROWS}).NumItems") not in ("", "0"):
            return
        if monitor.waitForAbort(0.1):
            return
    recently = float(home.getProperty(_NUDGED) or 0) + _ONCE_IN > time.monotonic()
    if xbmc.getCondVisibility(_ON_OURS) and not recently:
        home.setProperty(_NUDGED, str(time.monotonic()))
        xbmc.executebuiltin("Action(Select)")


def _hand_over(handle: int, action: str, row: str) -> None:
    answer = _ask(action, row)
    if answer is not None and answer.get("path"):
        item = xbmcgui.ListItem(label=vfs.base_name(answer["path"]))
        xbmcplugin.addDirectoryItem(handle, answer["path"], item, isFolder=False)
        return
    if answer is not None and answer["ok"]:
        # There is nothing for Kodi to copy, and as long as its dialog is open it calls that a failed download.
        xbmc.executebuiltin("Dialog.Close(subtitlesearch,true)", True)
    if answer is None or answer.get("text"):
        windows.say(answer["text"] if answer else localised(strings.NO_SERVICE))


def _ask(action: str, row: str) -> Any:
    """The service's answer; where someone else's file is in the way, after the person was asked about that."""
    if action == "show":
        return messages.ask("show", {"row": row}, LOOKING)
    data: Dict[str, Any] = {"row": row, "dialog": True}
    answer = messages.ask("start", data, LOOKING)
    if answer is not None and answer.get("taken"):
        if not actions.may_replace(answer):
            return {"ok": False, "text": ""}
        return messages.ask("start", {**data, "replace": True}, LOOKING)
    return answer
