"""Sets of settings that go together: how many connections, how long they last, how patiently and how often to ask.

A face offers them by name; single values can still be set on top.
"""

from dataclasses import dataclass, replace
from typing import Mapping

from core.config import (
    CONNECTION_POOL_CONFIG,
    DEFAULT_BACKOFF,
    PROVIDER_OVERRIDES,
    BackoffConfig,
    PoolConfig,
    ProviderOverrides,
    backoff_for,
    bounded,
    check_bounds,
)
from core.errors import ConfigError
from core.sizing import pool_size

LOW_MEMORY, BALANCED, FAST, DEBUG = "low-memory", "balanced", "fast", "debug"


@dataclass(frozen=True)
class Profile:
    """One set.

    :ivar backoff: where it differs from the default it counts for every provider; elsewhere a provider has its own way.
    :raises ConfigError: for a value out of bounds, or more parallel requests than connections.
    """

    name: str
    parallel: int = bounded(4, 1, 100, "requests at once to one endpoint")
    pool: PoolConfig = CONNECTION_POOL_CONFIG
    backoff: BackoffConfig = DEFAULT_BACKOFF

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.parallel > self.pool.maxsize:
            raise ConfigError(f"parallel {self.parallel} > maxsize {self.pool.maxsize}: make maxsize the larger one.")

    def backoff_for(self, provider: str) -> BackoffConfig:
        """How this provider is asked again."""
        own = {name: value for name, value in vars(self.backoff).items() if value != getattr(DEFAULT_BACKOFF, name)}
        return replace(backoff_for(provider), **own)

    def parallel_for(self, provider: str) -> int:
        """Requests at once that suit a provider, where the person did not say how many."""
        own = PROVIDER_OVERRIDES.get(provider, ProviderOverrides()).parallel
        return self.parallel if own is None else min(self.parallel, own)

    def with_parallel(self, parallel: int) -> "Profile":
        """The same with so many requests at once, and room for them."""
        pool = replace(self.pool, maxsize=max(self.pool.maxsize, pool_size(parallel, 1.0)))
        return replace(self, parallel=parallel, pool=pool)


#: By name, in the order in which they are offered.
PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        # A Raspberry Pi: few threads and connections, which close soon, and a slow processor for the handshake.
        Profile(
            LOW_MEMORY,
            parallel=2,
            pool=PoolConfig(num_pools=3, maxsize=4, connect_timeout=10.0, max_idle=30.0, max_body=4 * 1024 * 1024),
        ),
        Profile(BALANCED),
        # Paid access on a good line: more at once, and what fails is noticed and asked again sooner.
        Profile(
            FAST,
            parallel=8,
            pool=PoolConfig(maxsize=30, connect_timeout=3.0, max_idle=90.0),
            backoff=BackoffConfig(base_delay=0.5, max_delay=10.0),
        ),
        # To see what a server does: one request at a time, none repeated, and nothing ends because of our own clocks.
        Profile(
            DEBUG,
            parallel=1,
            pool=PoolConfig(
                connect_timeout=60.0,
                dns_ttl=0.0,
                first_byte_timeout=900.0,
                read_timeout=300.0,
                total_timeout=3600.0,
                pool_timeout=60.0,
                max_idle=3600.0,
                max_age=86400.0,
                health_interval=0.0,
            ),
            backoff=BackoffConfig(retries=0, max_refusals=1),
        ),
    )
}
