"""What Kodi keeps of the settings screen: read as it is now, and written as the screen does it."""

import threading
from typing import Any, Dict

import xbmcaddon

from kodi import addon

#: How often Kodi's file is read until it is whole, and seconds between.
READ_TRIES, READ_PAUSE = 20, 0.1


def store(changes: Dict[str, Any]) -> None:
    """Store settings by their ids; through ``Addon``, as what ``Settings`` stores is lost."""
    target = xbmcaddon.Addon(addon.ID)
    for name, value in changes.items():
        if isinstance(value, bool):
            target.setSettingBool(name, value)
        elif isinstance(value, int):
            target.setSettingInt(name, value)
        else:
            target.setSettingString(name, value)


def text(name: str) -> str:
    """The text that is stored under this id."""
    return str(values().getString(name))


def values() -> xbmcaddon.Settings:
    """What is stored now: a new object each time, since an older one keeps the older values.

    :raises TypeError: Kodi could not read them for all of ``READ_TRIES``.
    """
    for remaining in reversed(range(READ_TRIES)):
        found = xbmcaddon.Addon(addon.ID).getSettings()
        try:
            found.getString("provider")
        except TypeError:  # another interpreter is writing the file, so Kodi read half of it: nothing has a type then
            if not remaining:
                raise
            threading.Event().wait(READ_PAUSE)
        else:
            break
    return found
