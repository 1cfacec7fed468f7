"""The other side of every measurement, each in a process of its own so that it does not share our interpreter lock."""

import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Optional
from urllib.parse import urlsplit
from urllib.request import urlopen

import trustme


@dataclass(frozen=True)
class Server:
    """A running stand-in provider.

    :ivar url: its OpenAI-family API root. :ivar stats_url: URL of its counters.
    """

    url: str
    ca_file: Optional[str]
    stats_url: str

    def stats(self) -> Dict[str, Any]:
        """What the server counted: requests, connections, handshakes."""
        context = None
        if self.ca_file:
            import ssl

            context = ssl.create_default_context(cafile=self.ca_file)
        with urlopen(self.stats_url, context=context) as answer:
            counted: Dict[str, Any] = json.load(answer)
        return counted


@contextlib.contextmanager
def standin(*, tls: bool, pace: Optional[Dict[str, float]] = None) -> Iterator[Server]:
    """The stand-in provider; ``pace`` holds ``round_trip``, ``first_token`` (s) and ``tokens_per_second``."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cli.standin", "--port", "0"]
        ca_file = None
        if tls:
            ca_file, certificate, key = certificates(Path(folder))
            command += ["--tls", certificate, key]
        for name, value in (pace or {}).items():
            command += ["--" + name.replace("_", "-"), str(value)]
        with _process(command) as line:
            urls = json.loads(line)
            root = urlsplit(urls["openai_base_url"])
            yield Server(urls["openai_base_url"], ca_file, f"{root.scheme}://{root.netloc}/_standin/stats")


@contextlib.contextmanager
def at_distance(server: Server, round_trip: float) -> Iterator[Server]:
    """The same server, ``round_trip`` seconds away."""
    parts = urlsplit(server.url)
    if not round_trip:
        yield server
        return
    with _process([sys.executable, "-m", "benchmarks.delay_proxy", str(parts.port), str(round_trip)]) as port:
        far = parts._replace(netloc=f"{parts.hostname}:{int(port)}").geturl()
        yield Server(far, server.ca_file, server.stats_url)


@contextlib.contextmanager
def _process(command: "list[str]") -> Iterator[str]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield process.stdout.readline()
        finally:
            process.stdin.close()
            process.wait(10)


def certificates(folder: Path, *names: str) -> "tuple[str, str, str]":
    """Paths of an authority, of its certificate for ``names`` (of loopback, if there are none), and of the key."""
    authority = trustme.CA()
    issued = authority.issue_cert(*(names or ("127.0.0.1", "localhost")))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(folder / "cert.pem"), append=True)
    return str(folder / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem")
