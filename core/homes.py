"""Which endpoint each film is with. When it moves to another one is ``core.endpoint_group``'s to say."""

from typing import Dict, Optional

from core.endpoints import Endpoint
from core.forking import OwnLock

_HOMES = 32  # that many films are remembered


class Homes:
    """Thread-safe; a film is what its requests have for their ``affinity``, and ``""`` is none."""

    def __init__(self) -> None:
        self._lock = OwnLock()
        self._homes: Dict[str, Endpoint] = {}  # the latest last

    def __len__(self) -> int:
        return len(self._homes)

    def of(self, film: str) -> Optional[Endpoint]:
        """Where its requests go."""
        with self._lock:
            return self._homes.get(film)

    def settle(self, film: str, member: Endpoint) -> None:
        """They go to ``member`` from now on."""
        if film:
            with self._lock:
                self._homes.pop(film, None)
                self._homes[film] = member
                if len(self._homes) > _HOMES:
                    del self._homes[next(iter(self._homes))]
