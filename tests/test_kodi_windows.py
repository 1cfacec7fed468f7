import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import pytest
import xbmc
import xbmcgui
import xbmcvfs
from kodi_fakes import FakeKodi, fake_kodi

from api.base import CheckResult
from core.errors import InputError
from core.pool_stats import EndpointSnapshot, EndpointStats
from core.sizing import ENOUGH, Timing
from kodi import setting_actions, status, status_window, vfs, windows
from kodi.status_window import StatusWindow
from kodi.wording import why_kept
from status.history import NO_PAST, Past, Series
from status.snapshot import NOTHING, BreakerFigures, figures_of
from translate.documents import Cue

__all__ = ["fake_kodi"]


# --- words and paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "words"), [(None, "price not known"), (0.0213, "~$0.02"), (0.0041, "~$0.004"), (1.5, "~$1.50")]
)
def test_a_price_is_said_as_a_person_would(fake_kodi: FakeKodi, cost: Optional[float], words: str) -> None:
    assert windows.price_words(cost) == words


def test_what_a_translation_takes_is_said_in_one_line(fake_kodi: FakeKodi) -> None:
    assert windows.figures(1332, 48000, 0.02, "gpt") == "1,332 lines, about 48,000 tokens, ~$0.02, gpt"


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("smb://nas/films/a b.mkv", "smb://nas/films/", "a b.mkv"),
        ("C:\\films\\a.mkv", "C:\\films\\", "a.mkv"),
        ("/films/odd\\name.mkv", "/films/", "odd\\name.mkv"),
        ("a.mkv", "", "a.mkv"),
    ],
)
def test_paths_of_every_kind_come_apart_and_together(path: str, folder: str, name: str) -> None:
    assert (vfs.folder_of(path), vfs.base_name(path)) == (folder, name)
    if folder:
        assert vfs.join(folder, name) == path
        assert vfs.join(folder[:-1], name) == path


def test_files_are_read_whole_or_not_at_all(fake_kodi: FakeKodi, tmp_path: Path) -> None:
    path = str(tmp_path / "a.srt")
    with pytest.raises(InputError, match=r"no file a\.srt"):
        vfs.read_bytes(path)
    vfs.write(path, b"1234")
    assert vfs.read_bytes(path) == b"1234"
    with pytest.raises(InputError, match=r"a\.srt cannot be read"):
        vfs.read_bytes(path, most=3)


