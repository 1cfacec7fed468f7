"""Where a desktop keeps what a program remembers. Kodi has a place of its own for that and does not ask here."""

import os
import sys

FOLDER = "sub-ai-translator"


def data_directory() -> str:
    """The folder for this program's data in the home of whoever runs it; it need not exist yet.

    Linux and the rest: ``$XDG_DATA_HOME`` or ``~/.local/share`` (XDG Base Directory Specification 0.8, by which a
    relative value counts as none). macOS: ``~/Library/Application Support``. Windows: ``%APPDATA%``.
    """
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME", "")
        if not os.path.isabs(base):
            base = os.path.join(home, ".local", "share")
    return os.path.join(base, FOLDER)
