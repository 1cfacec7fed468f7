"""Fixtures of the network's tests; a test module takes them by naming this one in ``pytest_plugins``."""

import gc
import os
import socket
import sys
import threading
from typing import Any, Iterator, List

import pytest
from support_server import Clocks, Connect, Resolver, Script, ScriptedServer, Serve, authority
from waiting import until

from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.transport import Transport


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a scripted server: ``serve(script, ..., tls=context)``."""
    servers: List[ScriptedServer] = []

    def start(*scripts: Script, **settings: Any) -> ScriptedServer:
        servers.append(ScriptedServer(*scripts, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make a transport over a pool of its own: ``connect(proxy=..., max_idle=...)``. In the end nothing may be left."""
    pools: List[ConnectionPoolManager] = []

    def make(**settings: Any) -> Transport:
        mine = {name: settings.pop(name) for name in ("parallel", "proxy", "ca_file") if name in settings}
        pools.append(ConnectionPoolManager(PoolConfig(**settings)))
        return Transport(pools[-1], **mine)

    yield make
    for pool in pools:
        assert pool.close_all(2.0), "requests were left in flight"
        assert [snapshot.active for snapshot in pool.stats().values() if snapshot.active] == [], "permits were lost"
        assert [snapshot.idle for snapshot in pool.stats().values() if snapshot.idle] == [], "connections were left"
        assert [snapshot for snapshot in pool.stats().values() if snapshot.open] == [], "a close was not counted"
        assert "at rest" in repr(pool._monitor), "somebody still looks at idle connections"
    assert [thread for thread in threading.enumerate() if thread.name == "subai-deadlines"] == []


@pytest.fixture
def trusted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of the authority that signs the scripted servers' certificates."""
    path = tmp_path_factory.getbasetemp() / "authority.pem"
    if not path.exists():
        authority().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def no_urllib3(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without urllib3."""
    monkeypatch.setitem(sys.modules, "urllib3", None)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """In place of the system's, which nobody asks any more."""
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.answers.set()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """This machine's clocks, which the test may move."""
    return Clocks(monkeypatch)


@pytest.fixture
def nothing_leaks() -> Iterator[None]:
    """In the end there are as many threads and descriptors as in the beginning; to be asked for before all others."""
    threads, descriptors = set(threading.enumerate()), _open_descriptors()
    yield
    until(lambda: set(threading.enumerate()) <= threads)
    if _open_descriptors() > descriptors:
        gc.collect()
        until(lambda: _open_descriptors() <= descriptors)


def _open_descriptors() -> int:
    """Of this process, where the system tells (Linux)."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
