"""Two machines and a path between them that can be cut without a word: network namespaces that end with the process.

Linux only. Needs ``unshare``, ``nsenter`` and ``ip``, and root only where people may not make namespaces of their own.
"""

import contextlib
import os
import shutil
import subprocess
import time
from typing import Iterator, List, Sequence

NEAR, FAR = "10.99.0.1", "10.99.0.2"
_NEAR_CARD, _FAR_CARD = "02:00:00:00:00:01", "02:00:00:00:00:02"

#: What a command is put behind to run on the near machine.
ON_THE_NEAR_MACHINE = ("unshare", "--map-root-user", "--net")

# A bridge with a cable to each machine; the near one is the machine of this process.
_SETUP = f"""
ip link set lo up
ip link add bridge type bridge
ip link add near address {_NEAR_CARD} type veth peer name near_port
ip link add far address {_FAR_CARD} type veth peer name far_port
ip link set near_port up master bridge
ip link set far_port up master bridge
ip link set bridge up
ip addr add {NEAR}/24 dev near
ip link set near up
"""
_FAR_SETUP = f"""
ip link set lo up
ip addr add {FAR}/24 dev far
ip link set far up
"""


def why_not() -> str:
    """Why this machine cannot do it, or nothing if it can."""
    missing = [tool for tool in ("unshare", "nsenter", "ip") if shutil.which(tool) is None]
    if missing:
        return f"network namespaces need {' and '.join(missing)}"
    tried = subprocess.run([*ON_THE_NEAR_MACHINE, "sh", "-ec", _SETUP], capture_output=True, text=True, check=False)
    return f"no network namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


class TwoMachines:
    """This process' machine and a far one; to be used on the near machine, with ``with``.

    :param known_cards: each knows the other's network card, as if there were a router between them: a machine that
        has to ask for it finds out by itself that nobody is there.
    """

    def __init__(self, *, known_cards: bool = True) -> None:
        self._known_cards = known_cards
        self._stack = contextlib.ExitStack()
        self._prefix: List[str] = []

    def __enter__(self) -> "TwoMachines":
        holder = self._stack.enter_context(_process(["unshare", "--net", "cat"]))
        self._prefix = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        _wait_for_own_network(holder.pid)
        _shell(_SETUP)
        _shell(f"ip link set far netns {holder.pid}")
        _shell(_FAR_SETUP, self._prefix)
        if self._known_cards:
            _shell(f"ip neigh replace {FAR} lladdr {_FAR_CARD} dev near nud permanent")
            _shell(f"ip neigh replace {NEAR} lladdr {_NEAR_CARD} dev far nud permanent", self._prefix)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, command: Sequence[str]) -> "subprocess.Popen[str]":
        """Run a command on the far machine, at most until the ``with`` ends; returns when it has printed a line."""
        process = self._stack.enter_context(_process([*self._prefix, *command]))
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("the far machine's command ended before it said that it was ready")
        return process

    def cut(self) -> None:
        """Whatever is sent from now on is lost, and nobody is told."""
        _shell("ip link set far_port nomaster")

    def mend(self) -> None:
        """The path is there again."""
        _shell("ip link set far_port master bridge")


@contextlib.contextmanager
def _process(command: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for_own_network(pid: int) -> None:
    end = time.monotonic() + 10.0
    while os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
        if time.monotonic() > end:
            raise RuntimeError("the far machine did not start")


def _shell(script: str, prefix: Sequence[str] = ()) -> None:
    subprocess.run([*prefix, "sh", "-ec", script], check=True, stdout=subprocess.DEVNULL)
