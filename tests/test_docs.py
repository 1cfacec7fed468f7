"""docs/configuration.md says of every tunable what the code says."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Dict, List

import pytest

from core.config import BREAKER_CONFIG, CONNECTION_POOL_CONFIG, DEFAULT_BACKOFF
from core.limits import NO_LIMITS
from core.profiles import PROFILES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def rows() -> Dict[str, List[List[str]]]:
    """What stands in the first cell of a table's row, for each name in it -> the other cells of all its rows."""
    found: Dict[str, List[List[str]]] = {}
    for line in TEXT.splitlines():
        if line.startswith("|"):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            found.setdefault(name.strip("`"), []).append(cells)
    return found


def number(cell: str) -> float:
    """The first in ``30.0 s``; 0 for ``none``."""
    return 0.0 if cell == "none" else float(cell.split(maxsplit=1)[0]) * (1024**2 if cell.endswith("MB") else 1)


def described(config: Any) -> List[Any]:
    return [spec for spec in fields(config) if "low" in spec.metadata]


@pytest.mark.parametrize(
    "config",
    [CONNECTION_POOL_CONFIG, DEFAULT_BACKOFF, BREAKER_CONFIG, NO_LIMITS],
    ids=["pool", "backoff", "breaker", "limits"],
)
def test_each_tunable_has_its_default_and_its_bounds(config: Any) -> None:
    for spec in described(config):
        told = [cells for cells in rows()[spec.name] if len(cells) == 3]
        assert [number(cells[0]) for cells in told] == [spec.default], spec.name
        bounds = f"{spec.metadata['low']:.10g}-{spec.metadata['high']:.10g}"
        assert told[0][1].split(";")[0].split()[0] == bounds, spec.name


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{one.name}" for one in sorted((ROOT / "docs").glob("*.md")))])
def test_no_row_stands_outside_a_table(name: str) -> None:
    """An empty line ends a table, and what follows is shown as it is written."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("|") and not lines[number - 2].startswith("|"):
            assert re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", lines[number]), f"{name}:{number}"


def test_the_table_of_the_profiles_has_every_value_in_which_they_differ() -> None:
    table = {name: cells for name, all_cells in rows().items() for cells in all_cells if len(cells) == len(PROFILES)}
    assert table[""] == [f"`{name}`" for name in PROFILES]
    for place, profile in enumerate(PROFILES.values()):
        assert number(table["requests at once"][place]) == profile.parallel
        for config in (profile.pool, profile.backoff):
            for spec in described(config):
                told = number(table[spec.name][place]) if spec.name in table else spec.default
                assert told == getattr(config, spec.name), (profile.name, spec.name)
