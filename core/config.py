"""Every tunable of the network layer, with its unit and bounds; values that do not go together are refused by name."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Dict, Mapping, Optional, Tuple

from core.errors import ConfigError


def bounded(default: Any, low: float, high: float, unit: str) -> Any:
    """A dataclass field with the bounds that ``check_bounds`` holds it to and the unit that the documentation names."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit})


def check_bounds(config: Any) -> None:
    """:raises ConfigError: naming the first field of ``config`` that lies outside its bounds."""
    for spec in fields(config):
        if "low" not in spec.metadata:
            continue
        value, low, high = getattr(config, spec.name), spec.metadata["low"], spec.metadata["high"]
        kinds = int if isinstance(spec.default, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise ConfigError(f"{spec.name} {value!r} is not between {low} and {high} {spec.metadata['unit']}.")


@dataclass(frozen=True)
class PoolConfig:
    """How connections are opened, kept and given up. Where the defaults come from is told in docs/configuration.md.

    :raises ConfigError: for a value out of bounds, or two values that contradict each other.
    """

    num_pools: int = bounded(10, 1, 50, "endpoints")
    maxsize: int = bounded(20, 1, 100, "connections an endpoint")
    connect_timeout: float = bounded(5.0, 0.1, 120.0, "s for each address, and for the TLS handshake")
    dns_ttl: float = bounded(60.0, 0.0, 3600.0, "s that the addresses of a name are remembered; 0 for not at all")
    first_byte_timeout: float = bounded(120.0, 0.1, 3600.0, "s to the headers of an answer, and to its first byte")
    read_timeout: float = bounded(30.0, 0.1, 3600.0, "s between bytes of an answer")
    total_timeout: float = bounded(600.0, 0.1, 86400.0, "s for a request in all, waits and retries included")
    pool_timeout: float = bounded(5.0, 0.0, 3600.0, "s of waiting for a permit")
    max_idle: float = bounded(60.0, 0.5, 3600.0, "s")
    max_age: float = bounded(300.0, 1.0, 86400.0, "s")
    age_jitter: float = bounded(0.025, 0.0, 0.5, "of max_age, so that connections do not all end together")
    health_interval: float = bounded(30.0, 0.0, 3600.0, "s between two looks at idle connections; 0 for none")
    keepalive_idle: int = bounded(10, 1, 3600, "s before the first TCP keepalive probe")
    keepalive_interval: int = bounded(4, 1, 3600, "s between TCP keepalive probes")
    keepalive_count: int = bounded(3, 1, 20, "unanswered probes before a peer counts as gone")
    user_timeout: float = bounded(20.0, 1.0, 600.0, "s that sent data may stay unacknowledged")
    max_body: int = bounded(32 * 1024 * 1024, 1024, 1024 * 1024 * 1024, "bytes of a decoded answer")

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.max_idle > self.max_age:
            raise ConfigError(
                f"max_idle {self.max_idle:g} s > max_age {self.max_age:g} s: make max_idle the smaller one."
            )
        if self.first_byte_timeout > self.total_timeout:
            raise ConfigError(
                f"first_byte_timeout {self.first_byte_timeout:g} s > total_timeout {self.total_timeout:g} s: "
                "make total_timeout the larger one."
            )


CONNECTION_POOL_CONFIG = PoolConfig()


@dataclass(frozen=True)
class ProviderOverrides:
    """What one provider's server needs otherwise than all the others; None: nothing.

    :ivar max_idle: the longest, in seconds, that a connection may lie idle.
    :ivar patience: the least seconds to wait for a permit, and then for the first byte of an answer.
    :ivar parallel: the most requests at once, unless the person says otherwise.
    """

    max_idle: Optional[float] = None
    patience: Optional[float] = None
    parallel: Optional[int] = None


# Both load a model at its first use, which takes minutes from a slow disk, and let requests queue for it.
PROVIDER_OVERRIDES: Mapping[str, ProviderOverrides] = {
    # It answers one request at a time (OLLAMA_NUM_PARALLEL, its FAQ), so more would only stand in its queue.
    "ollama": ProviderOverrides(patience=300.0, parallel=1),
    # It runs on Node, which closes a connection after 5 s (its answers say "Keep-Alive: timeout=5").
    "lmstudio": ProviderOverrides(max_idle=3.0, patience=300.0),
}


def pool_config_for(provider: str, config: PoolConfig) -> PoolConfig:
    """``config`` as it holds for the endpoints of ``provider``; values that go further by themselves stay."""
    overrides = PROVIDER_OVERRIDES.get(provider, ProviderOverrides())
    if overrides.max_idle is not None:
        config = replace(config, max_idle=min(config.max_idle, overrides.max_idle))
    if overrides.patience is not None:
        longest = min(overrides.patience, config.total_timeout)
        config = replace(
            config,
            first_byte_timeout=max(config.first_byte_timeout, longest),
            pool_timeout=max(config.pool_timeout, longest),
        )
    return config


EXPONENTIAL = "exponential"
FIXED = "fixed"


@dataclass(frozen=True)
class BackoffConfig:
    """How one provider is asked again.

    ``strategies`` pairs an HTTP status with ``"exponential"`` or ``"fixed"``; a status not named grows exponentially.

    :raises ConfigError: for a value out of bounds, or two values that contradict each other.
    """

    min_interval: float = bounded(0.0, 0.0, 600.0, "s between the starts of two requests")
    retries: int = bounded(3, 0, 20, "further tries of a request after a passing failure")
    base_delay: float = bounded(1.0, 0.0, 600.0, "s")
    max_delay: float = bounded(30.0, 0.0, 600.0, "s")
    max_refusals: int = bounded(10, 1, 100, "answers 429 without a success between them before giving up")
    longest_hint: float = bounded(120.0, 0.0, 3600.0, "s; told to wait longer than this, a request fails instead")
    strategies: Tuple[Tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.base_delay > self.max_delay:
            raise ConfigError(
                f"base_delay {self.base_delay:g} s > max_delay {self.max_delay:g} s: make base_delay the smaller one."
            )
        for status, name in self.strategies:
            if name not in (EXPONENTIAL, FIXED):
                raise ConfigError(f"strategy {name!r} of status {status} is neither {EXPONENTIAL!r} nor {FIXED!r}.")

    def strategy(self, status: int) -> str:
        """The name of the strategy for an answer with this status (0: no answer came)."""
        return dict(self.strategies).get(status, EXPONENTIAL)


DEFAULT_BACKOFF = BackoffConfig()

# A server of one's own has no quota to spare, but it may be loading a model: more patience, shorter steps.
_AT_HOME = BackoffConfig(retries=4, base_delay=0.5, max_delay=15.0)

BACKOFF: Mapping[str, BackoffConfig] = {
    # OpenRouter passes a 503 on when no upstream has room: another one usually has it a fixed moment later.
    "openrouter": BackoffConfig(strategies=((503, FIXED),)),
    "compatible": _AT_HOME,
    "ollama": _AT_HOME,
    "lmstudio": _AT_HOME,
}


@dataclass(frozen=True)
class BreakerConfig:
    """When an endpoint and key that fails is left alone, and for how long.

    :raises ConfigError: for a value out of bounds, or two values that contradict each other.
    """

    window: int = bounded(20, 1, 1000, "outcomes that are looked back at")
    least_outcomes: int = bounded(5, 1, 1000, "outcomes before the rate says anything")
    failure_rate: float = bounded(0.5, 0.01, 1.0, "of them failed: it opens")
    failures_in_a_row: int = bounded(5, 1, 1000, "failures: it opens, whatever the rate")
    open_time: float = bounded(15.0, 0.0, 3600.0, "s until a probe, doubled each time the probe fails")
    longest_open_time: float = bounded(300.0, 0.0, 86400.0, "s")

    def __post_init__(self) -> None:
        check_bounds(self)
        for few, many in (
            ("least_outcomes", "window"),
            ("failures_in_a_row", "window"),
            ("open_time", "longest_open_time"),
        ):
            if getattr(self, few) > getattr(self, many):
                raise ConfigError(
                    f"{few} {getattr(self, few):g} > {many} {getattr(self, many):g}: make {few} the smaller one."
                )


BREAKER_CONFIG = BreakerConfig()


def backoff_for(provider: str) -> BackoffConfig:
    """The backoff settings of a provider, or the defaults."""
    return BACKOFF.get(provider, DEFAULT_BACKOFF)


def describe(config: Any) -> Dict[str, str]:
    """Name -> ``"default unit (low-high)"`` of every bounded field: what the documentation must list."""
    return {
        spec.name: f"{spec.default} {spec.metadata['unit']} ({spec.metadata['low']}-{spec.metadata['high']})"
        for spec in fields(config)
        if "low" in spec.metadata
    }
