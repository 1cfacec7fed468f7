"""LM Studio's server, in OpenAI's dialect. It answers paths that it does not know with 200 and an error in the body.

Sources: lmstudio.ai/docs/developer, "OpenAI compatibility", "REST API" (v0 and v1) and "Authentication".
"""

from dataclasses import replace
from typing import Dict, List, Mapping, Optional

from api.endpoint import with_version
from api.openai import ChatCompletions
from api.shape import dig, list_at, text_at
from core.cancel import CancelToken
from core.endpoint_group import EndpointGroup
from core.errors import AnswerError, ProviderError
from core.transport import Transport

#: Where its own API lists the models, with what is loaded; from version 0.4 on, and from 0.3.6 on.
CATALOGUES = ("/api/v1/models", "/api/v0/models")


class LMStudio(ChatCompletions):
    """The server of the LM Studio app, or of ``lms server start``."""

    name = "lmstudio"
    label = "LM Studio"
    default_base_url = "http://127.0.0.1:1234/v1"
    key_name = "LM_API_TOKEN"
    needs_key = False

    def list_models(self, cancel: CancelToken) -> List[str]:
        # One for embeddings comes with the app and is in the list; its name always begins like this.
        return [name for name in super().list_models(cancel) if not name.startswith("text-embedding-")]

    def loaded_models(self, cancel: CancelToken) -> List[str]:
        targets = [member.target for member in self.group.members]
        beside = [replace(target, base_url=_without_version(target.base_url)) for target in targets]
        own_api = EndpointGroup(beside)
        for path in CATALOGUES:
            try:
                models = catalogue(self._fetch(self._request("GET", path, cancel).but(group=own_api)))
            except (ProviderError, AnswerError):  # the path is not known to this version
                continue
            if models is not None:
                return sorted(name for name, loaded in models.items() if loaded)
        return []

    def _root(self, base_url: str) -> str:
        return with_version(base_url)


def _without_version(base_url: str) -> str:
    return base_url[: -len("/v1")] if base_url.endswith("/v1") else base_url


def catalogue(data: Mapping[str, object]) -> Optional[Dict[str, bool]]:
    """Name -> whether it is loaded, of the models that can chat; None if this is no list of LM Studio's own."""
    newer, older = list_at(data, "models"), list_at(data, "data")
    if any(isinstance(dig(model, "loaded_instances"), list) for model in newer):
        return {text_at(one, "key"): bool(dig(one, "loaded_instances")) for one in newer if dig(one, "type") == "llm"}
    if any(text_at(model, "state") for model in older):
        return {
            text_at(one, "id"): dig(one, "state") == "loaded" for one in older if dig(one, "type") in ("llm", "vlm")
        }
    return None


def call(prompt: str, model: str, api_key: str, *, client: Optional[Transport] = None) -> str:
    """One turn of free text, over ``client`` or the shared pool; ``model`` may be ``""`` for the one that is loaded."""
    return LMStudio(api_key=api_key, transport=client).ask(prompt, model)
