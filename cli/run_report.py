"""What a run tells when it has ended: the JSON of ``--report`` and the last line in the terminal."""

from typing import Any, Dict, List, Tuple

from cli.connect import Connection
from translate.film import Film
from translate.report import JobReport

Untranslated = List[Tuple[int, str]]


def as_document(
    film: Film, report: JobReport, left: Untranslated, connection: Connection, model: str, *, written: bool
) -> Dict[str, Any]:
    """The figures of one file. ``translated`` and ``kept`` add up to ``cues``; a cue without words needs no translation."""
    network = _network(connection)
    return {
        "cues": len(film.cues),
        "translated": len(film.cues) - len(left),
        "kept": len(left),
        "failed": [{"index": index + 1, "reason": reason} for index, reason in left],
        **network,
        "first_cue_seconds": _rounded(report.first_cue_seconds),
        "total_seconds": _rounded(report.total_seconds),
        "prompt_tokens": report.usage.prompt_tokens,
        "completion_tokens": report.usage.completion_tokens,
        "provider": connection.name,
        "model": model,
        "output": film.output if written else None,
    }


def last_words(
    film: Film, report: JobReport, left: Untranslated, connection: Connection, *, written: bool
) -> str:
    """One line: how many lines, what it took, and where the result is."""
    done = len(film.cues) - len(left)
    network = _network(connection)
    took = (
        f"{network['requests']} requests over {network['connections_created']} connections, {report.total_seconds:.1f} s"
    )
    if not written:
        return f"{film.path}: nothing was translated, nothing was written ({took})."
    kept = f", {len(left)} kept in the source language" if left else ""
    return f"{film.output}: {done} of {len(film.cues)} lines translated{kept} ({took})."


def _network(connection: Connection) -> Dict[str, Any]:
    endpoints = connection.pool.stats().values()
    created = sum(endpoint.created for endpoint in endpoints)
    reused = sum(endpoint.reused for endpoint in endpoints)
    used = sum(endpoint.requests for endpoint in endpoints)
    counts = connection.transport.counts
    return {
        "requests": counts.requests,
        "retries": counts.retries,
        "connections_created": created,
        "connections_reused": reused,
        "reuse_rate": round(reused / used, 4) if used else 0.0,
        "fallback_requests": counts.fallback,
    }


def _rounded(seconds: "float | None") -> "float | None":
    return None if seconds is None else round(seconds, 3)
