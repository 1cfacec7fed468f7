"""Where requests go and with which key: both are judged once, before anything is sent.

What is refused is a person's slip (a key pasted with its quotes) or would leak the key (plain http over the internet).
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import List, Sequence, Tuple
from urllib.parse import SplitResult, urlsplit

from api.redact import SHORTEST_ECHO
from core.errors import ConfigError

_PRIVATE_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
    )
)
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?")
_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>\d*))?(?P<path>/(?!/).*)?", re.IGNORECASE
)
_USUAL_PORTS = {"http": 80, "https": 443}
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - where servers listen, and no client can call
_BARE = re.compile(r"https?://[^/]+/*", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")  # resolvers take a bare number for an address, and it may be a public one


@dataclass(frozen=True)
class Endpoint:
    """A base URL without a slash at its end, and the key for it (``""``: none). Only the host is ever shown.

    :raises ConfigError: for a key or a URL that cannot be used, or a key that would travel in the clear.
    """

    base_url: str
    key: str = field(repr=False)
    host: str

    @classmethod
    def of(cls, label: str, base_url: str, key: str) -> "Endpoint":
        """Clean and judge what a person entered for the provider called ``label``."""
        key = clean_key(label, key)
        base_url, parts = _clean_url(label, base_url)
        host = (parts.hostname or "").lower()
        if len(key) >= SHORTEST_ECHO and key in base_url:
            raise ConfigError(f"The base URL for {label} holds the key. Take it out of the URL.")
        if key and parts.scheme == "http" and not is_private(host):
            raise ConfigError(f"The key for {label} would cross the internet in the clear. Use https:// for {host}.")
        return cls(base_url, key, host)


def with_version(base_url: str, version: str = "/v1") -> str:
    """``base_url`` with ``version`` as its path, where it has no path: people leave it out, as some tools want it."""
    return base_url.strip().rstrip("/") + version if _BARE.fullmatch(base_url.strip()) else base_url


def root_of(address: str, port: int) -> str:
    """The base URL of a server that is named as people do: ``nas``, ``nas:8080``, ``::1``, ``https://nas/ollama``.

    That is also how ``OLLAMA_HOST`` is written, for the server too: it may hold an address to listen on. What is no
    address comes back as it is, to be refused by ``Endpoint.of``.

    :param port: where neither a port nor a scheme is told.
    """
    address = address.strip().rstrip("/")
    match = _ADDRESS.fullmatch(f"[{address}]" if _is_address(address) and ":" in address else address)
    if match is None:
        return address
    scheme, host, told, path = match.group("scheme", "host", "port", "path")
    host = _ANY_ADDRESS.get(host, host) or "127.0.0.1"
    usual = _USUAL_PORTS[scheme.lower()] if scheme else port
    return f"{scheme or 'http'}://{host}:{told or usual}{path or ''}"


def endpoints_of(label: str, base_urls: str, keys: str) -> List[Endpoint]:
    """Each base URL with its key, as a person entered them for the provider called ``label``, with commas between.

    One URL serves all keys, one key (or none) all URLs; as many of the one as of the other belong together in pairs.

    :raises ConfigError: for what does not go together, or cannot be used.
    """
    urls, known = parts_of(base_urls) or [""], parts_of(keys) or [""]
    if len(urls) > 1 and len(known) > 1 and len(urls) != len(known):
        raise ConfigError(
            f"There are {len(urls)} base URLs and {len(known)} keys for {label}. "
            "Enter one key for all, one URL for all, or as many keys as URLs."
        )
    many = max(len(urls), len(known))
    pairs = zip(urls * (many // len(urls)), known * (many // len(known)))
    return list(dict.fromkeys(Endpoint.of(label, url, key) for url, key in pairs))


def labels_of(endpoints: Sequence[Endpoint]) -> List[str]:
    """What a person calls each of these: its base URL, and its place where that is not enough."""
    urls = [endpoint.base_url for endpoint in endpoints]
    if len(set(urls)) == len(urls):
        return urls
    return [f"{url}, key {place} of {len(urls)}" for place, url in enumerate(urls, 1)]


def parts_of(text: str) -> List[str]:
    """What stands between the commas of ``text``, empty parts left out."""
    return [part for part in map(str.strip, text.split(",")) if part]


def clean_key(label: str, key: str) -> str:
    """``key`` without the white space around it.

    :raises ConfigError: for what cannot be a key; no part of it is in the message.
    """
    key = key.strip()
    if any(mark in key for mark in "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"):
        raise ConfigError(f"The key for {label} has quotes around it or in it. Enter the key alone.")
    if any(char.isspace() for char in key):
        raise ConfigError(f"The key for {label} has a space or a line break in it. Copy it again, in one piece.")
    if not all(" " < char <= "~" for char in key):
        raise ConfigError(
            f"The key for {label} has a character that no key has. Copy it again from the provider's page."
        )
    return key


def _clean_url(label: str, url: str) -> Tuple[str, SplitResult]:
    url = url.strip().rstrip("/")
    example = "Enter one like https://example.com/v1"
    if not all(" " < char <= "~" for char in url) or "\\" in url:
        raise ConfigError(f"The base URL for {label} has a space or a character that no URL has. {example}")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ConfigError(f"The base URL for {label} is not a URL. {example}") from None
    if parts.scheme not in ("http", "https") or port == 0 or not _is_host(host):
        raise ConfigError(f"The base URL for {label} needs http:// or https:// and a host. {example}")
    if "@" in parts.netloc:
        raise ConfigError(
            f"The base URL for {label} holds a user name or password. Enter it without: keys have their own place."
        )
    if "?" in url or "#" in url:
        raise ConfigError(f"The base URL for {label} must end before any ? or #. Keys have their own place.")
    return url, parts


def _is_host(host: str) -> bool:
    return _is_address(host) or bool(_HOST_NAME.fullmatch(host))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_private(host: str) -> bool:
    """Whether ``host`` can only be this machine or one on its own network (RFC 1918, RFC 3927, RFC 4193, RFC 6762)."""
    if _is_address(host):
        address = ip_address(host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in _PRIVATE_NETWORKS)
    name = host.rstrip(".")
    if "." not in name:
        return not _NUMBER.fullmatch(name)
    return name.endswith((".local", ".localhost"))


def is_here(host: str) -> bool:
    """Whether ``host`` is this machine."""
    return ip_address(host).is_loopback if _is_address(host) else host.lower().rstrip(".") == "localhost"
