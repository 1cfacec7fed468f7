"""What the service tells the person of its own accord: each thing once, until something is changed."""

import threading
from typing import Callable, Set

from core.errors import SubAIError
from kodi import addon, strings, windows, wording


class Teller:
    """Thread-safe.

    :param spawn: does on another thread what may take time.
    :param ending: set when nothing is to be told any more.
    """

    def __init__(self, spawn: Callable[[Callable[[], None]], None], ending: threading.Event) -> None:
        self._spawn = spawn
        self._ending = ending
        self._lock = threading.Lock()
        self._told: Set[str] = set()

    def forget(self) -> None:
        """Something has changed: what was told may be news again."""
        with self._lock:
            self._told.clear()

    def error(self, error: SubAIError, provider: str) -> None:
        """What is wrong and what to do; where the settings are the place for that, they are offered."""
        if not self._is_news(error.user_message):
            return
        text = wording.error_words(error, provider)
        page = wording.settings_page(error)
        if page is not None:
            self._spawn(lambda: self._offer_settings(text, page))
        else:
            self.say(text, error=True)

    def once(self, text: str) -> None:
        """A notice."""
        if self._is_news(text):
            windows.notice(text)

    def say(self, text: str, *, error: bool = False) -> None:
        """A notice, or a dialog for what is too long for one."""
        if not self._ending.is_set():
            self._spawn(lambda: windows.say(text, error=error))

    def _is_news(self, text: str) -> bool:
        with self._lock:
            if text in self._told or self._ending.is_set():
                return False
            self._told.add(text)
            return True

    def _offer_settings(self, text: str, page: int) -> None:
        if windows.confirm(text, strings.SETTINGS, strings.NOT_NOW):
            addon.open_settings(page)
