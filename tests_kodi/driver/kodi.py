"""A Kodi process: started, watched, quit or killed. What is done with it once it runs is ``driver.remote``."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import List, Mapping, Optional

from tests_kodi.driver.package import ID
from tests_kodi.driver.profile import Profile
from tests_kodi.driver.rpc import RefusedError, Rpc
from tests_kodi.driver.screen import Screen
from tests_kodi.driver.waiting import PATIENT, until

_FIRST_WORD, _LAST_WORD = "Ready: ", "Ended in "  # of the service
_START_TRIES = 2  # a Kodi that never comes up says nothing about the add-on


def binary() -> str:
    """The program itself: the script in front of it would have another pid and clean up after crashes."""
    found = sorted(Path("/usr/lib").glob("**/kodi/kodi.bin"))
    if not found:
        raise FileNotFoundError("There is no kodi.bin under /usr/lib: install Debian's package kodi.")
    return str(found[0])


def _as_a_person() -> List[str]:
    """What makes a command respect the permissions of files, which root does not."""
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


class Kodi:
    """One profile's Kodi. It can be started again after ``quit`` or ``kill``."""

    def __init__(self, profile: Profile, screen: Screen, environment: Optional[Mapping[str, str]] = None) -> None:
        self.profile = profile
        self.screen = screen
        self._environment = environment or {}
        self._log_begins = 0
        self.rpc = Rpc(profile.port)
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> None:
        """Return when the home screen is there."""
        for remaining in reversed(range(_START_TRIES)):
            self._launch()
            try:
                until(self._is_home, "Kodi's home screen", 90)
            except AssertionError:
                self.kill()
                if not remaining:
                    raise
            else:
                return

    def _launch(self) -> None:
        environment = {
            "HOME": str(self.profile.home),
            # The interpreter inside Kodi takes its library from beside the first python3 that it finds here.
            "PATH": os.defpath,
            "DISPLAY": self.screen.display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "LANG": "C.UTF-8",
            "no_proxy": "*",
            **self._environment,
        }
        self._log_begins = 0
        output = self.profile.home / "output.txt"
        with output.open("ab") as file:
            command = [*_as_a_person(), binary(), "--standalone"]
            self._process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, cwd=self.profile.home)

    def _is_home(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"Kodi ended with {self._process.returncode} while it started")
        return self.rpc.answers() and self.rpc.holds("Window.IsVisible(home)")

    def enable(self, *addons: str) -> None:
        """Enable these, or everything that was installed; the add-on's service is running after it."""
        for addon in addons or self.profile.addons:
            self.rpc.call("Addons.SetAddonEnabled", addonid=addon, enabled=True)
            until(lambda addon=addon: self.is_enabled(addon), f"{addon} to be enabled")  # type: ignore[misc]

    def begin_anew(self, settings: Mapping[str, str]) -> None:
        """Have the add-on as it is after its installation, but for its settings; the log begins here."""
        if self.is_enabled():
            # Stopped before it runs, as in a Kodi that has just started, it would have no last word.
            until(lambda: self._words(_FIRST_WORD) > self._words(_LAST_WORD), "a service that runs")
            self.disable()
            until(lambda: self._words(_FIRST_WORD) == self._words(_LAST_WORD), "the service's last word")
        shutil.rmtree(self.profile.addon_data)
        self.profile.write_settings(settings)
        self._log_begins = len(self.whole_log())
        self.enable(ID)
        until(lambda: self._words(_FIRST_WORD) > self._words(_LAST_WORD), "the service's first word")

    def disable(self, addon: str = ID) -> None:
        self.rpc.call("Addons.SetAddonEnabled", addonid=addon, enabled=False)

    def is_enabled(self, addon: str = ID) -> bool:
        details = self.rpc.call("Addons.GetAddonDetails", addonid=addon, properties=["enabled"])
        return bool(details["addon"]["enabled"])

    def version(self, addon: str = ID) -> str:
        """Of an add-on; ``""`` while it is being updated."""
        try:
            details = self.rpc.call("Addons.GetAddonDetails", addonid=addon, properties=["version"])
        except RefusedError:
            return ""
        return str(details["addon"]["version"])

    # --- its end ----------------------------------------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def quit(self, patience: float = PATIENT) -> float:
        """Quit as a person does; returns how many seconds it took. A Kodi that does not end is killed."""
        assert self._process is not None
        started = time.monotonic()
        self.rpc.call("Application.Quit")
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"Kodi did not end within {patience:.0f} s") from None
        return time.monotonic() - started

    def kill(self) -> None:
        """What a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    # --- its log ----------------------------------------------------------------------------------------------------

    def log(self) -> str:
        """What was logged since it started, or began anew."""
        return self.whole_log()[self._log_begins :]

    def whole_log(self) -> str:
        return self.profile.log.read_text(encoding="utf-8", errors="replace") if self.profile.log.exists() else ""

    def _words(self, words: str) -> int:
        """How often the service said so since Kodi started."""
        return self.whole_log().count(f"{ID}] subai.kodi: {words}")

    def complaints(self) -> List[str]:
        """Lines of the log, from a warning upwards, that name the add-on, and whatever Python threw."""
        loud = (" warning <", " error <", " fatal <")
        ours = (ID, "Error Type", "Error Contents", "Traceback", "EXCEPTION Thrown")
        lines = self.log().splitlines()
        return [line for line in lines if any(mark in line for mark in loud) and any(mark in line for mark in ours)]
