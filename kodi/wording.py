"""The sentences that the service makes of offers, outcomes and errors, in Kodi's language."""

from typing import Dict, List, Optional, Sequence, Tuple, Type

from core.errors import (
    ConfigError,
    KeyRefusedError,
    ModelNotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    SubAIError,
    TLSError,
    TransportError,
)
from kodi import addon, strings, windows
from kodi.desk import Finished, Offer
from kodi.jobs import FilmJob
from kodi.strings import localised
from translate.documents import Cue
from translate.languages import Language
from translate.purse import CostLimitError

# The first that fits counts, so a class stands before those it is one of.
_ERRORS: Dict[Type[SubAIError], int] = {
    KeyRefusedError: strings.KEY_REFUSED,
    QuotaError: strings.QUOTA_SPENT,
    ModelNotFoundError: strings.MODEL_GONE,
    RateLimitError: strings.BUSY,
    OverloadedError: strings.BUSY,
    CostLimitError: strings.LIMIT_HIT,
    TLSError: strings.TLS_FAILED,
    TransportError: strings.UNREACHABLE,
}
# What happened to a line that was kept, by the words of ``translate``; any other one means that nothing came back.
_KEPT: Dict[str, int] = {
    "untranslated": strings.KEPT_UNTRANSLATED,
    "refusal": strings.KEPT_REFUSED,
    "blocked": strings.KEPT_REFUSED,
    **dict.fromkeys(
        ("tags", "debris", "script", "long", "short", "lines", "shifted", "merged", "repeated", "not text", "prose"),
        strings.KEPT_UNUSABLE,
    ),
}
#: Where in the settings it can be mended.
_PAGES: Dict[Type[SubAIError], int] = {
    KeyRefusedError: addon.PROVIDERS,
    QuotaError: addon.PROVIDERS,
    ModelNotFoundError: addon.PROVIDERS,
    ConfigError: addon.PROVIDERS,
    TLSError: addon.CONNECTIONS,
}


def language_name(language: Optional[Language]) -> str:
    if language is None:
        return localised(strings.UNKNOWN_LANGUAGE)
    return strings.language_name(language.code, language.name)


def dollars(amount: float) -> str:
    return f"${amount:.2f}"


def offer_row(offer: Offer) -> str:
    """``Translate film.en.srt (English) to Spanish: about 1,300 lines, ~$0.02, gpt-...``."""
    film = offer.task.film
    source, target = language_name(film.source), language_name(film.target)
    if offer.is_remembered:
        lines = f"{offer.known:,}"
        return localised(strings.ROW_REMEMBERED, name=offer.name, source=source, target=target, lines=lines)
    return localised(
        strings.ROW_TRANSLATE,
        name=offer.name,
        source=source,
        target=target,
        lines=f"{offer.expected.cues:,}",
        price=windows.price_words(offer.cost),
        model=offer.model,
    )


def choice_row(offer: Offer) -> str:
    """``English, 1,300 lines, ~$0.02: film.en.srt``, for a list of a film's subtitles: first what tells them apart."""
    return localised(
        strings.ROW_CHOICE,
        name=offer.name,
        source=language_name(offer.task.film.source),
        lines=f"{offer.known if offer.is_remembered else offer.expected.cues:,}",
        price=windows.price_words(offer.cost),
    )


def question(offer: Offer) -> str:
    """Whether to start what the person chose."""
    film = offer.task.film
    source, target = language_name(film.source), language_name(film.target)
    return localised(strings.CONFIRM, name=offer.name, source=source, target=target) + "\n" + _figures(offer)


def unasked_question(offer: Offer) -> str:
    """Whether to start what the person did not ask for."""
    film = offer.task.film
    asked = localised(strings.OFFER, target=language_name(film.target), source=language_name(film.source))
    return asked + "\n" + _figures(offer)


def finished_row(finished: Finished, target: Language) -> str:
    text = strings.ROW_FINISHED if finished.done >= finished.total else strings.ROW_PARTLY
    return localised(text, target=language_name(target), done=f"{finished.done:,}", lines=f"{finished.total:,}")


def last_words(job: FilmJob) -> str:
    """How a job ended, honestly; ``""`` while it runs."""
    outcome = job.outcome
    if outcome is None:
        return ""
    done, total = f"{outcome.done:,}", f"{outcome.total:,}"
    if outcome.parked or outcome.error is not None:
        return localised(strings.STOPPED, done=done, total=total)
    if not outcome.left:
        return localised(strings.DONE_ALL, total=total)
    source = language_name(job.task.film.source)
    return localised(strings.DONE_SOME, done=done, total=total, kept=len(outcome.left), source=source)


def why_kept(cues: Sequence[Cue], left: Sequence[Tuple[int, str]]) -> str:
    """A page with the lines that were kept, under what happened to them, each with its time and its text.

    :param left: index and reason of each.
    """
    groups: Dict[int, List[str]] = {}
    for index, reason in left:
        cue = cues[index]
        line = f"{_clock(cue.start)}  {' '.join(cue.text.split())}"
        groups.setdefault(_KEPT.get(reason, strings.KEPT_UNANSWERED), []).append(line)
    return "\n\n".join("\n".join((localised(heading), *lines)) for heading, lines in groups.items())


def error_words(error: SubAIError, provider: str) -> str:
    """What is wrong and what to do."""
    text = next((text for kind, text in _ERRORS.items() if isinstance(error, kind)), None)
    return error.user_message if text is None else localised(text, provider=provider)


def settings_page(error: SubAIError) -> Optional[int]:
    """Which page of the settings is where it can be mended, if one is."""
    return next((page for kind, page in _PAGES.items() if isinstance(error, kind)), None)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _figures(offer: Offer) -> str:
    if offer.is_remembered:
        return localised(strings.REMEMBERED, lines=f"{offer.known:,}")
    return windows.figures(offer.expected.cues, offer.tokens, offer.cost, offer.model)
