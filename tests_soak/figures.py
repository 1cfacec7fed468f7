"""What the process holds: memory, threads, descriptors; and how that goes over time.

What is in use is glibc's own figure, and counts all of Python's objects under PYTHONMALLOC=malloc, which make test-soak
sets. What is resident is that and the holes between, which wander: it tells a leak of 2 MB only with luck.
"""

import ctypes
import gc
import os
import threading
from contextlib import suppress
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

MEGABYTE = 1024 * 1024
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # of malloc.h


class Held(NamedTuple):
    """:ivar resident: bytes of memory. :ivar in_use: of them, on the heap. :ivar descriptors: number -> what it is."""

    resident: int
    in_use: int
    threads: Tuple[str, ...]
    descriptors: Dict[int, str]


def settle_the_heap() -> None:
    """Have glibc keep one heap for all threads, and larger blocks outside it: every heap has holes, and they wander."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 * 1024)


def held() -> Held:
    """What this process holds now; memory once everything is given back that nobody needs."""
    names, numbers = threads(), descriptors()
    gc.collect()
    with suppress(OSError, AttributeError):  # only glibc keeps what was freed, and has this
        ctypes.CDLL(None).malloc_trim(0)
    return Held(resident(), in_use(), names, numbers)


class _Mallinfo2(ctypes.Structure):
    """``struct mallinfo2`` of malloc.h."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split())
    )


def in_use() -> int:
    """Bytes that are allocated; where only older C libraries or others are, those that are resident."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return resident()
    mallinfo2.restype = _Mallinfo2
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def threads() -> Tuple[str, ...]:
    return tuple(sorted(thread.name for thread in threading.enumerate()))


def descriptors() -> Dict[int, str]:
    """Number -> what it is, such as ``socket:[4711]``."""
    found: Dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # that of the listing itself
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


def more_of(kind: str, now: Mapping[int, str], before: Mapping[int, str]) -> int:
    """How many more descriptors of this kind there are."""
    return sum(each.startswith(kind) for each in now.values()) - sum(each.startswith(kind) for each in before.values())


class Growth:
    """Memory over time. A leak lifts the lows; that the highs come and go says nothing."""

    def __init__(self) -> None:
        self._samples: List[Tuple[float, int]] = []

    def add(self, seconds: float, memory: int) -> None:
        self._samples.append((seconds, memory))

    def over_the_last(self, share: float) -> int:
        """Bytes by which the lowest of the last quarter of this share of the time lies above that of its first."""
        begin, end = self._samples[0][0], self._samples[-1][0]
        first = end - (end - begin) * share
        quarter = (end - first) / 4
        early = [memory for seconds, memory in self._samples if first <= seconds <= first + quarter]
        late = [memory for seconds, memory in self._samples if seconds >= end - quarter]
        return min(late, default=0) - min(early, default=0)


class Table:
    """Prints rows under a head that comes again from time to time."""

    def __init__(self, columns: Sequence[str], again: int = 20) -> None:
        self._columns = columns
        self._again = again
        self._rows = 0

    def row(self, values: Sequence[object]) -> None:
        if self._rows % self._again == 0:
            print("".join(f"{name:>{self._width(name)}}" for name in self._columns))
        self._rows += 1
        print("".join(f"{value!s:>{self._width(name)}}" for name, value in zip(self._columns, values)), flush=True)

    @staticmethod
    def _width(name: str) -> int:
        return max(8, len(name) + 2)
