"""What this process takes of the machine, as far as the system tells. In Kodi that is Kodi, with all that is in it."""

import os
import sys
import threading
from typing import Optional, TypedDict

_FOLDERS = ("/proc/self/fd", "/dev/fd")


class ProcessFigures(TypedDict):
    """``memory``: bytes that are really in memory; ``threads``: of this interpreter; None where it cannot be known."""

    memory: Optional[int]
    threads: int
    descriptors: Optional[int]


def figures() -> ProcessFigures:
    """How things stand now."""
    return {"memory": _memory(), "threads": threading.active_count(), "descriptors": _descriptors()}


def _memory() -> Optional[int]:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    # The most that there ever was; the system tells no more.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _descriptors() -> Optional[int]:
    for folder in _FOLDERS:
        try:
            return len(os.listdir(folder)) - 1  # one of them was opened to look
        except OSError:
            continue
    return None
