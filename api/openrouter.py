"""OpenRouter: one key for the models of many hosts, in OpenAI's dialect; its errors may come inside HTTP 200."""

from typing import Optional

from api.openai import ChatCompletions
from core.transport import Transport


class OpenRouter(ChatCompletions):
    """openrouter.ai."""

    name = "openrouter"
    label = "OpenRouter"
    default_base_url = "https://openrouter.ai/api/v1"
    default_model = "google/gemini-3.5-flash-lite"
    key_name = "OPENROUTER_API_KEY"
    key_page = "https://openrouter.ai/settings/keys"


def call(prompt: str, model: str, api_key: str, *, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` for the default."""
    return OpenRouter(api_key=api_key, transport=client).ask(prompt, model)
