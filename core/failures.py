"""From what urllib3, http.client, ssl and the socket raise to our own errors.

What decides is how far the request got (the attempt knows), not the type: the same ``OSError`` costs nothing while
connecting and may have cost money afterwards.
"""

import errno
import http.client
import re
import socket
import ssl
import sys
from typing import Iterator, List, Optional, Tuple, Type

from core.attempt import Attempt
from core.errors import (
    ConfigError,
    ConnectError,
    ConnectionDroppedError,
    NameLookupError,
    PoolClosedError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SubAIError,
    TLSError,
    TransportError,
)

_PEER_LEFT = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")
#: What OpenSSL calls an answer that is no TLS; which one depends on the answer's first bytes and on the version.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_TLS_ALERT = "\x15\x03"
_WHERE_IN_SSL = re.compile(r"^\[SSL[^\]]*\] |_ssl\.c:\d+: | \(_ssl\.c:\d+\)")


def causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """``error`` and all it was raised from, or wraps in its arguments as urllib3's errors do; outermost first."""
    seen = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [item for item in (*current.args, getattr(current, "reason", None)) if isinstance(item, Exception)]
        waiting += [current.__cause__, current.__context__]


def expected() -> Tuple[Type[Exception], ...]:
    """What a request can raise when the network, and not the program, is at fault; to be caught and classified."""
    known: Tuple[Type[Exception], ...] = (OSError, http.client.HTTPException, UnicodeError, SubAIError)
    urllib3 = sys.modules.get("urllib3")
    return (*known, urllib3.exceptions.HTTPError) if urllib3 is not None else known


def classify(error: Exception, attempt: Attempt, host: str) -> SubAIError:
    """Our error for what a request raised; if another thread or the deadline ended the attempt, that is the reason."""
    failure = attempt.ended() or _of_the_network(error, attempt, host)
    if not attempt.connected:
        failure.nothing_sent = True  # a cancel and a deadline may come at any time
    elif isinstance(failure, PoolClosedError):
        failure.nothing_sent = False
    return failure


def _of_the_network(error: Exception, attempt: Attempt, host: str) -> SubAIError:
    if isinstance(error, SubAIError):
        return error
    chain = list(causes(error))
    if any(isinstance(item, (UnicodeError, http.client.InvalidURL)) for item in chain):
        return ConfigError(f"{host} cannot be the name of a host: check the address.")
    if attempt.connected:
        return _after_sending(chain, host)
    return _while_connecting(chain, host, asking_proxy=attempt.asking_proxy)


def proxy_refusal(status: int, host: str) -> ProxyError:
    """The proxy answered, and its answer was no."""
    if status == 407:
        words = "The proxy wants a login (407): put it into the address, http://user:password@host:port."
    else:
        words = f"The proxy did not connect to {host} ({status}). Check the proxy's address and what it allows."
    return ProxyError(words, status=status, permanent=status < 500)


def broke(host: str) -> ConnectionDroppedError:
    """The answer began, or could have."""
    words = f"The connection to {host} broke before its answer was whole. Try again, or over another network."
    return ConnectionDroppedError(words)


def _while_connecting(chain: List[BaseException], host: str, *, asking_proxy: bool) -> TransportError:
    for item in chain:
        refused = _TUNNEL_REFUSED.search(str(item))
        if refused:
            return proxy_refusal(int(refused.group(1)), host)
    # By name, since urllib3 and PySocks are optional: each has a ProxyError of its own, PySocks with subclasses.
    at_proxy = asking_proxy or any(kind.__name__ == "ProxyError" for item in chain for kind in type(item).__mro__)
    for item in chain:
        if isinstance(item, ssl.SSLCertVerificationError):
            whose = "the proxy" if at_proxy else host
            words = f"The certificate of {whose} is not trusted: {item.verify_message.rstrip('.')}."
            return TLSError(f"{words} Check the clock or name a CA file.", permanent=True)
    if at_proxy:
        return ProxyError(f"The proxy could not be used for {host}: {_words(chain)}. Check its address and login.")
    if any(isinstance(item, socket.gaierror) for item in chain):
        return NameLookupError(f"{host} was not found: check the internet connection and the address.")
    if any(isinstance(item, ssl.SSLError) and item.reason in _NOT_TLS for item in chain):
        words = f"{host} does not speak TLS there: check the address, http:// or https://, and the port."
        return TLSError(words, permanent=True)
    if any(isinstance(item, ssl.SSLError) for item in chain):
        return TLSError(f"No secure connection to {host}: {_words(chain)}.")
    return ConnectError(f"{host} could not be reached ({_words(chain)}): check the address and the network.")


def _after_sending(chain: List[BaseException], host: str) -> TransportError:
    codes = {getattr(item, "errno", None) for item in chain}
    if errno.ETIMEDOUT in codes:  # keepalive or the user timeout found the peer gone; Python calls it a timeout too
        return ConnectionDroppedError(f"The connection to {host} went dead. Check the network.")
    if any(isinstance(item, socket.timeout) for item in chain):
        return ReadTimeoutError(f"{host} stopped answering. Try again later, or another model.")
    if any(isinstance(item, (OSError, http.client.IncompleteRead)) for item in chain):
        return broke(host)
    first_line = next((str(item.args[0]) for item in chain if isinstance(item, http.client.BadStatusLine)), "")
    if first_line.startswith("HTTP/") and not first_line.endswith("\n"):
        return broke(host)
    if first_line.startswith(_TLS_ALERT):
        return ProtocolError(f"{host} speaks TLS there: the address begins with https://, not http://.", permanent=True)
    return ProtocolError(f"{host} did not answer in HTTP as expected: {_words(chain)}.")


def peer_left(error: BaseException) -> bool:
    """Whether the peer closed the connection; if no byte of an answer came, it never saw the request."""
    for item in causes(error):
        if isinstance(item, (http.client.RemoteDisconnected, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return True
        if isinstance(item, OSError) and item.errno in _PEER_LEFT:
            return True
    return False


def timed_out(failure: SubAIError, error: Exception) -> bool:
    """Whether ``failure``, as ``error`` was classified, is that the peer accepted or answered too late."""
    if isinstance(failure, ConnectError):
        return any(isinstance(item, socket.timeout) for item in causes(error))
    return isinstance(failure, ReadTimeoutError)


def _words(chain: List[BaseException]) -> str:
    """The innermost explanation, without the objects and errors that urllib3 puts into its messages."""
    for item in reversed(chain):
        text = _printable(getattr(item, "strerror", None) or str(item))
        if text and " object at 0x" not in text and not any(isinstance(part, Exception) for part in item.args):
            return text
    return "no reason given"


def _printable(text: str) -> str:
    """One line for a person; what a server sent may hold anything, and is not to talk to the terminal."""
    kept = "".join(char if char.isprintable() else " " for char in _WHERE_IN_SSL.sub("", str(text)))
    return " ".join(kept.split())[:200].rstrip(".")
