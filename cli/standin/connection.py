"""One accepted TCP connection: TLS, reading and writing, and every way of ending it. Owned by one thread."""

import socket
import ssl
import struct
from contextlib import suppress
from typing import Iterator, Optional

from cli.standin.wire import Reader, Request

_LINGER_ZERO = struct.pack("ii", 1, 0)


class Connection:
    """``shut_down`` may be called from any thread, everything else only from the one that owns it.

    :ivar keep_open: whether another request is awaited after this one.
    """

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.number = number
        self.keep_open = True
        self._socket = sock

    def prepare(self, context: Optional[ssl.SSLContext]) -> None:
        """Set the socket up, with TLS where there is a context; the handshake waits, so that ``shut_down`` reaches it.

        :raises OSError: the peer has left already.
        """
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)

    def handshake(self) -> bool:
        """False: there is no TLS. :raises OSError: it failed."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return False
        self._socket.do_handshake()
        return True

    def requests(self) -> Iterator[Request]:
        """Each request as it comes, until the client leaves or ``keep_open`` is False.

        :raises OSError: the connection is lost. :raises MalformedRequestError: what came is not HTTP.
        """
        reader = Reader(self._socket.recv)
        while self.keep_open:
            request = reader.request()
            if request is None:
                return
            self.keep_open = request.keep_alive
            yield request

    def write(self, data: bytes) -> None:
        """:raises OSError: the connection is lost."""
        self._socket.sendall(data)

    def reset(self) -> None:
        """End it so that the peer sees a reset."""
        self.keep_open = False
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._socket.close()

    def shut_down(self) -> None:
        """Wake whoever reads or writes; to the peer it looks closed."""
        with suppress(OSError):  # it is closed already
            # Not SSLSocket's own: that drops the TLS layer under the thread that uses it.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()
