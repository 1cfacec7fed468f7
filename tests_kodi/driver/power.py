"""A machine that goes to sleep and wakes up: a system bus of its own, and a logind on it, for a Kodi to listen to."""

import subprocess
from pathlib import Path
from typing import Dict, List, Optional

from tests_kodi.driver.waiting import until

_PYTHON = "/usr/bin/python3"  # Debian's, whatever this runs on: python3-dbus and python3-gi belong to that one
_LOGIND = Path(__file__).parent / "logind.py"


class Power:
    """From ``with`` to its end. A Kodi takes part in it that was started with ``environment``.

    :param folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._address = f"unix:path={folder / 'bus'}"
        self._heard = folder / "logind.txt"
        self._bus: Optional[subprocess.Popen[str]] = None
        self._logind: Optional[subprocess.Popen[str]] = None

    @property
    def environment(self) -> Dict[str, str]:
        return {"DBUS_SYSTEM_BUS_ADDRESS": self._address}

    def __enter__(self) -> "Power":
        # The session's configuration lets everyone own names and call each other, which the system's does not.
        command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self._address}"]
        self._bus = subprocess.Popen(command, text=True)
        until(Path(self._address.split("=")[1]).exists, "the bus")
        with self._heard.open("w", encoding="utf-8") as file:
            command = [_PYTHON, str(_LOGIND), self._address]
            self._logind = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, text=True)
        until(lambda: "ready" in self._words(), "logind")
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._logind, self._bus):
            if process is not None:
                process.terminate()
                process.communicate()

    def sleep(self) -> None:
        """The machine is about to sleep; return once Kodi has nothing against it any more."""
        self._do("sleep", "released")

    def wake(self) -> None:
        """The machine woke up; return once Kodi has noticed, and puts the next sleep off."""
        self._do("wake", "held")

    def _do(self, what: str, then: str) -> None:
        assert self._logind is not None
        assert self._logind.stdin is not None
        before = self._words().count(then)
        self._logind.stdin.write(what + "\n")
        self._logind.stdin.flush()
        until(lambda: self._words().count(then) > before, f"Kodi to hear that the machine is to {what}")

    def _words(self) -> List[str]:
        return self._heard.read_text(encoding="utf-8").split()
