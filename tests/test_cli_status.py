"""``stats``, ``events`` and ``serve-status``: what other processes are told of a run."""

import json
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from cli_support import Run, film, start, write
from status_support import ORIGIN, TOKEN, endpoint, get
from waiting import until

from cli import run_record, status_commands
from cli.run_record import KEPT, SILENT, RecordedRun
from cli.standin import Pace, StandIn
from cli.status_commands import picture, sparkline
from status.answers import PATHS
from status.history import NO_PAST, Series
from status.server import StatusServer
from status.snapshot import NOTHING, EndpointFigures, Snapshot
from status.token import FILE

pytest_plugins = ("cli_fixtures",)
posix = pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")


def records(data: Path) -> List[Path]:
    return sorted((data / "runs").glob("*")) if (data / "runs").exists() else []


def a_record(
    *, ended: bool = True, ago: float = 0.0, requests: int = 7, figures: Optional[EndpointFigures] = None
) -> Dict[str, Any]:
    """A record as a run of ``requests`` writes it."""
    endpoints = {ORIGIN: figures or endpoint(requests, active=3, idle=2, utilisation=0.75)}
    now = time.time()
    series = {name: [0] * 12 for name in Series.__annotations__}
    breakers = [{"endpoint": "https://api.example.com/v1", "origin": ORIGIN, "state": "disabled"}]
    limits = [{"endpoint": "https://api.example.com/v1", "budget": "requests", "used": 0.95}]
    moment = {"breakers": breakers, "limits": limits, "process": {"memory": 1000, "threads": 9, "descriptors": 30}}
    return {
        "format": run_record.FORMAT,
        "ended": ended,
        "snapshot": {**NOTHING, **moment, "at": now - ago, "since": now - ago - 65, "endpoints": endpoints},
        "past": {**NO_PAST, "at": [now] * 12, "endpoints": dict.fromkeys(endpoints, series)},
        "events": [],
    }


def leave(data: Path, number: int, record: Any) -> None:
    (data / "runs").mkdir(parents=True, exist_ok=True)
    head = record if isinstance(record, str) else json.dumps(record)
    (data / "runs" / f"{number}-1.json").write_text(head)
    if isinstance(record, dict):
        past = {name: record[name] for name in ("past", "events")}
        (data / "runs" / f"{number}-1.past").write_text(json.dumps(past))


# --- a run that is over ---------------------------------------------------------------------------------------------


def test_a_run_leaves_its_figures_for_stats_and_events(
    run: Run, there: List[str], small: str, data: Path, key: str, tls_standin: StandIn
) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    shown = run("stats")
    assert (shown.code, shown.err) == (0, "")
    assert re.match(r"Ended \d+ s ago, after ", shown.out)
    assert tls_standin.openai_base_url[: -len("/v1")] in shown.out
    assert re.search(r"^lines: .*\d+ translated", shown.out, re.MULTILINE)
    snapshot = json.loads(run("stats", "--json").out)
    (figures,) = snapshot["endpoints"].values()
    assert figures["requests"] == len(tls_standin.log)
    assert (figures["active"], figures["idle"], figures["open"]) == (0, 0, 0)
    assert snapshot["database"]["checkouts"] > 0
    listed = run("events").out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  connection_created +endpoint=https://\S+ seconds=[\d.]+", listed[1])
    named = [json.loads(line)["event"] for line in run("events", "--json").out.splitlines()]
    assert {"connection_pool_created", "connection_created", "connection_pool_closed"} <= set(named)

    told = [path.read_text(encoding="utf-8") for path in records(data)]
    assert len(told) == 2
    with StatusServer(RecordedRun(), TOKEN) as server:
        told += [get(server, page)[2].decode() for page in PATHS]
    for text in told:
        for secret in (key, TOKEN, "Marta", "captain", os.path.basename(small), str(data.parent)):
            assert secret not in text


@pytest.mark.parametrize("flag", ["--no-memory", "--estimate"])
def test_a_run_that_is_to_keep_nothing_or_sends_nothing_leaves_nothing(
    run: Run, small: str, data: Path, flag: str
) -> None:
    assert run("translate", small, "--to", "es", flag).code == 0
    assert records(data) == []


