"""The network and the ground everything stands on; knows nothing of subtitles, providers or Kodi."""
