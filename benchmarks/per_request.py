"""What one request costs over our transport, against other clients: interleaved rounds, medians, ratios."""

import contextlib
import json
import ssl
import statistics
import threading
import time
import urllib.request
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import urlsplit

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

#: How much everything on may cost over TLS, as a share of what urllib3 alone does.
BOUND = 1.35
#: Budgets that are kept and never in the way.
AMPLE = Limits(requests_per_minute=1_000_000, tokens_per_minute=1_000_000_000)

Call = Callable[[], Any]


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
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    verify: Any = context or True
    with ConnectionPoolManager() as pool, httpx.Client(
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
            "urllib.request": lambda: opener.open(urllib.request.Request(url, data=BODY, headers=HEADERS)).read(),
        }
    raw.close()
    session.close()


def microseconds(call: Call, threads: int) -> float:
    """Mean of one request, with ``REQUESTS`` spread over ``threads``."""
    share = max(1, REQUESTS // threads)

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
        for call in calls.values():
            microseconds(call, threads)
        for number in range(ROUNDS):
            names = list(calls)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                samples[name].append(microseconds(calls[name], threads))
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
    """Print the table; targets are in brackets."""
    print("One request: ratio to ours (above 1: ours is faster). Targets: ours at most 1.25x urllib3; with endpoint,")
    print(f"breaker, budgets and retry loop {BOUND:g}x; requests at least 1.3x ours, urllib.request over TLS 5x.\n")
    print(f"{'':18}{'ours us':>9}{'ours/urllib3':>14}{'all on/urllib3':>16}        ", end="")
    print(f"{'requests':>10}{'httpx':>8}{'urllib.request':>16}")
    for tls in (False, True):
        with standin(tls=tls) as server:
            for threads in (1, 16):
                times = measure(server, threads)
                ours, everything = times["ours"], times["protected"] / times["urllib3"]
                label = f"{'TLS' if tls else 'plain'}, {threads} thread{'s' if threads > 1 else ''}"
                verdict = ("met" if everything <= BOUND else "NOT MET") if tls else ""
                print(
                    f"{label:18}{ours:9.0f}{ours / times['urllib3']:14.2f}{everything:16.2f} {verdict:7}"
                    f"{times['requests'] / ours:10.2f}{times['httpx'] / ours:8.2f}"
                    f"{times['urllib.request'] / ours:16.2f}"
                )
    print(f"\nCounts and events of one request: {counting():.1f} us (target: at most 5).")


if __name__ == "__main__":
    main()
