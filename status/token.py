"""The secret of the status server: random, made once, in a file that only its owner can read."""

import contextlib
import logging
import os
import re
import secrets
import sys

from core.file_lock import locked

log = logging.getLogger("subai.status")

FILE = "status-token"
_WAIT = 5.0  # seconds for somebody else who makes one just now
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,100}")


def token_in(folder: str) -> str:
    """The token that is kept in ``folder``, made if there is none. Who wants another one deletes the file.

    Where it cannot be kept it is another one each time.
    """
    path = os.path.join(folder, FILE)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with locked(path + ".lock", _WAIT):  # of two servers that start at once, one makes it for both
            return _kept(path) or _made(path)
    except OSError as error:
        log.warning("The token of the status server cannot be kept: %s", error.strerror or "another program holds it")
    return secrets.token_urlsafe(32)


def _kept(path: str) -> str:
    with contextlib.suppress(FileNotFoundError, ValueError), open(path, encoding="ascii") as file:
        kept = file.read(200).strip()
        if _TOKEN.fullmatch(kept) and not _was_open(file.fileno()):
            return kept
    return ""


def _made(path: str) -> str:
    token = secrets.token_urlsafe(32)
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _was_open(descriptor: int) -> bool:
    """Whether others could read the file until now. Where that cannot be forbidden, as on FAT, it has to do."""
    if sys.platform == "win32" or not os.fstat(descriptor).st_mode & 0o077:
        return False
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, 0o600)
    if os.fstat(descriptor).st_mode & 0o077:
        return False
    log.warning("Others could read the token of the status server, so there is a new one.")
    return True
