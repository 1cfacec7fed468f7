"""What the add-on logs goes to Kodi's log, without any secret in it."""

import logging
import re
from typing import Iterable, List

import xbmc

from kodi import addon

_LEVELS = ((logging.ERROR, xbmc.LOGERROR), (logging.WARNING, xbmc.LOGWARNING))
SHORTEST_SECRET = 4  # shorter ones are no keys, and replacing them would garble every line
_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")  # in the path of a share


class KodiHandler(logging.Handler):
    """Writes records to Kodi's log. What ``logging``'s own handler writes to stderr, Kodi logs as errors throughout."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: List[str] = []
        self.setFormatter(logging.Formatter(f"[{addon.ID}] %(name)s: %(message)s"))

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on these are replaced wherever they stand; those named before stay hidden, as a log may be late."""
        known = {*self._secrets, *(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)}
        self._secrets = sorted(known, key=len, reverse=True)

    def emit(self, record: logging.LogRecord) -> None:
        xbmc.log(self.without_secrets(self.format(record)), _kodi_level(record.levelno))

    def without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return _LOGIN.sub("[login]@", text)


_handler = KodiHandler()


def install() -> None:
    """Send this interpreter's log to Kodi. What is below a warning shows only in Kodi's debug log."""
    root = logging.getLogger()
    root.handlers[:] = [_handler]
    root.setLevel(logging.INFO)
    logging.getLogger("subai").setLevel(logging.DEBUG)


def hide(secrets: Iterable[str]) -> None:
    """Keep these out of the log; empty ones are ignored."""
    _handler.hide(secrets)


def without_secrets(text: str) -> str:
    """The text as it may be logged: no key, and no name and password of a share."""
    return _handler.without_secrets(text)


def _kodi_level(level: int) -> int:
    for ours, kodis in _LEVELS:
        if level >= ours:
            return kodis
    return xbmc.LOGDEBUG
