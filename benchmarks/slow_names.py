"""What a slow or a dead resolver costs, when names are asked for at each connection and when they are remembered.

In a network namespace with a name server of our own; ``make bench-names`` runs it.
"""

import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Tuple
from urllib.parse import urlsplit

import api
from benchmarks import namespace
from benchmarks.films import make_cues
from benchmarks.servers import Server, standin
from core.attempt import Attempt
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import NameLookupError
from core.names import Addresses, Names
from core.transport import Request, Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.languages import find
from translate.prompt import Brief

DELAYS = (0.0, 0.1, 0.5, 2.0)
AT_ONCE = 4
IN_A_ROW = 8
CUES = 400
PACE = {"round_trip": 0.02, "first_token": 0.2, "tokens_per_second": 300.0}


class Forgetful(Names):
    """Asks for each connection anew, as if there were no such class."""

    def look_up(self, host: str, port: int, timeout: float, ttl: float, attempt: Attempt) -> Addresses:
        return Names().look_up(host, port, timeout, ttl, attempt)


class Measurement:
    """A pool of its own, with either kind of names."""

    def __init__(self, server: Server, names: Names, timeout: float = 5.0) -> None:
        parts = urlsplit(server.url)
        self.url = parts._replace(netloc=f"provider.example:{parts.port}").geturl()
        self.pool = ConnectionPoolManager(PoolConfig(connect_timeout=timeout))
        self.pool.names = names
        self.transport = Transport(self.pool, parallel=AT_ONCE)

    def at_once(self) -> None:
        """So many requests, each on a connection of its own."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(lambda _: self.transport.open(self._request()), range(AT_ONCE)))
        for answer in answers:
            answer.close()

    def in_a_row(self) -> int:
        """So many requests, each on a new connection, one after the other; how many failed for want of an address."""
        failed = 0
        for _ in range(IN_A_ROW):
            try:
                self.transport.open(self._request()).close()  # unread: the connection is of no more use
            except NameLookupError:
                failed += 1
        return failed

    def film(self) -> None:
        provider = api.create("compatible", api_key="", base_url=self.url, transport=self.transport)
        provider.forget_refusals()
        provider.warm_up()
        route = Route(provider, "m")
        TranslationJob(make_cues(CUES), Brief(find("es"), find("en")), [route], parallel=AT_ONCE).run()

    def _request(self) -> Request:
        return Request("GET", self.url + "/models")


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(server: Server, names: Callable[[], Names]) -> Tuple[float, float, float]:
    """Seconds of each pattern, on a new pool each."""
    seconds = []
    for pattern in (Measurement.at_once, Measurement.in_a_row, Measurement.film):
        one = Measurement(server, names())
        with one.pool:
            seconds.append(timed(lambda one=one, pattern=pattern: pattern(one)))  # type: ignore[misc]
    return seconds[0], seconds[1], seconds[2]


def inside() -> None:
    """All of it, in the namespace."""
    logging.disable(logging.WARNING)  # of a resolver that does not answer
    kinds = (("asked each time", Forgetful), ("remembered", Names))
    with namespace.name_server() as resolver, standin(tls=False, pace=PACE) as server:
        for delay in DELAYS:
            for kind, names in kinds:
                resolver.delay = delay
                resolver.asked.clear()
                at_once, in_a_row, film = measure(server, names)
                print(
                    f"{delay:5.1f} s  {kind:16}{at_once:11.2f} s{in_a_row:12.2f} s{film:8.2f} s{len(resolver.asked):13}"
                )
        resolver.delay = 0.0
        print(
            f"\nThe resolver dies after the first connection; {IN_A_ROW} more, names a minute old, 1 s for each lookup:"
        )
        for kind, names in kinds:
            resolver.silent = False
            one = Measurement(server, names(), timeout=1.0)
            with one.pool:
                one.at_once()
                resolver.silent = True
                one.pool.names.forget()
                began = time.perf_counter()
                failed = one.in_a_row()
                print(f"{kind:16} {failed} of {IN_A_ROW} failed, {time.perf_counter() - began:.2f} s")


def main() -> None:
    """Print the figures, or why there are none."""
    reason = namespace.why_not()
    if reason:
        print(f"Not measured: {reason}")
        return
    print(f"A name server that answers late: {AT_ONCE} connections at once, {IN_A_ROW} one after the other, a film of")
    print(f"{CUES} cues that begins cold, and how often the name server was asked in all of it.\n")
    print(f"{'':24}{f'{AT_ONCE} at once':>13}{f'{IN_A_ROW} in a row':>14}{'film':>10}{'asked':>13}")
    sys.stdout.flush()
    namespace.show([sys.executable, "-m", "benchmarks.slow_names", "inside"])


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    else:
        main()
