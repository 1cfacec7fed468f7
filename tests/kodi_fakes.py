"""A Kodi that is not one: Kodi's own stubs, with what our code leans on filled in. What needs a real one is elsewhere.

Use it as a fixture: ``from kodi_fakes import fake_kodi``. Settings have their defaults, texts are English, files are
real; dialogs give the answers that ``answers`` holds and remember in ``shown`` what they showed.
"""

import json
import os
import re
import shutil
import threading
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Optional, Set, Tuple
from xml.etree import ElementTree as ET

import pytest
import xbmc
import xbmcaddon
import xbmcgui
import xbmcvfs

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "resources" / "settings.xml"
LANGUAGES = ROOT / "resources" / "language"

_TYPES = {"string": str, "path": str, "integer": int, "number": float, "boolean": bool}
_THREE_LETTERS = {"en": "eng", "es": "spa", "de": "ger"}
_CODES = {"English": "en", "Spanish": "es", "Chinese": "zh", "chi": "zh", "bre": "br", "twi": "tw"}  # and no regions
_ENTRY = re.compile(r'^msgctxt "#(\d+)"\nmsgid "(.*)"\nmsgstr "(.*)"$', re.MULTILINE)


def texts(language: str) -> Dict[int, Tuple[str, str]]:
    """Id -> (English, translated) of a ``strings.po``."""
    po = (LANGUAGES / f"resource.language.{language}" / "strings.po").read_text(encoding="utf-8")
    return {int(number): (_plain(english), _plain(own)) for number, english, own in _ENTRY.findall(po)}


def default_settings() -> Dict[str, Any]:
    """Id -> the default in its type, of every setting that has one."""
    found: Dict[str, Any] = {}
    for setting in ET.parse(str(SETTINGS)).iter("setting"):
        kind = _TYPES.get(setting.attrib["type"])
        if kind is not None:
            text = setting.findtext("default") or ""
            found[setting.attrib["id"]] = text == "true" if kind is bool else kind(text)
    return found


class FakeSettings:
    """As ``xbmcaddon.Settings``: a wrong type or an unknown id is a TypeError."""

    def __init__(self, values: Dict[str, Any]) -> None:
        self._values = dict(values)  # what is stored later is only seen by a new one, as in Kodi

    def _get(self, name: str, kind: type) -> Any:
        value = self._values.get(name)
        if type(value) is not kind:
            raise TypeError(f"{name} is no {kind}")
        return value

    def getString(self, name: str) -> str:  # noqa: N802  # Kodi's names, here and below
        return str(self._get(name, str))

    def getInt(self, name: str) -> int:  # noqa: N802
        return int(self._get(name, int))

    def getNumber(self, name: str) -> float:  # noqa: N802
        return float(self._get(name, float))

    def getBool(self, name: str) -> bool:  # noqa: N802
        return bool(self._get(name, bool))


