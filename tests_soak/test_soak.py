"""Films one after another for SOAK_SECONDS, and everything goes wrong: nothing is left, and the figures add up."""

import logging
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Iterator, List

import pytest
from support_server import closed_port, full_backlog

import core.config
from core.config import BackoffConfig
from core.connection_pool import ConnectionPoolManager
from tests_soak.books import Account, BookedTransport, Books
from tests_soak.figures import MEGABYTE, Growth, Held, Table, descriptors, held, more_of, settle_the_heap, threads
from tests_soak.films import CUES, DIALECTS, Film
from tests_soak.provider import Providers
from tests_soak.storm import Storm, settings

SECONDS = float(os.environ.get("SOAK_SECONDS", "180"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
PRINT_EVERY = 15.0
#: Share of the requests that get a bad answer.
RATE = 0.3
#: Bytes by which memory may grow over the last ``SHARE`` of the time.
MOST_GROWTH = 2 * MEGABYTE
SHARE = 0.8
#: Threads that a pool keeps, one each, until it is closed.
KEPT_THREADS = ("subai-deadlines", "subai-health")
#: How often to look, 0.025 s apart, whether what ends by itself has ended.
PATIENCE = 400
#: Mistakes told in the end; one often brings many.
MOST_TOLD = 20


class Soak:
    """One run over one pool.

    :ivar wrong: everything that should not be.
    """

    def __init__(self, folder: Path, providers: Providers, nowhere: List[str]) -> None:
        self.wrong: List[str] = []
        self._folder = folder
        self._providers = providers
        self._nowhere = nowhere
        self._at_first = held()
        self._pool = ConnectionPoolManager(settings(random.Random(SEED)))
        self._books = Books()
        self._transports = [
            BookedTransport(self._books, self._pool),
            BookedTransport(self._books, self._pool, parallel=5, ca_file=providers.ca_file),
        ]
        self._account = Account()
        self._in_use, self._resident = Growth(), Growth()
        self._table = Table(
            "s films runs kept requests read replays unread made accepted idle open threads fds MB in-use".split()
        )
        self._events: Counter[str] = Counter()
        self._films = self._runs = self._kept = 0
        self._began = time.monotonic()

    def run(self) -> None:
        """Films until the time is over; then close everything."""
        due = PRINT_EVERY
        while self._seconds() < SECONDS:
            self._film()
            now = self._settle()
            if self._seconds() >= due:
                due += PRINT_EVERY
                self._print(now)
        self._close()

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _film(self) -> None:
        self._films += 1
        seed = SEED * 1_000_003 + self._films
        self._providers.fail(RATE, seed)
        film = Film(self._films, self._folder)
        with Storm(seed, self._providers, self._pool, self._transports, self._nowhere) as storm:
            film.translate(self._transports, self._providers.base_urls, storm.watch)
        self._events.update(storm.events)
        self._runs += film.runs
        self._kept += film.kept
        self.wrong += film.faults()

    def _settle(self) -> Held:
        """Between two films nothing is in flight, and both sides have the same figures once they know of it all."""
        if self._films % 2:
            self._pool.purge("soak")
        self.wrong += [f"after film {self._films}: {each}" for each in self._left_over()]
        self.wrong += self._account.settle(self._books.close(), self._providers.seen(forget=True))
        self.wrong += self._account.differences(self._pool.stats())
        now = held()
        self._in_use.add(self._seconds(), now.in_use)
        self._resident.add(self._seconds(), now.resident)
        return now

    def _left_over(self) -> List[str]:
        """What is there and should not be, once the providers and threads that are about to end had time to."""
        for _ in range(PATIENCE):
            left = self._leaks()
            if not left:
                break
            time.sleep(0.025)
        return left

    def _made(self) -> int:
        return sum(snapshot.created for snapshot in self._pool.stats().values())

    def _idle(self) -> int:
        return sum(snapshot.idle for snapshot in self._pool.stats().values())

    def _leaks(self) -> List[str]:
        seen, idle, before = self._providers.seen(), self._idle(), self._at_first
        more = Counter(threads()) - Counter(before.threads) - Counter(KEPT_THREADS)
        sockets = more_of("socket:", descriptors(), before.descriptors)
        others = more_of("", descriptors(), before.descriptors) - sockets
        found = {
            f"threads {sorted(more)}": bool(more),
            f"{sockets} sockets, {idle} idle in the pool": sockets != idle,
            f"{others} descriptors more than at first": others != 0,
            f"{seen.open} connections open at the providers, {idle} idle in the pool": seen.open > idle,
            f"{seen.in_flight} requests in flight at the providers": seen.in_flight > 0,
            f"{len(self._pool._in_flight)} requests in flight": len(self._pool._in_flight) > 0,
            "connections that no provider knows of": seen.connections + self._account.accepted < self._made(),
        }
        return [words for words, so in found.items() if so]

    def _close(self) -> None:
        """With the pool closed, this process holds what it held in the beginning."""
        if not self._pool.close_all(5.0):
            self.wrong.append("requests were left in flight at the end")
        self.wrong += [f"at the end: {each}" for each in self._left_over()]
        kept = Counter(threads()) - Counter(self._at_first.threads)
        if kept:
            self.wrong.append(f"at the end: threads {sorted(kept)}")
        self._print(held())
        growth = self._in_use.over_the_last(SHARE)
        if growth >= MOST_GROWTH:
            self.wrong.append(f"memory grew by {growth / MEGABYTE:.1f} MB over the last {SHARE:.0%} of the time")
        self._tell()

    def _print(self, now: Held) -> None:
        account = self._account
        self._table.row(
            (
                f"{self._seconds():.0f}",
                self._films,
                self._runs,
                self._kept,
                account.asked,
                account.read,
                account.replayed,
                account.unread,
                self._made(),
                account.accepted,
                self._idle(),
                self._providers.seen().open,
                len(now.threads),
                len(now.descriptors),
                f"{now.resident / MEGABYTE:.1f}",
                f"{now.in_use / MEGABYTE:.2f}",
            )
        )

    def _tell(self) -> None:
        figures = self._pool.stats().values()
        recycled = sum((Counter(snapshot.recycled) for snapshot in figures), Counter())
        errors = sum((Counter(snapshot.errors) for snapshot in figures), Counter())
        account = self._account
        rows = {
            "cues": f"{self._films * CUES}, {self._kept} kept their source",
            "requests": f"{account.asked} asked for, {account.given} tried, {account.answered} answered",
            "of those tried": f"{account.read} read, {account.unread} not; {account.replayed} sent again unseen",
            "connections given up": _words(recycled),
            "errors": _words(errors),
            "events": _words(self._events),
            f"memory, last {SHARE:.0%}": f"{self._in_use.over_the_last(SHARE) / MEGABYTE:+.2f} MB in use, "
            f"{self._resident.over_the_last(SHARE) / MEGABYTE:+.2f} MB resident",
        }
        for name, words in rows.items():
            print(f"{name:>22}: {words}")


def _words(counts: "Counter[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


@pytest.fixture
def nowhere() -> Iterator[List[str]]:
    """Addresses where no connection comes about."""
    with full_backlog() as port:
        yield [f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{closed_port()}/"]


def test_films_in_a_storm_leave_nothing_behind(
    tmp_path: Path, nowhere: List[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = BackoffConfig(base_delay=0.005, max_delay=0.02)
    monkeypatch.setattr(core.config, "BACKOFF", dict.fromkeys(DIALECTS, quick))
    monkeypatch.setattr(logging.root.manager, "disable", logging.ERROR)  # pytest would keep every record in memory
    with capsys.disabled(), Providers(tmp_path) as providers:
        settle_the_heap()
        print(f"\nA soak of {SECONDS:.0f} s, seed {SEED}")
        soak = Soak(tmp_path, providers, nowhere)
        soak.run()
    assert not soak.wrong, "\n".join(soak.wrong[:MOST_TOLD])
