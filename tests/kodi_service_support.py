"""The service with Kodi's part of it played: fixtures to import, and what a person and Kodi do."""

import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest
import waiting
import xbmcgui
from kodi_fakes import FakeKodi, fake_kodi
from standin_faults import always

from cli.standin import Exchange, StandIn
from kodi import player
from kodi.service import Service
from kodi.tasks import Task

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
    running = fake_kodi.service = Service()
    yield running
    running._close()


def until(condition: Callable[[], object], what: str) -> None:
    waiting.until(condition, what, seconds=PATIENT)


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


def look(service: Service) -> None:
    """The service looks twice at what is shown."""
    service._tick()
    service._tick()
    rest(service)


def translate(service: Service, film: Path) -> None:
    job = service.begin(task_for(service, film))
    assert job.join(PATIENT)
    assert job.outcome is not None
    assert job.outcome.done == LINES
    rest(service)


def hold(standin: StandIn, *, answered: int = 1) -> threading.Event:
    """From now on so many requests are ``answered``, and those after them as soon as the event is set."""
    go_on = threading.Event()

    def answer(exchange: Exchange) -> None:
        while exchange.number > answered and not go_on.is_set():
            exchange.wait(0.02)
        exchange.send(exchange.reply())

    standin.reset()
    standin.script = always(answer)
    return go_on


def task_for(service: Service, film: Path) -> Task:
    """To translate the English subtitle beside it."""
    return service.desk.task(str(film.with_suffix(".en.srt")), str(film))


def run(service: Service, task: Task) -> None:
    assert service.begin(task).join(PATIENT)
    rest(service)
