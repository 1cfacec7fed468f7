"""What a run tells when it has ended: the JSON of ``--report`` and the last line in the terminal."""

from dataclasses import asdict, astuple, dataclass
from typing import Any, Dict, List, Optional, Tuple

from cli.connect import Connection
from translate.film import Film
from translate.report import JobReport

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
    """The figures of this run's pool and transport at this moment."""
    endpoints = connection.pool.stats().values()
    counts = connection.transport.counts
    return Network(
        requests=counts.requests,
        retries=counts.retries,
        connections_created=sum(endpoint.created for endpoint in endpoints),
        connections_reused=sum(endpoint.reused for endpoint in endpoints),
        fallback_requests=counts.fallback,
    )


def as_document(
    film: Film, report: JobReport, left: Untranslated, network: Network, provider: str, model: str, *, written: bool
) -> Dict[str, Any]:
    """The figures of one file. ``translated`` and ``kept`` add up to ``cues``; a cue without words needs no translation."""
    used = network.connections_created + network.connections_reused
    return {
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
        "provider": provider,
        "model": model,
        "output": film.output if written else None,
    }


def last_words(film: Film, report: JobReport, left: Untranslated, network: Network, *, written: bool) -> str:
    """One line: how many lines, what it took, and where the result is."""
    done = len(film.cues) - len(left)
    took = (
        f"{network.requests} requests over {network.connections_created} connections, {report.total_seconds:.1f} s"
    )
    if not written:
        return f"{film.path}: nothing was translated, nothing was written ({took})."
    kept = f", {len(left)} kept in the source language" if left else ""
    return f"{film.output}: {done} of {len(film.cues)} lines translated{kept} ({took})."


def _rounded(seconds: Optional[float]) -> Optional[float]:
    return None if seconds is None else round(seconds, 3)
