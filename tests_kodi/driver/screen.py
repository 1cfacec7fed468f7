"""A screen that no one sees, and pictures of it."""

import os
import subprocess
from typing import Optional

SIZE = "1280x720x24"


class Screen:
    """An X server without hardware, from ``with`` to its end. :ivar display: ``:N``, for ``DISPLAY``."""

    def __init__(self) -> None:
        self.display = ""
        self._process: Optional["subprocess.Popen[bytes]"] = None

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
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(["import", "-display", self.display, "-window", "root", path], check=True)

    def extent(self, area: str) -> str:
        """The box around what is nearly white in ``area`` (as ImageMagick writes areas); ``""`` where nothing is."""
        take = ["import", "-display", self.display, "-window", "root", "-crop", area, "+repage"]
        find = ["-threshold", "80%", "-format", "%[max] %@", "info:"]
        found = subprocess.run(take + find, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True)
        brightest, _, box = found.stdout.strip().partition(" ")
        return box if brightest not in ("", "0") else ""
