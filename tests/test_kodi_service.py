"""The service as a whole, with Kodi's part of it played: films start and stop, jobs begin and end, messages come."""

import threading
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest
import xbmcgui
from kodi_fakes import FakeKodi, fake_kodi

from cli.standin import StandIn
from kodi import player
from kodi.service import Service

__all__ = ["fake_kodi"]

LINES = 30
PATIENT = 20.0


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film with an English subtitle beside it."""
    folder = tmp_path / "films"
    folder.mkdir()
    cues = [f"{n}\n00:{n:02}:00,000 --> 00:{n:02}:02,000\nThis is line {n} of it\n\n" for n in range(1, LINES + 1)]
    (folder / "film.en.srt").write_text("".join(cues), encoding="utf-8")
    (folder / "film.mkv").write_bytes(b"")
    return folder / "film.mkv"


@pytest.fixture
def service(fake_kodi: FakeKodi, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Set up for Spanish, asking nobody."""
    monkeypatch.setattr(player, "_SETTLES", 0.0)
    monkeypatch.setattr(xbmcgui.DialogProgressBG, "isFinished", lambda _: False)
    fake_kodi.settings.update(
        consent=True,
        openai_api_key="sk-1234567890",
        openai_base_url=standin.openai_base_url,
        target_language="es",
        auto_translate="off",
    )
    running = Service()
    yield running
    running._close()


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENT
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        threading.Event().wait(0.01)


def play(service: Service, kodi: FakeKodi, film: Path, *, subtitles: bool = True) -> None:
    """Kodi finds its subtitles by itself, and shows the last, which was the first before ours came, or none."""
    kodi.playing = str(film)
    kodi.streams, kodi.shown_stream = [], None
    for path in sorted(film.parent.glob("*.srt"), reverse=True):
        kodi.add_stream(str(path))
    if not subtitles:
        kodi.show_stream(None)
    service._film_started()
    rest(service)


def rest(service: Service) -> None:
    """Until all errands are done."""
    until(lambda: not [one for one in threading.enumerate() if one.name == "subai-errand"], "the errands to be done")


def stop(service: Service, kodi: FakeKodi) -> None:
    kodi.playing, kodi.shown_stream = "", None
    service._film_stopped()


def look(service: Service, seconds: float = 2.0) -> None:
    """The service looks at what is shown, for so long of its time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        service._tick()
        threading.Event().wait(0.1)
    rest(service)


def translate(service: Service, film: Path) -> None:
    task = service.desk.task(str(film.with_name("film.en.srt")), str(film))
    job = service.begin(task)
    assert job.join(PATIENT)
    assert job.outcome is not None
    assert job.outcome.done == LINES
    rest(service)


@pytest.mark.parametrize(("choice", "language"), [("film.en.srt", "eng"), ("", "")])
def test_who_chose_another_subtitle_the_last_time_gets_that_one_the_next(
    service: Service, fake_kodi: FakeKodi, film: Path, choice: str, language: str
) -> None:
    def shown() -> str:
        return "" if fake_kodi.shown_stream is None else str(fake_kodi.streams[fake_kodi.shown_stream]["language"])

    play(service, fake_kodi, film)
    translate(service, film)
    assert shown() == "spa"
    look(service, 0.3)
    names = [stream["name"] for stream in fake_kodi.streams]
    fake_kodi.show_stream(names.index(choice) if choice else None)
    look(service)
    stop(service, fake_kodi)

    play(service, fake_kodi, film, subtitles=bool(choice))
    look(service, 0.3)
    assert shown() == language

    fake_kodi.add_stream(str(film.with_name("film.es.srt")))
    look(service)
    stop(service, fake_kodi)
    play(service, fake_kodi, film)
    assert shown() == "spa"
