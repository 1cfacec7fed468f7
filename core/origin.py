"""What makes two URLs belong to one endpoint."""

from functools import lru_cache
from urllib.parse import urlsplit

from core.errors import ConfigError

DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=256)
def origin_of(url: str) -> str:
    """``scheme://host:port`` of a URL, the port always spelled out.

    :raises ConfigError: it is no http(s) URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        host = parts.hostname or ""
    except (KeyError, ValueError):
        host, port = "", 0
    if not host:
        raise ConfigError("The address is no URL like https://host/path: check the base URL.")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
