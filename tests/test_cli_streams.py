"""Where the command line's words go: a terminal with a progress bar, a closed stream, a start that is cut short."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from cli_support import ROOT, film, write

from cli.standin import StandIn

pytest_plugins = ("cli_fixtures",)

COMMAND = [sys.executable, "-m", "cli"]


def seen_on_a_terminal(words: List[str]) -> "tuple[int, str]":
    """Exit code, and all that the command wrote to a terminal that is its only stream."""
    near, far = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([*COMMAND, *words], cwd=ROOT, env=environment, stdin=far, stdout=far, stderr=far) as process:
        os.close(far)
        parts = []
        while True:
            try:
                part = os.read(near, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            parts.append(part)
    os.close(near)
    return process.returncode, b"".join(parts).decode()


def test_log_lines_stand_above_the_progress_bar(there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(40))
    code, shown = seen_on_a_terminal(["translate", source, "--to", "es", "-v", *there])
    assert code == 0
    assert re.search(r"\d%", shown), "there was no bar"
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown))
    requests = [line for line in lines if " bytes out, " in line]
    assert len(requests) == len(tls_standin.log)
    assert [line for line in requests if not line.startswith("openai ")] == []


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_stops_nothing(there: List[str], folder: Path, closed: str) -> None:
    source = write(folder / "film.srt", film(10))
    line = f'exec "$0" "$@" {closed}'
    done = subprocess.call(
        ["sh", "-c", line, *COMMAND, "translate", source, "--to", "es", *there], cwd=ROOT, timeout=60
    )
    assert done == 0
    assert (folder / "film.es.srt").exists()


@pytest.mark.parametrize("command", [COMMAND, [sys.executable, os.path.join(ROOT, "subai")]])
def test_ctrl_c_before_it_has_begun(tmp_path: Path, command: List[str]) -> None:
    """While its modules are imported, which takes a third of a second: played by a module that is interrupted."""
    (tmp_path / "rich.py").write_text("raise KeyboardInterrupt\n", encoding="ascii")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [*command, "translate", "film.srt", "--to", "es"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"subai: Cancelled.\n")
