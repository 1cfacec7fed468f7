"""``subai stats``, ``events`` and ``serve-status``: what the connections of the run under way do, or of the last."""

import argparse
import contextlib
import json
import sys
import threading
import time
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping

from rich.live import Live
from rich.text import Text

from cli import exits
from cli.run_record import Record, RecordedRun, is_under_way, recorded
from cli.terminal import counted, say
from core.breaker_state import CLOSED
from core.paths import data_directory
from status.server import StatusServer
from status.snapshot import EndpointFigures, Snapshot, outcomes
from status.token import token_in

REFRESH = 1.0  # seconds
BARS = " ▁▂▃▄▅▆▇█"
STEPS = 60  # of history in a sparkline: five minutes

#: Heading -> what stands under it.
_COLUMNS: Dict[str, Callable[[EndpointFigures], str]] = {
    "requests": lambda one: str(one["requests"]),
    "active": lambda one: str(one["active"]),
    "idle": lambda one: str(one["idle"]),
    "waiting": lambda one: str(one["waiting"]),
    "opened": lambda one: str(one["created"]),
    "reused": lambda one: f"{one['reuse_rate']:.1%}",
    "errors": lambda one: str(sum(one["errors"].values())),
    "connect": lambda one: f"{one['connect_mean'] * 1000:.0f} ms",
}
_WIDTH = 9


def stats(options: argparse.Namespace) -> int:
    """Show the figures; with ``--watch`` again and again, until Ctrl-C."""
    runs = RecordedRun()
    look = partial(_as_json if options.json else _as_picture, runs)
    if not options.watch:
        _say_all(look())
        return exits.ALL_TRANSLATED
    with contextlib.suppress(KeyboardInterrupt):
        if options.json or not sys.stdout.isatty():
            for lines in _each_second(look):
                _say_all(lines)
        else:
            with Live(Text(), auto_refresh=False) as live:
                for lines in _each_second(look):
                    live.update(Text("\n".join(lines)), refresh=True)
    return exits.ALL_TRANSLATED


def events(options: argparse.Namespace) -> int:
    """List the latest events, oldest first."""
    for event in recorded(RecordedRun())["events"]:
        say(json.dumps(event) if options.json else _event_words(event))
    return exits.ALL_TRANSLATED


def serve_status(options: argparse.Namespace) -> int:
    """Serve the figures to browsers and Prometheus on this machine, until Ctrl-C."""
    with StatusServer(RecordedRun(), token_in(data_directory()), options.port) as server:
        say(f"The status of your runs: {server.url}")
        say("Only this machine is answered. Ctrl-C ends it.")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return exits.ALL_TRANSLATED


def picture(record: Record) -> List[str]:
    """A run in lines of up to 80 letters: its endpoints with the last five minutes, and what went over them."""
    snapshot, past = record["snapshot"], record["past"]
    lines = [_headline(record)]
    if snapshot["endpoints"]:
        lines += ["", "".join(f"{name:>{_WIDTH}}" for name in _COLUMNS)]
    for origin, one in snapshot["endpoints"].items():
        series = past["endpoints"].get(origin)
        lines.append("  ".join([origin, *_trouble(snapshot, origin)]))
        lines.append("".join(f"{cell(one):>{_WIDTH}}" for cell in _COLUMNS.values()))
        if series and any(series["requests"][-STEPS:]):
            lines.append(f"  |{sparkline(series['requests'][-STEPS:])}| requests, 5 min")
        if one["advice"]:
            lines.append("  would do: " + ", ".join(f"{name} {value}" for name, value in one["advice"].items()))
    return [*lines, "", *_sums(snapshot)]


def sparkline(values: List[int]) -> str:
    """A bar for each value, the highest one full."""
    highest = max(values, default=0) or 1
    return "".join(BARS[-(-value * (len(BARS) - 1) // highest)] for value in values)


def _headline(record: Record) -> str:
    snapshot = record["snapshot"]
    lasted = _duration(snapshot["at"] - snapshot["since"])
    if is_under_way(record):
        return f"Under way for {lasted}."
    ago = _duration(time.time() - snapshot["at"])
    return f"{'Ended' if record['ended'] else 'Last heard of'} {ago} ago, after {lasted}."


def _trouble(snapshot: Snapshot, origin: str) -> List[str]:
    """What is to be shouted about an endpoint."""
    states = [one["state"] for one in snapshot["breakers"] if one["origin"] == origin and one["state"] != CLOSED]
    failing = ["does not answer"] if snapshot["endpoints"][origin]["failing"] else []
    return [words.upper() for words in dict.fromkeys([*failing, *states])]


def _sums(snapshot: Snapshot) -> Iterator[str]:
    for name, one in outcomes(snapshot).items():
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(one.items()))
        yield f"{name or 'provider'}: {counted(sum(one.values()), 'request')} ({told})"
    cues = _sum_by(snapshot, "subai_cues_total", "outcome")
    if cues:
        yield "lines: " + ", ".join(f"{count:.0f} {outcome}" for outcome, count in cues.items())


def _sum_by(snapshot: Snapshot, metric: str, label: str) -> Dict[str, float]:
    """Label value -> sum over the other labels."""
    found: Dict[str, float] = {}
    for family in snapshot["metrics"]:
        for sample in family["samples"] if family["name"] == metric else ():
            name = sample["labels"][label]
            found[name] = found.get(name, 0) + sample["value"]
    return {name: value for name, value in found.items() if value}


def _event_words(event: Mapping[str, Any]) -> str:
    when = time.strftime("%H:%M:%S", time.localtime(event["at"]))
    about = " ".join(f"{name}={value}" for name, value in event.items() if name not in ("at", "event"))
    return f"{when}  {event['event']:<23} {about}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    if not minutes:
        return f"{seconds} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes}:{seconds:02} min"


def _as_json(runs: RecordedRun) -> List[str]:
    return [json.dumps(recorded(runs)["snapshot"])]


def _as_picture(runs: RecordedRun) -> List[str]:
    return picture(recorded(runs))


def _say_all(lines: List[str]) -> None:
    for line in lines:
        say(line)


def _each_second(look: Callable[[], List[str]]) -> Iterator[List[str]]:
    never = threading.Event()
    while True:
        yield look()
        never.wait(REFRESH)
