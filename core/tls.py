"""The TLS context that connections share: TLS 1.2 or newer, checked against certifi and what the user adds."""

import errno
import os
import ssl
import threading
from functools import lru_cache
from typing import Any, Optional

from core.errors import ConfigError


class _Wrapping(threading.local):
    """The socket that this thread has just made."""

    made: Optional[ssl.SSLSocket] = None

    def take(self) -> Optional[ssl.SSLSocket]:
        made, self.made = self.made, None
        return made


_wrapping = _Wrapping()


class _Socket(ssl.SSLSocket):
    """Known from its first moment, by the thread that makes it."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "_Socket":
        made = super().__new__(cls, *args, **kwargs)
        _wrapping.made = made
        return made


class _Context(ssl.SSLContext):
    """Of a peer that leaves before the handshake begins, nothing is left, and nothing is sent to it in the clear."""

    sslsocket_class = _Socket

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        try:
            wrapped = super().wrap_socket(*args, **kwargs)
            if wrapped.version() is None:  # there is no TLS on a socket that ssl finds not connected
                raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        except BaseException:
            lost = _wrapping.take()  # before Python 3.13 it lies open somewhere in the traceback
            if lost is not None:
                lost.close()
            raise
        _wrapping.take()
        return wrapped


@lru_cache(maxsize=8)
def make_context(ca_file: Optional[str] = None) -> ssl.SSLContext:
    """The same context for the same file; loading the certificates for each connection would cost 26 ms and 700 KB.

    :param ca_file: a PEM file whose certificates are trusted besides the usual ones (a company's proxy, a test's own).
    :raises ConfigError: the file cannot be read or holds no certificate.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        import certifi

        context.load_verify_locations(certifi.where())
    except ImportError:
        context.load_default_certs()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            reason = "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
            raise ConfigError(f"The CA file {ca_file} cannot be used: {reason}.") from error
    return context
