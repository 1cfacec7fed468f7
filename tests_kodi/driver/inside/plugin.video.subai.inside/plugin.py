"""An add-on with videos: ``plugin://plugin.video.subai.inside/?<address>`` plays what is at that address."""

import sys
from urllib.parse import unquote

import xbmcgui
import xbmcplugin

xbmcplugin.setResolvedUrl(int(sys.argv[1]), True, xbmcgui.ListItem(path=unquote(sys.argv[2][1:])))
