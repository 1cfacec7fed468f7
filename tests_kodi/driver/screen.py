"""A screen that no one sees, and pictures of it."""

import os
import subprocess
from typing import List, Optional

from tests_kodi.driver.waiting import soon

SIZE = "1280x720x24"
_STILL = 4  # looks that are all alike
_LONGEST = 2.5  # seconds for something to stand still


class Screen:
    """An X server without hardware, from ``with`` to its end. :ivar display: ``:N``, for ``DISPLAY``."""

    def __init__(self) -> None:
        self.display = ""
        self._process: Optional[subprocess.Popen[bytes]] = None

    def __enter__(self) -> "Screen":
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", SIZE, "-nolisten", "tcp"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self.display = ":" + self._process.stdout.readline().decode().strip()
        assert self.display != ":", "Xvfb did not start"
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.terminate()
            self._process.wait()
            self._process.stdout.close()

    def picture(self, path: str) -> None:
        """Take one once nothing moves any more, or after some seconds where something always does."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        looks = [b""]

        def still() -> bool:
            looks.append(subprocess.run([*self._take, "ppm:-"], stdout=subprocess.PIPE, check=True).stdout)
            return len(looks) > _STILL and len(set(looks[-_STILL:])) == 1

        soon(still, _LONGEST)
        subprocess.run([*self._take, path], check=True)

    def extent(self, area: str) -> str:
        """The box around what is nearly white in ``area`` (as ImageMagick writes areas); ``""`` where nothing is."""
        taken = subprocess.run([*self._take, "png:-"], stdout=subprocess.PIPE, check=True).stdout
        find = ["convert", "png:-", "-crop", area, "+repage", "-threshold", "80%", "-format", "%[max] %@", "info:"]
        found = subprocess.run(find, input=taken, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        brightest, _, box = found.stdout.decode().strip().partition(" ")
        return box if brightest not in ("", "0") else ""

    @property
    def _take(self) -> List[str]:
        return ["import", "-display", self.display, "-window", "root"]
