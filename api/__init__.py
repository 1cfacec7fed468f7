"""One module a provider: what is sent and what comes back; sockets belong to ``core``."""

from typing import Dict, Optional, Type

from api.compatible import Compatible
from api.exchange import HTTPProvider
from api.gemini import Gemini
from api.openai import OpenAI
from api.openrouter import OpenRouter
from core.config import BackoffConfig
from core.errors import ConfigError
from core.transport import Transport

PROVIDERS: Dict[str, Type[HTTPProvider]] = {
    provider.name: provider for provider in (OpenAI, Gemini, OpenRouter, Compatible)
}


def create(
    name: str,
    *,
    api_key: str,
    base_url: Optional[str] = None,
    transport: Optional[Transport] = None,
    backoff: Optional[BackoffConfig] = None,
) -> HTTPProvider:
    """The provider called ``name``, one of ``PROVIDERS``.

    :param base_url: another root than the provider's own; ``compatible`` has none of its own.
    :param transport: how to reach it; over the shared pool if None.
    :param backoff: how to ask again; the provider's usual way if None.
    :raises ConfigError: for a name, a key or a base URL that cannot be used.
    """
    if name not in PROVIDERS:
        raise ConfigError(f"There is no provider {name!r}. Choose one of: {', '.join(PROVIDERS)}")
    return PROVIDERS[name](api_key=api_key, base_url=base_url, transport=transport, backoff=backoff)
