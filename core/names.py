"""From the names of hosts to addresses: asked once for everyone who waits, and remembered for a while.

It is the system's resolver that is asked, with its files and its order of IPv6 and IPv4. It knows neither cancel nor
timeout, so it is asked on a thread of its own, which is left behind where need be.
"""

import copy
import errno
import logging
import math
import socket
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from core.attempt import Attempt

log = logging.getLogger("subai.pool")

#: As ``socket.getaddrinfo`` returns them: family, type, protocol, canonical name, address.
Addresses = List[Tuple[Any, ...]]
_Name = Tuple[str, int]


class _Known:
    """What the resolver said of a name.

    :ivar asked: when it last said so, or failed to say anything. :ivar refused: address -> when it refused.
    """

    def __init__(self, addresses: Addresses, asked: float, refused: Dict[object, float]) -> None:
        self.addresses = addresses
        self.asked = asked
        self.refused = refused

    def in_order(self, now: float, ttl: float) -> Addresses:
        return sorted(self.addresses, key=lambda found: now - self.refused.get(found[4], -math.inf) < ttl)


class _Lookup:
    """A question that the resolver has not answered yet, and what wakes those who wait for it."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.waiters: List[threading.Event] = []
        self.failure: Optional[Exception] = None


class Names:
    """What one pool knows of names. Thread-safe; no lock is held while the resolver is asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Dict[_Name, _Known] = {}
        self._lookups: Dict[_Name, _Lookup] = {}

    def look_up(self, host: str, port: int, timeout: float, ttl: float, attempt: Attempt) -> Addresses:
        """The addresses of ``host`` in the resolver's order, but those that refused a connection lately last.

        :param timeout: seconds to wait for the resolver.
        :param ttl: seconds for which an answer counts, or the last good one if there is none; 0: ask each time.
        :raises OSError: as ``socket.getaddrinfo``, or because it did not answer in time.
        :raises SubAIError: why ``attempt`` must not go on.
        """
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            name = (host, port)
        woken = threading.Event()
        with self._lock:
            known, now = self._known.get(name), self._clock()
            if known is not None and now - known.asked < ttl:
                return known.in_order(now, ttl)
            lookup = self._join(name, now, timeout)
            lookup.waiters.append(woken)
        if attempt.wait(woken, timeout):
            return self._result(name, lookup.failure, ttl)
        late = socket.gaierror(socket.EAI_AGAIN, f"no answer to the lookup within {timeout:g} s")
        return self._result(name, late, ttl)

    def refused(self, host: str, port: int, address: object) -> None:
        """No connection to this address came about: it is tried last for a while."""
        with self._lock:
            known = self._known.get((host, port))
            if known is not None:
                known.refused[address] = self._clock()
                if all(entry[4] in known.refused for entry in known.addresses):
                    known.asked = -math.inf  # it may have moved

    def forget(self) -> None:
        """The network may be another: what is known counts only where the resolver fails."""
        with self._lock:
            for known in self._known.values():
                known.asked = -math.inf
                known.refused.clear()

    def _join(self, name: _Name, now: float, timeout: float) -> _Lookup:
        """The question that is being asked, or a new one: whoever comes later does not wait for one that hangs."""
        lookup = self._lookups.get(name)
        if lookup is None or now - lookup.began >= timeout:
            lookup = _Lookup(now)
            try:
                threading.Thread(target=self._ask, args=(name, lookup), name="subai-lookup", daemon=True).start()
            except RuntimeError as error:
                raise OSError(errno.EAGAIN, "no thread for the lookup of the name") from error
            self._lookups[name] = lookup
        return lookup

    def _ask(self, name: _Name, lookup: _Lookup) -> None:
        addresses: Addresses = []
        failure: Optional[Exception] = None
        try:
            addresses = socket.getaddrinfo(*name, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failure = error
        with self._lock:
            lookup.failure = failure
            if self._lookups.get(name) is lookup:
                del self._lookups[name]
            if failure is None:
                before = self._known[name].refused if name in self._known else {}
                refused = {entry[4]: before[entry[4]] for entry in addresses if entry[4] in before}
                self._known[name] = _Known(addresses, self._clock(), refused)
        for woken in lookup.waiters:
            woken.set()

    def _result(self, name: _Name, failure: Optional[Exception], ttl: float) -> Addresses:
        with self._lock:
            known, now = self._known.get(name), self._clock()
            if failure is not None:
                if known is None or ttl <= 0:
                    raise copy.copy(failure)  # one object raised in several threads would mix up their tracebacks
                known.asked = now  # the next question is due when this answer has grown old, not at each connection
            addresses = self._known[name].in_order(now, ttl)
        if failure is not None:
            log.info("%s: the resolver fails (%s); going on with its last answer", name[0], failure)
        return addresses
