"""A network namespace with nothing in it but loopback and a name server of our own, which can be slow, silent or wrong.

It needs Linux, ``unshare`` and ``ip``, and either root or user namespaces; nothing outside of it is changed.
"""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

_ENTER = """
mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf &&
ip link set lo up && shift && exec "$@"
"""
_FILES = {"resolv.conf": "nameserver 127.0.0.1\n", "nsswitch.conf": "hosts: files dns\n"}
_A = 1
_HEADER = ">HHHHHH"


def why_not() -> str:
    """What keeps us from making one, or ``""``."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "unshare and ip are not installed"
    done = _run(["true"], capture_output=True)
    return "" if done.returncode == 0 else f"no network namespace: {done.stderr.strip()}"


def run(command: Sequence[str], seconds: float = 120.0) -> "subprocess.CompletedProcess[str]":
    """Run ``command`` in there, as root of its own; what it printed is kept."""
    return _run(command, timeout=seconds, capture_output=True)


def show(command: Sequence[str]) -> None:
    """Run ``command`` in there; it prints where we do."""
    _run(command, check=True)


def _run(command: Sequence[str], **settings: object) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryDirectory() as folder:
        for name, text in _FILES.items():
            (Path(folder) / name).write_text(text, encoding="ascii")
        own_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        entry = ["unshare", "--net", "--mount", *own_root, "sh", "-c", _ENTER, "sh", folder, *command]
        return subprocess.run(entry, text=True, **settings)  # type: ignore[call-overload,no-any-return]  # noqa: PLW1510


class NameServer:
    """Answers every question for an address.

    :ivar addresses: IPv4 addresses of every name; none: it does not exist. :ivar delay: seconds before an answer.
    :ivar silent: no answers at all. :ivar asked: the names it was asked the address of.
    """

    def __init__(self) -> None:
        self.addresses: List[str] = ["127.0.0.1"]
        self.delay = 0.0
        self.silent = False
        self.asked: List[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                question, client = self._socket.recvfrom(512)
                name, kind = _asked(question)
                if kind == _A:
                    self.asked.append(name)
                if not self.silent:
                    timer = threading.Timer(self.delay, self._send, (self._answer(question, kind), client))
                    timer.daemon = True
                    timer.start()

    def _send(self, answer: bytes, client: Tuple[str, int]) -> None:
        with suppress(OSError):
            self._socket.sendto(answer, client)

    def _answer(self, question: bytes, kind: int) -> bytes:
        """RFC 1035, 4.1: the header, the question again, and a record for each address."""
        number = struct.unpack_from(">H", question)[0]
        end = question.index(b"\0", 12) + 5
        found = self.addresses if kind == _A else []
        refusal = 0 if self.addresses else 3
        header = struct.pack(_HEADER, number, 0x8180 | refusal, 1, len(found), 0, 0)
        records = [struct.pack(">HHHLH", 0xC00C, _A, 1, 0, 4) + socket.inet_aton(address) for address in found]
        return header + question[12:end] + b"".join(records)


@contextmanager
def name_server() -> Iterator[NameServer]:
    """To be used in there: it takes the port of the system's own."""
    server = NameServer()
    try:
        yield server
    finally:
        server.close()


def _asked(question: bytes) -> "tuple[str, int]":
    labels, place = [], 12
    while question[place]:
        labels.append(question[place + 1 : place + 1 + question[place]].decode("ascii"))
        place += question[place] + 1
    return ".".join(labels), struct.unpack_from(">H", question, place + 1)[0]
