"""A film of 1,300 cues through the command line, over TLS: what comes out, over which connections, at what price."""

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
from films import write_srt
from standin_faults import always, bad_key, close_after_answer, too_many

import api
import core.config
from cli.main import main
from cli.standin import Pace, StandIn, pseudo_translate
from core.config import BackoffConfig

CUES = 1300
PARALLEL = "4"


class Run:
    """The film, its translation and the figures of one call."""

    def __init__(self, folder: Path, standin: StandIn, ca_file: str, provider: str = "compatible") -> None:
        self.source = folder / "film.en.srt"
        self.output = folder / "film.es.srt"
        self.texts = write_srt(self.source, CUES)
        self._report = folder / "report.json"
        self._connection = ["--provider", provider, "--model", "m", "--ca-file", ca_file]
        self._connection += ["--base-url", getattr(standin, f"{provider}_base_url", standin.openai_base_url)]

    def translate(self, *flags: str, parallel: Optional[str] = PARALLEL) -> Tuple[int, Dict[str, Any]]:
        words = ["translate", str(self.source), "--to", "es", "--no-memory", "--report", str(self._report)]
        told = ["--parallel", parallel] if parallel else []
        code = main([*words, *self._connection, *told, *flags])
        return code, json.loads(self._report.read_text(encoding="utf-8"))

    def check(self) -> None:
        """Every cue has its own translation, and nothing else in the file is another byte."""
        expected = self.source.read_text(encoding="utf-8").split("\n\n")
        found = self.output.read_text(encoding="utf-8").split("\n\n")
        assert len(found) == len(expected) == CUES
        for block, was, text in zip(found, expected, self.texts):
            number, times, translation = block.split("\n", 2)
            assert [number, times] == was.split("\n", 2)[:2]
            assert translation.rstrip("\n") == pseudo_translate(text)


@pytest.fixture
def run(tmp_path: Path, tls_standin: StandIn, ca_file: str, key: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SUBAI_API_KEY", key)
    quick = BackoffConfig(base_delay=0.005, max_delay=0.02)
    monkeypatch.setattr(core.config, "BACKOFF", dict.fromkeys(api.PROVIDERS, quick))
    return Run(tmp_path, tls_standin, ca_file)


@pytest.mark.parametrize(("provider", "at_once"), [("anthropic", 4), ("ollama", 1), ("lmstudio", 4)])
def test_a_film_goes_through_each_provider_with_as_many_requests_at_once_as_suit_it(
    run: Run,
    tls_standin: StandIn,
    ca_file: str,
    tmp_path: Path,
    key: str,
    provider: str,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(api.PROVIDERS[provider].key_name, key)
    film = Run(tmp_path, tls_standin, ca_file, provider)
    tls_standin.pace = Pace(round_trip=0.02)
    code, report = film.translate(parallel=None)
    assert code == 0
    film.check()
    assert report["provider"] == provider
    assert report["translated"] == CUES
    assert tls_standin.stats().max_in_flight <= at_once
    assert tls_standin.stats().connections <= at_once
    assert report["cost"] == (0 if provider in ("ollama", "lmstudio") else None)


def test_every_cue_comes_out_over_one_connection_for_each_parallel_request(run: Run, tls_standin: StandIn) -> None:
    code, report = run.translate()
    assert code == 0
    run.check()
    assert report["cues"] == report["translated"] == CUES
    assert tls_standin.stats().connections <= 5
    assert report["connections_created"] == tls_standin.stats().connections
    assert report["requests"] == tls_standin.stats().requests
    latest_first_use = max(_first_requests(tls_standin))
    assert latest_first_use <= 8, "a connection was made although those there were would have done"


def test_a_server_that_closes_without_saying_so_costs_no_line_and_no_error(
    run: Run, tls_standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    tls_standin.script = always(close_after_answer)
    code, report = run.translate()
    assert code == 0
    run.check()
    assert report["kept"] == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("parallel", ["1", "4", "16"])
def test_a_dead_key_costs_one_request_and_writes_nothing(run: Run, tls_standin: StandIn, parallel: str) -> None:
    tls_standin.script = always(bad_key)
    code, report = run.translate(parallel=parallel)
    assert code == 4
    assert tls_standin.stats().requests == 1
    assert report["translated"] == 0
    assert not run.output.exists()


def test_a_constant_429_ends_after_at_most_ten_requests(run: Run, tls_standin: StandIn) -> None:
    tls_standin.script = always(too_many())
    code, _ = run.translate()
    assert code == 4
    assert tls_standin.stats().requests <= 10
    assert not run.output.exists()


def test_a_429_that_does_not_end_keeps_what_was_done(run: Run, tls_standin: StandIn) -> None:
    refuse = too_many()
    tls_standin.script = lambda exchange: refuse if exchange.record.number > 6 else None
    code, report = run.translate()
    assert code == 4
    assert 0 < report["translated"] < CUES
    assert run.output.read_text(encoding="utf-8").count("⟦") > 0
    assert tls_standin.stats().requests <= 6 + 10


def test_without_urllib3_the_same_film_comes_out_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.translate()[0] == 0
    pooled = run.output.read_bytes()
    for name in [*(name for name in sys.modules if name.split(".")[0] == "urllib3"), "urllib3"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("core.pool_managers", "core.checked_pool", "core.pool_connections", "core.pool_socks"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    code, report = run.translate("--force")
    assert code == 0
    assert report["fallback_requests"] == report["requests"] > 0
    assert run.output.read_bytes() == pooled


def _first_requests(standin: StandIn) -> List[int]:
    """For each connection, the number of the first request that came over it."""
    first: Dict[int, int] = {}
    for record in standin.log:
        first.setdefault(record.connection, record.number)
    return list(first.values())
