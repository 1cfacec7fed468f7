"""The program entry, and the buttons of the settings screen (their name is the first argument)."""

import os
import sys

# In front of the add-ons this one depends on, and of the system: their packages may be called as ours are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from kodi import actions

actions.run_script(sys.argv[1:])
