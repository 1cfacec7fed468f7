"""Looking into JSON whose shape nobody vouches for: what is not as expected is absent, never a crash."""

import json
from typing import Any, Dict, List, Optional

from core.errors import EmptyAnswerError, NotJSONError


def dig(data: object, *path: object) -> Any:
    """What lies at ``path`` (names and positions) inside ``data``, or None where there is no such place."""
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and -len(data) <= step < len(data):
            data = data[step]
        else:
            return None
    return data


def text_at(data: object, *path: object) -> str:
    """The string at ``path``, or ``""``."""
    found = dig(data, *path)
    return found if isinstance(found, str) else ""


def list_at(data: object, *path: object) -> List[Any]:
    """The list at ``path``, or ``[]``."""
    found = dig(data, *path)
    return found if isinstance(found, list) else []


def count_at(data: object, *path: object) -> int:
    """The number at ``path`` as a count, or 0."""
    found = dig(data, *path)
    return int(found) if isinstance(found, (int, float)) and 0 <= found < 1e15 else 0


def load(body: "bytes | str") -> Optional[Any]:
    """``body`` as JSON, or None when it is something else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def load_answer(body: "bytes | str", label: str, provider: str) -> Dict[str, Any]:
    """The JSON object that a 2xx from ``label`` must hold. A list around a single object is looked through (Gemini).

    :raises EmptyAnswerError: there is no body.
    :raises NotJSONError: it is a web page, cut, or no object.
    """
    if not body.strip():
        raise EmptyAnswerError(f"The answer from {label} is empty.", provider=provider)
    data = load(body)
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if isinstance(data, dict):
        return data
    start = body[:200] if isinstance(body, str) else body[:200].decode("utf-8", "replace")
    if start.lstrip("\ufeff \t\r\n").startswith("<"):
        raise NotJSONError(
            f"A web page came instead of an answer from {label}. Check the base URL, the proxy and the network.",
            provider=provider,
        )
    words = f"The answer from {label} is damaged or was cut off: it is not JSON. Check the proxy and the network."
    raise NotJSONError(words, provider=provider)
