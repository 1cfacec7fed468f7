"""A program: Debian's portmapper on loopback only. Ends with one line if it cannot have its port.

Left to itself rpcbind listens on every interface, and its option for an address ends it. But it takes sockets that
systemd has opened, or whoever does the same: they are numbered from 3 on, and two variables tell how many and for whom.
"""

import errno
import fcntl
import os
import shutil
import socket
import sys
from typing import List

PORT = 111  # nobody asks for a portmapper anywhere else
_FIRST, _OUT_OF_THE_WAY = 3, 100
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def main() -> None:
    sockets = _sockets(socket.AF_INET, "127.0.0.1")
    try:
        sockets += _sockets(socket.AF_INET6, "::1")
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    copies = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY) for one in sockets]
    for place, copy in enumerate(copies, _FIRST):
        os.dup2(copy, place)
    os.environ.update(LISTEN_FDS=str(len(copies)), LISTEN_PID=str(os.getpid()))
    os.execv(shutil.which("rpcbind") or "/usr/sbin/rpcbind", ["rpcbind", "-f"])


def _sockets(family: socket.AddressFamily, host: str) -> List[socket.socket]:
    stream, datagram = (socket.socket(family, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for one in (stream, datagram):
        one.bind((host, PORT))
    stream.listen()
    return [stream, datagram]


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"no portmapper on port {PORT}: {error.strerror}")