class FakeKodi:
    """:ivar kodi_settings: Kodi's own. :ivar answers: what the person does next, in order; None is cancel.

    :ivar untrue: conditions that do not hold.
    :ivar playing: the path of the video that plays; ``streams`` are its subtitles, ``shown_stream`` is the one shown.
    :ivar read_only: folders, with ``/`` at the end, in which Kodi can write nothing.
    :ivar service: hears of notifications. :ivar properties: those of the home window.
    :ivar given_up: whether the person has pressed the button of the dialog that shows progress.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = default_settings()
        self.kodi_settings: Dict[str, Any] = {"locale.subtitlelanguage": "original"}
        self.language = "en"
        self.untrue: Set[str] = set()
        self.answers: List[Any] = []
        self.shown: List[str] = []
        self.logged: List[Tuple[str, int]] = []
        self.builtins: List[str] = []
        self.read_only: Set[str] = set()
        self.playing = ""
        self.streams: List[Dict[str, Any]] = []
        self.shown_stream: Optional[int] = None
        self.plays_elsewhere = False
        self.given_up = False
        self.service: Any = None
        self.properties: Dict[str, str] = {}

    def add_stream(self, path: str) -> None:
        """As ``Player.setSubtitles``: shown, and a stream of its own unless it is one already."""
        name = os.path.basename(path)
        names = [str(one["name"]) for one in self.streams]
        if name not in names:
            marks = name.split(".")
            code = next((_THREE_LETTERS[mark] for mark in reversed(marks) if mark in _THREE_LETTERS), "")
            forced = "forced" in marks
            self.streams.append({"index": len(names), "language": code, "name": name, "isforced": forced})
            names.append(name)
        self.shown_stream = names.index(name)

    def show_stream(self, index: Optional[int]) -> None:
        self.shown_stream = index

    def answer(self, *words: object) -> Any:
        self.shown.append(" | ".join(str(word) for word in words))
        return self.answers.pop(0)

    def rpc(self, request: str) -> str:
        asked = json.loads(request)
        if asked["method"] == "Player.GetProperties":
            shown = self.shown_stream
            found = {
                "subtitles": self.streams,
                "subtitleenabled": shown is not None,
                "currentsubtitle": {} if shown is None else self.streams[shown],
                "currentaudiostream": {"language": "jpn"},
            }
            return json.dumps({"result": found})
        if asked["method"] == "JSONRPC.NotifyAll" and self.service is not None:
            sent = asked["params"]
            self.service.onNotification(sent["sender"], f"Other.{sent['message']}", json.dumps(sent["data"]))
        if asked["method"] == "Settings.GetSettingValue" and asked["params"]["setting"] in self.kodi_settings:
            return json.dumps({"result": {"value": self.kodi_settings[asked["params"]["setting"]]}})
        return json.dumps({"error": {"code": -32602}})


class FakeFile:
    """As ``xbmcvfs.File``: opening never raises."""

    read_only: ClassVar[Set[str]] = set()

    def __init__(self, path: str, mode: str = "r") -> None:
        self.real = _real(path)

    def __enter__(self) -> "FakeFile":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def size(self) -> int:
        return os.path.getsize(self.real)

    def readBytes(self, count: int = 0) -> bytearray:  # noqa: N802
        return bytearray(Path(self.real).read_bytes())

    def write(self, data: bytearray) -> bool:
        if os.path.join(os.path.dirname(self.real), "") in self.read_only:
            return False
        try:
            Path(self.real).write_bytes(data)
        except OSError:
            return False
        return True


class FakeStat:
    """As ``xbmcvfs.Stat``: of nothing, everything is 0."""

    def __init__(self, path: str) -> None:
        self._path = _real(path)

    def st_size(self) -> int:
        return os.path.getsize(self._path) if os.path.exists(self._path) else 0


@pytest.fixture
def fake_kodi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKodi:
    """A Kodi whose add-on was just installed; its profile is a folder below ``folder``."""
    kodi = FakeKodi(tmp_path)
    english = {number: own[0] for number, own in texts("en_gb").items()}
    info = {"name": "Sub-AI Translator", "profile": str(tmp_path / "profile"), "path": str(ROOT), "icon": "icon.png"}

    def store(_: object, name: str, value: Any) -> bool:
        kodi.settings[name] = value
        return True

    addon: Dict[str, Any] = {
        "getLocalizedString": lambda _, number: english.get(number, ""),
        "getAddonInfo": lambda _, what: info[what],
        "getSettings": lambda _: FakeSettings(kodi.settings),
        **{f"setSetting{kind}": store for kind in ("String", "Int", "Bool", "Number")},
    }
    dialog: Dict[str, Any] = {
        "yesno": lambda _, heading, text, **more: kodi.answer(text),
        "select": lambda _, heading, items, **more: _or_minus_one(kodi.answer(heading, *items)),
        "input": lambda _, heading, *more: kodi.answer(heading) or "",
        "browseSingle": lambda _, kind, heading, *more: kodi.answer(heading) or "",
        "ok": lambda _, heading, text: kodi.shown.append(text),
        "textviewer": lambda _, heading, text: kodi.shown.append(text),
        "notification": lambda _, heading, text, *more, **others: kodi.shown.append(text),
    }
    files: Dict[str, Any] = {
        "File": type("File", (FakeFile,), {"read_only": kodi.read_only}),
        "Stat": FakeStat,
        "exists": lambda path: (os.path.isdir if path.endswith("/") else os.path.isfile)(_real(path)),
        "mkdirs": _made,
        "delete": _deleted,
        "rename": _renamed,
        "copy": lambda source, target: bool(shutil.copyfile(_real(source), target)),
        "translatePath": lambda path: path.replace("special://temp", str(tmp_path)),
        "listdir": _listed,
    }
    core: Dict[str, Any] = {
        "log": lambda text, level=0: kodi.logged.append((text, level)),
        "executeJSONRPC": kodi.rpc,
        "executebuiltin": kodi.builtins.append,
        "getCondVisibility": lambda condition: condition not in kodi.untrue,
        "getSupportedMedia": lambda kind: ".mkv|.mp4",
        "convertLanguage": lambda name, form: _CODES.get(name, ""),
        "getLanguage": lambda form=0: kodi.language if form == xbmc.ISO_639_1 else "English",
    }
    player: Dict[str, Any] = {
        "isPlayingVideo": lambda _: bool(kodi.playing),
        "isExternalPlayer": lambda _: kodi.plays_elsewhere,
        "getPlayingFile": lambda _: kodi.playing,
        "getTime": lambda _: 0.0,
        "setSubtitles": lambda _, path: kodi.add_stream(path),
        "setSubtitleStream": lambda _, index: kodi.show_stream(index),
        "showSubtitles": lambda _, visible: None if visible else kodi.show_stream(None),
    }
    window: Dict[str, Any] = {
        "setProperty": lambda _, name, value: kodi.properties.update({name: value}),
        "getProperty": lambda _, name: kodi.properties.get(name, ""),
        "clearProperty": lambda _, name: kodi.properties.pop(name, None),
    }
    monkeypatch.setattr(xbmc.Monitor, "waitForAbort", lambda _, seconds=-1.0: threading.Event().wait(seconds))
    monkeypatch.setattr(xbmcgui.DialogProgress, "iscanceled", lambda _: kodi.given_up)
    fakes = {xbmc: core, xbmc.Player: player, xbmcaddon.Addon: addon, xbmcgui.Dialog: dialog, xbmcvfs: files}
    fakes[xbmcgui.Window] = window
    for owner, replaced in fakes.items():
        for name, value in replaced.items():
            monkeypatch.setattr(owner, name, value)
    return kodi


def _real(path: str) -> str:
    """``smb://`` and a path is that path."""
    return path.replace("smb:/", "", 1)


def _listed(folder: str) -> Tuple[List[str], List[str]]:
    folder = _real(folder)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    folders = [name for name in names if os.path.isdir(os.path.join(folder, name))]
    return folders, [name for name in names if name not in folders]


def _made(folder: str) -> bool:
    os.makedirs(_real(folder), exist_ok=True)
    return True


def _deleted(path: str) -> bool:
    os.remove(_real(path))
    return True


def _renamed(path: str, new: str) -> bool:
    try:
        os.rename(_real(path), _real(new))
    except OSError:
        return False
    return True


def _or_minus_one(chosen: Any) -> int:
    return -1 if chosen is None else chosen


def _plain(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", "\n")
