"""urllib3's pools, handing out only connections that are good.

Only seams that urllib3 has kept since 1.26 are overridden (``_get_conn``, ``_put_conn``, ``_new_conn``), as a mixin,
because SOCKS pools have classes of their own. Imported when the first pool is built.
"""

import queue
from typing import Any, Callable, Dict, Optional
from urllib.parse import urlsplit

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from core.attempt import current_attempt
from core.config import PoolConfig
from core.pool_connections import StampedHTTPConnection, StampedHTTPSConnection
from core.pool_endpoint import PoolEndpoint
from core.pool_stats import DROPPED, EVICTED, RESIZED


class _Timeouts(urllib3.Timeout):
    """One for all requests: without a total there is nothing to keep for each, so none needs a copy."""

    def clone(self) -> "_Timeouts":
        return self

    def start_connect(self) -> float:
        return 0.0


def timeout_of(config: PoolConfig) -> urllib3.Timeout:
    return _Timeouts(connect=config.connect_timeout, read=config.first_byte_timeout)


#: What ``retries=False`` means to urllib3, which would make it anew for each request.
_NO_RETRIES = urllib3.Retry.from_int(False, redirect=False)


class CheckedPool:
    """Hands out a connection only if it is young, recently used, of this generation and not dropped by its peer.

    :ivar key: under which the manager finds this pool.
    :ivar evicted: the manager has forgotten it, or it is closed: what is given back is closed and not kept.
    :ivar given_up: tells, once, that it is over with this pool; called by itself when nobody has it any more.
    """

    evicted = False

    endpoint: PoolEndpoint
    key: Any
    pool: Any
    given_up: Callable[[], None]

    def ask(self, method: str, url: str, headers: Dict[str, str], body: Optional[bytes]) -> Any:
        """One request and its answer's headers, as they came: no retries, redirects or decoding. The body is not read.

        :raises urllib3.exceptions.HTTPError, OSError: the network failed; ``core.failures`` tells what that means.
        """
        pool: Any = self
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return pool.urlopen(
            method,
            url if pool.proxy is not None and parts.scheme == "http" else target,  # a proxy is told the whole of it
            body=body,
            headers=headers,
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def _new_conn(self) -> Any:
        connection = super()._new_conn()  # type: ignore[misc]
        connection.endpoint = self.endpoint
        return connection

    def _get_conn(self, timeout: Optional[float] = None) -> Any:
        attempt = current_attempt()
        connection = self._new_conn() if attempt is not None and attempt.fresh else self._usable(timeout)
        connection.holder = attempt
        reused = connection.sock is not None
        self.endpoint.stats.checked_out(reused=reused)
        if attempt is not None and reused:
            attempt.established(connection.sock, connection.generation, reused=True)
        return connection

    def _usable(self, timeout: Optional[float]) -> Any:
        while True:
            connection = super()._get_conn(timeout)  # type: ignore[misc]
            if connection.sock is None:
                if connection._born:
                    self.endpoint.stats.recycled(DROPPED)
                    connection._born = 0.0
                return connection
            reason = connection.stale_reason()
            if reason is None:
                return connection
            connection.retire(reason)
            # What lies deeper was used longer ago, but it may be younger: go on looking.

    def _put_conn(self, conn: Any) -> None:
        if conn is None:
            return  # urllib3's placeholder for one that failed: it would take the place of the one opened instead
        holder, conn.holder = conn.holder, None
        if holder is not None:
            holder.let_go()  # before somebody else gets it: a late cancel must not hit them
        if conn.sock is None:
            conn._born = 0.0  # closed on purpose, by us or with a "Connection: close"; nothing was dropped
        else:
            conn.stamp()
        waiting, idle = self.pool, conn.sock is not None
        surplus = EVICTED if self.evicted else RESIZED if waiting is not None and waiting.full() else ""
        if surplus:
            if idle:
                conn.retire(surplus)
            return
        super()._put_conn(conn)  # type: ignore[misc]
        if self.evicted:
            _retire_all(waiting, EVICTED)  # meanwhile; and it may have been emptied before this came in
        elif idle:
            self.endpoint.monitor.idle_began()

    def evict(self) -> None:
        """Close what waits, and whatever is given back from now on. Its garbage may be collected only much later."""
        self.evicted = True
        self.retire_idle(EVICTED)
        self.given_up()

    def close(self) -> None:
        self.evicted = True
        super().close()  # type: ignore[misc]
        self.given_up()

    def retire_idle(self, reason: str) -> None:
        """Close what waits in the pool now."""
        _retire_all(self.pool, reason)

    def abandon(self) -> None:
        """In a forked process: close our copies of the idle sockets, which the parent does not notice."""
        waiting = self.pool
        if waiting is not None:
            kept = [connection for connection in waiting.queue if connection is not None]
            waiting.__init__(waiting.maxsize)  # with locks that no thread of the parent's holds
            for connection in kept:
                connection.accepted(counted=False)  # by the parent, who goes on with it
                connection.close()

    def retire_stale(self) -> int:
        """Close the idle connections that would not be handed out again; how many are left.

        Each is taken out while it is looked at: what somebody else may use must not be read from.
        """
        waiting = self.pool
        if waiting is None:
            return 0
        with waiting.mutex:
            idle = list(filter(_is_open, waiting.queue))
        for connection in idle:
            place = _take_out(waiting, connection)
            if place is None:
                continue  # in use again
            reason = connection.stale_reason() or (None if connection.is_connected else DROPPED)
            if reason is not None or not self._put_back(waiting, connection, place):
                connection.retire(reason or RESIZED)
        return self.count_idle()

    def _put_back(self, waiting: Any, connection: Any, place: int) -> bool:
        """As it was, unless there is no room any more, or no pool."""
        with waiting.mutex:
            if self.evicted or self.pool is not waiting or len(waiting.queue) >= waiting.maxsize:
                return False
            waiting.queue.insert(place, connection)
            return True

    def reconfigure(self) -> None:
        """Take over what was changed at the endpoint."""
        config, waiting = self.endpoint.config, self.pool
        self.timeout = timeout_of(config)
        if waiting is None:
            return
        with waiting.mutex:
            waiting.maxsize = config.maxsize
            # Without urllib3's placeholders, which would take the places of those that are out now.
            kept = [connection for connection in waiting.queue if connection is not None]
            count = max(0, len(kept) - config.maxsize)
            surplus, waiting.queue[:] = kept[:count], kept[count:]  # those used longest ago lie at the bottom
        for connection in surplus:
            if connection.sock is not None:
                connection.retire(RESIZED)

    def count_idle(self) -> int:
        waiting = self.pool
        if waiting is None:
            return 0
        with waiting.mutex:
            return sum(map(_is_open, waiting.queue))

    def warm_up(self, *, tunnel: bool) -> None:
        """Have one connection open and waiting on top of the pool, with a ``tunnel`` if there is a proxy."""
        pool: Any = self
        connection = self._usable(None)
        connection.holder = current_attempt()
        try:
            if connection.is_closed:
                connection.timeout = self.endpoint.config.connect_timeout
                if tunnel and pool.proxy is not None:
                    pool._prepare_proxy(connection)
                else:
                    connection.connect()
        except BaseException:
            connection.close()
            raise
        self._put_conn(connection)


def _is_open(connection: Any) -> bool:
    return connection is not None and connection.sock is not None


def _take_out(waiting: Any, connection: Any) -> Optional[int]:
    """Its place in the queue, or None if somebody else has it."""
    with waiting.mutex:
        if connection not in waiting.queue:
            return None
        place: int = waiting.queue.index(connection)
        del waiting.queue[place]
        return place


def _retire_all(waiting: Any, reason: str) -> None:
    """Close what is in this queue; None: that of a pool that is closed."""
    while waiting is not None:
        try:
            connection = waiting.get(block=False)
        except queue.Empty:
            return
        if connection is not None and connection.sock is not None:
            connection.retire(reason)


class CheckedHTTPPool(CheckedPool, HTTPConnectionPool):
    """Connections to one plain endpoint."""

    ConnectionCls = StampedHTTPConnection


class CheckedHTTPSPool(CheckedPool, HTTPSConnectionPool):
    """Connections to one TLS endpoint."""

    ConnectionCls = StampedHTTPSConnection
