"""Fixtures of the tests in a real Kodi: a screen, a stand-in provider, and Kodis that were set up or never seen before.

A Kodi takes ten seconds to start. So there is one for all modules whose tests want nothing special of it; for each
of them the add-on begins anew there, with its usual settings and no memory. ``start`` is for the others.
"""

import re
import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Callable, Dict, Generator, Iterator, List, Optional

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
Launcher = Callable[[Dict[str, str], Optional[Power], Callable[[Profile], None]], Remote]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--commit", default="HEAD", help="what of the repository is packed and installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of what was on the screen when a test failed; when things are put away it may be gone itself."""
    report = yield
    screen = getattr(item, "funcargs", {}).get("screen")
    if report.failed and report.when != "teardown" and screen is not None:
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
    """Start a Kodi of one's own, with everything enabled; settings of the add-on are arguments.

    ``set_up=False``: as it was just installed; ``prepare`` is called with the profile before it starts.
    """
    with launching(screen, tmp_path_factory, request, request.module.__name__) as launch:

        def starter(
            *,
            set_up: bool = True,
            power: Optional[Power] = None,
            prepare: Callable[[Profile], None] = lambda _: None,
            **settings: str,
        ) -> Remote:
            return launch({**(usual(standin) if set_up else {}), **settings}, power, prepare)

        yield starter


@pytest.fixture(scope="session")
def outlasting() -> Iterator[ExitStack]:
    """For servers that the Kodi of all modules keeps in touch with: it would not quit if they ended before it."""
    with ExitStack() as servers:
        yield servers


@pytest.fixture(scope="session")
def shared(
    outlasting: ExitStack, screen: Screen, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Remote]:
    with launching(screen, tmp_path_factory, request, "shared") as launch:
        yield launch({}, None, lambda _: None)


@pytest.fixture(scope="module")
def remote(shared: Remote, standin: StandIn) -> Remote:
    """A Kodi that was set up, in which nothing was translated so far."""
    make_new(shared, standin)
    return shared


def make_new(remote: Remote, standin: StandIn) -> None:
    if not remote.kodi.runs:  # a test before this one was its end
        remote.kodi.start()
    remote.clear()
    remote.stop()
    remote.kodi.begin_anew(usual(standin))


def usual(standin: StandIn) -> Dict[str, str]:
    return {
        "consent": "true",
        "provider": "openai",
        "openai_api_key": KEY,
        "openai_base_url": standin.openai_base_url,
        "openai_model": "stand-in",
        "target_language": "es",
        "auto_translate": "off",
    }


@contextmanager
def launching(
    screen: Screen, folders: pytest.TempPathFactory, request: pytest.FixtureRequest, name: str
) -> Iterator[Launcher]:
    """What starts a Kodi with these settings of the add-on; in the end each is quit, and its log is kept."""
    started: List[Kodi] = []

    def launch(settings: Dict[str, str], power: Optional[Power], prepare: Callable[[Profile], None]) -> Remote:
        profile = Profile(folders.mktemp("home"), request.config.getoption("commit"))
        profile.write_settings(settings)
        prepare(profile)
        kodi = Kodi(profile, screen, power.environment if power else None)
        started.append(kodi)
        kodi.start()
        kodi.enable()
        remote = Remote(kodi)
        remote.clear(many=True)
        return remote

    yield launch
    for number, kodi in enumerate(started):
        try:
            if kodi.runs:
                kodi.quit()
        finally:
            kodi.kill()
            ARTIFACTS.mkdir(exist_ok=True)
            (ARTIFACTS / f"{name}-{number}.log").write_text(kodi.whole_log(), encoding="utf-8")


@pytest.fixture
def left_as_found(remote: Remote, standin: StandIn) -> Iterator[None]:
    """The provider counts from nothing; in the end nothing plays, nothing is translated and no window is open."""
    standin.reset()
    yield
    remote.message("cancel")
    remote.clear()
    remote.stop()
    remote.finishes()


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
def usual_behaviour(request: pytest.FixtureRequest, screen: Screen, standin: StandIn) -> Iterator[None]:
    """What a test made of the provider is over with it; a test that is tried again finds nothing of its first try."""
    if getattr(request.node, "execution_count", 1) > 1 and "shared" in request.fixturenames:
        make_new(request.getfixturevalue("shared"), standin)
    yield
    standin.pace, standin.script = AT_ONCE, speaks_spanish
