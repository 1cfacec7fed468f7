"""An add-on with one video: ``plugin://plugin.video.subai.inside/?list=<address>`` is a list with what is there."""

import sys
from urllib.parse import parse_qs, urlencode

import xbmcgui
import xbmcplugin

own, handle, query = sys.argv[0], int(sys.argv[1]), parse_qs(sys.argv[2].lstrip("?"))
if "list" in query:
    item = xbmcgui.ListItem("A video of an add-on")
    item.setInfo("video", {"title": "A video of an add-on"})
    item.setProperty("IsPlayable", "true")
    xbmcplugin.addDirectoryItem(handle, f"{own}?{urlencode({'play': query['list'][0]})}", item, isFolder=False)
    xbmcplugin.endOfDirectory(handle)
else:
    xbmcplugin.setResolvedUrl(handle, True, xbmcgui.ListItem(path=query["play"][0]))
