"""Fixtures of the command line's tests; a test module takes them by naming this one in ``pytest_plugins``.

=========== =========================================================================================================
``home``    the home directory of whoever runs the command line: empty, with no key in the environment.
``data``    where the memory will lie; not made yet.
``folder``  an empty folder for films.
``small``   the path of ``film.en.srt`` in it: four cues, one of them without words.
``run``     one call of the command line, in this process: ``run("check", "--provider", "demo")``.
``there``   the flags (and the key, in the environment) that lead to ``tls_standin`` as if it were OpenAI.
=========== =========================================================================================================
"""

import logging
from pathlib import Path
from typing import Iterator, List

import pytest
from cli_support import KEYS, SMALL, Done, Run, write

import api
import api.adapt
import core.circuit_breaker
import core.rate_limit
from cli.main import main
from cli.standin import StandIn
from core import config


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(place))
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "share"))
    return place


@pytest.fixture
def data(home: Path) -> Path:
    return home / "share" / "sub-ai-translator"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "films"
    place.mkdir()
    return place


@pytest.fixture
def small(folder: Path) -> str:
    return write(folder / "film.en.srt", SMALL)


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    log = logging.getLogger("subai")
    before = log.handlers, log.level

    def call(*words: str) -> Done:
        # A process of its own would not know of endpoints that others have met on the same port.
        monkeypatch.setattr(core.circuit_breaker, "_breakers", {})
        monkeypatch.setattr(core.rate_limit, "_limiters", {})
        monkeypatch.setattr(api.adapt, "_refused", {})
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Done(code, *capsys.readouterr())

    yield call
    log.handlers, level = before
    log.setLevel(level)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is asked for again at once."""
    monkeypatch.setattr(config, "BACKOFF", dict.fromkeys(api.PROVIDERS, config.BackoffConfig(base_delay=0.0)))


@pytest.fixture
def there(home: Path, tls_standin: StandIn, ca_file: str, key: str, monkeypatch: pytest.MonkeyPatch) -> List[str]:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    return ["--base-url", tls_standin.openai_base_url, "--ca-file", ca_file]
