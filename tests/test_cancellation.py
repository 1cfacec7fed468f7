"""Whatever a request waits for, a cancel, a shutdown and its deadline end it at once, and nothing is left behind."""

import threading
import time
from typing import Dict, List, Optional, Type

import pytest
from stuck_requests import PHASES, Case, Phases, silent
from support_server import (
    Connect,
    Doing,
    Peer,
    Serve,
    cancelled,
    deaf,
    keep_alive,
    post,
    raw,
    saying_and_staying,
)
from waiting import until

from core import inflight
from core.attempt import Attempt
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import CancelledError, DeadlineError, PoolClosedError, SubAIError
from core.inflight import InFlight
from core.transport import Transport

pytest_plugins = ("network_fixtures",)


@pytest.fixture
def phases(
    serve: Serve, connect: Connect, trusted: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Case:
    return getattr(Phases(serve, connect, trusted, monkeypatch, request), request.param)()  # type: ignore[no-any-return]


ENDS: Dict[str, Type[SubAIError]] = {
    "cancel": CancelledError,
    "cancel_all": CancelledError,
    "close_all": PoolClosedError,
    "deadline": DeadlineError,
}


@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("phases", PHASES, indirect=True)
def test_every_wait_ends_at_once(phases: Case, end: str) -> None:
    token = CancelToken()
    deadline = time.monotonic() + 0.2 if end == "deadline" else None
    doing = Doing(lambda: phases.ask(token, deadline))
    if end != "deadline":
        until(phases.stuck)
        time.sleep(0.01)
    if end == "cancel":
        token.cancel()
    elif end == "cancel_all":
        phases.transport.pool.cancel()
    elif end == "close_all":
        assert phases.transport.pool.close_all(1.0)
    error = doing.join().error
    assert type(error) is ENDS[end]
    phases.clean_up()
    kinds = {kind for snapshot in phases.transport.pool.stats().values() for kind in snapshot.errors}
    assert kinds == {"deadline": {"deadline"}, "close_all": {"pool_closed"}}.get(end, set())


def test_what_is_cancelled_before_it_starts_is_not_sent(serve: Serve, connect: Connect) -> None:
    server, transport = serve(), connect()
    with pytest.raises(CancelledError):
        transport.send(post(server, cancel=cancelled()))
    with pytest.raises(CancelledError):
        transport.pool.warm_up(server.url, cancel=cancelled())
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() - 1))
    assert server.requests == []


def test_a_warm_up_can_be_cancelled_and_has_a_deadline(serve: Serve, connect: Connect) -> None:
    server, transport, token = serve(silent), connect(connect_timeout=60.0), CancelToken()
    url = server.url.replace("http:", "https:")
    doing = Doing(lambda: transport.warm_up(url, token))
    until(lambda: server.accepted == 1)
    token.cancel()
    assert isinstance(doing.join().error, CancelledError)
    with pytest.raises(DeadlineError):
        transport.pool.warm_up(url, deadline=time.monotonic() + 0.05)


def test_a_cancel_of_one_request_leaves_the_others_alone(serve: Serve, connect: Connect) -> None:
    go_on, token = threading.Event(), CancelToken()

    def wait_for_the_word(peer: Peer) -> None:
        peer.request()
        go_on.wait(5)
        peer.send(raw())

    server, transport = serve(wait_for_the_word), connect()
    doomed = Doing(lambda: transport.send(post(server, cancel=token)))
    other = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 2)
    token.cancel()
    assert isinstance(doomed.join().error, CancelledError)
    go_on.set()
    assert other.join().result.body == b"fine"


def test_each_request_that_is_cancelled_gets_an_error_of_its_own(serve: Serve, connect: Connect) -> None:
    server, transport = serve(deaf), connect()
    several = [Doing(lambda: transport.send(post(server))) for _ in range(4)]
    until(lambda: len(server.requests) == 4)
    transport.pool.cancel()
    errors = [doing.join().error for doing in several]
    assert all(isinstance(error, CancelledError) for error in errors)
    assert len({id(error) for error in errors}) == 4


def test_the_pool_goes_on_after_a_cancel_of_everything(serve: Serve, connect: Connect) -> None:
    server, transport = serve(deaf, saying_and_staying(raw())), connect()
    doomed = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 1)
    transport.pool.cancel()
    assert isinstance(doomed.join().error, CancelledError)
    assert transport.send(post(server)).body == b"fine"


def test_an_earlier_deadline_wakes_the_watcher(serve: Serve, connect: Connect) -> None:
    """The watcher already sleeps towards a later one."""
    server, transport = serve(deaf), connect()
    patient = Doing(lambda: transport.send(post(server)))
    until(lambda: len(server.requests) == 1)
    time.sleep(0.02)
    with pytest.raises(DeadlineError):
        transport.send(post(server, deadline=time.monotonic() + 0.1))
    transport.pool.cancel()
    patient.join()


# --- the thread that watches the deadlines --------------------------------------------------------------------------


def watchers() -> List[Optional[int]]:
    return [thread.ident for thread in threading.enumerate() if thread.name == "subai-deadlines"]


def test_one_thread_watches_the_deadlines_of_all_requests(serve: Serve, connect: Connect) -> None:
    server, transport = serve(keep_alive), connect()
    seen = set()
    for _ in range(5):
        transport.send(post(server))
        seen.update(watchers())
    assert len(seen) == 1


def test_it_ends_when_there_is_nothing_to_watch_and_begins_again_with_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inflight, "LINGERING", 0.05)
    requests = InFlight()
    for _ in range(2):
        late, patient = Attempt(time.monotonic() + 0.3), Attempt(time.monotonic() + 60.0)
        ended = [requests.add(attempt, CancelToken()) for attempt in (patient, late)]
        until(lambda late=late: late.interrupted)  # type: ignore[misc]
        assert len(watchers()) == 1, "longer than it stays without anything to watch"
        for end in ended:
            end()
        until(lambda: not watchers())
    assert requests.close(1.0)


def test_a_pool_that_nobody_closed_leaves_no_thread(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflight, "LINGERING", 0.05)
    server = serve(keep_alive)
    for _ in range(3):
        Transport(ConnectionPoolManager(PoolConfig(health_interval=0.0))).send(post(server))
    until(lambda: not watchers())


def test_a_deadline_is_kept_however_long_nothing_was_watched(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflight, "LINGERING", 0.02)
    server, transport = serve(silent), connect()
    for pause in (0.0, 0.01, 0.03, 0.05, 0.1):
        time.sleep(pause)
        with pytest.raises(DeadlineError):
            transport.send(post(server, deadline=time.monotonic() + 0.1))
