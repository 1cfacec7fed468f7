"""How fast answers come: a round trip, the time to the first token, and so many tokens a second."""

from dataclasses import dataclass
from typing import Iterator, Optional, Tuple

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_EVENT = 4  # of a stream: an event for each token would mostly measure JSON


@dataclass(frozen=True)
class Pace:
    """When what is sent, counted from the moment the request is in.

    :ivar round_trip: seconds that every answer takes, errors too.
    :ivar first_token: seconds on top of it until a model begins to answer.
    :ivar tokens_per_second: None: all at once. An answer that is not streamed takes as long as its stream would.
    """

    round_trip: float = 0.0
    first_token: float = 0.0
    tokens_per_second: Optional[float] = None

    def due(self, tokens: Optional[int]) -> float:
        """Seconds from the request until this many tokens are made and there; None: no model was asked."""
        if tokens is None:
            return self.round_trip
        making = tokens / self.tokens_per_second if self.tokens_per_second else 0.0
        return self.round_trip + self.first_token + making


AT_ONCE = Pace()


def count_tokens(text: str) -> int:
    """How many tokens the stand-in counts for ``text``: one for each 4 characters begun."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def in_events(text: str) -> Iterator[Tuple[int, str]]:
    """``text`` cut as a stream brings it: (tokens made by then, part)."""
    step = TOKENS_PER_EVENT * CHARACTERS_PER_TOKEN
    for start in range(0, len(text), step):
        part = text[start : start + step]
        yield -(-(start + len(part)) // CHARACTERS_PER_TOKEN), part
