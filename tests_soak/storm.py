"""What befalls the soak meanwhile: cancels, resizes, purges, lost connections, and other users of the same pool."""

import asyncio
import random
import threading
from collections import Counter
from contextlib import ExitStack
from typing import Any, Callable, Dict, List, Optional, Sequence

from core.aio import AsyncTransport
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.messages import Request
from core.transport import Transport
from tests_soak import KEY
from tests_soak.provider import Providers
from translate.job import TranslationJob

_BODY = b'{"model": "m", "stream": %s, "messages": [{"role": "user", "content": "{\\"1\\": \\"%s\\"}"}]}'


def settings(chance: random.Random) -> PoolConfig:
    """A pool of any size, impatient enough that nothing is waited for for long."""
    return PoolConfig(
        num_pools=chance.choice((1, 2, 10)),
        maxsize=chance.randint(1, 8),
        connect_timeout=1.0,
        first_byte_timeout=chance.uniform(0.3, 0.6),
        read_timeout=chance.uniform(0.3, 0.6),
        total_timeout=chance.uniform(5.0, 20.0),
        pool_timeout=chance.uniform(0.05, 2.0),
        max_idle=chance.uniform(0.5, 1.0),
        max_age=chance.uniform(1.0, 5.0),
        max_body=1024 * 1024,  # so that a bomb does not blow the heap full of holes: they would pass for a leak
        health_interval=chance.choice((0.0, 0.05, 0.5)),
    )


class Storm:
    """Strikes again and again, from ``with`` to its end; the same seed, the same order of events.

    :ivar events: how often what happened.
    """

    def __init__(
        self,
        seed: int,
        providers: Providers,
        pool: ConnectionPoolManager,
        transports: Sequence[Transport],
        nowhere: List[str],
    ) -> None:
        self.events: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._providers = providers
        self._pool = pool
        self._transports = transports
        self._nowhere = nowhere
        self._job: Optional[TranslationJob] = None
        self._over = threading.Event()
        self._errors: List[BaseException] = []
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name="soak-storm")
            for work in (self._strike, self._use_from_threads, self._use_from_asyncio)
        ]

    def __enter__(self) -> "Storm":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def watch(self, job: TranslationJob) -> None:
        """``job`` is what strikes from now on."""
        self._job = job

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._errors.append(error)
            raise

    # --- strikes ------------------------------------------------------------------------------------------------------

    def _strike(self) -> None:
        strikes: Dict[str, Callable[[], Any]] = {
            "cancelled films": self._cancel_film,
            "seeks": self._seek,
            "purges": lambda: self._pool.purge("soak"),
            "resizes": lambda: self._pool.reconfigure(settings(self._chance)),
            "cancels of all": self._pool.cancel,
            "drops": self._providers.drop_connections,
            "warm-ups": self._warm_up,
        }
        weights = (3, 4, 3, 4, 1, 2, 3)
        while not self._over.wait(self._chance.expovariate(1 / 0.03)):
            name = self._chance.choices(list(strikes), weights)[0]
            strikes[name]()
            self.events[name] += 1

    def _cancel_film(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _seek(self) -> None:
        if self._job is not None:
            self._job.seek(self._chance.uniform(0.0, 600.0))

    def _warm_up(self) -> None:
        token = CancelToken()
        with ExitStack() as stack:
            stack.callback(self._later(token.cancel).join)
            try:
                place = self._chance.randrange(len(self._transports))
                self._transports[place].warm_up(self._providers.base_urls[place]["openai"], token)
            except SubAIError as error:
                self.events[type(error).__name__] += 1

    def _later(self, what: Callable[[], None]) -> threading.Timer:
        """Do it at a moment of which nobody knows what it finds."""
        timer = threading.Timer(self._chance.expovariate(1 / 0.01), what)
        timer.start()
        return timer

    # --- others who use the pool --------------------------------------------------------------------------------------

    def _use_from_threads(self) -> None:
        chance = random.Random(self._chance.random())
        while not self._over.wait(chance.expovariate(1 / 0.02)):
            token = CancelToken()
            timer = threading.Timer(chance.expovariate(1 / 0.03), token.cancel)
            timer.start()
            try:
                self._ask(chance, token)
            except SubAIError as error:
                self.events[type(error).__name__] += 1
            finally:
                timer.cancel()
                timer.join()

    def _ask(self, chance: random.Random, token: CancelToken) -> None:
        place = chance.randrange(len(self._transports))
        request = self._request(chance, place, cancel=token)
        if chance.random() < 0.5:
            self._transports[place].send(request)
            return
        with self._transports[place].open(request) as answer:
            for _ in zip(range(chance.randrange(9)), answer.lines()):
                pass  # and leave in the middle of it

    def _use_from_asyncio(self) -> None:
        chance = random.Random(self._chance.random())
        while not self._over.wait(chance.expovariate(1 / 0.05)):
            asyncio.run(self._gather(chance))

    async def _gather(self, chance: random.Random) -> None:
        tasks = [asyncio.ensure_future(self._ask_on_loop(chance)) for _ in range(chance.randint(1, 30))]
        for task in tasks:
            if chance.random() < 0.4:
                await asyncio.sleep(chance.expovariate(1 / 0.01))
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                if not isinstance(result, (SubAIError, asyncio.CancelledError)):
                    raise result
                self.events[
                    "cancelled tasks" if isinstance(result, asyncio.CancelledError) else type(result).__name__
                ] += 1

    async def _ask_on_loop(self, chance: random.Random) -> None:
        place = chance.randrange(len(self._transports))
        client, request = AsyncTransport(self._transports[place]), self._request(chance, place)
        if chance.random() < 0.5:
            await client.request(request)
            return
        async with client.stream(request) as answer:
            left = chance.randrange(9)
            async for _ in answer:
                left -= 1
                if not left:
                    return

    def _request(self, chance: random.Random, place: int, **rest: Any) -> Request:
        url = self._providers.base_urls[place]["openai"] + "/chat/completions"
        if chance.random() < 0.1:
            url = chance.choice(self._nowhere)
        body = _BODY % (chance.choice((b"true", b"false")), b"Where is the key? " * chance.randrange(400))
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
        return Request("POST", url, headers, body, **rest)
