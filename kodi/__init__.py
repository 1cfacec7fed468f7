"""The add-on in Kodi: everything that touches ``xbmc*``. The service does the work, the other entries send it messages."""
