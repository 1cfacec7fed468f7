"""A key from a text file on a stick or a share, since nobody types 160 characters with a remote control."""

import re
from typing import Optional

from core.errors import InputError
from kodi import strings, vfs, windows
from kodi.strings import localised

LARGEST = 64 * 1024  # bytes; a key with everything around it takes far less
SHORTEST = 8  # characters; a shorter word in a file is a word
ENDINGS = ".txt|.key|.env"

#: The name that a line such as ``OPENAI_API_KEY=...`` has, by provider.
_NAMES = {
    "openai": "OPENAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "ollama": "OLLAMA_API_KEY",
    "lmstudio": "LM_API_TOKEN",
    "compatible": "SUBAI_API_KEY",
}
_NAMED = re.compile(r"(?:export\s+)?([A-Za-z][\w .-]{0,40}?)\s*[=:]\s*(\S+)")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_KEY = re.compile(r"[!-~]+")


def ask_and_read(provider: str) -> Optional[str]:
    """The key in a file that the person chooses, or None when they choose none.

    :raises InputError: there is no key in it.
    """
    path = windows.ask_file(localised(strings.CHOOSE_KEY_FILE), ENDINGS)
    return read(path, provider) if path else None


def read(path: str, provider: str) -> str:
    """The key for ``provider`` in the file: the line with its name, else the first line that can be a key.

    :raises InputError: there is none, or the file cannot be read.
    """
    name = vfs.base_name(path)
    try:
        text = _decoded(vfs.read_bytes(path, LARGEST))
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(localised(strings.KEY_FILE_UNREADABLE, name=name)) from error
    key = find(text, provider)
    if not key:
        raise InputError(localised(strings.KEY_FILE_EMPTY, name=name))
    return key


def find(text: str, provider: str) -> str:
    """The key for ``provider`` in ``text``, or ``""``. Lines that begin with ``#`` are comments."""
    lines = [line.strip() for line in text.splitlines()]
    first = ""
    for line in lines:
        if not line or line.startswith("#"):
            continue
        named = _NAMED.fullmatch(line)
        key = _usable(named.group(2) if named else line)
        if named and key and named.group(1).upper() == _NAMES[provider]:
            return key
        if not first and not (named and named.group(1).upper() in _NAMES.values()):
            first = key
    return first


def is_key(text: str) -> bool:
    """Whether it may be one; ``api.endpoint`` judges in the end, by the same rule."""
    return bool(_KEY.fullmatch(text)) and not any(mark in text for mark in _QUOTES)


def _usable(text: str) -> str:
    bare = text.strip(_QUOTES + ",;")
    return bare if len(bare) >= SHORTEST and is_key(bare) else ""


def _decoded(data: bytes) -> str:
    """Windows' editor writes UTF-16 on request; a file that is no text at all fails here."""
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    if "\0" in text:
        raise UnicodeDecodeError("utf-8", data, 0, 1, "binary")
    return text
