"""The engine's job on a thread of its own, so that its file can be written meanwhile."""

import threading
from typing import Callable, Optional

from translate.job import TranslationJob
from translate.report import JobReport


class Runner(threading.Thread):
    """:ivar over: it has come to its end; ``wake`` is called once that is so."""

    def __init__(self, translation: TranslationJob, wake: Callable[[], None]) -> None:
        super().__init__(name="subai-job", daemon=True)
        self.over = False
        self.translation = translation
        self._wake = wake
        self._report: Optional[JobReport] = None

    def run(self) -> None:
        try:
            self._report = self.translation.run()
        finally:
            self.over = True
            self._wake()

    def report(self) -> JobReport:
        """How the job ended, once it has."""
        self.join()
        return self._report or self.translation.report()
