"""What one request costs over our transport, against other clients: interleaved rounds, medians, ratios."""

import contextlib
import json
import os
import ssl
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional
from unittest import mock
from urllib.parse import urlsplit

import certifi
import httpx
import requests
import urllib3

from benchmarks.servers import Server, standin
from core import events, metrics
from core.backoff import rate_limited_backoff_on_429
from core.connection_pool import ConnectionPoolManager
from core.endpoint_group import EndpointGroup
from core.endpoints import Target, endpoint_id
from core.limits import Limits
from core.transport import Request, Transport

ROUNDS = 45
REQUESTS = 120  # in a round, over all threads
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "ok"}]}).encode()
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer bench"}

#: Budgets that are kept and never in the way.
AMPLE = Limits(requests_per_minute=1_000_000, tokens_per_minute=1_000_000_000)

Call = Callable[[], Any]


class Ratio(NamedTuple):
    """One column: what ``numerator`` takes as a multiple of ``denominator``, and the bound that it is held to."""

    title: str
    numerator: str
    denominator: str
    at_most: Optional[float] = None
    at_least: Optional[float] = None
    tls_only: bool = False

    def told(self, times: Dict[str, float], *, tls: bool) -> str:
        """The figure, with a mark if it misses its bound."""
        figure = times[self.numerator] / times[self.denominator]
        bound = tls or not self.tls_only
        missed = bound and (figure > (self.at_most or figure) or figure < (self.at_least or figure))
        return f"{figure:.2f}{'!' if missed else ' '}"

    @property
    def target(self) -> str:
        if self.at_most is None and self.at_least is None:
            return ""
        return f"<= {self.at_most:g} " if self.at_most is not None else f">= {self.at_least:g} "


RATIOS = (
    Ratio("ours/urllib3", "ours", "urllib3", at_most=1.25),
    Ratio("all on/urllib3", "protected", "urllib3", at_most=1.35, tls_only=True),
    Ratio("requests/ours", "requests", "ours", at_least=1.3),
    Ratio("httpx/ours", "httpx", "ours"),
    Ratio("urlopen/ours", "urlopen", "ours", at_least=5.0, tls_only=True),
    Ratio("kept opener/ours", "kept opener", "ours"),
)


@contextlib.contextmanager
def clients(server: Server, threads: int) -> Iterator[Dict[str, Call]]:
    """Every client, warm, as a function that makes one request and reads its answer."""
    url = server.url + "/chat/completions"
    target = urlsplit(url)
    context = ssl.create_default_context(cafile=server.ca_file) if server.ca_file else None
    host, size = target.hostname or "", max(threads, 1)
    raw: Any
    if context:
        raw = urllib3.HTTPSConnectionPool(host, target.port, maxsize=size, ssl_context=context)
    else:
        raw = urllib3.HTTPConnectionPool(host, target.port, maxsize=size)
    session = requests.Session()
    session.mount(target.scheme + "://", requests.adapters.HTTPAdapter(pool_maxsize=size))
    session.verify = server.ca_file or True
    session.trust_env = False
    kept = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    verify: Any = context or True
    with trusted_by_default(server), ConnectionPoolManager() as pool, httpx.Client(
        verify=verify, trust_env=False, limits=httpx.Limits(max_connections=size, max_keepalive_connections=size)
    ) as client:
        transport = Transport(pool, parallel=threads, ca_file=server.ca_file)
        protected = rate_limited_backoff_on_429(provider="compatible")(transport.send)
        group = EndpointGroup([Target(endpoint_id(server.url, f"bench-{threads}"), server.url)])
        group.limit(AMPLE, lambda place: None)
        yield {
            "protected": lambda: protected(Request("POST", "/chat/completions", HEADERS, BODY, group=group)).body,
            "ours": lambda: transport.send(Request("POST", url, HEADERS, BODY)).body,
            "urllib3": lambda: raw.urlopen("POST", target.path, body=BODY, headers=HEADERS, retries=False).data,
            "requests": lambda: session.post(url, data=BODY, headers=HEADERS).content,
            "httpx": lambda: client.post(url, content=BODY, headers=HEADERS).content,
            "urlopen": lambda: urllib.request.urlopen(urllib.request.Request(url, data=BODY, headers=HEADERS)).read(),
            "kept opener": lambda: kept.open(urllib.request.Request(url, data=BODY, headers=HEADERS)).read(),
        }
    raw.close()
    session.close()


