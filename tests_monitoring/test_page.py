"""The page of the status server in a real browser."""

import math
import re
import subprocess
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import pytest
from status_support import ORIGIN, TOKEN, Made, endpoint

from status.history import INTERVAL, SAMPLES, Past, Series
from status.server import StatusServer

AT_HOME = "http://192.168.1.20:11434"


class Hour(Made):
    """An hour in which the load rises and falls, with two errors and a pause."""

    def __init__(self) -> None:
        super().__init__()
        self.endpoints[ORIGIN] = endpoint(412, 3, active=3, utilisation=0.75)
        self.endpoints[AT_HOME] = endpoint(80)

    def past(self) -> Past:
        now = time.time()
        return {
            "interval": INTERVAL,
            "at": [now - INTERVAL * (SAMPLES - 1 - step) for step in range(SAMPLES)],
            "endpoints": {ORIGIN: _series(0.0), AT_HOME: _series(2.0)},
            "providers": {},
        }


def _series(phase: float) -> Series:
    load = [max(0, round(2 + 2.4 * math.sin(step / 50 + phase))) for step in range(SAMPLES)]
    connect: List[Optional[float]] = [0.02 + step % 7 / 100 if step % 24 == 0 else None for step in range(SAMPLES)]
    opened = [0 if seconds is None else 1 for seconds in connect]
    return {
        "active": load,
        "idle": [4 - one for one in load],
        "waiting": [0] * SAMPLES,
        "utilisation": [one / 4 for one in load],
        "requests": [one // 2 for one in load],
        "errors": [int(step in (300, 600)) for step in range(SAMPLES)],
        "opened": opened,
        "connect": connect,
    }


@pytest.fixture
def server() -> Iterator[StatusServer]:
    with StatusServer(Hour(), TOKEN) as running:
        yield running


class Browser:
    """Headless Chromium that resolves no name: what is not on this machine cannot be had."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    def look(self, url: str, *options: str, width: int = 1280, height: int = 620) -> str:
        """The page once its scripts are done. Anything that the browser complains about is an error."""
        command = [
            "chromium",
            "--headless",
            "--no-sandbox",  # a container has none to offer
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            f"--user-data-dir={self._profile}",
            f"--window-size={width},{height}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--virtual-time-budget=4000",
            *options,
            url,
        ]
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        complaints = [line for line in done.stderr.decode().splitlines() if "CONSOLE" in line]
        assert complaints == []
        return done.stdout.decode()


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path / "profile")


def charts(page: str) -> Dict[str, str]:
    """What was drawn, by the id of the chart."""
    return dict(re.findall(r'<section id="(\w+)".*?(<svg.*?</svg>)', page, re.DOTALL))


def test_the_last_hour_is_drawn_without_anything_from_outside(server: StatusServer, browser: Browser) -> None:
    page = browser.look(server.url, "--dump-dom")
    drawn = charts(page)
    assert set(drawn) == {"connections", "requests", "errors", "connect", "utilisation"}
    assert re.search(r'<span id="health" role="status" class="ok">ok</span>', page)
    assert drawn["connections"].count('<path class="one"') == drawn["connections"].count('<path class="two"') == 1
    assert len(re.findall("<rect", drawn["requests"])) in (60, 61)
    assert len(re.findall(r'<rect[^>]* height="[1-9]', drawn["errors"])) == 2
    assert drawn["connect"].count("<circle") == SAMPLES // 24
    assert drawn["utilisation"].count('class="limit') == 2
    for drawing in drawn.values():
        assert "NaN" not in drawing
        assert "Infinity" not in drawing
    figures = dict(re.findall(r"<b>([\d.% ]+)</b><span>(\w+)</span>", page))
    assert {word: figure for figure, word in figures.items()}["requests"] == "492"
    assert re.findall(r'<option value="([^"]+)">', page) == [ORIGIN, AT_HOME]


def test_the_time_to_connect_is_the_mean_of_all_connections_and_not_of_endpoints(browser: Browser) -> None:
    class Two(Hour):
        def past(self) -> Past:
            past = super().past()
            for origin, opened, seconds in ((ORIGIN, 9, 0.1), (AT_HOME, 1, 1.1)):
                series = past["endpoints"][origin]
                series["opened"], series["connect"] = [opened] * SAMPLES, [seconds] * SAMPLES
            return past

    with StatusServer(Two(), TOKEN) as server:
        drawn = charts(browser.look(server.url, "--dump-dom"))["connect"]
    (at,) = set(re.findall(r'<circle[^>]* cy="([\d.]+)"', drawn))
    lines = {words: float(y) - 4 for y, words in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>(\d+) ms</text>', drawn)}
    assert float(at) == pytest.approx(lines["200"]), "(9 x 100 ms + 1100 ms) / 10"


def test_nothing_is_drawn_where_there_is_nothing_yet(browser: Browser) -> None:
    with StatusServer(Made(), TOKEN) as server:
        page = browser.look(server.url, "--dump-dom")
    assert all("<path" not in drawing and "NaN" not in drawing for drawing in charts(page).values())
    assert 'class="ok"' in page


@pytest.mark.parametrize(("name", "width", "height"), [("wide", 1280, 620), ("phone", 400, 1500)])
def test_a_picture_of_it_is_kept(
    server: StatusServer, browser: Browser, artifacts: Path, name: str, width: int, height: int
) -> None:
    picture = artifacts / f"status-page-{name}.png"
    browser.look(server.url, f"--screenshot={picture}", width=width, height=height)
    assert picture.stat().st_size > 10_000
