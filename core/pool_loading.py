"""urllib3, imported when the first pool is built.

Short-lived interpreters never pay for it, and where it cannot be imported the transport falls back.
"""

from typing import Any, Callable, Optional

from core.errors import ConfigError, SubAIError
from core.pool_endpoint import PoolEndpoint
from core.tls import make_context

OLDEST_URLLIB3 = (2, 0)


class PoolUnavailableError(SubAIError):
    """urllib3 is missing or too old; the caller can still use the fallback."""


def make_manager(
    find_endpoint: Callable[[str], PoolEndpoint], num_pools: int, proxy: Optional[str], ca_file: Optional[str]
) -> Any:
    """The urllib3 pool manager for this proxy (None: a direct connection) and these certificates.

    :raises PoolUnavailableError: urllib3 cannot be imported, or is older than 2.0.
    :raises ConfigError: the proxy or the CA file cannot be used.
    """
    try:
        import urllib3.exceptions

        from core import pool_managers
    except ImportError as error:
        raise PoolUnavailableError(f"urllib3 cannot be imported ({error}).") from error
    version: str = vars(urllib3)["__version__"]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_URLLIB3:
        raise PoolUnavailableError(f"urllib3 {version} is too old; 2.0 or newer is needed.")
    try:
        return pool_managers.make_manager(find_endpoint, num_pools, make_context(ca_file), proxy)
    except ImportError as error:
        words = "A SOCKS proxy needs the PySocks package, which is not installed: install it, or use an http:// proxy."
        raise ConfigError(words) from error
    except (ValueError, urllib3.exceptions.HTTPError):
        # Without its cause, whose words may hold the proxy's password.
        raise ConfigError("The proxy address cannot be used; write it like http://host:port.") from None
