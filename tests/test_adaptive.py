"""Concurrency that gives way: half as many requests after trouble, one more for each full window of successes."""

import random
import threading
import time
from typing import Iterator

import pytest
from job_support import SPANISH, check, lines
from standin_faults import always, error_inside_200, too_many
from support_server import Connect, Doing, Peer, Serve, full_backlog, keep_alive, post, proxying, raw, saying
from waiting import until

import api
from api.base import ChatRequest, Message
from cli.standin import Exchange, StandIn
from core.adaptive import COOLDOWN, FORGOTTEN, AdaptiveConcurrency
from core.attempt import Attempt
from core.config import BackoffConfig, PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import ConnectError, RateLimitError, ReadTimeoutError, TransportError
from core.gate import Gate
from core.origin import origin_of
from core.pool_endpoint import PoolEndpoint
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob

pytest_plugins = ("network_fixtures", "job_fixtures")


class Endpoint:
    """A gate of 8, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.gate = Gate(8)
        self.concurrency = AdaptiveConcurrency("here", self.gate, clock=lambda: self.now)

    def later(self, seconds: float = COOLDOWN) -> "Endpoint":
        self.now += seconds
        return self

    def trouble(self) -> int:
        self.concurrency.troubled()
        return self.gate.permits

    def window(self, busy: int = 8) -> int:
        """As many successes as there are permits, while ``busy`` of them, or all, were out."""
        for _ in range(self.gate.permits):
            permits = [self.gate.acquire(0, Attempt()) for _ in range(min(busy, self.gate.permits))]
            self.concurrency.succeeded()
            for permit in permits:
                permit.release()
        return self.gate.permits


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


# --- the rule -------------------------------------------------------------------------------------------------------


def test_without_trouble_there_are_always_as_many_permits_as_configured(endpoint: Endpoint) -> None:
    assert {endpoint.later().window() for _ in range(20)} == {8}


def test_trouble_halves_down_to_one(endpoint: Endpoint) -> None:
    assert [endpoint.later().trouble() for _ in range(5)] == [4, 2, 1, 1, 1]


def test_a_burst_of_trouble_counts_once(endpoint: Endpoint) -> None:
    assert [endpoint.trouble() for _ in range(6)] == [4] * 6
    assert endpoint.later(COOLDOWN - 0.1).trouble() == 4
    assert endpoint.later(0.1).trouble() == 2


def test_a_full_window_of_successes_adds_one_after_the_cooldown(endpoint: Endpoint) -> None:
    endpoint.trouble()
    assert endpoint.window() == 4
    assert endpoint.later().window() == 5
    assert endpoint.window() == 5
    assert [endpoint.later().window() for _ in range(4)] == [6, 7, 8, 8]


def test_an_incomplete_window_adds_nothing(endpoint: Endpoint) -> None:
    endpoint.trouble()
    endpoint.later()
    permits = [endpoint.gate.acquire(0, Attempt()) for _ in range(4)]
    for _ in range(3):
        endpoint.concurrency.succeeded()
    assert endpoint.gate.permits == 4
    for permit in permits:
        permit.release()


def test_trouble_within_a_window_makes_it_begin_anew(endpoint: Endpoint) -> None:
    endpoint.trouble()
    permits = [endpoint.gate.acquire(0, Attempt()) for _ in range(4)]
    for _ in range(3):
        endpoint.concurrency.succeeded()
    assert endpoint.trouble() == 4, "the cooldown of the first is not over"
    endpoint.later().concurrency.succeeded()
    assert endpoint.gate.permits == 4
    for permit in permits:
        permit.release()


def test_successes_below_the_limit_prove_nothing(endpoint: Endpoint) -> None:
    endpoint.trouble()
    assert [endpoint.later().window(busy=3) for _ in range(4)] == [4, 4, 4, 4]


def test_trouble_that_is_long_past_is_forgotten_at_the_next_success(endpoint: Endpoint) -> None:
    endpoint.trouble()
    endpoint.later().trouble()
    assert endpoint.later(FORGOTTEN - 0.1).window(busy=1) == 2
    assert endpoint.later(0.1).window(busy=1) == 8


def test_the_configured_number_is_the_ceiling_and_what_was_learnt_stays_below_it(endpoint: Endpoint) -> None:
    endpoint.concurrency.configure(6)
    assert endpoint.gate.permits == 6
    endpoint.trouble()
    endpoint.concurrency.configure(2)
    assert endpoint.gate.permits == 2
    endpoint.concurrency.configure(20)
    assert endpoint.gate.permits == 3


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_it_stays_between_one_and_the_configured_number(seed: int) -> None:
    chance, endpoint = random.Random(seed), Endpoint()
    for _ in range(300):
        before = endpoint.gate.permits
        endpoint.later(chance.choice([0.0, 1.0, COOLDOWN, FORGOTTEN]))
        (endpoint.trouble if chance.random() < 0.3 else endpoint.window)()
        after = endpoint.gate.permits
        assert 1 <= after <= 8
        assert after in (before, before + 1, max(1, before // 2), 8)


# --- what counts ----------------------------------------------------------------------------------------------------


def permits(transport: Transport, server: object) -> int:
    return transport.pool.endpoint(getattr(server, "origin", str(server))).gate.permits


def test_a_429_halves_the_permits_of_its_endpoint_only(serve: Serve, connect: Connect) -> None:
    busy, other = serve(saying(raw(b"", "429 Too Many Requests"))), serve(keep_alive)
    transport = connect(parallel=8)
    assert transport.send(post(busy)).status == 429
    transport.send(post(other))
    assert (permits(transport, busy), permits(transport, other)) == (4, 8)


@pytest.mark.parametrize("answer", [raw(), raw(b"", "500 Oh No"), raw(b"", "503 Later"), raw(b"", "401 No")])
def test_other_answers_leave_the_permits_alone(serve: Serve, connect: Connect, answer: bytes) -> None:
    server, transport = serve(saying(answer)), connect(parallel=8)
    transport.send(post(server))
    assert permits(transport, server) == 8


def test_an_answer_that_does_not_come_in_time_halves_them(serve: Serve, connect: Connect) -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        peer.stall()

    server, transport = serve(silent), connect(parallel=8, first_byte_timeout=0.1)
    with pytest.raises(ReadTimeoutError):
        transport.send(post(server))
    assert permits(transport, server) == 4


def test_a_connection_that_is_not_accepted_in_time_halves_them_and_one_that_is_refused_does_not(
    connect: Connect,
) -> None:
    transport = connect(parallel=8, connect_timeout=0.15)
    with full_backlog() as port:
        with pytest.raises(ConnectError):
            transport.send(post(url=f"http://127.0.0.1:{port}/"))
        assert permits(transport, f"http://127.0.0.1:{port}") == 4
    refusing = connect(parallel=8)
    with pytest.raises(ConnectError):
        refusing.send(post(url="http://127.0.0.1:1/"))
    assert permits(refusing, "http://127.0.0.1:1") == 8


def test_a_200_that_holds_a_429_halves_them_too(standin: StandIn, key: str) -> None:
    standin.script = always(error_inside_200(429, "Rate limit exceeded: slow down"))
    with ConnectionPoolManager() as pool:
        transport = Transport(pool, parallel=8)
        provider = api.create("openrouter", api_key=key, base_url=standin.openai_base_url, transport=transport)
        provider.forget_refusals()
        admission = provider.group.admit(provider._chat_request(ASK, streaming=False), BackoffConfig())
        with pytest.raises(RateLimitError):
            provider._answer_once(admission.request, ASK)
        admission.turn.over()
        (endpoint,) = pool._known_endpoints()
        assert endpoint.gate.permits == 4


def test_through_a_proxy_it_is_the_gate_that_the_request_went_through(serve: Serve, connect: Connect) -> None:
    """Plain http goes over the proxy's connections, everything else over those of its host."""
    proxy = serve(proxying())
    transport, plain, secure = connect(parallel=8, proxy=proxy.origin), serve(keep_alive), "https://127.0.0.1:1"
    assert transport.send(post(plain)).status == 200
    transport.refused(plain.url)
    assert [endpoint.origin for endpoint in transport.pool._known_endpoints()] == [proxy.origin]
    assert permits(transport, proxy.origin) == 4
    with pytest.raises(TransportError):
        transport.send(post(url=secure))
    transport.refused(secure)
    assert (permits(transport, secure), permits(transport, proxy.origin)) == (4, 4)


