"""When changed settings are read: not before Kodi has stored the last of them.

Kodi writes its whole file for each value that is stored, and tells of each; whoever reads in between finds none at all.
"""

import threading
from typing import Callable

SETTLE = 0.2  # seconds without another change


class Changes:
    """``take`` is called on a thread of its own, never twice at a time: what is read first is taken over first.

    :param ending: when this is set nothing is taken over any more.
    """

    def __init__(
        self, take: Callable[[], None], spawn: Callable[[Callable[[], None]], None], ending: threading.Event
    ) -> None:
        self._take = take
        self._spawn = spawn
        self._ending = ending
        self._taking = threading.Lock()
        self._count = 0
        self._over = threading.Event()
        self._over.set()

    def note(self) -> None:
        """Kodi told of a change; on its main thread."""
        self._count += 1
        self._over.clear()
        number = self._count
        self._spawn(lambda: self._settle(number))

    def wait(self, seconds: float) -> None:
        """Until what was changed is taken over, at most so long."""
        self._over.wait(seconds)

    def _settle(self, number: int) -> None:
        if self._ending.wait(SETTLE) or number != self._count:
            return
        try:
            with self._taking:
                self._take()
        finally:
            if number == self._count:
                self._over.set()
