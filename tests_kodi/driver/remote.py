"""A person with a remote control in front of a Kodi, who also looks at what is on the screen."""

import itertools
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from tests_kodi.driver.kodi import Kodi
from tests_kodi.driver.package import ID, INSIDE, ROOT
from tests_kodi.driver.rpc import RefusedError
from tests_kodi.driver.waiting import PATIENT, soon, until

ARTIFACTS = ROOT / "artifacts"
SETTINGS = "Window.IsVisible(addonsettings)"
CATEGORIES = ("Translation", "Providers", "Automatic", "Connections")
SUBTITLE_DIALOG = "Window.IsVisible(subtitlesearch)"
_ROWS, _SERVICES = 120, 150  # the two lists of Kodi's subtitle dialog
_LIST = 3  # in Kodi's dialog for lists
_QUESTION = 9  # the text in Kodi's yes-no dialog
_A_DIALOG = "System.HasVisibleModalDialog"
_TOLD = f"[{ID}] On the screen: "
_SUBTITLE_AREA = "1280x110+0+590"
_MOVES = 1.0  # seconds in which the focus has moved, if it does
_QUIET, _QUIETER = 5, 15  # looks without a dialog after which none is on its way
_numbers = itertools.count(1)


class Remote:
    def __init__(self, kodi: Kodi) -> None:
        self.kodi = kodi
        self.rpc = kodi.rpc

    # --- pressing ---------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """``Select``, ``Back``, ``Up`` and so on."""
        self.rpc.call(f"Input.{key}")

    def clear(self, *, many: bool = False) -> None:
        """Close whatever dialogs are open, until no other one comes.

        :param many: one after another may come, as Kodi's questions about each new add-on do.
        """
        quiet, enough = 0, _QUIETER if many else _QUIET

        def none_comes() -> bool:
            nonlocal quiet
            if self.rpc.holds(_A_DIALOG):
                quiet = 0
                before = self.rpc.label("System.CurrentWindow")
                self.press("Back")
                # While it fades away another Back would leave what is behind it; one that comes too early is lost.
                soon(lambda: not self.rpc.holds(_A_DIALOG) or self.rpc.label("System.CurrentWindow") != before, 1.5)
            else:
                quiet += 1
            return quiet > enough

        until(none_comes, "all dialogs to be closed")

    def focus(self, label: str, key: str = "Down", seconds: float = PATIENT) -> None:
        """Press ``key`` until what is focused has ``label`` in it."""
        seen: List[str] = []

        def is_there() -> bool:
            current = self.focused()
            if label in current:
                return True
            seen.append(current)
            self.press(key)
            soon(lambda: self.focused() != current, _MOVES)
            return False

        if not soon(is_there, seconds):
            raise AssertionError(f"nothing called {label!r} here, only {sorted(set(seen))}")

    def answer(self, label: str, key: str = "Left") -> None:
        """Press the button of a question, or choose the line of a list."""
        self.focus(label, key)
        self.press("Select")

    def choose_file(self, *path: str) -> None:
        """In Kodi's file browser: one of its sources, folders, a file."""
        self.shows("Window.IsVisible(filebrowser)")
        for name in path:
            self.answer(name, "Down")

    # --- looking ----------------------------------------------------------------------------------------------------

    def focused(self) -> str:
        """The label of what the next OK is for."""
        return self.rpc.label("System.CurrentControl")

    def picture(self, name: str) -> Path:
        path = ARTIFACTS / f"{name}.png"
        self.kodi.screen.picture(str(path))
        return path

    def shows(self, condition: str, what: str = "", seconds: float = PATIENT) -> None:
        until(lambda: self.rpc.holds(condition), what or condition, seconds)

    def hides(self, condition: str, seconds: float = PATIENT) -> None:
        until(lambda: not self.rpc.holds(condition), f"no more {condition}", seconds)

    def told(self) -> List[str]:
        """Every notice and question of the add-on since Kodi started."""
        return [line.split(_TOLD, 1)[1] for line in self.kodi.log().splitlines() if _TOLD in line]

    def line_on_screen(self) -> str:
        """Where the bright pixels of the subtitle are (``width x height + left + top``); ``""`` without any."""
        return self.kodi.screen.extent(_SUBTITLE_AREA)

    # --- inside -----------------------------------------------------------------------------------------------------

    def inside(self, code: str, **values: Any) -> Any:
        """Run Python in Kodi; what it puts into ``answer`` comes back. ``values`` are its variables."""
        path = self.kodi.profile.home / f"inside-{next(_numbers)}.py"
        settings = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        path.write_text(settings + code, encoding="utf-8")
        self.rpc.call("Addons.ExecuteAddon", addonid=INSIDE, params=[str(path)], wait=False)
        answer = Path(f"{path}.json")
        until(answer.exists, f"an answer to {code!r}")
        result: Dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        if "error" in result:
            raise AssertionError(f"{result['error']} in {code!r}")
        return result["answer"]

    def builtin(self, command: str) -> None:
        """What a skin's button would do."""
        self.inside("import xbmc\nxbmc.executebuiltin(command)", command=command)

    def change_setting(self, name: str, value: Any) -> None:
        """As the settings screen does it, while Kodi runs."""
        kind = {bool: "Bool", int: "Int", float: "Number", str: "String"}[type(value)]
        code = f"import xbmcaddon\nanswer = xbmcaddon.Addon(addon).setSetting{kind}(name, value)"
        assert self.inside(code, addon=ID, name=name, value=value), f"{name} could not be set"

    def message(self, action: str, **data: Any) -> Dict[str, Any]:
        """What the add-on's own entries do: ask the service, and wait for its answer."""
        code = (
            "import sys, os, xbmcaddon\n"
            "sys.path.insert(0, xbmcaddon.Addon(addon).getAddonInfo('path'))\n"
            "from kodi import messages\n"
            "answer = messages.ask(action, data, 10.0)\n"
        )
        answer = self.inside(code, addon=ID, action=action, data=data)
        assert isinstance(answer, dict), f"the service gave no answer to {action}"
        return answer

    # --- the player -------------------------------------------------------------------------------------------------

    def play(self, film: Path, *, at: float = 0.0) -> None:
        """Play from ``at`` seconds on; returns when it plays."""
        # A resume point would be rounded to per cent: seek once it runs.
        self.rpc.call("Player.Open", item={"file": str(film)})
        until(lambda: self.position() is not None and self.playing() == str(film), f"{film.name} to play")
        if at:
            self.seek(at)

    def playing(self) -> str:
        return self.rpc.label("Player.Filenameandpath")

    def position(self) -> Optional[float]:
        """Seconds from the film's beginning; None when nothing plays, or is only just opened."""
        if not self.rpc.call("Player.GetActivePlayers"):
            return None
        try:
            time = self.rpc.call("Player.GetProperties", playerid=1, properties=["time"])["time"]
        except RefusedError:
            return None
        return float(time["hours"] * 3600 + time["minutes"] * 60 + time["seconds"] + time["milliseconds"] / 1000)

    def seek(self, seconds: float) -> None:
        hours, rest = divmod(int(seconds), 3600)
        time = {"hours": hours, "minutes": rest // 60, "seconds": rest % 60, "milliseconds": 0}
        self.rpc.call("Player.Seek", playerid=1, value={"time": time})
        until(lambda: abs((self.position() or 0.0) - seconds) < 15, f"the film to be at {seconds:.0f} s")

    def pause(self, *, paused: bool = True) -> None:
        self.rpc.call("Player.PlayPause", playerid=1, play=not paused)

    def stop(self) -> None:
        if self.rpc.call("Player.GetActivePlayers"):
            self.rpc.call("Player.Stop", playerid=1)
        until(lambda: not self.rpc.call("Player.GetActivePlayers"), "the player to stop")

    def subtitles(self) -> Dict[str, Any]:
        """``subtitles``, ``currentsubtitle`` and ``subtitleenabled`` of the player."""
        properties = ["subtitles", "currentsubtitle", "subtitleenabled"]
        found: Dict[str, Any] = self.rpc.call("Player.GetProperties", playerid=1, properties=properties)
        return found

    def language_on_screen(self) -> str:
        """Of the subtitle that is shown, as Kodi tells it (``spa``); ``""`` when there is none, or they are off."""
        found = self.subtitles()
        return str(found["currentsubtitle"].get("language", "")) if found["subtitleenabled"] else ""

    def show_subtitle(self, choice: object) -> None:
        """``"on"``, ``"off"``, or the index of a stream."""
        self.rpc.call("Player.SetSubtitle", playerid=1, subtitle=choice)

    def play_on(self, seconds: float = 1.0) -> None:
        """Let the film go on for so long, for what is drawn with its next picture."""
        begun = self.position() or 0.0
        until(lambda: (self.position() or 0.0) >= begun + seconds, f"{seconds} s of film")

    # --- the service ------------------------------------------------------------------------------------------------

    def jobs(self) -> List[Dict[str, Any]]:
        """What is being translated: ``name``, ``done``, ``total``, ``path``."""
        found: List[Dict[str, Any]] = self.message("status")["jobs"]
        return found

    def connections(self) -> Dict[str, Any]:
        """The figures of the one provider that was asked."""
        found: Dict[str, Any] = self.message("connections")["endpoints"][0]
        return found

    def finishes(self, seconds: float = 90.0) -> None:
        until(lambda: not self.jobs(), "the translation to end", seconds)

    def open_menu(self) -> None:
        """The add-on's entry among the program add-ons."""
        self.rpc.call("Addons.ExecuteAddon", addonid=ID, wait=False)
        self.shows("Window.IsVisible(selectdialog)")

    def list_items(self) -> List[str]:
        """Every line of the list that is open."""
        count = until(lambda: int(self.rpc.label(f"Container({_LIST}).NumItems") or 0), "a list")
        return self.rpc.labels(*(f"Container({_LIST}).ListItemAbsolute({n}).Label" for n in range(count)))

    def question(self) -> str:
        """What is asked just now."""
        return until(lambda: self.rpc.label(f"Control.GetLabel({_QUESTION})"), "the text of a question")

    # --- the settings screen ----------------------------------------------------------------------------------------

    def open_settings(self) -> None:
        self.builtin(f"Addon.OpenSettings({ID})")
        self.shows(SETTINGS)

    def open_category(self, name: str, categories: Sequence[str] = CATEGORIES) -> None:
        """Go to one of the categories of the settings screen, wherever in it the focus is."""
        until(lambda: self.focused() in categories or self._step("Left"), "the focus on a category")
        here, there = categories.index(self.focused()), categories.index(name)
        for _ in range(abs(there - here)):
            self._step("Down" if there > here else "Up")
        assert self.focused() == name

    def press_button(self, category: str, name: str) -> None:
        """Press a button of the settings screen, which is open."""
        self.open_category(category)
        self._step("Right")
        self.answer(name, "Down")

    def _step(self, key: str) -> bool:
        """Press a key and wait until the focus has moved; False, so that it can be the condition's other half."""
        before = self.focused()
        self.press(key)
        soon(lambda: self.focused() != before, _MOVES)
        return False

    # --- the subtitle dialog ----------------------------------------------------------------------------------------

    def open_subtitle_dialog(self) -> List[str]:
        """Open it, choose the add-on there, and return the rows' texts."""
        self.rpc.call("GUI.ActivateWindow", window="subtitlesearch")
        self.shows(SUBTITLE_DIALOG)
        until(lambda: self.row_count() > 0, "rows in the subtitle dialog")
        return self.rows()

    def row_count(self) -> int:
        return int(self.rpc.label(f"Container({_ROWS}).NumItems") or 0)

    def rows(self) -> List[str]:
        names = [f"Container({_ROWS}).ListItemAbsolute({n}).Label2" for n in range(self.row_count())]
        return self.rpc.labels(*names)

    def choose_row(self, text: str) -> None:
        """Go to the row with ``text`` in it and press OK."""
        place = next(n for n, row in enumerate(self.rows()) if text in row)
        self.rpc.call("GUI.ActivateWindow", window="subtitlesearch")
        self.builtin(f"SetFocus({_ROWS},{place},absolute)")
        until(lambda: text in self.rpc.label(f"Container({_ROWS}).ListItem.Label2"), f"the focus on {text!r}")
        self.press("Select")
