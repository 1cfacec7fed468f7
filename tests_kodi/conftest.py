"""Fixtures of the tests in a real Kodi: a screen, a stand-in provider, and Kodis that were set up or never seen before.

A Kodi takes about ten seconds to start, so tests of one module share one, unless a test is about its start or its end.
"""

import re
import socket
from pathlib import Path
from typing import Callable, Generator, Iterator, List, Optional

import pytest

from cli.standin import StandIn
from cli.standin.pace import AT_ONCE
from tests_kodi.driver import clips
from tests_kodi.driver.kodi import Kodi
from tests_kodi.driver.power import Power
from tests_kodi.driver.profile import Profile
from tests_kodi.driver.remote import ARTIFACTS, Remote
from tests_kodi.driver.screen import Screen
from tests_kodi.driver.speech import speaks_spanish

KEY = "sk-standin-7Jq2Vx9LmZ4TbR8wKc5NhY3d"
Starter = Callable[..., Remote]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--commit", default="HEAD", help="what of the repository is packed and installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of what was on the screen when a test failed."""
    report = yield
    screen = getattr(item, "funcargs", {}).get("screen")
    if report.failed and screen is not None:
        name = re.sub(r"[^\w-]+", "-", item.name)[:100]
        screen.picture(str(ARTIFACTS / f"failed-{name}.png"))
    return report


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    with Screen() as running:
        yield running


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    """A provider on loopback that takes ``KEY`` and nothing else."""
    with StandIn(keys={KEY}, script=speaks_spanish) as running:
        yield running


@pytest.fixture(scope="module")
def start(
    screen: Screen, standin: StandIn, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Starter]:
    """Start a Kodi on a fresh profile with everything enabled; settings of the add-on are arguments."""
    started: List[Kodi] = []

    def starter(*, set_up: bool = True, power: Optional[Power] = None, **settings: str) -> Remote:
        profile = Profile(tmp_path_factory.mktemp("home"), request.config.getoption("commit"))
        usual = {
            "consent": "true",
            "provider": "openai",
            "openai_api_key": KEY,
            "openai_base_url": standin.openai_base_url,
            "openai_model": "stand-in",
            "target_language": "es",
            "auto_translate": "off",
        }
        profile.write_settings({**(usual if set_up else {}), **settings})
        kodi = Kodi(profile, screen, power.environment if power else None)
        started.append(kodi)
        kodi.start()
        kodi.enable()
        remote = Remote(kodi)
        if set_up:
            remote.clear()
        return remote

    yield starter
    for number, kodi in enumerate(started):
        try:
            if kodi.runs:
                kodi.quit()
        finally:
            kodi.kill()
            keep_log(kodi, f"{request.module.__name__}-{number}")


@pytest.fixture(scope="module")
def remote(start: Starter) -> Remote:
    """A Kodi that was set up, for all tests of the module."""
    return start()


def keep_log(kodi: Kodi, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / f"{name}.log").write_text(kodi.log(), encoding="utf-8")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """An hour of film with an English subtitle, in a folder of its own."""
    made = clips.film(tmp_path / "film.mkv")
    clips.srt(tmp_path / "film.en.srt", clips.dialogue())
    return made


@pytest.fixture
def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def usual_behaviour(screen: Screen, standin: StandIn) -> Iterator[None]:
    """What one test makes of the provider is over with it."""
    yield
    standin.pace, standin.script = AT_ONCE, speaks_spanish
