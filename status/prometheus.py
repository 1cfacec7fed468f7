"""Metric families in the text format that Prometheus reads (its version 0.0.4)."""

from itertools import accumulate
from typing import Any, Dict, Iterator, List, Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_IN_VALUES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


def exposition(families: Sequence[Mapping[str, Any]]) -> str:
    """The text for ``status.families.families``; what has no value yet is left out."""
    lines: List[str] = []
    for family in families:
        if family["samples"]:
            lines.append(f"# HELP {family['name']} {family['help'].translate(_IN_HELP)}")
            lines.append(f"# TYPE {family['name']} {family['kind']}")
            for sample in family["samples"]:
                lines += _histogram(family["name"], sample) if "counts" in sample else [_line(family["name"], sample)]
    return "\n".join([*lines, ""])


def _line(name: str, sample: Mapping[str, Any]) -> str:
    return f"{name}{_labels(sample['labels'])} {_number(sample['value'])}"


def _histogram(name: str, sample: Mapping[str, Any]) -> Iterator[str]:
    """Buckets count what is at most their bound, the smaller ones included."""
    labels: Dict[str, str] = sample["labels"]
    for bound, count in zip([*sample["bounds"], "+Inf"], accumulate(sample["counts"])):
        yield f"{name}_bucket{_labels({**labels, 'le': str(bound)})} {count}"
    yield f"{name}_sum{_labels(labels)} {_number(sample['sum'])}"
    yield f"{name}_count{_labels(labels)} {sample['count']}"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value.translate(_IN_VALUES)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _number(value: float) -> str:
    return repr(value)
