"""Settings that are read while Kodi is still storing them."""

import threading
from typing import Any, Callable, List

import pytest
import xbmc
import xbmcaddon
from kodi_fakes import FakeKodi, FakeSettings, fake_kodi

from kodi import changes, stored
from kodi.changes import Changes

__all__ = ["fake_kodi"]

PATIENT = 10.0


def spawn(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def test_what_is_stored_in_a_row_is_read_once_and_whoever_asks_meanwhile_waits_for_it() -> None:
    taken: List[int] = []
    noted = Changes(lambda: taken.append(1), spawn, threading.Event())
    noted.wait(0.0)
    for _ in range(5):
        noted.note()
    assert taken == []
    noted.wait(PATIENT)
    assert taken == [1]


def test_nothing_is_read_any_more_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "SETTLE", 600.0)
    taken: List[int] = []
    threads: List[threading.Thread] = []
    ending = threading.Event()

    def remembered(work: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    Changes(lambda: taken.append(1), remembered, ending).note()
    ending.set()
    threads[0].join(PATIENT)
    assert not threads[0].is_alive()
    assert taken == []


def test_a_file_that_kodi_is_just_writing_is_read_again(fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_kodi.settings["openai_model"] = "gpt-of-tomorrow"
    torn = [FakeSettings({}), FakeSettings({})]
    monkeypatch.setattr(
        xbmcaddon.Addon, "getSettings", lambda _: torn.pop() if torn else FakeSettings(fake_kodi.settings)
    )
    monkeypatch.setattr(xbmc.Monitor, "waitForAbort", lambda *_: False)
    assert stored.text("openai_model") == "gpt-of-tomorrow"


@pytest.mark.parametrize("ends", [True, False])
def test_one_that_stays_unreadable_is_an_error(fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch, ends: Any) -> None:
    monkeypatch.setattr(xbmcaddon.Addon, "getSettings", lambda _: FakeSettings({}))
    monkeypatch.setattr(xbmc.Monitor, "waitForAbort", lambda *_: ends)
    with pytest.raises(TypeError):
        stored.text("openai_model")
