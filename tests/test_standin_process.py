"""The stand-in in a process of its own, as the benchmarks start it."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, List
from urllib.request import urlopen

import pytest
import trustme
import urllib3

from cli.standin.__main__ import main

ROOT = str(Path(__file__).resolve().parent.parent)


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "cli.standin"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True
    ) as started:
        yield started
        started.kill()


def first_line(process: "subprocess.Popen[str]") -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def test_it_tells_where_it_is_and_runs_until_its_input_ends(process: "subprocess.Popen[str]") -> None:
    urls = first_line(process)
    with urlopen(f"{urls['openai_base_url']}/models") as answer:
        assert json.load(answer)["data"]
    assert process.stdin
    process.stdin.close()
    assert process.wait(5) == 0


@pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(process: "subprocess.Popen[str]", number: int) -> None:
    first_line(process)
    process.send_signal(number)
    assert process.wait(5) == 0


def test_its_flags_are_its_certificate_and_its_pace(
    ca: trustme.CA, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issued = ca.issue_cert("127.0.0.1")
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)

    class Asking(io.StringIO):
        """Standard input that asks the stand-in before it ends."""

        def read(self, size: Any = -1) -> str:
            urls = json.loads(capsys.readouterr().out)
            with urllib3.PoolManager(ca_certs=ca_file, retries=False) as pool:
                answer = pool.request("GET", f"{urls['gemini_base_url']}/models")
                counts.append(json.loads(pool.request("GET", f"{urls['url']}/_standin/stats").data))
            assert answer.status == 200
            return ""

    counts: List[Any] = []
    monkeypatch.setattr(sys, "stdin", Asking())
    main(["--tls", certificate, key, "--round-trip", "0.01", "--first-token", "1", "--tokens-per-second", "80"])
    assert [counted["handshakes"] for counted in counts] == [1]