@contextlib.contextmanager
def trusted_by_default(server: Server) -> Iterator[None]:
    """As on any machine: the usual authorities are trusted without being named, the server's among them."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "authorities.pem")
        parts = [Path(certifi.where()).read_bytes()]
        if server.ca_file:
            parts.append(Path(server.ca_file).read_bytes())
        bundle.write_bytes(b"\n".join(parts))
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(bundle), "no_proxy": "*"}):
            yield


def microseconds(call: Call, threads: int, share: int) -> float:
    """Mean of one request, with ``share`` of them in each of ``threads``."""

    def many() -> None:
        for _ in range(share):
            call()

    workers = [threading.Thread(target=many) for _ in range(threads)]
    began = time.perf_counter()
    if threads == 1:
        many()
    else:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return (time.perf_counter() - began) / (share * threads) * 1e6


def measure(server: Server, threads: int) -> Dict[str, float]:
    """Median of each client over interleaved rounds, in microseconds."""
    with clients(server, threads) as calls:
        samples: Dict[str, List[float]] = {name: [] for name in calls}
        shares = dict.fromkeys(calls, max(1, REQUESTS // threads))
        shares["urlopen"] = max(1, shares["urlopen"] // 12)  # it may read all authorities anew for each request
        for name, call in calls.items():
            microseconds(call, threads, shares[name])
        for number in range(ROUNDS):
            names = list(calls)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                samples[name].append(microseconds(calls[name], threads, shares[name]))
    return {name: statistics.median(values) for name, values in samples.items()}


def counting() -> float:
    """Microseconds that counts and events add to a request, on top of the connections' own stamps."""
    count, samples = 20_000, []
    for _ in range(ROUNDS):
        began = time.thread_time()  # what others do on this machine meanwhile is not counting
        for _ in range(count):
            events.record(events.CONNECTION_REUSED, {"endpoint": "https://api.example.com:443"})
            metrics.waited("bench", 0.0)
            metrics.request_ended("bench", "a-model", "200", 1.5)
            metrics.used("bench", "a-model", 500, 300)
            metrics.cost("bench", "a-model", 0.001)
        samples.append((time.thread_time() - began) / count * 1e6)
    return statistics.median(samples)


def main() -> None:
    """Print the table; a figure that misses its target has a mark."""
    print("One request, as ratios. all on: with endpoint, breaker, budgets and retry loop. urlopen: as it comes, which")
    print(
        "up to Python 3.11 reads the authorities each time; kept opener: with one opener and one TLS context for all.\n"
    )
    print(f"{'':18}{'ours us':>9}" + "".join(f"{ratio.title:>18}" for ratio in RATIOS))
    print(f"{'target':27}" + "".join(f"{ratio.target + ('TLS' if ratio.tls_only else ''):>18}" for ratio in RATIOS))
    for tls in (False, True):
        with standin(tls=tls) as server:
            for threads in (1, 16):
                times = measure(server, threads)
                label = f"{'TLS' if tls else 'plain'}, {threads} thread{'s' if threads > 1 else ''}"
                figures = "".join(f"{ratio.told(times, tls=tls):>18}" for ratio in RATIOS)
                print(f"{label:18}{times['ours']:9.0f}{figures}", flush=True)
    print("\n!: misses its target.")
    print(f"Counts and events of one request: {counting():.1f} us (target: at most 5).")


if __name__ == "__main__":
    main()
