"""A whole film at 0, 40 and 150 ms round trip: over the pool, and with one ``urllib.request`` call a request."""

import statistics
import time
from dataclasses import dataclass
from typing import Any, List

import api
from benchmarks.films import make_cues
from benchmarks.servers import Server, at_distance, standin
from core.connection_pool import ConnectionPoolManager
from core.pool_loading import PoolUnavailableError
from core.transport import Transport
from translate.asking import Route
from translate.job import TranslationJob
from translate.languages import find
from translate.prompt import Brief

CUES = 1300
PARALLEL = 4
ROUND_TRIPS = (0.0, 0.04, 0.15)
ROUNDS = 3


class WithoutPool(ConnectionPoolManager):
    """Where urllib3 cannot be had: the transport then uses ``urllib.request``."""

    def get_pool(self, proxy: Any = None, ca_file: Any = None) -> Any:
        raise PoolUnavailableError("left out for the measurement.")


@dataclass(frozen=True)
class Run:
    """One film: its seconds, requests and connections."""

    seconds: float
    requests: int
    handshakes: int


def film(server: Server, pool: ConnectionPoolManager) -> Run:
    """Translate the film once."""
    with pool:
        transport = Transport(pool, parallel=PARALLEL, ca_file=server.ca_file)
        provider = api.create("compatible", api_key="bench", base_url=server.url, transport=transport)
        before = server.stats()["handshakes"]
        began = time.perf_counter()
        report = TranslationJob(make_cues(CUES), Brief(find("es")), [Route(provider, "m")], parallel=PARALLEL).run()
        seconds = time.perf_counter() - began
        if len(report.translated) + sum(bool(cue.skip) for cue in make_cues(CUES)) != CUES:
            raise RuntimeError(f"the film did not come out whole: {len(report.kept)} cues kept, {report.stopped_by}")
        # The question itself opened a connection.
        return Run(seconds, transport.counts.requests, server.stats()["handshakes"] - before - 1)


def main() -> None:
    """Print a line a distance; the stand-in answers at once, so that only the network differs."""
    import logging

    logging.getLogger("subai").setLevel(logging.ERROR)  # the fallback's notice is what is measured here
    print(f"\nFilm of {CUES} cues, --parallel {PARALLEL}, TLS, median of {ROUNDS}:")
    print(f"{'round trip':>12}{'pooled s':>10}{'urllib.request s':>18}{'ratio':>7}{'handshakes':>16}")
    with standin(tls=True) as near:
        for round_trip in ROUND_TRIPS:
            with at_distance(near, round_trip) as server:
                pooled: List[Run] = []
                single: List[Run] = []
                for _ in range(ROUNDS):
                    pooled.append(film(server, ConnectionPoolManager()))
                    single.append(film(server, WithoutPool()))
            ours, theirs = (statistics.median(run.seconds for run in runs) for runs in (pooled, single))
            counts = f"{pooled[-1].handshakes} / {single[-1].handshakes}"
            print(f"{round_trip * 1000:9.0f} ms{ours:10.2f}{theirs:18.2f}{theirs / ours:7.2f}{counts:>16}")


if __name__ == "__main__":
    main()
