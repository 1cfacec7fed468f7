"""What a forked process must not share with its parent, and is renewed in it.

Two processes on one TLS connection spoil it for both, and of the parent's threads only the one that forked goes on: a
lock that another one held would never be let go, nor a permit given back.
"""

import os
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


def _renew_all() -> None:
    for owner in list(_known):
        owner.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)
