"""Kodi starts this with itself; it lives until Kodi ends."""

import os
import sys

# In front of the add-ons this one depends on, and of the system: their packages may be called as ours are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from kodi import service

service.run()
