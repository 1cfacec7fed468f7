"""How often the file of a running job is written again, and so read again by Kodi."""

from typing import Optional

SETTLE = 0.1  # seconds that the first write waits for the cues that come with the first
OFTEN = 2.0  # seconds between two writes that change what is soon on the screen
SELDOM = 20.0  # and between two that don't


class Pace:
    """When the file is to be written again; times are instants of ``time.monotonic``."""

    def __init__(self) -> None:
        self._last: Optional[float] = None
        self._since: Optional[float] = None

    def due(self, now: float, *, changed: bool, near: bool) -> Optional[float]:
        """Seconds until the next write, 0 for now; None as long as there is nothing to write."""
        if not changed:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if self._last is None:
            return max(0.0, self._since + SETTLE - now)
        return max(0.0, self._last + (OFTEN if near else SELDOM) - now)

    def written(self, now: float) -> None:
        self._last, self._since = now, None
