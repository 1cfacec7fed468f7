"""From flags and environment to a provider that can be asked."""

import argparse
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Iterator, Optional

import api
from api.exchange import HTTPProvider
from cli.standin import StandIn
from cli.terminal import say
from core.connection_pool import ConnectionPoolManager, PoolUnavailableError
from core.errors import ConfigError
from core.profiles import Profile
from core.transport import Transport

COMPATIBLE = "compatible"
DEMO = "demo"
KEY_VARIABLES = {name: kind.key_name for name, kind in api.PROVIDERS.items()}
PROVIDER_NAMES = (*KEY_VARIABLES, DEMO)
DEMO_MODEL = "stand-in"


@dataclass(frozen=True)
class Connection:
    """A provider, the pool and transport that its requests go through, and the profile that all of them follow."""

    name: str
    provider: HTTPProvider
    pool: ConnectionPoolManager
    transport: Transport
    profile: Profile


def choose_provider(wanted: Optional[str], base_url: Optional[str]) -> str:
    """``wanted``, else the first provider that there is a key for, else the server at ``base_url``, else the demo."""
    if wanted:
        return wanted
    return next(filter(key_of, KEY_VARIABLES), COMPATIBLE if base_url else DEMO)


def say_that_it_is_a_demo() -> None:
    """Nobody may take the stand-in's answers for a translation."""
    say("The bundled stand-in answers. This is NOT a translation: lines come back in brackets, to show how a run goes.")
    others = ", ".join(KEY_VARIABLES[name] for name in ("gemini", "openrouter"))
    say(f"For a real one set a key first, for example:  export OPENAI_API_KEY=...   (or {others})")


@contextmanager
def connected(options: argparse.Namespace) -> Iterator[Connection]:
    """The provider that the flags ask for; its connections are closed on the way out.

    :raises ConfigError: there is no key for it, or a flag cannot be used.
    """
    name = choose_provider(options.provider, options.base_url)
    if name == COMPATIBLE and not options.base_url:
        raise ConfigError("Say with --base-url where the server is, such as http://localhost:1234/v1")
    profile: Profile = options.profile
    with ConnectionPoolManager(profile.pool) as pool:
        with suppress(PoolUnavailableError):  # it works without one too, and says so
            pool.get_pool(options.proxy, options.ca_file)  # what is wrong with these two shows now
        if name == DEMO:
            with StandIn() as standin:  # on this machine: no proxy leads there
                transport = Transport(pool, parallel=profile.parallel)
                backoff, base_url = profile.backoff_for(COMPATIBLE), standin.openai_base_url
                provider = api.create(COMPATIBLE, api_key="", base_url=base_url, transport=transport, backoff=backoff)
                yield Connection(name, provider, pool, transport, profile)
        else:
            transport = Transport(pool, parallel=profile.parallel, proxy=options.proxy, ca_file=options.ca_file)
            provider = with_key(name, options.base_url, transport, profile)
            yield Connection(name, provider, pool, transport, profile)


def with_key(name: str, base_url: Optional[str], transport: Transport, profile: Profile) -> HTTPProvider:
    """The provider called ``name`` with its key from the environment.

    :raises ConfigError: there is no key, or it cannot be one.
    """
    return api.create(
        name, api_key=key_of(name), base_url=base_url, transport=transport, backoff=profile.backoff_for(name)
    )


def key_of(name: str) -> str:
    """The key for a provider, ``""`` where there is none."""
    return os.environ.get(KEY_VARIABLES[name], "") if name in KEY_VARIABLES else ""
