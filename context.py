"""The item in the context menu of a video."""

import os
import sys

# In front of the add-ons this one depends on, and of the system: their packages may be called as ours are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from kodi import actions

actions.run_context(sys.listitem)  # type: ignore[attr-defined]  # Kodi puts it there
