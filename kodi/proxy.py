"""The proxy that Kodi itself uses, as a URL; what the add-on's own setting says is ``kodi.settings``'s."""

from typing import Any, Optional
from urllib.parse import quote

from core.errors import ConfigError
from kodi.addon import kodi_setting

#: Kodi's ``network.httpproxytype`` -> scheme. The pool knows no SOCKS4.
_SCHEMES = {0: "http", 1: "socks4", 2: "socks4a", 3: "socks5", 4: "socks5h", 5: "https"}


def kodi_proxy() -> Optional[str]:
    """None where Kodi uses none.

    :raises ConfigError: it uses one that cannot be used here.
    """
    if not kodi_setting("network.usehttpproxy"):
        return None
    server = str(kodi_setting("network.httpproxyserver") or "").strip()
    if not server:
        return None
    scheme = _SCHEMES.get(_number("network.httpproxytype", 0), "")
    if scheme not in ("http", "https", "socks5", "socks5h"):
        raise ConfigError("Kodi's proxy is of a kind that cannot be used here: choose HTTP, HTTPS or none.")
    host = f"[{server}]" if ":" in server else server
    return f"{scheme}://{_credentials()}{host}:{_number('network.httpproxyport', 8080)}"


def _credentials() -> str:
    user, password = (str(kodi_setting(f"network.httpproxy{part}") or "") for part in ("username", "password"))
    return f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""


def _number(setting: str, otherwise: int) -> int:
    value: Any = kodi_setting(setting)
    return value if isinstance(value, int) else otherwise