@pytest.mark.parametrize("words", [["stats"], ["stats", "--json"], ["stats", "--watch"], ["events"]])
def test_before_the_first_run_there_is_nothing_to_tell(run: Run, words: List[str]) -> None:
    done = run(*words)
    assert (done.code, done.out) == (1, "")
    assert done.complaint == "No run has been written down yet. Translate something first."


def test_a_run_that_cannot_write_its_figures_goes_on(run: Run, small: str, data: Path) -> None:
    data.mkdir(parents=True)
    (data / "runs").write_text("no folder")
    done = run("translate", small, "--to", "es")
    assert (done.code, done.err) == (0, "")


def test_only_the_latest_runs_are_kept_with_what_was_left_of_those_that_were_killed(
    run: Run, small: str, data: Path
) -> None:
    long_ago = 10**18  # as many digits as nanoseconds since the epoch have
    for number in range(1, KEPT + 3):
        leave(data, long_ago + number, a_record())
    for name in (f"{long_ago + 2}-1.json.new", f"{long_ago + 3}-1.past.new", f"{long_ago}-1.json.new"):
        (data / "runs" / name).touch()
    run("translate", small, "--to", "es")
    *others, own, own_past = [path.name for path in records(data)]
    kept = range(long_ago + 4, long_ago + KEPT + 3)
    assert others == [f"{number}-1.{ending}" for number in kept for ending in ("json", "past")]
    assert (own[-5:], own_past[-5:]) == (".json", ".past")


def test_a_short_run_has_a_past_too(run: Run, small: str, data: Path) -> None:
    assert run("translate", small, "--to", "es").code == 0
    past = RecordedRun().one().past()
    assert len(past["at"]) == 1
    assert sum(past["providers"]["compatible"]["requests"]) > 0


def test_a_run_that_ends_does_not_take_the_figures_of_one_that_goes_on(run: Run, small: str, data: Path) -> None:
    leave(data, 10**18, a_record(ended=False))
    for number in range(1, KEPT + 3):
        leave(data, 10**18 + number, a_record())
    run("translate", small, "--to", "es")
    assert (data / "runs" / f"{10**18}-1.json").exists()
    assert not (data / "runs" / f"{10**18 + 1}-1.json").exists()


def test_a_run_from_a_clock_that_was_ahead_is_not_under_way(home: Path, data: Path) -> None:
    leave(data, 2, a_record(requests=2))
    leave(data, 1, a_record(requests=1, ended=False, ago=-SILENT - 60))
    assert requests_of(RecordedRun()) == 2


# --- several runs ---------------------------------------------------------------------------------------------------


def requests_of(source: RecordedRun) -> int:
    (figures,) = source.one().snapshot()["endpoints"].values()
    return figures["requests"]


def test_the_run_under_way_is_told_of_before_one_that_has_ended(home: Path, data: Path) -> None:
    leave(data, 1, a_record(requests=1))
    leave(data, 2, a_record(requests=2, ended=False, ago=SILENT / 3))
    leave(data, 3, a_record(requests=3))
    leave(data, 4, "{ damaged")
    leave(data, 5, "[]")
    assert requests_of(RecordedRun()) == 2
    (data / "runs" / "2-1.json").unlink()
    assert requests_of(RecordedRun()) == 3


def test_a_run_that_was_killed_has_nothing_open(home: Path, data: Path) -> None:
    leave(data, 1, a_record(ended=False))
    (alive,) = RecordedRun().one().snapshot()["endpoints"].values()
    assert (alive["active"], alive["idle"], alive["open"], alive["utilisation"]) == (3, 2, 1, 0.75)
    leave(data, 1, a_record(ended=False, ago=SILENT + 1))
    (dead,) = RecordedRun().one().snapshot()["endpoints"].values()
    assert (dead["active"], dead["idle"], dead["open"], dead["utilisation"], dead["requests"]) == (0, 0, 0, 0.0, 7)
    assert picture(run_record.recorded(RecordedRun()))[0].startswith("Last heard of 16 s ago, after 1:05 min")


