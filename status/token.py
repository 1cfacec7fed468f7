"""The secret of the status server: random, made once, in a file that only its owner can read."""

import contextlib
import logging
import os
import re
import secrets

log = logging.getLogger("subai.status")

FILE = "status-token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,100}")


def token_in(folder: str) -> str:
    """The token that is kept in ``folder``, made if there is none. Who wants another one deletes the file.

    Where it cannot be kept it is another one each time.
    """
    path = os.path.join(folder, FILE)
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        kept = file.read(200).strip()
        if _TOKEN.fullmatch(kept):
            return kept
    token = secrets.token_urlsafe(32)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
    except OSError as error:
        log.warning("The token of the status server cannot be kept: %s", error.strerror)
    return token
