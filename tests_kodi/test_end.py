"""Disabling the add-on, updating it, and quitting Kodi, in the middle of the work. They share a Kodi, in this order."""

import re
import socket
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import List

import pytest

from cli.standin import Pace, StandIn
from tests_kodi.conftest import Starter
from tests_kodi.driver import clips
from tests_kodi.driver.package import ID, newer_zip
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

REQUESTS = 8
TLS_HANDSHAKE = 22  # the first byte of a record of that kind
SWIFT, FOREVER = Pace(first_token=0.1, tokens_per_second=200), Pace(first_token=600.0)
_ENDED = re.compile(r"Ended in (\d+\.\d+) s$", re.MULTILINE)  # behind it stands what did not end
# What Kodi logs of our service's interpreter: that it is to end, and that it has, with the last of its threads.
_OURS = rf"\((\d+), \S*{ID}/service\.py\)"
_TOLD = re.compile(rf"^(\S+ \S+) .*CPythonInvoker{_OURS}: trigger Monitor abort", re.MULTILINE)
_DONE = re.compile(rf"^(\S+ \S+) .*onExecutionDone{_OURS}", re.MULTILINE)


class SilentServer:
    """Accepts every connection on loopback and answers none; ``hellos`` are the first bytes of each."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepted: List[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.port: int = self._listener.getsockname()[1]
        self.hellos: List[bytes] = []

    def __enter__(self) -> "SilentServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for one in (self._listener, *self._accepted):
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was shut down
            while True:
                self._accepted.append(self._listener.accept()[0])
                self.hellos.append(self._accepted[-1].recv(5))


@pytest.fixture(scope="module")
def remote(start: Starter) -> Remote:
    return start(parallel_requests=str(REQUESTS))


def busy(remote: Remote, standin: StandIn, film: Path, every: float) -> None:
    """Eight requests are in flight, and none of them will be answered. The lines are those of no other film."""
    clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=every))
    standin.pace = SWIFT
    remote.play(film)
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and translated(ours), "the first translated lines")
    standin.pace = FOREVER
    before = standin.stats().requests
    until(lambda: standin.stats().requests >= before + REQUESTS, "eight requests that will not be answered")


def ends(remote: Remote) -> int:
    """How often the service has come to an end."""
    return len(_ENDED.findall(remote.kodi.log()))


def our_part(remote: Remote, before: int = 0) -> float:
    """Seconds that the service took to end, after it did so ``before`` times, as it wrote into the log."""
    until(lambda: ends(remote) > before, "the service's last word")
    return float(_ENDED.findall(remote.kodi.log())[-1])


def interpreter_part(remote: Remote) -> float:
    """Seconds that Kodi waited for our service the last time, threads and all, as Kodi wrote into the log."""

    def all_done() -> bool:
        log = remote.kodi.log()
        return 0 < len(_TOLD.findall(log)) == len(_DONE.findall(log))

    until(all_done, "the end of the interpreter", 10)
    log = remote.kodi.log()
    (told, number), (done, its) = _TOLD.findall(log)[-1], _DONE.findall(log)[-1]
    assert number == its
    return (datetime.fromisoformat(done) - datetime.fromisoformat(told)).total_seconds()


def goes_on(remote: Remote, standin: StandIn, film: Path, kept: int) -> None:
    standin.pace = SWIFT
    until(lambda: len(translated(film.with_name("film.es.srt"))) > kept, "the translation to go on", 60)
    remote.message("cancel")
    remote.finishes()
    remote.stop()


def test_disabled_it_ends_at_once_and_enabled_again_it_goes_on(remote: Remote, standin: StandIn, film: Path) -> None:
    busy(remote, standin, film, 5.0)
    before = ends(remote)
    remote.kodi.disable()
    assert our_part(remote, before) < 1.0
    assert interpreter_part(remote) < 1.0
    kept = len(translated(film.with_name("film.es.srt")))
    remote.kodi.enable()
    goes_on(remote, standin, film, kept)
    assert remote.kodi.complaints() == []


def test_updated_from_a_zip_file_it_ends_at_once_and_the_new_one_goes_on(
    remote: Remote, standin: StandIn, film: Path, request: pytest.FixtureRequest
) -> None:
    version = newer_zip(remote.kodi.profile.stick / "newer.zip", request.config.getoption("commit"))
    busy(remote, standin, film, 5.1)
    before, kept = ends(remote), len(translated(film.with_name("film.es.srt")))
    remote.rpc.call("GUI.ActivateWindow", window="addonbrowser", parameters=["addons://", "return"])
    remote.shows("Window.IsVisible(addonbrowser)")
    remote.answer("Install from zip file", "Down")
    remote.choose_file("Stick", "newer.zip")
    assert our_part(remote, before) < 1.0
    until(lambda: remote.kodi.version() == version, "the update")
    goes_on(remote, standin, film, kept)
    assert remote.kodi.complaints() == []


def test_quitting_with_eight_slow_requests_in_flight_takes_no_longer(
    remote: Remote, standin: StandIn, film: Path
) -> None:
    busy(remote, standin, film, 5.2)
    before = ends(remote)
    quits(remote, before)
    assert translated(film.with_name("film.es.srt"))


def test_quitting_with_tls_handshakes_in_flight_takes_no_longer(remote: Remote, film: Path) -> None:
    """The server accepts, and says nothing."""
    if not remote.kodi.runs:
        remote.kodi.start()
    with SilentServer() as server:
        remote.change_setting("openai_base_url", f"https://127.0.0.1:{server.port}/v1")
        clips.srt(film.with_name("film.en.srt"), clips.dialogue(every=5.3))
        remote.play(film)
        until(lambda: server.hellos, "the connection that is opened with the film")
        remote.message("start", source=str(film.with_name("film.en.srt")), video=str(film))
        until(lambda: len(server.hellos) > 1, "the connection of the first request")
        quits(remote, 0)
        assert all(hello[0] == TLS_HANDSHAKE for hello in server.hellos)


def quits(remote: Remote, before: int) -> None:
    took = remote.kodi.quit()
    ours, interpreter = our_part(remote, before), interpreter_part(remote)
    print(f"Kodi ended {took:.2f} s after it was told to; our part in {ours:.2f} s, its thread in {interpreter:.2f} s.")
    assert max(ours, interpreter) < 1.0
    assert took < 8.0
    assert "didn't stop in 5 seconds" not in remote.kodi.log()