@pytest.mark.parametrize("over", [{"ended": True}, {"ended": False, "ago": SILENT + 1}])
def test_the_trouble_of_a_run_that_is_over_is_over(home: Path, data: Path, over: Dict[str, Any]) -> None:
    """Else a key that was refused once would be an alarm until the next run."""
    with StatusServer(RecordedRun(), TOKEN) as server:
        leave(data, 1, a_record(ended=False, figures=endpoint(7, failing=True)))
        status, _, body = get(server, "/health")
        assert (status, json.loads(body)["parts"]["circuit-breaker"]) == (503, "failing")
        text = get(server, "/metrics/prometheus")[2].decode()
        assert 'subai_breaker_state{endpoint="https://api.example.com/v1",state="disabled"} 1\n' in text
        leave(data, 1, a_record(figures=endpoint(7, failing=True), **over))
        status, _, body = get(server, "/health")
        assert (status, json.loads(body)["reasons"]) == (200, [])
        text = get(server, "/metrics/prometheus")[2].decode()
    assert "subai_breaker_state" not in text
    assert "subai_limit_used_ratio" not in text
    assert "subai_memory_bytes" not in text
    assert f'subai_connection_requests_total{{endpoint="{ORIGIN}"}} 7\n' in text


def test_one_run_is_told_of_until_it_is_over(home: Path, data: Path) -> None:
    """To and fro between two would look like thousands of requests a second."""
    leave(data, 1, a_record(requests=100, ended=False))
    source = RecordedRun()
    assert requests_of(source) == 100
    leave(data, 2, a_record(requests=3, ended=False))
    assert (requests_of(source), requests_of(RecordedRun())) == (100, 3)
    leave(data, 1, a_record(requests=110))
    assert requests_of(source) == 3


