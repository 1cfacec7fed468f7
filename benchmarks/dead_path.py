"""How long until it is noticed that the path to the provider is dead, at the defaults, over TLS; and what is survived.

``make bench-faults`` runs it. Each case has two machines of its own (``benchmarks.two_machines``), all at once.
"""

import contextlib
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, List

from benchmarks.servers import certificates
from benchmarks.two_machines import FAR, ON_THE_NEAR_MACHINE, TwoMachines, why_not
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.transport import Request, Transport

PORT = 8443
#: Seconds within which a dead path is to be found.
BOUND = 25.0
#: Seconds after which what arrived is surely acknowledged.
ACKNOWLEDGED = 0.5
#: Seconds that a path may be away without anybody noticing.
OUTAGE = 5.0


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    :ivar seconds: from the moment when the path died, or the request began if that was later, to the end.
    :ivar error: the name of the error, ``""`` if there was an answer; ``message``: what a person reads.
    :ivar connections: those that were opened.
    """

    seconds: float
    error: str
    message: str
    connections: int


class Case:
    """A transport at its defaults on the near machine, a server on the far one."""

    def __init__(self, folder: str, *, known_cards: bool = True) -> None:
        self._stack = contextlib.ExitStack()
        self._command = [sys.executable, "-m", "benchmarks.dead_path", "serve", folder]
        self.machines = self._stack.enter_context(TwoMachines(known_cards=known_cards))
        self._server = self.machines.start(self._command)
        self.pool = self._stack.enter_context(ConnectionPoolManager())
        self._transport = Transport(self.pool, ca_file=str(Path(folder, "ca.pem")))
        self._since = 0.0

    def __enter__(self) -> "Case":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def request(self, path: str) -> Any:
        """An open answer; reading it to its end is left to the caller."""
        return self._transport.open(Request("POST", f"https://{FAR}:{PORT}{path}", body=b"{}"))

    def ask(self) -> None:
        """One request that is answered, so that a connection waits in the pool."""
        with self.request("/answer") as answer:
            answer.read()

    def cut(self) -> None:
        self.machines.cut()
        self._since = time.monotonic()

    def soon(self, then: Callable[[], None], seconds: float, *, once_asked: bool = False) -> None:
        """Do it in so many seconds from now, or from when the server has the request; the request goes on."""

        def wait() -> None:
            if once_asked and self._server.stdout is not None:
                self._server.stdout.readline()
            threading.Event().wait(seconds)
            then()

        thread = threading.Thread(target=wait)
        thread.start()
        self._stack.callback(thread.join)

    def restart_server(self) -> None:
        self._server.kill()
        self._server.wait()
        self._server = self.machines.start(self._command)

    def outcome(self, work: Callable[[], None]) -> Outcome:
        """Do it, and tell how it ended."""
        self._since = time.monotonic()
        error, message = "", ""
        try:
            work()
        except SubAIError as raised:
            error, message = type(raised).__name__, raised.user_message
        seconds = time.monotonic() - self._since
        return Outcome(seconds, error, message, sum(seen.created for seen in self.pool.stats().values()))


# --- the cases --------------------------------------------------------------------------------------------------------


def idle(folder: str) -> Outcome:
    """The path dies while a connection is idle; then a request goes out on it."""
    with Case(folder) as case:
        case.ask()
        case.cut()
        return case.outcome(case.ask)


def waiting(folder: str) -> Outcome:
    """The path dies while the model thinks: everything sent has arrived, and nothing has come back yet."""
    with Case(folder) as case:
        case.soon(case.cut, ACKNOWLEDGED, once_asked=True)
        return case.outcome(lambda: case.request("/think").close())


def talking(folder: str) -> Outcome:
    """The path dies in the middle of a stream."""
    with Case(folder) as case:

        def listen() -> None:
            with case.request("/talk") as answer:
                lines = answer.lines()
                next(lines)
                case.cut()
                for _ in lines:
                    pass

        return case.outcome(listen)


def switched_off(folder: str) -> Outcome:
    """A server in the same network is switched off while the model thinks; nobody answers for its address any more."""
    with Case(folder, known_cards=False) as case:
        case.soon(case.cut, ACKNOWLEDGED, once_asked=True)
        return case.outcome(lambda: case.request("/think").close())


def outage(folder: str) -> Outcome:
    """The path is away for a moment, and a request begins meanwhile."""
    with Case(folder) as case:
        case.ask()
        case.cut()
        case.soon(case.machines.mend, OUTAGE)
        return case.outcome(case.ask)


def restarted(folder: str) -> Outcome:
    """The server is restarted while the path is away: our end of the connection is the only one left."""
    with Case(folder) as case:
        case.ask()
        case.cut()
        case.restart_server()
        case.machines.mend()
        return case.outcome(case.ask)


FOUND = (idle, waiting, talking, switched_off)
SURVIVED = (outage, restarted)


# --- the far machine's server -----------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """``/answer`` at once, ``/think`` for ever, or ``/talk`` a line at a time."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/think":
            print("asked", flush=True)
            threading.Event().wait()
        self.send_response(200)
        if self.path == "/answer":
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pause = threading.Event()
        while not pause.wait(0.2):
            self.wfile.write(b"5\r\nword\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


def serve(folder: str) -> None:
    """Answer until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder, "cert.pem"), Path(folder, "key.pem"))
    server = ThreadingHTTPServer((FAR, PORT), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


# --- all of it --------------------------------------------------------------------------------------------------------


def measure() -> Dict[str, Outcome]:
    """Each case on machines of its own, all at once; takes as long as the slowest."""
    with tempfile.TemporaryDirectory() as folder:
        certificates(Path(folder), FAR)
        running: Dict[str, subprocess.Popen[str]] = {}
        for case in (*FOUND, *SURVIVED):
            command: List[str] = [*ON_THE_NEAR_MACHINE, sys.executable, "-m", "benchmarks.dead_path"]
            command += [case.__name__, folder]
            running[case.__name__] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        printed = {name: process.communicate()[0] for name, process in running.items()}
    return {name: Outcome(**json.loads(line)) for name, line in printed.items()}


def main() -> None:
    """Print a line a case."""
    reason = why_not()
    if reason:
        print(f"\nDead path: not measured ({reason}).")
        return
    outcomes = measure()
    print(f"\nDead path, at the defaults, over TLS (to be found within {BOUND:g} s):")
    for case in FOUND:
        found = outcomes[case.__name__]
        verdict = "met" if found.error and found.seconds <= BOUND else "NOT MET"
        print(f"  {case.__name__.replace('_', ' '):14}{found.seconds:6.1f} s  {verdict}: {found.message}")
    for case in SURVIVED:
        found = outcomes[case.__name__]
        verdict = "answered" if not found.error else f"FAILED: {found.message}"
        print(f"  {case.__name__:14}{found.seconds:6.1f} s  {verdict}, over {found.connections} connections in all")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        _cases = {case.__name__: case for case in (*FOUND, *SURVIVED)}
        print(json.dumps(vars(_cases[sys.argv[1]](sys.argv[2]))))
