"""One module a provider: what is sent and what comes back; sockets belong to ``core``."""

from typing import Dict, Optional, Type

from api.anthropic import Anthropic
from api.compatible import Compatible
from api.gemini import Gemini
from api.http_provider import HTTPProvider
from api.lmstudio import LMStudio
from api.ollama import Ollama
from api.openai import OpenAI
from api.openrouter import OpenRouter
from core.config import BackoffConfig
from core.endpoint_group import STICKY
from core.errors import ConfigError
from core.transport import Transport

PROVIDERS: Dict[str, Type[HTTPProvider]] = {
    provider.name: provider for provider in (OpenAI, Gemini, OpenRouter, Anthropic, Ollama, LMStudio, Compatible)
}


def create(
    name: str,
    *,
    api_key: str,
    base_url: Optional[str] = None,
    transport: Optional[Transport] = None,
    balance: str = STICKY,
    backoff: Optional[BackoffConfig] = None,
) -> HTTPProvider:
    """The provider called ``name``, one of ``PROVIDERS``.

    :param api_key: or several, with commas between.
    :param base_url: another root than the provider's own; ``compatible`` has none of its own. Or several, likewise.
    :param transport: how to reach it; over the shared pool if None.
    :param balance: one of ``core.endpoint_group.BALANCES``; how requests are spread over several.
    :param backoff: how to ask again; the provider's usual way if None.
    :raises ConfigError: for a name, a key or a base URL that cannot be used.
    """
    if name not in PROVIDERS:
        raise ConfigError(f"There is no provider {name!r}. Choose one of: {', '.join(PROVIDERS)}")
    return PROVIDERS[name](api_key=api_key, base_url=base_url, transport=transport, balance=balance, backoff=backoff)
