"""What the tests of the command line share: films to translate, and what the stand-in was asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Set

from standin_faults import blocked_prompt

import api
from benchmarks.films import make_cues
from cli.standin import Exchange, Fault, Record, StandIn
from cli.standin.exchange import Script

ROOT = str(Path(__file__).resolve().parent.parent)
KEYS = (*(kind.key_name for kind in api.PROVIDERS.values()), "OLLAMA_HOST")
SMALL = """\
1
00:00:01,000 --> 00:00:02,500
Hello there, Marta.

2
00:00:03,000 --> 00:00:04,500
<i>Where are you going?</i>
It is 19:47.

3
00:00:05,000 --> 00:00:06,000
♪

4
00:00:07,000 --> 00:00:08,500
Not tonight, captain.
"""


class Done(NamedTuple):
    """How a call ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on the error stream."""
        (line,) = self.err.splitlines()
        assert line.startswith("subai: ")
        return line[len("subai: ") :]


Run = Callable[..., Done]


def film(count: int) -> str:
    """A SubRip film of ``count`` cues, each with a text of its own."""
    blocks = (
        f"{cue.index + 1}\n{_time(cue.start)} --> {_time(cue.end)}\nNumber {cue.index + 1}: {cue.text}\n"
        for cue in make_cues(count)
    )
    return "\n".join(blocks)


def _time(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3600000:02}:{whole // 60000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"


def write(path: Path, text: str) -> str:
    """The path of a new file with ``text`` in it, in UTF-8."""
    path.write_bytes(text.encode("utf-8"))
    return str(path)


def batches(standin: StandIn) -> List[List[str]]:
    """The texts of each batch that was asked for, in order."""
    return [batch_of(record) for record in standin.log if record.keys]


def batch_of(record: Record) -> List[str]:
    """The texts that one request asked for."""
    return list(json.loads(json.loads(record.body)["messages"][-1]["content"]).values())


def asked(standin: StandIn) -> List[str]:
    """Each text that was asked for, as often as it was."""
    return [text for batch in batches(standin) for text in batch]


def system_message(record: Record) -> str:
    (first, *_) = json.loads(record.body)["messages"]
    assert first["role"] == "system"
    return str(first["content"])


def withholding(beginnings: Set[str]) -> Script:
    """A script: the safety filter withholds every answer to a batch with a line that begins like one of these."""

    def script(exchange: Exchange) -> Optional[Fault]:
        cues = (exchange.chat.cues if exchange.chat else None) or {}
        return blocked_prompt if any(text.startswith(tuple(beginnings)) for text in cues.values()) else None

    return script


def tree(folder: Path) -> Set[str]:
    """All that is in a folder and below."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def start(*words: str) -> "subprocess.Popen[str]":
    """The command line in a process of its own, in the environment of this one."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        encoding="utf-8",
    )
