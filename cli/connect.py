"""From flags and environment to a provider that can be asked."""

import argparse
import os
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

import api
from api.endpoint import root_of
from api.http_provider import HTTPProvider
from api.ollama import PORT as OLLAMA_PORT
from cli.standin import StandIn
from cli.terminal import say
from core.connection_pool import ConnectionPoolManager
from core.endpoint_group import EndpointGroup
from core.errors import ConfigError
from core.pool_loading import PoolUnavailableError
from core.transport import Transport

COMPATIBLE = "compatible"
OLLAMA, OLLAMA_HOST = "ollama", "OLLAMA_HOST"
DEMO = "demo"
KEY_VARIABLES = {name: kind.key_name for name, kind in api.PROVIDERS.items()}
PROVIDER_NAMES = (*KEY_VARIABLES, DEMO)
DEMO_MODEL = "stand-in"


@dataclass(frozen=True)
class Connection:
    """A provider, and the pool that its requests go through.

    :ivar parallel: requests at once.
    :ivar transports: its own, and those of whoever is asked besides. :ivar groups: likewise.
    """

    name: str
    provider: HTTPProvider
    pool: ConnectionPoolManager
    parallel: int
    transports: List[Transport]
    groups: List[EndpointGroup]


def choose_provider(wanted: Optional[str], base_url: Optional[str]) -> str:
    """``wanted``, else the first provider that there is a key for, else the server at ``base_url``, else the demo."""
    if wanted:
        return wanted
    return next(filter(key_of, KEY_VARIABLES), COMPATIBLE if base_url else DEMO)


def say_that_it_is_a_demo() -> None:
    """Nobody may take the stand-in's answers for a translation."""
    say("The bundled stand-in answers. This is NOT a translation: lines come back in brackets, to show how a run goes.")
    others = ", ".join(KEY_VARIABLES[name] for name in ("gemini", "openrouter", "anthropic"))
    say(f"For a real one set a key first, for example:  export OPENAI_API_KEY=...   (or {others})")
    say("Or take a model of your own, which needs no key:  ./subai check --local")


@contextmanager
def connected(options: argparse.Namespace) -> Iterator[Connection]:
    """The provider that the flags ask for; its connections are closed on the way out.

    :raises ConfigError: there is no key for it, or a flag cannot be used.
    """
    name = choose_provider(options.provider, options.base_url)
    if name == COMPATIBLE and not options.base_url:
        raise ConfigError("Say with --base-url where the server is, such as http://localhost:1234/v1")
    profile = options.profile
    with ConnectionPoolManager(profile.pool) as pool:
        with suppress(PoolUnavailableError):  # it works without one too, and says so
            pool.get_pool(options.proxy, options.ca_file)  # what is wrong with these two shows now
        parallel = _parallel(name, options)
        if name == DEMO:
            with StandIn() as standin:  # on this machine: no proxy leads there
                transport = Transport(pool, parallel=parallel)
                backoff, base_url = profile.backoff_for(COMPATIBLE), standin.openai_base_url
                provider = api.create(COMPATIBLE, api_key="", base_url=base_url, transport=transport, backoff=backoff)
                with closing(provider):
                    yield Connection(name, provider, pool, parallel, [transport], [provider.group])
        else:
            provider, transport = provider_over(pool, name, options.base_url, options)
            with closing(provider):
                yield Connection(name, provider, pool, parallel, [transport], [provider.group])


def provider_over(
    pool: ConnectionPoolManager, name: str, base_url: Optional[str], options: argparse.Namespace
) -> Tuple[HTTPProvider, Transport]:
    """The provider called ``name`` with its key, or several, from the environment, and how it is reached.

    :raises ConfigError: there is no key, or it cannot be one.
    """
    transport = Transport(pool, parallel=_parallel(name, options), proxy=options.proxy, ca_file=options.ca_file)
    if name == OLLAMA and not base_url and os.environ.get(OLLAMA_HOST):
        base_url = root_of(os.environ[OLLAMA_HOST], OLLAMA_PORT)
    provider = api.create(
        name,
        api_key=key_of(name),
        base_url=base_url,
        transport=transport,
        balance=options.balance,
        backoff=options.profile.backoff_for(name),
    )
    return provider, transport


def _parallel(name: str, options: argparse.Namespace) -> int:
    """Requests at once: what the person said, else what suits the provider."""
    return int(options.parallel or options.profile.parallel_for(name))


def key_of(name: str) -> str:
    """The key for a provider, or several with commas between; ``""`` where there is none."""
    return os.environ.get(KEY_VARIABLES[name], "") if name in KEY_VARIABLES else ""
