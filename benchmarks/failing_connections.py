"""Requests to a provider of whose connections one in twenty breaks: how many errors the one who asks gets to see.

Every connection serves one request, over TLS, and the retries are those of the defaults.
"""

import random
import ssl
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional

import api
from api.base import ChatRequest, Message
from benchmarks.servers import certificates
from cli.standin import Exchange, Fault, StandIn
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.transport import Transport

SHARE = 0.05
REQUESTS = 1000
PARALLEL = 4


def _before(exchange: Exchange) -> None:
    exchange.close()


def _reset(exchange: Exchange) -> None:
    exchange.reset()


def _cut(part: Callable[[bytes, int], bytes]) -> Fault:
    def fault(exchange: Exchange) -> None:
        reply = exchange.reply()
        exchange.write(part(reply.encode(), len(reply.head())))
        exchange.close()

    return fault


def _well(exchange: Exchange) -> None:
    exchange.send(exchange.reply())
    exchange.close()


WAYS: Dict[str, Fault] = {
    "before the answer": _before,
    "with a reset": _reset,
    "in the headers": _cut(lambda data, head: data[: head // 2]),
    "in the body": _cut(lambda data, head: data[: (head + len(data)) // 2]),
}


@dataclass(frozen=True)
class Seen:
    """What came of the requests.

    :ivar errors: those that came through, by their words. :ivar broken: connections that broke.
    """

    requests: int
    errors: Dict[str, int]
    broken: int
    connections: int
    seconds: float


def measure(requests: int = REQUESTS, seed: int = 1) -> Seen:
    """So many requests, ``PARALLEL`` at once."""
    broken: Counter[int] = Counter()

    def script(exchange: Exchange) -> Optional[Fault]:
        chance = random.Random(f"{seed}/{exchange.number}")
        if chance.random() >= SHARE:
            return _well
        broken[exchange.number] += 1
        return WAYS[chance.choice(sorted(WAYS))]

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        ca_file, certificate, key = certificates(Path(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with StandIn(ssl_context=context, script=script) as standin, ConnectionPoolManager() as pool:
            errors = _ask(standin, Transport(pool, parallel=PARALLEL, ca_file=ca_file), requests)
            connections = standin.stats().connections
    return Seen(requests, errors, len(broken), connections, time.perf_counter() - began)


def _ask(standin: StandIn, transport: Transport, requests: int) -> Dict[str, int]:
    errors: Counter[str] = Counter()
    provider = api.create("compatible", api_key="bench", base_url=standin.openai_base_url, transport=transport)
    chat = ChatRequest("m", (Message("user", "ok"),))

    def several() -> None:
        for _ in range(requests // PARALLEL):
            try:
                provider.complete(chat)
            except SubAIError as error:
                errors[error.user_message] += 1

    threads = [threading.Thread(target=several) for _ in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return dict(errors)


def main() -> None:
    """Print one line."""
    seen = measure()
    count = sum(seen.errors.values())
    print(f"\n{SHARE:.0%} of connections breaking, {seen.requests} requests over TLS (errors that come through: 0):")
    print(
        f"  {seen.broken} of {seen.connections} connections broke, {count} errors came through: "
        f"{'NOT MET' if count else 'met'} ({seen.seconds:.1f} s)"
    )


if __name__ == "__main__":
    main()
