"""Fails when a layer has under 95 % of its branches covered (coverage's own figure mixes lines and branches)."""

import json
import sys
from collections import defaultdict
from typing import Any, Dict, List

LEAST = 95.0
LAYERS = ("core", "api", "translate", "status")


def main(path: str) -> int:
    with open(path, encoding="utf-8") as report:
        rates = branch_rates(json.load(report))
    for layer, rate in rates.items():
        print(f"branches of {layer + '/':<12} {rate:6.1f} %{'' if rate >= LEAST else f'   (at least {LEAST:g} %)'}")
    return int(any(rate < LEAST for rate in rates.values()))


def branch_rates(report: Dict[str, Any]) -> Dict[str, float]:
    """Read coverage's JSON report; returns per cent of branches covered, a layer each."""
    counts: Dict[str, List[int]] = defaultdict(lambda: [0, 0])
    for name, entry in report["files"].items():
        count = counts[name.replace("\\", "/").split("/")[0]]
        count[0] += entry["summary"]["covered_branches"]
        count[1] += entry["summary"]["num_branches"]
    return {layer: 100.0 * counts[layer][0] / counts[layer][1] if counts[layer][1] else 100.0 for layer in LAYERS}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
