"""Script to service and back: a notification with an id goes out, the answer comes as a property of the home window.

The asking side is imported by short-lived interpreters, so nothing of the engine is imported here. Anyone can send such
notifications: what arrives is checked here for its form, and its content by whoever acts on it.
"""

import json
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, Mapping, Optional

import xbmc
import xbmcgui

from kodi import addon

ACTIONS = frozenset(
    {
        "status", "rows", "show", "estimate", "start", "cancel", "retry", "anew", "remove", "why", "models",
        "test_connection", "connections", "find_servers", "give_up",
    }
)  # fmt: skip
PATIENCE = 2.0  # seconds: a service that runs answers within a tenth of this
MAX_DATA = 20_000  # characters of a message; a path is far shorter

_GIVING_UP = 2.0  # seconds that the service may take for that
_HOME = 10000
_STEP = 0.02  # seconds between two looks at the property
_AGAIN = 0.5  # seconds after which a question is asked again: a service that is only just starting hears nothing
_REMEMBERED = 256  # messages; more than anyone asks in the time that a question is repeated
_ID = re.compile(r"[0-9a-f]{16}")
_END_OF_TIME = 1e11  # seconds since the epoch: no clock shows more


@dataclass(frozen=True)
class Message:
    """What an entry asked.

    :ivar expires: seconds since the epoch after which nobody waits for the answer.
    """

    id: str
    action: str
    data: Mapping[str, Any]
    expires: float


def ask(
    action: str,
    data: Optional[Mapping[str, Any]] = None,
    timeout: float = PATIENCE,
    given_up: Callable[[], bool] = lambda: False,
) -> Optional[Dict[str, Any]]:
    """Have the service do ``action``; its answer, or None when none came within ``timeout`` seconds.

    As soon as ``given_up`` is true the service is told to leave it, and answers nothing that counts: None.
    """
    ident = secrets.token_hex(8)
    question = _notification(action, ident, data or {}, timeout)
    window, monitor = xbmcgui.Window(_HOME), xbmc.Monitor()
    now = asked = time.monotonic()
    end, unwanted = now + timeout, False
    xbmc.executeJSONRPC(question)
    while now < end:
        text = window.getProperty(_property(ident))
        if text:
            window.clearProperty(_property(ident))
            answer: Dict[str, Any] = json.loads(text)
            return None if unwanted else answer
        if not unwanted and given_up():
            unwanted, end = True, now + _GIVING_UP
            question = _notification("give_up", secrets.token_hex(8), {"of": ident}, 0.0)
            xbmc.executeJSONRPC(question)
        if monitor.waitForAbort(_STEP):
            break
        now = time.monotonic()
        if now - asked > _AGAIN:
            xbmc.executeJSONRPC(question)
            asked = now
    return None


def _notification(action: str, ident: str, data: Mapping[str, Any], timeout: float) -> str:
    content = {"id": ident, "expires": time.time() + timeout, "data": dict(data)}
    notify = {"sender": addon.ID, "message": action, "data": content}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "JSONRPC.NotifyAll", "params": notify})


def read(sender: str, method: str, data: str) -> Optional[Message]:
    """The message in a notification, or None when it is none of ours or not of the right form."""
    action = method[len("Other.") :] if method.startswith("Other.") else ""
    if sender != addon.ID or action not in ACTIONS or len(data) > MAX_DATA:
        return None
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    ident, expires, inner = content.get("id"), content.get("expires"), content.get("data")
    if not isinstance(ident, str) or not _ID.fullmatch(ident) or not isinstance(inner, dict):
        return None
    if isinstance(expires, bool) or not isinstance(expires, (int, float)) or not 0 <= expires < _END_OF_TIME:
        return None
    if not all(isinstance(value, (str, bool)) for value in inner.values()):
        return None
    return Message(ident, action, inner, float(expires))


class Heard:
    """Tells a message from its repetitions."""

    def __init__(self) -> None:
        self._ids: Deque[str] = deque(maxlen=_REMEMBERED)

    def is_new(self, message: Message) -> bool:
        """Whether it is heard for the first time."""
        if message.id in self._ids:
            return False
        self._ids.append(message.id)
        return True


def answer(message: Message, content: Mapping[str, Any]) -> None:
    """Tell whoever asked; nobody, if they gave up meanwhile."""
    if time.time() < message.expires:
        xbmcgui.Window(_HOME).setProperty(_property(message.id), json.dumps(content))


def _property(ident: str) -> str:
    return f"subai.answer.{ident}"
