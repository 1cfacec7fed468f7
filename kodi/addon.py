"""Who we are to Kodi: the add-on's id, its folders, and Kodi's JSON-RPC."""

import json
from typing import Any

import xbmc
import xbmcaddon
import xbmcvfs

ID = "service.subtitles.sub-ai-translator"
#: Pages of the settings screen, as ``open_settings`` takes them.
PROVIDERS, CONNECTIONS = 1, 3

_SETTINGS_SCREEN = "Window.IsActive(addonsettings)"
_FIRST_PAGE = -100
_OPENS, _STEP = 3.0, 0.05  # seconds that the screen may take, and between two looks
_addon = xbmcaddon.Addon(ID)  # once: after the add-on is disabled this raises


def name() -> str:
    return _addon.getAddonInfo("name")


def folder() -> str:
    """The folder that the add-on is installed in."""
    return str(xbmcvfs.translatePath(_addon.getAddonInfo("path")))


def profile() -> str:
    """The folder for what the add-on keeps, which need not exist yet."""
    return str(xbmcvfs.translatePath(_addon.getAddonInfo("profile")))


def icon() -> str:
    return _addon.getAddonInfo("icon")


def open_settings(page: int = 0) -> None:
    """Show the settings screen, at one of its pages; returns once it is there."""
    xbmc.executebuiltin(f"Addon.OpenSettings({ID})")
    if not page:
        return
    monitor, looks = xbmc.Monitor(), int(_OPENS / _STEP)
    while not xbmc.getCondVisibility(_SETTINGS_SCREEN):
        looks -= 1
        if looks < 0 or monitor.waitForAbort(_STEP):
            return
    # Kodi has no other way: the buttons on the left are numbered like this, and focusing one turns the page.
    xbmc.executebuiltin(f"SetFocus({_FIRST_PAGE + page})")


def call_kodi(method: str, **parameters: Any) -> Any:
    """The result of a JSON-RPC call into Kodi itself, or None where Kodi refuses it."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return json.loads(xbmc.executeJSONRPC(json.dumps(request))).get("result")


def kodi_setting(setting: str) -> Any:
    """The value of one of Kodi's own settings, or None where it has no such setting."""
    result = call_kodi("Settings.GetSettingValue", setting=setting)
    return result.get("value") if isinstance(result, dict) else None
