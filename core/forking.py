"""What a forked process must not share with its parent, and is renewed in it.

Two processes on one TLS connection spoil it for both, and of the parent's threads only the one that forked goes on: a
lock that another one held would never be let go, nor a permit given back.
"""

import os
import threading
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that lives in every process by itself."""

    def renew(self) -> None:
        """Begin anew, in a process that has no other thread yet. Must not wait for any lock of the parent's."""


_known: "weakref.WeakSet[Renewable]" = weakref.WeakSet()


def renew_in_children(owner: Renewable) -> None:
    """Have ``owner.renew()`` called in every process that is forked off this one, for as long as ``owner`` lives."""
    _known.add(owner)


class OwnLock:
    """A lock, to be used by ``with``, that is free in every forked process; for what needs no other renewal."""

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        self._lock = threading.Lock()


def _renew_all() -> None:
    for owner in list(_known):
        owner.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
