"""What a run tells when it has ended: the JSON of ``--report`` and the last line in the terminal."""

from collections import Counter
from dataclasses import asdict, astuple, dataclass
from typing import Any, Dict, Iterator, List, Optional, Tuple

from cli.connect import Connection
from cli.terminal import counted
from translate.costs import Estimate
from translate.film import Film
from translate.purse import Purse
from translate.report import JobReport

FEW = 5  # untranslated lines that are named in the terminal

Untranslated = List[Tuple[int, str]]


@dataclass(frozen=True)
class Network:
    """What went over the network, counted from the start of a run; subtract two for what lies between."""

    requests: int
    retries: int
    connections_created: int
    connections_reused: int
    fallback_requests: int

    def __sub__(self, earlier: "Network") -> "Network":
        return Network(*(now - then for now, then in zip(astuple(self), astuple(earlier))))


def network_so_far(connection: Connection) -> Network:
    """The figures of this run's pool and transports at this moment."""
    endpoints = connection.pool.stats().values()
    counts = [transport.counts for transport in connection.transports]
    return Network(
        requests=sum(count.requests for count in counts),
        retries=sum(count.retries for count in counts),
        connections_created=sum(endpoint.created for endpoint in endpoints),
        connections_reused=sum(endpoint.reused for endpoint in endpoints),
        fallback_requests=sum(count.fallback for count in counts),
    )


def as_document(
    film: Film,
    report: JobReport,
    left: Untranslated,
    network: Network,
    provider: str,
    model: str,
    purse: Purse,
    *,
    written: bool,
) -> Dict[str, Any]:
    """The figures of one file. ``translated`` and ``kept`` add up to ``cues``; one without words needs none."""
    used = network.connections_created + network.connections_reused
    return {
        "source": film.path,
        "cues": len(film.cues),
        "translated": len(film.cues) - len(left),
        "kept": len(left),
        "failed": [{"index": index + 1, "reason": reason} for index, reason in left],
        **asdict(network),
        "reuse_rate": round(network.connections_reused / used, 4) if used else 0.0,
        "first_cue_seconds": _rounded(report.first_cue_seconds),
        "total_seconds": _rounded(report.total_seconds),
        "prompt_tokens": report.usage.prompt_tokens,
        "completion_tokens": report.usage.completion_tokens,
        "cost": None if purse.spent is None else round(purse.spent, 6),
        "remembered": report.remembered,
        "provider": provider,
        "model": model,
        "output": film.output if written else None,
    }


def estimate_words(film: Film, expected: Estimate, remembered: int, as_of: str) -> str:
    """One line for ``--estimate``."""
    known = f" ({remembered} more are remembered)" if remembered else ""
    if not expected.cues:
        return f"{film.path}: nothing is left to translate{known}."
    tokens = expected.usage.prompt_tokens + expected.usage.completion_tokens
    money = "price unknown" if expected.cost is None else f"about ${expected.cost:.4f} (prices of {as_of})"
    asked = f"{counted(expected.cues, 'line')} to translate{known}, about {counted(expected.requests, 'request')}"
    return f"{film.path}: {asked}, {tokens} tokens, {money}."


def last_words(
    film: Film,
    report: JobReport,
    left: Untranslated,
    network: Network,
    purse: Purse,
    *,
    written: bool,
    resumable: bool,
) -> str:
    """One line: how many lines, what it took, and where the result is."""
    took = ", ".join(_took(report, network, purse))
    if not written:
        return f"{film.path}: nothing was translated, nothing was written{_why(report, left)} ({took})."
    done = f"{len(film.cues) - len(left)} of {counted(len(film.cues), 'line')} translated"
    if not left:
        return f"{film.output}: {done} ({took})."
    if report.stopped_by is None:
        return f"{film.output}: {done}, {len(left)} kept in the source language{_why(report, left)} ({took})."
    go_on = " The same command goes on from here." if resumable else ""
    return f"{film.output}: {done}, the others are still in the source language ({took}).{go_on}"


def _took(report: JobReport, network: Network, purse: Purse) -> Iterator[str]:
    if report.remembered:
        yield f"{report.remembered} remembered"
    if not network.requests:
        yield "no request"
        return
    yield f"{counted(network.requests, 'request')} over {counted(network.connections_created, 'new connection')}"
    yield f"{report.total_seconds:.1f} s"
    if purse.spent:
        yield f"${purse.spent:.4f}"


def _why(report: JobReport, left: Untranslated) -> str:
    """Which lines were kept for which reasons, or just the reasons where the lines are many."""
    if report.stopped_by is not None:
        return ""  # that has been told
    if len(left) <= FEW:
        return ": " + ", ".join(f"{index + 1} ({reason})" for index, reason in left)
    reasons = Counter(reason for _, reason in left)
    return ": " + ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


def _rounded(seconds: Optional[float]) -> Optional[float]:
    return None if seconds is None else round(seconds, 3)
