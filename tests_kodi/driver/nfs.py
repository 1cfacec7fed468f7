"""A folder on the network: an NFS server on loopback, a program like any other, for as long as tests need it."""

import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator, List

from tests_kodi.driver.waiting import until

_PORTMAPPER = Path(__file__).parent / "portmapper.py"
_NFS = "100003"  # the program's number in the portmapper's list
_BY_HANDLE = 1 << 2  # CAP_DAC_READ_SEARCH, for opening a file by its handle: all that a client has of it
_PATIENCE = 5  # seconds for an answer from this machine
_CONFIG = """NFS_CORE_PARAM {{
    Protocols = 3;
    Bind_addr = 127.0.0.1;
    NFS_Port = {ports[0]};
    MNT_Port = {ports[1]};
    Enable_NLM = false;
    Enable_RQUOTA = false;
    Enable_UDP = false;
}}
EXPORT {{
    Export_Id = 1;
    Path = "{folder}";
    Protocols = 3;
    Transports = TCP;
    Access_Type = RW;
    Squash = No_Root_Squash;
    FSAL {{ Name = VFS; }}
}}
"""


class NoServerError(Exception):
    """There can be no NFS server on this machine, or not now; the text says why."""


@contextmanager
def shared_by_nfs(folder: Path, state: Path) -> Iterator[str]:
    """``folder`` of this machine as an ``nfs://`` URL, without a slash at the end.

    :param state: an empty folder for what the server writes.
    :raises NoServerError: for want of a right or a port.
    """
    if not _capabilities() & _BY_HANDLE:
        raise NoServerError("an NFS server needs root, with CAP_DAC_READ_SEARCH")
    registered = _programs()
    if _NFS in registered:
        raise NoServerError("there is an NFS server on this machine already")
    with ExitStack() as running:
        if not registered:
            portmapper = running.enter_context(_running([sys.executable, str(_PORTMAPPER)], state / "portmapper.txt"))
            until(lambda: _programs() or portmapper.poll() is not None, "the portmapper", 20)
            if portmapper.returncode is not None:
                raise NoServerError((state / "portmapper.txt").read_text(encoding="utf-8").strip())
        config, log = state / "ganesha.conf", state / "ganesha.log"
        config.write_text(_CONFIG.format(ports=_free_ports(), folder=folder), encoding="utf-8")
        command = ["ganesha.nfsd", "-F", "-f", str(config), "-p", str(state / "ganesha.pid"), "-L", str(log)]
        running.enter_context(_running(command, state / "ganesha.txt"))
        until(lambda: str(folder) in _told("showmount", "--no-headers", "-e", "127.0.0.1"), "the NFS server", 20)
        yield f"nfs://127.0.0.1{folder}"


@contextmanager
def _running(command: List[str], output: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with output.open("wb") as file:
        # If the tests are killed, what shares a folder ends with them.
        process = subprocess.Popen(["setpriv", "--pdeathsig=TERM", *command], stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _programs() -> List[str]:
    """The numbers of what the portmapper knows, itself among it; none where there is no portmapper."""
    return [line.split()[0] for line in _told("rpcinfo", "-p", "127.0.0.1").splitlines()[1:]]


def _told(command: str, *arguments: str) -> str:
    found = shutil.which(command) or f"/usr/sbin/{command}"
    try:
        asked = subprocess.run([found, *arguments], check=False, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:  # something else has the port, and says nothing
        return ""
    return asked.stdout


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("CapEff:")[1].split()[0], 16)


def _free_ports() -> List[int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return [int(found.getsockname()[1]) for found in (one, other)]
