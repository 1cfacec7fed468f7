"""What stands between the quotes of a JSON string, as a model wrote it."""

import json
import re

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def decoded(raw: str) -> str:
    """``raw`` with its escapes undone. Never fails: a wrong escape stands for the character after its backslash."""
    if "\\" in raw:
        try:
            raw = json.loads(f'"{raw}"', strict=False)
        except ValueError:
            raw = _ESCAPE.sub(_unescape, raw)
    if _SURROGATE.search(raw):
        # Halves that belong together become one character, a lone half becomes the replacement character.
        raw = raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return raw


def _unescape(match: "re.Match[str]") -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    return _NAMED.get(match.group(2), match.group(2))
