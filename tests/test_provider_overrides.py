"""What a provider's server needs otherwise than all the others reaches the pool of its address, and no other."""

import threading
import time
from dataclasses import replace
from typing import Dict

import pytest
from support_server import Connect, Peer, Serve, keep_alive, post, proxying, raw

from core import config
from core.config import CONNECTION_POOL_CONFIG, PROVIDER_OVERRIDES, PoolConfig, ProviderOverrides, pool_config_for
from core.errors import ReadTimeoutError
from core.profiles import BALANCED, PROFILES

pytest_plugins = ("network_fixtures",)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Ollama that is waited for a little longer than others are; a whole 5 minutes are too long for a test."""
    overrides = {**PROVIDER_OVERRIDES, "ollama": ProviderOverrides(patience=20.0, parallel=1)}
    monkeypatch.setattr(config, "PROVIDER_OVERRIDES", overrides)


def slowly(peer: Peer, seconds: float = 0.5) -> None:
    """Half a second to the first byte of each answer."""
    while peer.request() is not None:
        peer.server.stopping.wait(seconds)
        peer.send(raw())


def very_slowly(peer: Peer) -> None:
    slowly(peer, 20.0)


# --- the figures ------------------------------------------------------------------------------------------------------


def test_ollama_is_waited_for_for_five_minutes_and_asked_one_thing_at_a_time() -> None:
    own = pool_config_for("ollama", CONNECTION_POOL_CONFIG)
    assert (own.first_byte_timeout, own.pool_timeout, own.max_idle) == (300.0, 300.0, 60.0)
    assert [profile.parallel_for("ollama") for profile in PROFILES.values()] == [1] * len(PROFILES)


def test_lm_studios_connections_are_given_up_before_it_closes_them() -> None:
    own = pool_config_for("lmstudio", CONNECTION_POOL_CONFIG)
    assert (own.max_idle, own.first_byte_timeout) == (3.0, 300.0)
    assert [profile.parallel_for("lmstudio") for profile in PROFILES.values()] == [2, 4, 8, 1]


@pytest.mark.parametrize("provider", ["openai", "compatible", ""])
def test_the_others_have_what_everyone_has(provider: str) -> None:
    assert pool_config_for(provider, CONNECTION_POOL_CONFIG) is CONNECTION_POOL_CONFIG
    assert PROFILES[BALANCED].parallel_for(provider) == 4


def test_what_a_person_set_stays_where_it_goes_further() -> None:
    told = PoolConfig(max_idle=1.0, first_byte_timeout=400.0, pool_timeout=350.0)
    assert pool_config_for("lmstudio", told) == told


def test_nobody_waits_for_a_first_byte_longer_than_for_the_whole() -> None:
    own = pool_config_for("ollama", PoolConfig(total_timeout=200.0))
    assert (own.first_byte_timeout, own.total_timeout) == (200.0, 200.0)


# --- on the network ---------------------------------------------------------------------------------------------------


def test_a_slow_first_byte_is_waited_for_at_that_address_only(serve: Serve, connect: Connect, impatient: None) -> None:
    slow, other = serve(slowly), serve(very_slowly)
    transport = connect(first_byte_timeout=0.2)
    assert transport.send(replace(post(slow), provider="ollama")).body == b"fine"
    with pytest.raises(ReadTimeoutError):
        transport.send(replace(post(other), provider="openai"))
    assert transport.send(post(slow)).body == b"fine", "the address is Ollama's, whoever asks"


def test_a_pool_that_was_made_before_is_told_too(serve: Serve, connect: Connect, impatient: None) -> None:
    server = serve(slowly)
    transport = connect(first_byte_timeout=0.2)
    transport.warm_up(server.url)
    assert transport.send(replace(post(server), provider="ollama")).body == b"fine"
    assert server.accepted == 1


def test_other_settings_keep_what_is_the_providers(serve: Serve, connect: Connect, impatient: None) -> None:
    server = serve(slowly)
    transport = connect()
    transport.warm_up(server.url, provider="ollama")
    transport.pool.reconfigure(PoolConfig(first_byte_timeout=0.2))
    assert transport.send(post(server)).body == b"fine"


def test_without_a_pool_it_is_waited_for_just_as_long(
    serve: Serve, connect: Connect, impatient: None, no_urllib3: None
) -> None:
    transport = connect(first_byte_timeout=0.2)
    assert transport.send(replace(post(serve(slowly)), provider="ollama")).body == b"fine"


def test_through_a_proxy_it_is_waited_for_just_as_long(serve: Serve, connect: Connect, impatient: None) -> None:
    proxy = serve(proxying())
    transport = connect(proxy=proxy.origin, first_byte_timeout=0.2)
    assert transport.send(replace(post(serve(slowly)), provider="ollama")).body == b"fine"


def test_who_finds_it_busy_waits_for_as_long_as_an_answer_may_take(
    serve: Serve, connect: Connect, impatient: None
) -> None:
    transport = connect(pool_timeout=0.05, parallel=1)
    server = serve(slowly)
    request = replace(post(server), provider="ollama")
    answers: Dict[int, bytes] = {}

    def ask(number: int) -> None:
        answers[number] = transport.send(request).body

    threads = [threading.Thread(target=ask, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == {1: b"fine", 2: b"fine"}
    assert server.accepted == 1


@pytest.mark.parametrize(("provider", "connections"), [("lmstudio", 2), ("openai", 1)])
def test_a_connection_idle_for_four_seconds_is_used_again_unless_it_is_lm_studios(
    serve: Serve, connect: Connect, provider: str, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, transport = serve(keep_alive), connect()
    request = replace(post(server), provider=provider)
    transport.send(request)
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 4.0)
    transport.send(request)
    assert server.accepted == connections


def test_a_server_that_closes_after_five_seconds_gets_every_request_at_the_first_try(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gaps from 0.5 to 6 s, on a clock that is moved; the server closes as Node does, by the same clock."""
    ahead = [0.0]
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + ahead[0])
    used: Dict[int, float] = {}

    def node(peer: Peer) -> None:
        while peer.request() is not None:
            if time.monotonic() - used.get(peer.number, time.monotonic()) > 5.0:
                return  # it closed meanwhile: whoever sends here gets no answer
            used[peer.number] = time.monotonic()
            peer.send(raw())

    server, transport = serve(*[node] * 40), connect()
    request = replace(post(server), provider="lmstudio")
    for number in range(36):
        assert transport.send(request).body == b"fine"
        ahead[0] += 0.5 + number % 12 * 0.5
    (figures,) = transport.pool.stats().values()
    assert figures.errors == {}
    assert "dropped" not in figures.recycled
    assert len(server.requests) == 36
