"""A folder on the network: Samba's server on loopback, with a name and a password, for as long as a test needs it."""

import getpass
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Optional

from tests_kodi.driver.waiting import until

PASSWORD = "open-sesame-7Jq2Vx"
_CONFIG = """[global]
server role = standalone server
interfaces = lo
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
private dir = {state}
state directory = {state}
lock directory = {state}
cache directory = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
passdb backend = tdbsam:{state}/passdb.tdb
log file = {state}/log
load printers = no

[films]
path = {folder}
read only = no
"""


class Share:
    """``folder`` of this machine as ``smb://`` from ``with`` to its end."""

    def __init__(self, state: Path, folder: Path) -> None:
        self._state = state
        self._config = state / "smb.conf"
        self._user = getpass.getuser()
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._port = int(found.getsockname()[1])
        self._folder = folder
        self._process: Optional[subprocess.Popen[bytes]] = None

    @property
    def url(self) -> str:
        """With the login in it, as Kodi keeps it for a share that was added by hand."""
        return f"smb://{self._user}:{PASSWORD}@127.0.0.1:{self._port}/films/"

    def __enter__(self) -> "Share":
        self._state.mkdir(parents=True, exist_ok=True)
        config = _CONFIG.format(port=self._port, state=self._state, folder=self._folder)
        self._config.write_text(config, encoding="utf-8")
        add = ["smbpasswd", "-c", str(self._config), "-L", "-s", "-a", self._user]
        subprocess.run(add, input=f"{PASSWORD}\n{PASSWORD}\n".encode(), stdout=subprocess.DEVNULL, check=True)
        server = shutil.which("smbd") or "/usr/sbin/smbd"
        command = [server, "--foreground", "--no-process-group", f"--configfile={self._config}"]
        output = (self._state / "output.txt").open("wb")
        with output:
            # It ends its whole group of processes with itself.
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        until(self._answers, "the Samba server", 20)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
