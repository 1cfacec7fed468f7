"""Files as Kodi sees them: local ones, ``smb://``, ``nfs://``, ``special://``, all through xbmcvfs.

Also for local files: Kodi remembers what a folder holds, and would not see a file that was made behind its back.
"""

import logging
import os
import shutil
from contextlib import suppress
from typing import List, Tuple

import xbmcvfs

from core.errors import InputError
from kodi import strings
from kodi.strings import localised

log = logging.getLogger("subai.kodi")

LARGEST = 32 * 1024 * 1024  # bytes; what is larger is no subtitle
#: Behind the name of a file that is being written: no player takes it for a subtitle.
UNFINISHED = ".subai"
_TAKES_PLACE = os.name != "nt"  # whether Kodi renames to a name that is taken


def read_bytes(path: str, most: int = LARGEST) -> bytes:
    """The whole file.

    :raises InputError: there is no such file, it cannot be read, or it has more than ``most`` bytes.
    """
    if not xbmcvfs.exists(path):
        raise InputError(localised(strings.FILE_GONE, name=base_name(path)))
    with xbmcvfs.File(path) as file:
        size = file.size()
        if size > most:
            log.info("%s is too large: %d bytes", path, size)
            raise InputError(localised(strings.FILE_UNREADABLE, name=base_name(path)))
        data = bytes(file.readBytes(0))
    # A file that cannot be opened reads as an empty one.
    if len(data) < size or (not data and xbmcvfs.Stat(path).st_size() > 0):
        raise InputError(localised(strings.FILE_UNREADABLE, name=base_name(path)))
    return data


def write(path: str, data: bytes) -> None:
    """Replace the file, or make it; its folder must exist. A power cut leaves the old content or the new.

    :raises InputError: it cannot be written there; what was there still is.
    """
    fresh, place = path + UNFINISHED, local(path)
    if is_remote(place):
        whole = _put(fresh, data)
        done = whole and _move(fresh, path)
    else:
        whole = _put_here(place + UNFINISHED, data)
        done = whole and _move_here(fresh, path)
    if done:
        return
    full = not whole and exists(fresh)  # the disk; or the share is gone
    delete(fresh)
    # A file that may be written, in a folder that may not: then it is written where it is, or not at all.
    if full or not _put(path, data):
        raise InputError(localised(strings.NOT_WRITTEN, name=base_name(path)))


def _put(path: str, data: bytes) -> bool:
    with xbmcvfs.File(path, "w") as file:
        written = bool(file.write(bytearray(data)))
    return (written or not data) and xbmcvfs.Stat(path).st_size() == len(data)


def _put_here(path: str, data: bytes) -> bool:
    """As ``_put``, and it is on the disk afterwards."""
    try:
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _move(fresh: str, path: str) -> bool:
    if not _TAKES_PLACE:
        delete(path)
    return bool(xbmcvfs.rename(fresh, path))


def _move_here(fresh: str, path: str) -> bool:
    """A new name must be made by Kodi, to exist for it; one that is taken, only the system can replace everywhere."""
    if not exists(path):
        return bool(xbmcvfs.rename(fresh, path))
    with suppress(OSError):
        shutil.copymode(local(path), local(fresh))
    try:
        os.replace(local(fresh), local(path))
    except OSError:
        return False
    return True


def exists(path: str) -> bool:
    return bool(xbmcvfs.exists(path))


def folder_exists(folder: str) -> bool:
    return bool(xbmcvfs.exists(join(folder, "")))


def make_folder(folder: str) -> bool:
    """Make the folder, and those above it; whether it is there now."""
    return folder_exists(folder) or bool(xbmcvfs.mkdirs(folder))


def list_folder(folder: str) -> Tuple[List[str], List[str]]:
    """Names of the folders and of the files in it; none where it cannot be read."""
    folders, files = xbmcvfs.listdir(join(folder, ""))
    return folders, files


def delete(path: str) -> bool:
    """Whether it was there and is gone."""
    return exists(path) and bool(xbmcvfs.delete(path))


def copy(source: str, destination: str) -> bool:
    return bool(xbmcvfs.copy(source, destination))


def local(path: str) -> str:
    """The path as the operating system knows it, for ``special://``; any other comes back as it is."""
    return str(xbmcvfs.translatePath(path))


def is_remote(path: str) -> bool:
    """Whether only Kodi can open it (``smb://``, ``nfs://``, ``zip://``), after ``local``."""
    return "://" in path


def join(folder: str, name: str) -> str:
    """``name`` in ``folder``, with the separator that this kind of path has."""
    if folder.endswith(("/", "\\")):
        return folder + name
    separator = "\\" if "\\" in folder and "/" not in folder else "/"
    return folder + separator + name


def base_name(path: str) -> str:
    return path[_cut(path) :]


def folder_of(path: str) -> str:
    """The folder that the file lies in, with its separator at the end."""
    return path[: _cut(path)]


def _cut(path: str) -> int:
    """Where the name begins. A backslash separates only where there is no slash: Unix names may hold one."""
    return (path.rfind("/") if "/" in path else path.rfind("\\")) + 1
