"""What to do when a film starts that has a subtitle, but none in the person's language: the decision alone."""

from typing import Optional

from kodi.settings import OFF, ON

#: Beside the modes of the settings: the translation was begun another time, because a person asked for it.
RESUME = "resume"

NOTHING = "nothing"
ASK_FIRST = "ask first"
START = "start"
OVER_LIMIT = "over limit"


def decide(mode: str, cost: Optional[float], left: float) -> str:
    """One of ``NOTHING``, ``ASK_FIRST``, ``START`` and ``OVER_LIMIT``; unasked, nothing starts without a price.

    :param cost: US dollars that the translation would take, or None where the price is not known.
    :param left: US dollars of this month's limit that are not spent.
    """
    if mode == OFF:
        return NOTHING
    if mode == RESUME:
        return START
    if mode != ON or cost is None:
        return ASK_FIRST
    return START if affordable(cost, left) else OVER_LIMIT


def affordable(cost: Optional[float], left: float) -> bool:
    """Whether something may start unasked; not if its price is not known."""
    return cost is not None and cost <= max(0.0, left)
