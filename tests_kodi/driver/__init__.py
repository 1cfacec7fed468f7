"""Drives a real Kodi: a profile with the packaged add-on, a screen, a remote control, and a look at the log."""
