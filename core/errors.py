"""Every error this project raises on purpose, under one root; each carries what a caller acts on.

The tree follows what a caller can do about it: ``CancelledError`` (nothing), ``TransportError`` (the answer never came
whole; below ``NothingSentError`` it cannot have cost anything), ``ProviderError`` (the provider answered and said no),
``AnswerError`` (it said yes and the answer is unusable), ``ConfigError`` and ``InputError`` (the person must change
something).
"""

from typing import Optional


class SubAIError(Exception):
    """Root of all our errors.

    :ivar provider: name of the provider concerned, or ``""``.
    :ivar status: HTTP status, where there was an answer.
    :ivar retry_after: seconds the other side asked us to wait, where it did.
    :ivar permanent: True when the same request can only fail again.
    :ivar nothing_sent: True when no byte of the request went out to the provider: it took neither money nor quota.
    :ivar user_message: one line for a person: what is wrong and what to do. Never holds a key.
    """

    permanent = False
    nothing_sent = False

    def __init__(
        self,
        user_message: str,
        *,
        provider: str = "",
        status: Optional[int] = None,
        retry_after: Optional[float] = None,
        permanent: Optional[bool] = None,
    ) -> None:
        super().__init__(user_message)
        self.user_message = user_message
        self.provider = provider
        self.status = status
        self.retry_after = retry_after
        if permanent is not None:
            self.permanent = permanent


def kind_of(error: SubAIError) -> str:
    """The word under which figures keep an error: an HTTP status if there was an answer, else the kind of failure."""
    if isinstance(error, TransportError):
        return error.kind
    if isinstance(error, AnswerError):
        return error.reason
    if isinstance(error, CancelledError):
        return "cancelled"
    return str(error.status or "not_sent")


# --- the person must change something -------------------------------------------------------------------------------


class ConfigError(SubAIError):
    """A setting, a flag or a key cannot be used as it is."""

    permanent = True


class InputError(SubAIError):
    """A file cannot be read, is no subtitle, or cannot be written."""

    permanent = True


class CancelledError(SubAIError):
    """The person, or a shutdown, ended the request."""

    permanent = True


# --- the answer never came whole ------------------------------------------------------------------------------------


class TransportError(SubAIError):
    """The network failed.

    :ivar kind: the short name under which statistics count it (``dns``, ``connect``, ``tls``, ``proxy``, ...).
    """

    kind = "transport"


class NothingSentError(TransportError):
    """The request never left this machine, so sending it again costs nothing."""

    kind = "connect"
    nothing_sent = True


class NameLookupError(NothingSentError):
    """The host's name has no address, or the resolver did not answer."""

    kind = "dns"


class ConnectError(NothingSentError):
    """No address of the host accepted a connection in time."""

    kind = "connect"


class TLSError(NothingSentError):
    """The TLS handshake failed. Permanent where asking again will not mend it: a certificate, or a port without TLS."""

    kind = "tls"


class ProxyError(NothingSentError):
    """The proxy could not be reached or refused the tunnel."""

    kind = "proxy"


class PoolTimeoutError(NothingSentError):
    """No permit came free within ``pool_timeout``."""

    kind = "pool_timeout"


class PoolClosedError(NothingSentError):
    """The pool was closed while this request waited for it, or was under way."""

    kind = "pool_closed"
    permanent = True


class ConnectionDroppedError(TransportError):
    """The peer closed or reset the connection after the request was sent and before its answer was whole."""

    kind = "dropped"


class ReadTimeoutError(TransportError):
    """The first byte, or the next one, did not come in time."""

    kind = "read_timeout"


class DeadlineError(TransportError):
    """The whole of the request, waits included, took longer than it was given."""

    kind = "deadline"


class ProtocolError(TransportError):
    """What came back is not HTTP as we know it."""

    kind = "protocol"


class BodyTooLargeError(TransportError):
    """The answer, decoded, passed the cap."""

    kind = "too_large"
    permanent = True


# --- the provider said no -------------------------------------------------------------------------------------------


class ProviderError(SubAIError):
    """The provider answered with an error.

    :ivar code: the provider's own short code for it (``insufficient_quota``, ``RESOURCE_EXHAUSTED``), or ``""``.
    :ivar param: the request parameter it complains about, or ``""``.
    """

    def __init__(self, user_message: str, *, code: str = "", param: str = "", **details: object) -> None:
        super().__init__(user_message, **details)  # type: ignore[arg-type]
        self.code = code
        self.param = param


class KeyRefusedError(ProviderError):
    """401 or 403: the key is wrong, expired, or not allowed to do this."""

    permanent = True


class QuotaError(ProviderError):
    """402, ``insufficient_quota`` or a daily quota: more money or another day."""

    permanent = True


class ModelNotFoundError(ProviderError):
    """The provider has no such model (any more)."""

    permanent = True


class RateLimitError(ProviderError):
    """429: too fast for now."""


class OverloadedError(ProviderError):
    """503 or 529: the provider has no capacity for now."""


class ServerError(ProviderError):
    """408, 409 or any other 5xx: worth a few more tries."""


class BadRequestError(ProviderError):
    """400 and its relatives: this request, as built, is not accepted."""

    permanent = True


# --- the provider said yes and the answer is unusable ---------------------------------------------------------------


class AnswerError(SubAIError):
    """A 2xx whose content cannot be used as it is.

    :ivar reason: the short name used in reports (``empty``, ``html``, ``cut``, ``blocked``, ``refusal``, ``length``).
    """

    reason = "unusable"


class EmptyAnswerError(AnswerError):
    """200 with nothing: no body, no choice, null or blank content."""

    reason = "empty"


class NotJSONError(AnswerError):
    """The body is not the JSON the provider promises: an HTML page of a proxy, or JSON that was cut."""

    reason = "not_json"


class BlockedError(AnswerError):
    """The provider's safety filter withheld the answer. ``permanent``: the same text would be withheld again."""

    reason = "blocked"
    permanent = True


class RefusalError(AnswerError):
    """The model declined to answer."""

    reason = "refusal"
    permanent = True


class LengthError(AnswerError):
    """The answer stopped at the model's output limit; what came is in ``partial``."""

    reason = "length"

    def __init__(self, user_message: str, *, partial: str = "", **details: object) -> None:
        super().__init__(user_message, **details)  # type: ignore[arg-type]
        self.partial = partial
