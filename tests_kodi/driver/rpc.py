"""Kodi's JSON-RPC over HTTP."""

import json
import urllib.error
import urllib.request
from typing import Any, Dict, List

TIMEOUT = 20.0  # seconds; Kodi answers at once unless it is busy drawing


class RefusedError(Exception):
    """Kodi knows the method and will not do it."""


class Rpc:
    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/jsonrpc"
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def call(self, method: str, **parameters: Any) -> Any:
        """:raises OSError: Kodi is not there. :raises RefusedError: it says no."""
        content = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self._url, content, {"Content-Type": "application/json"})
        with self._open(request, timeout=TIMEOUT) as response:
            answer: Dict[str, Any] = json.load(response)
        if "error" in answer:
            raise RefusedError(f"{method}: {answer['error']}")
        return answer["result"]

    def answers(self) -> bool:
        try:
            return bool(self.call("JSONRPC.Ping") == "pong")
        except (OSError, ValueError, RefusedError):
            return False

    def label(self, name: str) -> str:
        """One of Kodi's info labels, such as ``System.CurrentControl``."""
        return str(self.call("XBMC.GetInfoLabels", labels=[name])[name])

    def labels(self, *names: str) -> List[str]:
        found = self.call("XBMC.GetInfoLabels", labels=list(names))
        return [str(found[name]) for name in names]

    def holds(self, condition: str) -> bool:
        """One of Kodi's conditions, such as ``Window.IsVisible(yesnodialog)``."""
        return bool(self.call("XBMC.GetInfoBooleans", booleans=[condition])[condition])
