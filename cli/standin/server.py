"""The stand-in as a server: who listens, a thread for each connection, and which dialect a request is in."""

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Collection, Dict, List, Optional, Sequence
from urllib.parse import parse_qsl

from cli.standin.anthropic import Anthropic
from cli.standin.connection import Connection
from cli.standin.dialect import Dialect, Refused
from cli.standin.exchange import Exchange, Script
from cli.standin.gemini import Gemini
from cli.standin.ledger import Ledger, Record, Stats
from cli.standin.ollama import Ollama
from cli.standin.openai import OpenAI, OpenRouter
from cli.standin.pace import AT_ONCE, Pace
from cli.standin.wire import MalformedRequestError, Request, json_reply

HOST = "127.0.0.1"
DIALECTS: Sequence[Dialect] = (OpenAI(), OpenRouter(), Gemini(), Anthropic(), Ollama())
STATS_PATH, RESET_PATH = "/_standin/stats", "/_standin/reset"
_KEY_PARAMETERS = {"key", "api_key", "apikey", "api-key", "access_token"}
_STOP_SECONDS = 5.0


class StandIn:
    """A provider on loopback, from ``start`` (or ``with``) to ``stop``.

    :ivar url: scheme, host and port.
    :ivar pace: how fast it answers; :ivar script: how it misbehaves. Both may be changed while it runs.

    :param keys: those it takes; None: it asks for none.
    :param port: 0: any that is free.
    """

    def __init__(
        self,
        *,
        keys: Optional[Collection[str]] = None,
        pace: Pace = AT_ONCE,
        script: Optional[Script] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        port: int = 0,
    ) -> None:
        self.pace = pace
        self.script = script
        self._keys = keys
        self._ssl_context = ssl_context
        self._ledger = Ledger()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: Dict[Connection, threading.Thread] = {}
        self._listener = socket.create_server((HOST, port), backlog=512)
        self._port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if ssl_context else 'http'}://{HOST}:{self._port}"
        self._acceptor = threading.Thread(target=self._accept, name="standin", daemon=True)

    def __enter__(self) -> "StandIn":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<StandIn {self.url}>"

    def start(self) -> "StandIn":
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """End every connection and every thread, in the middle of an answer if need be."""
        self._stopping.set()
        with suppress(OSError):  # closing a listener does not wake who accepts on it; a last visitor does
            socket.create_connection((HOST, self._port), timeout=1.0).close()
        self._acceptor.join(_STOP_SECONDS)
        self._listener.close()
        for thread in self.drop_connections():
            thread.join(_STOP_SECONDS)

    def drop_connections(self) -> List[threading.Thread]:
        """Close every open connection, idle or not, as a server does that is restarted; returns their threads."""
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            connection.shut_down()
        return list(connections.values())

    # --- where it is ------------------------------------------------------------------------------------------------

    @property
    def openai_base_url(self) -> str:
        return self.url + OpenAI.prefix

    @property
    def openrouter_base_url(self) -> str:
        return self.url + OpenRouter.prefix

    @property
    def gemini_base_url(self) -> str:
        return self.url + Gemini.prefix

    @property
    def anthropic_base_url(self) -> str:
        return self.url + Anthropic.prefix

    @property
    def ollama_base_url(self) -> str:
        return self.url

    @property
    def lmstudio_base_url(self) -> str:
        return self.openai_base_url

    # --- what it saw ------------------------------------------------------------------------------------------------

    @property
    def log(self) -> List[Record]:
        """The latest requests, oldest first."""
        return self._ledger.records()

    def stats(self) -> Stats:
        return self._ledger.stats()

    def reset(self) -> None:
        """Empty the log and start counting anew."""
        self._ledger.reset()

    # --- what it does -----------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._stopping.is_set():
                sock.close()
                return
            connection = Connection(sock, self._ledger.connected())
            thread = threading.Thread(target=self._serve, args=(connection,), name="standin-connection", daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            with suppress(OSError):  # the client has left, or this stops
                self._converse(connection)
        finally:
            connection.close()
            self._ledger.disconnected()
            with self._lock:
                del self._open[connection]

    def _converse(self, connection: Connection) -> None:
        connection.prepare(self._ssl_context)
        if self._stopping.is_set():  # ``stop`` may have missed the socket that TLS has just replaced
            return
        if connection.handshake():
            self._ledger.secured()
        try:
            for request in connection.requests():
                if request.path in (STATS_PATH, RESET_PATH):
                    self._account(connection, request)
                else:
                    self._answer(connection, request)
        except MalformedRequestError as error:
            message = {"error": {"message": str(error)}}
            connection.write(json_reply(message, error.status, Connection="close").encode())

    def _account(self, connection: Connection, request: Request) -> None:
        """The counts, for who runs it in a process of its own; such requests are not counted."""
        if request.path == RESET_PATH and request.method == "POST":
            self.reset()
        connection.write(json_reply(asdict(self.stats())).encode())

    def _answer(self, connection: Connection, request: Request) -> None:
        record = self._ledger.begin(request, connection.number)
        try:
            dialect = _dialect_of(request)
            exchange = Exchange(record, request, dialect, None, self.pace, connection, self._stopping)
            try:
                self._check_key(dialect, request)
                exchange.chat = dialect.chat(request, record.number)
            except Refused as refused:
                exchange.send(exchange.refusal(refused))
                return
            if exchange.chat is not None:
                record.model, record.keys = exchange.chat.model, tuple(exchange.chat.cues or ())
            fault = self.script(exchange) if self.script else None
            if fault is None:
                exchange.send(exchange.reply())
            else:
                fault(exchange)
        finally:
            self._ledger.end()

    def _check_key(self, dialect: Dialect, request: Request) -> None:
        """:raises Refused: there is no key in the header for it, or there is one where none may be."""
        named = any(name.lower() in _KEY_PARAMETERS for name, _ in parse_qsl(request.query, keep_blank_values=True))
        if named or any(key in request.target for key in self._keys or ()):
            raise Refused(401, "API keys are taken from headers only, never from URLs.")
        key = dialect.key_in(request)
        if self._keys is not None and key not in self._keys:
            raise dialect.bad_key(key)


def _dialect_of(request: Request) -> Dialect:
    """Whose path it is; OpenAI's words serve for those that are nobody's."""
    return next((each for each in DIALECTS if request.path.startswith(each.prefix + "/")), DIALECTS[0])
