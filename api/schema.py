"""How a reply is held to the keys it must have: as a JSON schema where the provider takes one, in words elsewhere."""

import json
from typing import Any, Dict, Sequence, Tuple

from api.base import Message


def json_schema(keys: Sequence[str]) -> Dict[str, Any]:
    """An object with exactly these keys, each a required string: what OpenAI's strict mode asks of a schema."""
    return {
        "type": "object",
        "properties": {key: {"type": "string"} for key in keys},
        "required": list(keys),
        "additionalProperties": False,
    }


def openapi_schema(keys: Sequence[str]) -> Dict[str, Any]:
    """The same for Gemini's older ``responseSchema``, which knows no ``additionalProperties``."""
    return {
        "type": "OBJECT",
        "properties": {key: {"type": "STRING"} for key in keys},
        "required": list(keys),
        "propertyOrdering": list(keys),
    }


def asked_in_words(messages: Tuple[Message, ...], keys: Sequence[str]) -> Tuple[Message, ...]:
    """``messages`` with the demand for these keys at the end of the system message; one is made where there is none."""
    demand = (
        "Reply with one JSON object and nothing else, not even a code fence. It has exactly these keys, in this order, "
        f"and every value is a string: {json.dumps(list(keys), ensure_ascii=False)}"
    )
    if messages and messages[0].role == "system":
        return (Message("system", f"{messages[0].content}\n\n{demand}"), *messages[1:])
    return (Message("system", demand), *messages)
