"""The soak's handle on its providers, which run in a process of their own (``server.py``)."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

import trustme

ROOT = Path(__file__).resolve().parent.parent


class Seen(NamedTuple):
    """What the providers saw of a film, or what they see now.

    :ivar connections: accepted. :ivar open: of all that were ever accepted. :ivar in_flight: requests.
    :ivar requests: read whole. :ivar numbers: how often the request with this number was read; told at the end only.
    """

    connections: int
    open: int
    in_flight: int
    requests: int
    numbers: "Counter[str]"


class Providers:
    """Two servers, one plain and one behind TLS, each with three dialects.

    :ivar base_urls: dialect -> base URL, of each server. :ivar ca_file: who trusts that trusts the second.
    """

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        self.ca_file = str(folder / "ca.pem")
        pem, key = str(folder / "server.pem"), str(folder / "server.key")
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.cert_chain_pems[0].write_to_path(pem)
        certificate.private_key_pem.write_to_path(key)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests_soak.server", pem, key],
            cwd=str(ROOT),
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.base_urls: List[Mapping[str, str]] = self._line()

    def __enter__(self) -> "Providers":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def fail(self, rate: float, seed: int) -> None:
        """From now on so many requests in a hundred get a bad answer, always the same ones."""
        self._ask(rate=rate, seed=seed)

    def drop_connections(self) -> None:
        """As when a server is restarted."""
        self._ask(drop=True)

    def seen(self, *, forget: bool = False) -> Seen:
        """What was seen since it was last told to ``forget``, which is for a moment when nothing is under way."""
        found = self._ask(**({"forget": True} if forget else {}))
        return Seen(**{**found, "numbers": Counter(found.get("numbers", ()))})

    def _ask(self, **words: Any) -> Dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            return self._line()  # type: ignore[no-any-return]

    def _line(self) -> Any:
        assert self._process.stdout is not None
        line: Optional[str] = self._process.stdout.readline()
        assert line, "the providers ended"
        return json.loads(line)
