"""A film against what is possible: total time, first cue, characters sent and received, and a very long file.

The stand-in answers at 80 tokens/s, 0.4 s to the first token, 40 ms away. ``make bench-film`` runs it.
"""

import resource
import subprocess
import sys
import time
from typing import Any, List, Sequence

import api
from api.base import ChatRequest, ChatStream
from api.compatible import Compatible
from benchmarks.films import make_cues
from benchmarks.servers import Server, standin
from cli.standin import count_tokens, pseudo_translate
from core.connection_pool import ConnectionPoolManager
from core.transport import Transport
from translate.asking import Route
from translate.documents import Cue
from translate.job import TranslationJob
from translate.languages import find
from translate.prompt import Brief

CUES = 1300
PARALLEL = 4
PACE = {"round_trip": 0.04, "first_token": 0.4, "tokens_per_second": 80.0}
LONG = 20_000


class Counting(Compatible):
    """The provider, counting the characters of messages and replies."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.sent = 0
        self.streams: List[ChatStream] = []

    def stream(self, request: ChatRequest) -> ChatStream:
        self.sent += sum(len(message.content) for message in request.messages)
        stream = super().stream(request)
        self.streams.append(stream)
        return stream

    @property
    def received(self) -> int:
        return sum(len(stream.text) for stream in self.streams)


def translate(server: Server, cues: Sequence[Cue]) -> None:
    """One film over a warm pool; prints the figures."""
    with ConnectionPoolManager() as pool:
        transport = Transport(pool, parallel=PARALLEL, ca_file=server.ca_file)
        provider = Counting(api_key="bench", base_url=server.url, transport=transport)
        transport.warm_up(server.url)
        job = TranslationJob(cues, Brief(find("es"), find("en")), [Route(provider, "m")], parallel=PARALLEL)
        report = job.run()
    if len(report.translated) != len(cues):
        raise RuntimeError(f"{len(cues) - len(report.translated)} cues were not translated: {report.stopped_by}")
    tokens = count_tokens("".join(stream.text for stream in provider.streams))
    latency = PACE["round_trip"] + PACE["first_token"]
    bound = tokens / (PACE["tokens_per_second"] * PARALLEL) + latency
    first = f'{{"1":"{pseudo_translate(cues[0].text)}",'
    first_bound = latency + count_tokens(first) / PACE["tokens_per_second"]
    dialogue = sum(len(cue.text) for cue in cues)
    spoken = (provider.sent + provider.received) / dialogue
    total = report.total_seconds
    print(f"film        {total:7.2f} s, bound {bound:6.2f} s: {total / bound:.3f}x (target 1.10x)")
    print(f"first cue   {report.first_cue_seconds:7.3f} s, bound {first_bound:6.3f} s: ", end="")
    print(f"{(report.first_cue_seconds or 0) / first_bound:.3f}x (target 1.20x)")
    print(f"characters  {provider.sent + provider.received:7} for {dialogue} of dialogue: {spoken:.2f}x (target 3.2x)")
    print(f"requests    {transport.counts.requests:7}")


def long_film(count: int) -> None:
    """Translate ``count`` cues from a stand-in that answers at once; print seconds and the largest memory in MB."""
    with standin(tls=False) as server, ConnectionPoolManager() as pool:
        transport = Transport(pool, parallel=PARALLEL)
        provider = api.create("compatible", api_key="k", base_url=server.url, transport=transport)
        began = time.perf_counter()
        report = TranslationJob(make_cues(count), Brief(find("es")), [Route(provider, "m")], parallel=PARALLEL).run()
        seconds = time.perf_counter() - began
    if len(report.translated) != count:
        raise RuntimeError(f"{count - len(report.translated)} cues were not translated: {report.stopped_by}")
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """All of it."""
    print(f"Film of {CUES} cues at {PACE['tokens_per_second']:.0f} tokens/s, --parallel {PARALLEL}, TLS, warm pool:")
    with standin(tls=True, pace=PACE) as server:
        translate(server, make_cues(CUES))
    figures = []
    for count in (LONG // 4, LONG):
        command = [sys.executable, "-m", "benchmarks.film_bound", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures.append([float(word) for word in done.stdout.split()])
    (short, _), (long, memory) = figures
    print(f"{LONG} cues  {long:5.1f} s, {memory:.0f} MB at most (target 150 MB);", end=" ")
    print(f"{long / short / 4:.2f}x the time per cue of {LONG // 4} cues (1.0: linear)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        long_film(int(sys.argv[1]))
    else:
        main()