def test_an_answer_speaks_of_one_run(home: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one may begin while it is made up."""
    well, ill = a_record(requests=100), a_record(requests=3)
    for record, errors in ((well, 0), (ill, 3)):
        series = {name: [0] * 12 for name in Series.__annotations__}
        series["requests"], series["errors"] = [0] * 11 + [3], [0] * 11 + [errors]
        record["past"]["endpoints"] = {ORIGIN: series}
    source = RecordedRun()
    leave(data, 1, well)
    one = source.one()
    assert one.snapshot()["endpoints"][ORIGIN]["requests"] == 100
    leave(data, 2, ill)
    assert sum(one.past()["endpoints"][ORIGIN]["errors"]) == 0
    asked: List[str] = []
    read = run_record._read

    def reading(path: str) -> Any:
        asked.append(path)
        return read(path)

    monkeypatch.setattr(run_record, "_read", reading)
    with StatusServer(source, TOKEN) as server:
        assert get(server, "/health")[0] == 503
    assert asked[1:] == [str(data / "runs" / "2-1")]


def test_without_a_run_there_are_no_figures(home: Path) -> None:
    source = RecordedRun().one()
    assert (source.snapshot()["endpoints"], source.past()["at"], source.events()) == ({}, [], [])


# --- the picture ----------------------------------------------------------------------------------------------------


def test_the_last_five_minutes_are_a_row_of_bars() -> None:
    assert sparkline([0, 1, 2, 4, 8]) == " ▁▂▄█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""


def test_the_picture_fits_a_terminal_and_says_what_is_wrong() -> None:
    figures = endpoint(1234, 12, active=3, failing=True)
    figures["advice"] = {"maxsize": 5, "connect_timeout": 2, "first_byte_timeout": 60, "read_timeout": 16}
    record = a_record(ended=False, figures=figures)
    record["past"]["endpoints"] = {ORIGIN: {name: list(range(70)) for name in Series.__annotations__}}
    record["snapshot"]["breakers"] = [{"endpoint": "https://api.example.com/v1", "origin": ORIGIN, "state": "open"}]
    lines = picture(record)  # type: ignore[arg-type]
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Under way for 1:05 min."
    assert lines[3] == f"{ORIGIN}  DOES NOT ANSWER  OPEN"
    assert lines[4].split() == ["1234", "3", "1", "0", "1", "99.9%", "12", "30", "ms"]
    assert lines[5].count("█") > 0
    assert lines[6] == "  would do: maxsize 5, connect_timeout 2, first_byte_timeout 60, read_timeout 16"


@pytest.mark.parametrize(("seconds", "words"), [(-3.0, "0 s"), (59.4, "59 s"), (61, "1:01 min"), (7384, "2 h 3 min")])
def test_durations_are_said_as_a_person_would(seconds: float, words: str) -> None:
    assert status_commands._duration(seconds) == words


# --- what is written down -------------------------------------------------------------------------------------------


class Ticking:
    """In place of a watch: each second time for another step, or not."""

    def __init__(self, steps: List[bool]) -> None:
        self.steps = steps
        self.done = threading.Event()

    def tick(self, *, now: bool = False) -> bool:
        if now:
            return True
        if not self.steps:
            self.done.set()
        return bool(self.steps) and self.steps.pop(0)

    def snapshot(self) -> Snapshot:
        return {**NOTHING, "at": time.time()}

    def past(self) -> Any:
        return NO_PAST

    def events(self) -> List[Any]:
        return []


def test_the_last_hour_is_written_only_when_there_is_news_of_it(
    home: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Ticking([False, True, False, False])
    written: List[str] = []
    replace = os.replace

    def replacing(old: str, new: str) -> None:
        written.append(new[-5:])
        replace(old, new)

    monkeypatch.setattr(os, "replace", replacing)
    monkeypatch.setattr(run_record, "Watch", lambda *_: watch)
    monkeypatch.setattr(run_record, "EVERY", 0.01)
    with run_record.recording() as recorder:
        recorder.begin(None, None, [])  # type: ignore[arg-type]
        assert watch.done.wait(30)
    assert written[:5] == [".json", ".past", ".json", ".json", ".json"]
    assert written[-2:] == [".past", ".json"]
    assert written.count(".past") == 2


# --- a run that goes on ---------------------------------------------------------------------------------------------


@posix
def test_another_process_sees_a_run_while_it_goes_on(there: List[str], folder: Path, tls_standin: StandIn) -> None:
    tls_standin.pace = Pace(first_token=30.0)
    with start("translate", write(folder / "film.srt", film(40)), "--to", "es", *there) as translating:
        until(lambda: RecordedRun().record() is not None, seconds=60)
        with start("stats", "--watch", "--json") as watching:
            assert watching.stdout is not None
            seen = [json.loads(watching.stdout.readline()) for _ in range(2)]
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 0
        with start("stats", "--watch") as watching:
            assert watching.stdout is not None
            assert watching.stdout.readline().startswith("Under way for ")
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 0
        translating.send_signal(signal.SIGINT)
        assert translating.wait(20) == 130
    (figures,) = seen[-1]["endpoints"].values()
    assert figures["active"] == 1
    assert run_record.recorded(RecordedRun())["ended"]


@posix
def test_the_status_server_serves_the_runs_until_ctrl_c(home: Path, data: Path) -> None:
    with start("serve-status") as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().split(": ", 1)[1].strip()
        page, token = url.split("?token=")
        assert token == (data / FILE).read_text(encoding="ascii").strip()

        def get(path: str) -> Any:
            request = urllib.request.Request(page + path, headers={"Authorization": f"Bearer {token}"})
            return json.loads(urllib.request.urlopen(request, timeout=20).read())

        assert get("health")["status"] == "ok"
        assert get("api/http-client/pool/stats")["endpoints"] == {}
        leave(data, 1, a_record())
        assert list(get("api/http-client/pool/stats")["endpoints"]) == [ORIGIN]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(page, timeout=20)
        with start("serve-status", "--port", page.split(":")[2].strip("/")) as second:
            assert "Choose another" in second.communicate(timeout=60)[1]
            assert second.returncode == 2
        serving.send_signal(signal.SIGINT)
        assert serving.wait(20) == 0


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_is_a_port(run: Run, port: str) -> None:
    assert run("serve-status", "--port", port).code == 2
