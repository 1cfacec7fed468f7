"""Ctrl-C, a kill, and the run after it: what is finished is kept, and only the rest is asked for."""

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, List, Set

import pytest
from cli_support import Run, asked, batch_of, film, start, tree, write
from standin_faults import stall, too_many
from waiting import until

from cli.standin import Pace, StandIn

if TYPE_CHECKING:
    import subprocess

pytest_plugins = ("cli_fixtures",)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")

CUES = 300


@pytest.fixture
def slow(tls_standin: StandIn) -> StandIn:
    """The stand-in as slow as a model: some batches are answered soon, others are still on their way."""
    tls_standin.pace = Pace(round_trip=0.02, first_token=0.05, tokens_per_second=3000.0)
    return tls_standin


def interrupted(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> float:
    """Send a signal; seconds until the process has ended."""
    began = time.monotonic()
    process.send_signal(number)
    process.wait(10)
    return time.monotonic() - began


def translated(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("⟦N-Number")


def test_ctrl_c_ends_within_a_second_keeps_what_is_finished_and_the_next_run_goes_on(
    there: List[str], folder: Path, slow: StandIn, run: Run
) -> None:
    source, target, notes = write(folder / "film.srt", film(CUES)), folder / "film.es.srt", folder / "r.json"
    with start("translate", source, "--to", "es", "--report", str(notes), *there) as process:
        until(lambda: len(slow.log) >= 6)
        seconds = interrupted(process)
        out, err = process.communicate()
    assert process.returncode == 130
    assert seconds < 1.0
    assert err == "subai: Cancelled.\n"
    assert out.startswith(f"{target}: ")
    assert out.endswith("The same command goes on from here.\n")
    done = json.loads(notes.read_text(encoding="utf-8"))["translated"]
    assert 16 <= done < CUES
    assert translated(target) == done
    assert tree(folder) == {"film.srt", "film.es.srt", "r.json"}

    slow.pace = Pace()
    slow.reset()
    again = run("translate", source, "--to", "es", "--report", str(notes), *there)
    assert (again.code, again.err) == (0, "")
    assert len(asked(slow)) == len(set(asked(slow))) == CUES - done
    assert translated(target) == CUES
    assert json.loads(notes.read_text(encoding="utf-8"))["remembered"] == done


def test_ctrl_c_ends_a_request_that_nobody_answers(there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(20))
    tls_standin.script = lambda exchange: stall
    with start("translate", source, "--to", "es", *there) as process:
        until(lambda: len(tls_standin.log) == 1)
        seconds = interrupted(process)
        out, err = process.communicate()
    assert (process.returncode, err) == (130, "subai: Cancelled.\n")
    assert seconds < 1.0
    assert out.startswith(f"{source}: nothing was translated, nothing was written (1 request over 1 new connection, ")
    assert tree(folder) == {"film.srt"}


@pytest.mark.long
@pytest.mark.parametrize("command", ["check", "models"])
def test_ctrl_c_ends_a_check(there: List[str], tls_standin: StandIn, command: str) -> None:
    tls_standin.script = lambda exchange: stall
    with start(command, *there) as process:
        until(lambda: len(tls_standin.log) == 1)
        assert interrupted(process) < 1.0
        assert process.communicate() == ("", "subai: Cancelled.\n")
    assert process.returncode == 130


@pytest.mark.long
def test_ctrl_c_while_a_429_is_waited_out(there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(20))
    tls_standin.script = lambda exchange: too_many("retry-after", 60)
    with start("translate", source, "--to", "es", *there) as process:
        until(lambda: len(tls_standin.log) == 1)
        time.sleep(0.2)
        assert interrupted(process) < 1.0
        process.communicate()
    assert process.returncode == 130


@pytest.mark.long
def test_a_cancelled_film_is_the_last_of_the_call(there: List[str], folder: Path, slow: StandIn) -> None:
    sources = [write(folder / f"e{number}.srt", film(CUES)) for number in (1, 2)]
    with start("translate", *sources, "--to", "es", *there) as process:
        until(lambda: len(slow.log) >= 4)
        interrupted(process)
        out, _ = process.communicate()
    assert process.returncode == 130
    assert out.splitlines()[1:] == [f"{sources[1]}: not begun."]
    assert not (folder / "e2.es.srt").exists()


def test_what_a_killed_run_had_finished_is_not_asked_again(
    there: List[str], folder: Path, slow: StandIn, run: Run
) -> None:
    """Finished for longer than half a second, that is: so often the journal is written."""
    source, target = write(folder / "film.srt", film(CUES)), folder / "film.es.srt"
    slow.script = lambda exchange: stall if exchange.number > 5 else None
    with start("translate", source, "--to", "es", *there) as process:
        until(lambda: len(slow.log) >= 6 and slow.stats().in_flight == len(slow.log) - 5)
        time.sleep(0.8)
        interrupted(process, signal.SIGKILL)
        process.communicate()
    assert tree(folder) == {"film.srt"}
    paid = {text for record in slow.log[:5] for text in batch_of(record)}

    slow.script, slow.pace = None, Pace()
    slow.reset()
    again = run("translate", source, "--to", "es", *there)
    assert (again.code, again.err) == (0, "")
    assert 16 <= len(paid) < CUES
    assert not paid & set(asked(slow))
    assert len(asked(slow)) == CUES - len(paid)
    assert translated(target) == CUES


@pytest.mark.long
def test_a_run_that_is_killed_again_and_again_pays_for_each_line_once(
    there: List[str], folder: Path, slow: StandIn, run: Run
) -> None:
    """But for what was in flight, or not yet half a second old, at each kill."""
    source, target = write(folder / "film.srt", film(1300)), folder / "film.es.srt"
    slow.pace = Pace(round_trip=0.02, first_token=0.05, tokens_per_second=2000.0)
    safe: Set[str] = set()
    for _ in range(3):
        with start("translate", source, "--to", "es", "--parallel", "1", *there) as process:
            until(lambda: bool(slow.log))
            time.sleep(3.0)
            killed = time.monotonic()
            interrupted(process, signal.SIGKILL)
            process.communicate()
        assert not target.exists()
        assert not safe & set(asked(slow))
        # An answer takes less than a second, and half a second later it is written down.
        safe |= {text for record in slow.log if record.started < killed - 2.0 for text in batch_of(record)}
        slow.reset()
    slow.pace = Pace()
    assert run("translate", source, "--to", "es", *there).code == 0
    assert not safe & set(asked(slow))
    assert len(safe) > 100
    assert translated(target) == 1300


@pytest.mark.long
def test_two_runs_at_once_neither_block_nor_spoil_each_other(there: List[str], folder: Path, slow: StandIn) -> None:
    sources = [write(folder / f"e{number}.srt", film(100)) for number in (1, 2)]
    processes = [start("translate", source, "--to", "es", *there) for source in sources]
    for process in processes:
        with process:
            _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
    assert [translated(folder / f"e{number}.es.srt") for number in (1, 2)] == [100, 100]
