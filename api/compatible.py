"""Any server that speaks OpenAI's dialect: llama.cpp, vLLM, LiteLLM, a company's own gateway."""

from typing import Optional

from api.openai import ChatCompletions
from core.transport import Transport


class Compatible(ChatCompletions):
    """The server at a base URL of one's own. Which model it has loaded, only it can tell (see ``pick_model``)."""

    name = "compatible"
    label = "the server"
    key_name = "SUBAI_API_KEY"
    needs_key = False


def call(prompt: str, model: str, api_key: str, *, base_url: str, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` if the server has but one."""
    return Compatible(api_key=api_key, base_url=base_url, transport=client).ask(prompt, model)
