"""What each model has refused to be told, learnt from its 400s and kept for the life of the process."""

from typing import Dict, FrozenSet, Iterable, Mapping, Optional, Tuple

from core.errors import ProviderError
from core.forking import OwnLock

_lock = OwnLock()
_refused: Dict[Tuple[str, str], FrozenSet[str]] = {}


def refused_by(base_url: str, model: str) -> FrozenSet[str]:
    """The parameters not to send to this model."""
    with _lock:
        return _refused.get((base_url, model), frozenset())


def remember(base_url: str, model: str, parameter: str) -> None:
    """Never send ``parameter`` to this model again."""
    with _lock:
        _refused[base_url, model] = _refused.get((base_url, model), frozenset()) | {parameter}


def named_in(error: ProviderError, sent: Iterable[str], names: Mapping[str, Tuple[str, ...]]) -> Optional[str]:
    """The parameter among ``sent`` that ``error`` is about, or None.

    :param names: for each parameter that a request can do without, the words (lower case) by which servers name it.
    """
    # Where the server says which one it means, its message may well mention others ("use max_completion_tokens").
    words = (error.param or error.user_message).lower()
    sent = set(sent)
    for parameter, aliases in names.items():
        if parameter in sent and any(alias in words for alias in aliases):
            return parameter
    return None
