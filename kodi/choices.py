"""Which language the person was last shown of a film that we have translated: what they chose then is kept to.

Kodi remembers the number of the subtitle, which stands for another one as soon as ours has come.
"""

import hashlib
import json
import logging
import os
import threading
from contextlib import suppress
from typing import Callable, Dict, Optional

from core.errors import InputError
from translate.documents import write_atomically

log = logging.getLogger("subai.kodi")

FILE = "choices.json"
KEPT = 1000  # films; those chosen for last
OFF = ""  # instead of a language: subtitles were switched off
STEADY = 1.0  # seconds that something is on the screen before it counts as chosen


class Choices:
    """Film -> code of a language (``Stream.base``), or ``OFF``; thread-safe. Films are not stored by name."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, FILE)
        self._lock = threading.Lock()
        self._known = self._load()

    def of(self, video: str) -> Optional[str]:
        """None where nothing is known."""
        with self._lock:
            return self._known.get(_name(video))

    def note(self, video: str, language: str) -> None:
        self._change(video, language)

    def forget(self, video: str) -> None:
        """The person asks for a translation: what they chose before does not count any more."""
        self._change(video, None)

    def _change(self, video: str, language: Optional[str]) -> None:
        with self._lock:
            if self._known.get(_name(video)) == language:
                return
            self._known.pop(_name(video), None)
            if language is not None:
                self._known[_name(video)] = language
            for oldest in list(self._known)[:-KEPT]:
                del self._known[oldest]
            with suppress(InputError):  # a profile that cannot be written to has been told of
                write_atomically(self._path, json.dumps(self._known).encode())

    def _load(self) -> Dict[str, str]:
        try:
            with open(self._path, encoding="utf-8") as file:
                known = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("What was chosen for which film is not known any more: %s", error)
            return {}
        return {str(name): str(language) for name, language in known.items()} if isinstance(known, dict) else {}


class Watch:
    """Tells what stays on the screen from what is only there while Kodi changes from one subtitle to another.

    :param on_choice: called with the film and the language, or ``OFF``, each time that they change.
    """

    def __init__(self, on_choice: Callable[[str, str], None]) -> None:
        self._on_choice = on_choice
        self._video = ""
        self._expected: Optional[str] = None
        self._told = self._last = OFF
        self._since = 0.0

    @property
    def is_on(self) -> bool:
        return bool(self._video)

    def begin(self, video: str, language: str) -> None:
        """Once ``language`` was seen, whatever is shown of ``video`` instead is what the person chose."""
        if self._video != video:
            self._expected = language
            self._video = video

    def end(self) -> None:
        self._video = ""

    def look(self, language: str, now: float) -> None:
        """``language`` is on the screen at ``now``, an instant of ``time.monotonic``."""
        if language != self._last:
            self._last, self._since = language, now
        if self._expected is not None:
            if language == self._expected:
                self._told, self._expected = language, None
        elif language != self._told and now - self._since >= STEADY:
            self._told = language
            self._on_choice(self._video, language)


def _name(video: str) -> str:
    return hashlib.blake2b(video.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