def test_a_file_that_cannot_be_opened_is_not_an_empty_one(
    fake_kodi: FakeKodi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kodi tells of no error there: it has no size, and nothing in it."""
    path = str(tmp_path / "a.srt")
    vfs.write(path, b"")
    assert vfs.read_bytes(path) == b""
    vfs.write(path, b"1234")
    monkeypatch.setattr(xbmcvfs.File, "size", lambda _: 0)
    monkeypatch.setattr(xbmcvfs.File, "readBytes", lambda _, count=0: bytearray())
    with pytest.raises(InputError, match=r"a\.srt cannot be read"):
        vfs.read_bytes(path)


def test_what_cannot_be_written_is_told(fake_kodi: FakeKodi, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.srt cannot be written"):
        vfs.write(str(tmp_path / "no folder" / "a.srt"), b"1")


# --- connections ----------------------------------------------------------------------------------------------------


def a_busy_endpoint() -> EndpointStats:
    stats = EndpointStats()
    stats.opened()
    stats.ready(0.125)
    for reused in (False, True, True, True):
        stats.checked_out(reused=reused)
    stats.failed("read_timeout")
    return stats


def rows_of(
    past: Optional[Past] = None, breakers: Optional[List[BreakerFigures]] = None, **snapshots: EndpointSnapshot
) -> List[Dict[str, Any]]:
    """What the service answers about these endpoints."""
    endpoints = {f"https://{name}:1": figures_of(one) for name, one in snapshots.items()}
    return status.as_data({**NOTHING, "endpoints": endpoints, "breakers": breakers or []}, past or NO_PAST)


def test_the_figures_of_the_busiest_endpoint_come_first() -> None:
    quiet, busy = (
        stats.snapshot(active=2, idle=1, waiting=3, utilisation=0.5) for stats in (EndpointStats(), a_busy_endpoint())
    )
    rows = rows_of(quiet=quiet, busy=busy)
    assert [row["host"] for row in rows] == ["busy:1", "quiet:1"]
    assert list(status.figures(rows[0])) == ["1", "3", "75%", "2", "1", "3", "1", "125 ms"]
    json.dumps(rows)


def test_a_row_says_that_its_endpoint_does_not_answer_or_else_what_would_do(fake_kodi: FakeKodi) -> None:
    stats = a_busy_endpoint()

    def note(**values: bool) -> str:
        (row,) = rows_of(a=stats.snapshot(active=0, idle=0, waiting=0, utilisation=0.0, **values))
        return status.note(row)

    assert note() == ""
    for second in range(ENOUGH):
        stats.timed(Timing(100.0 + second, 4.0, 30.0, 8.0))
    assert note() == "would do with 5 connections, 2 s to connect, 60 s to answer, 16 s between data"
    assert note(failing=True) == "does not answer at the moment"


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["closed", "half-open"], ""),
        (["cooling down"], "asked for a pause"),
        (["cooling down", "open"], "too much failed there; it is tried again soon"),
        (["open", "disabled"], "refuses the key, or has no credit for it"),
    ],
)
def test_a_row_says_what_state_its_endpoint_is_in(fake_kodi: FakeKodi, states: List[str], words: str) -> None:
    breakers: List[BreakerFigures] = [
        {"endpoint": f"https://a/v1, key {place}", "origin": "https://a:1", "state": state}
        for place, state in enumerate(states)
    ]
    elsewhere: BreakerFigures = {"endpoint": "https://b/v1", "origin": "https://b:1", "state": "disabled"}
    one = a_busy_endpoint().snapshot(active=0, idle=0, waiting=0, utilisation=0.0)
    (row,) = rows_of(None, [elsewhere, *breakers], a=one)
    assert status.note(row) == words


def test_the_last_five_minutes_are_bars_of_ten_seconds() -> None:
    one = a_busy_endpoint().snapshot(active=0, idle=0, waiting=0, utilisation=0.0)
    series = {name: list(range(5)) for name in Series.__annotations__}
    past = {**NO_PAST, "endpoints": {"https://a:1": series}}
    assert rows_of(past, a=one)[0]["lately"] == [0] * 27 + [0, 3, 7]  # type: ignore[arg-type]
    series["requests"] = list(range(1000))
    assert rows_of(past, a=one)[0]["lately"][0] == 940 + 941  # type: ignore[arg-type]
    assert rows_of(a=one)[0]["lately"] == [0] * status.BARS


def test_a_bar_is_as_high_as_its_value_and_never_lost() -> None:
    assert status.heights([0, 1, 50, 100], 20) == [0, 1, 10, 20]
    assert status.heights([0, 0], 20) == [0, 0]


@pytest.mark.parametrize(
    ("url", "word"), [("https://a.b/v1", "Encrypted, "), ("http://10.0.0.2:1/v1", "Not encrypted")]
)
def test_a_test_that_passed_tells_what_the_open_connection_saves(fake_kodi: FakeKodi, url: str, word: str) -> None:
    words = status.test_words(CheckResult("gpt", 1.5, 0.25), url)
    assert "gpt" in words
    assert word in words
    assert [line.split(": ")[1] for line in words.splitlines()[3:]] == ["1.50 s", "250 ms", "about 1.25 s"]


class Label:
    """A label that remembers what it says."""

    def __init__(self, left: int, top: int, width: int, height: int, text: str, **_: object) -> None:
        self.text = text

    def setLabel(self, text: str) -> None:  # noqa: N802  # Kodi's name
        self.text = text


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> List[Label]:
    """The labels of every window that is made, in the order in which they were."""
    made: List[Label] = []

    def make(*arguments: Any, **options: Any) -> Label:
        made.append(Label(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(xbmcgui, "ControlLabel", make)
    return made


def shown(labels: Sequence[Label]) -> List[str]:
    return [label.text for label in labels if label.text]


def test_the_status_window_shows_each_endpoint_and_empties_what_is_gone(
    fake_kodi: FakeKodi, labels: List[Label]
) -> None:
    window = StatusWindow()
    headings = shown(labels)
    assert headings[0] == "Connection status"
    one = a_busy_endpoint().snapshot(active=0, idle=1, waiting=0, utilisation=0.9)
    window.fill({"endpoints": rows_of(a=one), "address": "http://127.0.0.1:8000/"})
    assert "a:1" in shown(labels)
    assert "75%" in shown(labels)
    assert "For a browser on this device: http://127.0.0.1:8000/" in shown(labels)
    window.fill({"endpoints": [], "address": ""})
    assert shown(labels) == [*headings, "No connection was needed yet."]


def test_the_status_window_says_how_many_endpoints_it_has_no_room_for(fake_kodi: FakeKodi, labels: List[Label]) -> None:
    window, one = StatusWindow(), a_busy_endpoint().snapshot(active=0, idle=1, waiting=0, utilisation=0.9)
    window.fill({"endpoints": rows_of(a=one, b=one, c=one), "address": ""})
    assert shown(labels)[-1] == "125 ms"
    window.fill({"endpoints": rows_of(a=one, b=one, c=one, d=one, e=one), "address": ""})
    assert shown(labels)[-1] == "2 more, less busy"
    assert not {"d:1", "e:1"} & set(shown(labels))


def test_the_status_window_is_read_anew_until_it_is_closed(
    fake_kodi: FakeKodi, labels: List[Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    windows_made: List[StatusWindow] = []
    asked: List[int] = []

    def show(window: StatusWindow) -> None:
        windows_made.append(window)

    def fetch() -> Dict[str, Any]:
        asked.append(1)
        if len(asked) == 3:
            windows_made[0].onControl(xbmcgui.Control())
        return {"endpoints": [], "address": ""}

    monkeypatch.setattr(StatusWindow, "show", show)
    monkeypatch.setattr(xbmc.Monitor, "waitForAbort", lambda _, seconds: False)
    status_window.show(fetch)
    assert len(asked) == 3


@pytest.mark.parametrize("aborted", [True, False])
def test_the_status_window_ends_with_kodi_and_with_the_service(
    fake_kodi: FakeKodi, labels: List[Label], monkeypatch: pytest.MonkeyPatch, aborted: bool
) -> None:
    monkeypatch.setattr(xbmc.Monitor, "waitForAbort", lambda _, seconds: aborted)
    answers: List[Optional[Dict[str, Any]]] = [{"ok": True, "endpoints": [], "address": ""}, None]
    monkeypatch.setattr(setting_actions, "ask", lambda action: answers.pop(0))
    setting_actions.run("status")
    assert len(answers) == (1 if aborted else 0)
    assert fake_kodi.shown == ([] if aborted else [fake_kodi.shown[-1]])


def test_progress_is_shown_as_long_as_something_is_under_way(
    fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: List[Any] = []
    dialog = xbmcgui.DialogProgress
    monkeypatch.setattr(dialog, "create", lambda _, heading, text: told.append(text))
    monkeypatch.setattr(dialog, "close", lambda _: told.append("closed"))
    with windows.working("Asking") as given_up:
        assert told == ["Asking"]
        assert not given_up()
        fake_kodi.given_up = True
        assert given_up()
    assert told == ["Asking", "closed"]


@pytest.mark.parametrize(("text", "kind"), [("x" * 60, "notification"), ("x" * 61, "ok"), ("汉" * 31, "ok")])
def test_what_is_too_long_for_a_notice_stays_until_it_is_read(
    fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch, text: str, kind: str
) -> None:
    used: List[str] = []
    for name in ("notification", "ok"):
        monkeypatch.setattr(xbmcgui.Dialog, name, lambda *_, name=name, **more: used.append(name))
    windows.say(text)
    assert used == [kind]


def test_lines_that_were_kept_stand_under_what_happened_to_them(fake_kodi: FakeKodi) -> None:
    cues = [Cue(n, 3661.5 * n, 3662.0 * n, f"Line\n{n}", (), "") for n in range(5)]
    left = [(0, "untranslated"), (1, "blocked"), (2, "untranslated"), (3, "shifted"), (4, "not reached")]
    assert why_kept(cues, left).split("\n\n") == [
        "Came back untranslated:\n0:00:00  Line 0\n2:02:03  Line 2",
        "The provider did not want to translate these:\n1:01:01  Line 1",
        "What came back for these could not be used:\n3:03:04  Line 3",
        "No answer came for these:\n4:04:06  Line 4",
    ]
