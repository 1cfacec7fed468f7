"""The face in Kodi: all that touches ``xbmc*``. The service does the work, the other entries send it messages."""
