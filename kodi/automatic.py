"""What to do when a film starts, as one decision without side effects."""

from dataclasses import dataclass
from typing import Iterable, Optional

from kodi.player import Stream
from kodi.settings import OFF, ON
from kodi.subtitle_files import is_kodi_language
from translate.languages import Language

NOTHING = "nothing"
ASK_FIRST = "ask"
START = "start"
OVER_LIMIT = "over limit"


@dataclass(frozen=True)
class Situation:
    """:ivar cost: US dollars that the best source would take, or None where the price is not known.

    :ivar left: US dollars of this month's limit that are not spent.
    """

    mode: str
    in_language: bool
    has_source: bool
    cost: Optional[float]
    left: float


def decide(situation: Situation) -> str:
    """One of ``NOTHING``, ``ASK_FIRST``, ``START`` and ``OVER_LIMIT``; never starts what it cannot put a price on."""
    if situation.mode == OFF or situation.in_language or not situation.has_source:
        return NOTHING
    if situation.mode != ON or situation.cost is None:
        return ASK_FIRST
    return START if affordable(situation.cost, situation.left) else OVER_LIMIT


def affordable(cost: Optional[float], left: float) -> bool:
    """Whether something may start unasked; not if its price is not known."""
    return cost is not None and cost <= max(0.0, left)


def any_in(language: Language, streams: Iterable[Stream]) -> bool:
    """Whether Kodi has a subtitle in ``language`` for the whole film; forced ones only cover what is foreign in it."""
    return any(not one.forced and is_kodi_language(one.language, language) for one in streams)
