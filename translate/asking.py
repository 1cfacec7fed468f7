"""One request for one batch: the cues go out, the reply is judged while it streams in."""

from dataclasses import dataclass, field
from typing import Callable, Dict, Optional, Sequence

from api.base import ChatRequest, Provider, Usage
from core.cancel import CancelToken
from core.errors import AnswerError, CancelledError, ConfigError, ProviderError, SubAIError, TransportError
from translate import prompt
from translate.align import Aligner, Judged
from translate.documents import Cue
from translate.prices import Price


@dataclass(frozen=True)
class Route:
    """Whom to ask: a provider and one of its models, and what that costs (None where it is not known)."""

    provider: Provider
    model: str
    price: Optional[Price] = None


@dataclass
class Outcome:
    """What one request brought.

    :ivar accepted: cue index -> translation. :ivar failed: cue index -> reason.
    :ivar answered: the provider began to answer.
    :ivar error: what broke the answer off, or refused it; the cues it did not reach are in ``failed``, unless it was a
        ``CancelledError``.
    """

    accepted: Dict[int, str] = field(default_factory=dict)
    failed: Dict[int, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    answered: bool = False
    error: Optional[SubAIError] = None


@dataclass(frozen=True)
class Around:
    """The lines before and after a batch, as context."""

    before: Sequence[str] = ()
    after: Sequence[str] = ()


def ask(
    route: Route,
    brief: prompt.Brief,
    cues: Sequence[Cue],
    around: Around,
    *,
    anchored: bool,
    tokens: int,
    affinity: str,
    cancel: CancelToken,
    on_answer: Callable[[], None],
    on_judged: Callable[[Cue, Judged], None],
) -> Outcome:
    """Ask for ``cues`` once.

    ``on_answer`` is called when the answer begins, ``on_judged`` for each cue as soon as something is known of it.
    ``tokens`` is what it will take, about; ``affinity`` is the same for all requests of a job. Whatever goes wrong with
    the request is part of the outcome, a cancel too.
    """
    texts = [cue.text for cue in cues]
    keys = prompt.anchored_keys(texts) if anchored else prompt.plain_keys(len(texts))
    request = ChatRequest(
        route.model,
        prompt.messages(brief, keys, texts, around.before, around.after),
        keys,
        cancel=cancel,
        tokens=tokens,
        affinity=affinity,
    )
    aligner = Aligner(
        texts,
        [cue.tags for cue in cues],
        keys=keys,
        before=around.before,
        after=around.after,
        target=brief.target,
    )
    outcome = Outcome()

    def hear(judgements: Sequence[Judged]) -> None:
        for judged in judgements:
            cue = cues[judged.position]
            if judged.state == "accepted":
                outcome.accepted[cue.index] = judged.text
            elif judged.state == "failed":
                outcome.failed[cue.index] = judged.reason if judged.text else _why(outcome.error) or judged.reason
            on_judged(cue, judged)

    try:
        with route.provider.stream(request) as stream:
            outcome.answered = True
            on_answer()
            try:
                for delta in stream:
                    hear(aligner.feed(delta))
            finally:
                outcome.usage = stream.usage
    except CancelledError as error:
        outcome.error = error
        return outcome
    except (TransportError, ProviderError, AnswerError, ConfigError) as error:
        outcome.error = error
    hear(aligner.finish())
    return outcome


def _why(error: Optional[SubAIError]) -> str:
    """Why there is no text, in a word: that of the error, if there was one."""
    if isinstance(error, AnswerError):
        return error.reason
    if isinstance(error, TransportError):
        return error.kind
    return "refused" if error else ""
