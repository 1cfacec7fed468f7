"""Ten provider instances on one pool against ten with pools of their own: connections and memory.

Each case runs in a process of its own, so that neither pays for the other's imports: ``python -m benchmarks.sharing``.
"""

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

from benchmarks.servers import Server, standin

INSTANCES = 10
REQUESTS_EACH = 10


def resident_kilobytes() -> int:
    """Memory of this process that is really there (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS in /proc/self/status")


def use(url: str, ca_file: str, *, shared: bool) -> Dict[str, int]:
    """Make the instances, let each ask, and tell what they hold while they live."""
    import api
    from core.connection_pool import ConnectionPoolManager
    from core.transport import Transport

    def instance(pool: ConnectionPoolManager) -> Any:
        provider = api.create("compatible", api_key="bench", base_url=url, transport=Transport(pool, ca_file=ca_file))
        for _ in range(REQUESTS_EACH):
            provider.ask("ok", "m")
        return provider

    with ConnectionPoolManager() as pool:
        instance(pool)  # imports, code and the first certificates are nobody's extra
        gc.collect()
        before, created = resident_kilobytes(), sum(seen.created for seen in pool.stats().values())
        pools = [pool if shared else ConnectionPoolManager() for _ in range(INSTANCES)]
        kept = [instance(each) for each in pools]
        gc.collect()
        held = resident_kilobytes() - before
        connections = sum(seen.created for each in set(pools) for seen in each.stats().values())
        for each in pools:
            each.close_all()
    return {
        "kilobytes": held,
        "connections": connections - (created if shared else 0),
        "requests": len(kept) * REQUESTS_EACH,
    }


def in_a_process(server: Server, *, shared: bool) -> Dict[str, int]:
    """``use`` in a fresh interpreter."""
    command: List[str] = [sys.executable, "-m", "benchmarks.sharing", server.url, str(server.ca_file), str(int(shared))]
    found: Dict[str, int] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """Print both cases."""
    with standin(tls=True) as server:
        own, shared = in_a_process(server, shared=False), in_a_process(server, shared=True)
    print(f"\n{INSTANCES} provider instances, {own['requests']} requests over TLS:")
    for label, case in (("pools of their own", own), ("one shared pool", shared)):
        print(f"  {label:20}{case['connections']:4} new connections{case['kilobytes']:8} KB more memory")
    print(f"  memory {1 - shared['kilobytes'] / own['kilobytes']:.0%} lower (target: at least 40 %)")
    per_call = own["requests"]
    fewer = 1 - max(shared["connections"], 1) / per_call
    print(f"  handshakes {fewer:.1%} fewer than one a request (target: 95 %)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(use(sys.argv[1], sys.argv[2], shared=sys.argv[3] == "1")))
    else:
        main()
