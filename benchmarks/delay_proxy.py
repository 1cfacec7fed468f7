"""A TCP relay that adds a round trip to everything, the opening of connections included: distance on one machine.

``python -m benchmarks.delay_proxy PORT SECONDS`` prints its own port and relays to 127.0.0.1:PORT until stdin closes.
"""

import asyncio
import contextlib
import sys
from typing import Tuple


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, first: float) -> None:
    """Each piece arrives ``delay`` seconds after it was sent; the first one ``first`` seconds later still."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[Tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                writer.close()
                return
            writer.write(piece)

    delivery = asyncio.ensure_future(deliver())
    extra = first
    begun = loop.time()
    while True:
        try:
            piece = await reader.read(65536)
        except ConnectionError:
            piece = b""
        pieces.put_nowait((max(loop.time(), begun + extra) + delay, piece))
        if not piece:
            break
    await delivery


async def _serve(target: int, round_trip: float) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        # A real client waits a round trip for the answer to its SYN before it sends anything.
        with contextlib.suppress(asyncio.CancelledError):  # the end of the measurement
            await asyncio.gather(
                _relay(reader, back, round_trip / 2, first=round_trip),
                _relay(there, writer, round_trip / 2, first=0.0),
                return_exceptions=True,
            )

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
