"""What a job tells while it runs and when it has ended."""

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from api.base import Usage
from core.errors import SubAIError

#: The states of a cue in an event. A provisional text may be shown at once; it can still be taken back.
PROVISIONAL = "provisional"
TRANSLATED = "translated"
KEPT = "kept"
PENDING = "pending"


@dataclass(frozen=True)
class CueEvent:
    """Something happened to one cue.

    :ivar index: position of the cue in its document, from 0.
    :ivar text: its translation, or ``""`` for ``KEPT`` and ``PENDING`` (a provisional text was taken back).
    :ivar reason: for ``KEPT``, why the source text stays, in a few words.
    """

    index: int
    state: str
    text: str = ""
    reason: str = ""


@dataclass(frozen=True)
class JobReport:
    """How a job ended.

    :ivar translated: cue index -> translation, for all that are final.
    :ivar kept: cue index -> reason, for those that keep their source text.
    :ivar remembered: how many of the translations were known before and cost nothing.
    :ivar first_cue_seconds: from the start to the first translated cue; None when there was none.
    :ivar notices: lines for the person, such as a change of provider on the way.
    :ivar stopped_by: what ended the job before all was asked: the provider's final no, or a ``CancelledError``.
    """

    cues: int
    translated: Dict[int, str] = field(repr=False)
    kept: Dict[int, str] = field(repr=False)
    remembered: int
    usage: Usage
    first_cue_seconds: Optional[float]
    total_seconds: float
    stopped_by: Optional[SubAIError] = None
    notices: Tuple[str, ...] = ()
