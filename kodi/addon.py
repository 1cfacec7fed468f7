"""Who we are to Kodi: the add-on's id, its folders, and Kodi's JSON-RPC."""

import json
from typing import Any

import xbmc
import xbmcaddon
import xbmcvfs

ID = "service.subtitles.sub-ai-translator"
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


def open_settings() -> None:
    """Show the settings screen; returns at once."""
    xbmc.executebuiltin(f"Addon.OpenSettings({ID})")


def call_kodi(method: str, **parameters: Any) -> Any:
    """The result of a JSON-RPC call into Kodi itself, or None where Kodi refuses it."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return json.loads(xbmc.executeJSONRPC(json.dumps(request))).get("result")


def kodi_setting(setting: str) -> Any:
    """The value of one of Kodi's own settings, or None where it has no such setting."""
    result = call_kodi("Settings.GetSettingValue", setting=setting)
    return result.get("value") if isinstance(result, dict) else None
