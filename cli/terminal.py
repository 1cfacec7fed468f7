"""What a person sees in the terminal: lines, errors and the progress bar."""

import io
import logging
import os
import sys
import threading
import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from translate.report import KEPT, TRANSLATED, CueEvent

#: Cues before a rate means anything.
_ENOUGH = 5


def say(line: str) -> None:
    """One line of result."""
    _print(line, sys.stdout)


def say_error(line: str) -> None:
    """One line that says what is wrong and what to do."""
    _print(f"subai: {line}", sys.stderr)


def counted(number: int, what: str) -> str:
    """``no lines``, ``1 line``, ``2 lines``."""
    return f"{number or 'no'} {what}{'s' * (number != 1)}"


class LogLines(logging.Handler):
    """Each record as a line on the error stream, which a progress bar makes its own while it is there."""

    def emit(self, record: logging.LogRecord) -> None:
        _print(self.format(record), sys.stderr)


def prepare_streams() -> None:
    """Let a terminal that lacks a letter of some file name show ``?`` in its place, and what is closed be silent."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  for as long as the program runs
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _print(line: str, stream: TextIO) -> None:
    # A file name or a server's words may hold line ends, and codes that move the cursor.
    shown = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in line)
    try:
        print(shown, file=stream, flush=True)
    except OSError:
        # Whoever read it has left (`| head`): no reason to leave a film half done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class ProgressBar:
    """Cues done, rate and time left, on the error stream and only where that is a terminal."""

    def __init__(self, title: str, total: int, done: int) -> None:
        self._lock = threading.Lock()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(text_format="{task.percentage:>3.0f}%", show_speed=False),
            TextColumn("{task.fields[pace]}"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task(title, total=total, completed=done, pace="")
        self._left = total - done
        self._done = 0
        self._began = time.monotonic()

    def __enter__(self) -> "ProgressBar":
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._progress.disable:  # rich ends a disabled one with an empty line
            self._progress.stop()

    def hear(self, event: CueEvent) -> None:
        """Count one cue; called from the job's threads."""
        if event.state in (TRANSLATED, KEPT):
            with self._lock:
                self._done += 1
                self._progress.update(self._task, advance=1, pace=self._pace())

    def _pace(self) -> str:
        """Rate and time left over the whole run: cues come in bursts, which makes any shorter measure jump about."""
        rate = self._done / max(0.001, time.monotonic() - self._began)
        if self._done < _ENOUGH:
            return ""
        left = round((self._left - self._done) / rate)
        return f"{rate:.0f} lines/s, {left // 60}:{left % 60:02} left"
