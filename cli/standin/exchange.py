"""One request and its answer: what the stand-in would say, and what a script needs to say something else."""

import math
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, List, Mapping, Optional, Sequence

from cli.standin.connection import Connection
from cli.standin.dialect import Answer, Chat, Dialect, Refused
from cli.standin.ledger import Record
from cli.standin.pace import Pace
from cli.standin.pseudo import reply_to
from cli.standin.wire import Reply, Request, json_reply


class StoppedError(ConnectionError):
    """The stand-in stops: to whoever is answering it is as if the client had left."""


@dataclass
class Exchange:
    """What a fault works with. An answer is made with ``reply``, ``document`` or ``refusal``, and sent with ``send``.

    :ivar chat: None when the list of models is asked for.
    """

    record: Record
    request: Request
    dialect: Dialect
    chat: Optional[Chat]
    pace: Pace
    connection: Connection
    stopping: threading.Event

    @property
    def number(self) -> int:
        return self.record.number

    # --- making an answer -------------------------------------------------------------------------------------------

    def reply(self, answer: Optional[Answer] = None) -> Reply:
        """``answer``, or what is right, as this provider sends it."""
        if self.chat is None:
            return self._with_headers(json_reply(self.dialect.models()))
        answer = answer or Answer(reply_to(self.chat.cues))
        if self.chat.stream:
            return self._with_headers(self._stream(tuple(self.dialect.stream(self.chat, answer))))
        return self._with_headers(json_reply(self.dialect.whole(self.chat, answer), tokens=answer.tokens))

    def document(self, document: Any) -> Reply:
        """A JSON document of one's own making with status 200; an event where a stream was asked for."""
        if self.chat is not None and self.chat.stream:
            return self._with_headers(self._stream(((0, self.dialect.event(document)),)))
        return self._with_headers(json_reply(document))

    def refusal(self, refused: Refused, headers: Optional[Mapping[str, str]] = None) -> Reply:
        """An error in the provider's own shape."""
        reply = self._with_headers(json_reply(self.dialect.error(refused), refused.status))
        return replace(reply, headers={**reply.headers, **(headers or {})})

    def _with_headers(self, reply: Reply) -> Reply:
        return replace(reply, headers={**reply.headers, **self.dialect.headers(self.number)})

    def _stream(self, pieces: Sequence[Any]) -> Reply:
        headers = {"Content-Type": self.dialect.stream_type, "Cache-Control": "no-cache"}
        return Reply(200, tuple(pieces), headers, chunked=True)

    # --- sending it -------------------------------------------------------------------------------------------------

    def send(self, reply: Reply) -> None:
        """Send all of it, each piece when it is due.

        :raises OSError: the client has left, or the stand-in stops.
        """
        self.record.status = reply.status
        ready: List[bytes] = []
        for tokens, data in reply.frames():
            left = self.record.started + self.pace.due(tokens) - time.monotonic()
            if left > 0:
                self.write(b"".join(ready))
                ready = []
                self.wait(left)
            ready.append(data)
        self.write(b"".join(ready))

    def write(self, data: bytes) -> None:
        """Put raw bytes on the connection. :raises OSError: as ``send``."""
        if data:
            self.record.sent += len(data)
            self.connection.write(data)

    def wait(self, seconds: float) -> None:
        """:raises StoppedError: the stand-in stops; at once."""
        if self.stopping.wait(None if math.isinf(seconds) else seconds):
            raise StoppedError

    def close(self) -> None:
        """End the connection after this, without a word to the client."""
        self.connection.keep_open = False

    def reset(self) -> None:
        """End the connection at once, with a TCP reset."""
        self.connection.reset()


#: A way to answer badly: does everything itself, sending included.
Fault = Callable[[Exchange], None]
#: Decides for each request how it goes wrong; None: it does not.
Script = Callable[[Exchange], Optional[Fault]]
