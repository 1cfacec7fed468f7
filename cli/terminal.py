"""What a person sees in the terminal: lines, errors and the progress bar."""

import sys
import threading
from typing import Optional

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from translate.report import KEPT, TRANSLATED, CueEvent


def say(line: str) -> None:
    """One line of result."""
    print(line, flush=True)


def say_error(line: str) -> None:
    """One line that says what is wrong and what to do."""
    print(f"subai: {line}", file=sys.stderr, flush=True)


class ProgressBar:
    """Cues done, rate and time left, on the error stream and only where that is a terminal."""

    def __init__(self, title: str, total: int, done: int) -> None:
        self._lock = threading.Lock()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(text_format="{task.percentage:>3.0f}%", show_speed=False),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task(title, total=total, completed=done, rate="")

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def hear(self, event: CueEvent) -> None:
        """Count one cue; called from the job's threads."""
        if event.state in (TRANSLATED, KEPT):
            with self._lock:
                self._progress.advance(self._task)
                speed: Optional[float] = self._progress.tasks[0].speed
                self._progress.update(self._task, rate=f"{speed:.0f} lines/s" if speed else "")
