"""Drives a real Kodi: a profile with the packaged add-on, a screen to show it on, a remote control, and a look at the log."""
