"""What a person, a browser and Prometheus see of the connections while Kodi runs."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID
from tests_kodi.driver.remote import SETTINGS, Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until


class Status:
    """The status server of a Kodi."""

    def __init__(self, remote: Remote, port: int) -> None:
        self._token = remote.kodi.profile.home / ".kodi" / "userdata" / "addon_data" / ID / "status-token"
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> str:
        token = self._token.read_text(encoding="ascii").strip()
        request = urllib.request.Request(self._url + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def runs(self) -> bool:
        try:
            return bool(self.get("/health"))
        except (OSError, urllib.error.URLError):
            return False


@pytest.fixture
def status(remote: Remote, free_port: int) -> Status:
    remote.change_setting("status_port", free_port)
    remote.change_setting("status_server", True)
    made = Status(remote, free_port)
    until(made.runs, "the status server")
    return made


def test_the_window_and_the_status_page_show_a_film_being_translated(
    remote: Remote, standin: StandIn, status: Status, film: Path
) -> None:
    standin.pace = Pace(first_token=0.5, tokens_per_second=400)
    lines = clips.dialogue(every=6.0)
    source = clips.srt(film.with_name("film.en.srt"), lines)
    remote.play(film)
    remote.builtin(f"RunScript({ID},status)")
    until(lambda: "Close" in remote.rpc.label("System.CurrentControl"), "the connections on the screen")
    remote.message("start", source=str(source), video=str(film))
    stats = "/api/http-client/pool/stats"
    until(lambda: status.get_json(stats)["totals"]["active"] > 1, "several requests at once")
    until(lambda: any(status.get_json("/api/http-client/pool/history")["endpoints"].values()), "a first sample")
    remote.picture("connections-busy")
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and len(translated(ours)) == len(lines), "the whole film", 120)
    remote.finishes()
    remote.picture("connections-after")
    totals = status.get_json(stats)["totals"]
    assert totals["requests"] == standin.stats().requests
    assert totals["created"] == standin.stats().connections
    exposed = status.get("/metrics/prometheus")
    assert f'subai_cues_total{{outcome="translated"}} {len(lines)}' in exposed
    assert "connection_created" in {event["event"] for event in status.get_json("/debug/pool")["events"]}
    remote.press("Back")
    remote.shows(SETTINGS, "the settings again")
    remote.clear()  # as long as they are open, what others store is theirs to keep or not
    remote.stop()


def test_the_status_server_ends_with_its_setting_and_with_kodi(remote: Remote, status: Status) -> None:
    remote.change_setting("status_server", False)
    until(lambda: not status.runs(), "the end of the status server")
    remote.change_setting("status_server", True)
    until(status.runs, "the status server again")
    assert remote.kodi.quit() < 15.0
    assert not status.runs()