@pytest.mark.usefixtures("no_urllib3")
def test_where_there_is_no_pool_it_is_that_of_the_host(serve: Serve, connect: Connect) -> None:
    transport, server = connect(parallel=8), serve(keep_alive)
    assert transport.send(post(server)).status == 200
    transport.refused(server.url)
    assert permits(transport, server.origin) == 4


def test_after_the_end_of_the_pool_there_is_nothing_to_halve(serve: Serve, connect: Connect) -> None:
    transport, server = connect(parallel=8), serve(keep_alive)
    assert transport.send(post(server)).status == 200
    transport.pool.close_all()
    transport.refused(server.url)


ASK = ChatRequest(model="m", messages=(Message("user", "Hello"),))


# --- with the workers of a job --------------------------------------------------------------------------------------


class AtMost:
    """A provider that answers ``limit`` requests at once, and refuses the others."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._lock = threading.Lock()
        self._busy = 0

    def __call__(self, exchange: Exchange) -> None:
        with self._lock:
            self._busy += 1
            fine = self._busy <= self._limit
        try:
            if fine:
                exchange.wait(self._seconds)
                exchange.send(exchange.reply())
            else:
                too_many("retry-after-ms", 0.04)(exchange)
        finally:
            with self._lock:
                self._busy -= 1


@pytest.fixture
def impatient(standin: StandIn, key: str) -> Iterator[Route]:
    """Eight requests at once, and next to no time to wait for a permit."""
    with ConnectionPoolManager(PoolConfig(pool_timeout=0.02)) as pool:
        provider = api.create(
            "compatible", api_key=key, base_url=standin.openai_base_url, transport=Transport(pool, parallel=8)
        )
        provider.forget_refusals()
        yield Route(provider, "m")


def endpoint_of(way: Route, standin: StandIn) -> PoolEndpoint:
    pool: ConnectionPoolManager = way.provider._transport.pool  # type: ignore[attr-defined]
    return pool.endpoint(origin_of(standin.openai_base_url))


def test_a_film_on_a_provider_that_takes_two_at_once_is_whole_and_asked_for_less(
    standin: StandIn, impatient: Route
) -> None:
    endpoint, cues = endpoint_of(impatient, standin), lines(1500)
    endpoint.concurrency._clock = lambda: 30 * time.monotonic()  # a cooldown is a second
    standin.script = always(AtMost(2, 0.03))
    check(cues, TranslationJob(cues, SPANISH, [impatient], parallel=8).run())
    assert endpoint.gate.permits < 8


def test_workers_without_a_permit_wait_as_long_as_it_takes_and_nothing_counts_as_failed(
    standin: StandIn, impatient: Route
) -> None:
    """Eight workers, one permit, and answers that take five times what anyone waits for a permit."""
    endpoint = endpoint_of(impatient, standin)
    endpoint.allow(2)
    endpoint.concurrency.troubled()
    assert endpoint.gate.permits == 1

    def slow(exchange: Exchange) -> None:
        exchange.wait(0.1)
        exchange.send(exchange.reply())

    standin.script = always(slow)
    cues = lines(100)
    endpoint.config = PoolConfig(pool_timeout=0.02, maxsize=2)
    check(cues, TranslationJob(cues, SPANISH, [impatient], parallel=8).run())
    assert not endpoint.stats._errors


def test_workers_of_a_pool_that_was_made_smaller_wait_too(standin: StandIn, impatient: Route) -> None:
    """As where the system allows few open files."""
    endpoint = endpoint_of(impatient, standin)
    endpoint.reconfigure(PoolConfig(pool_timeout=0.02, maxsize=2))

    def slow(exchange: Exchange) -> None:
        exchange.wait(0.1)
        exchange.send(exchange.reply())

    standin.script = always(slow)
    cues = lines(100)
    check(cues, TranslationJob(cues, SPANISH, [impatient], parallel=8).run())
    assert endpoint.gate.permits == 2
    assert not endpoint.stats._errors


def test_a_wait_at_a_patient_gate_still_ends_with_a_cancel_and_the_deadline() -> None:
    gate = Gate(2)
    gate.resize(1, patient=True)
    held = gate.acquire(0, Attempt())
    attempt = Attempt()
    waiter = Doing(lambda: gate.acquire(0.01, attempt))
    until(lambda: gate.waiting == 1)
    attempt.interrupt(RateLimitError("enough"))
    assert isinstance(waiter.join().error, RateLimitError)
    late = Doing(lambda: gate.acquire(0.01, Attempt(time.monotonic() + 0.05)))
    assert "longer than" in str(late.join().error)
    patient = Doing(lambda: gate.acquire(0.01, Attempt()))
    until(lambda: gate.waiting == 1)
    time.sleep(0.05)
    held.release()
    patient.join().result.release()
    assert (gate.in_flight, gate.waiting) == (0, 0)
