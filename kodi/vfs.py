"""Files as Kodi sees them: local ones, ``smb://``, ``nfs://``, ``special://``, all through xbmcvfs.

Also for local files: Kodi remembers what a folder holds, and would not see a file that was made behind its back.
"""

from typing import List, Tuple

import xbmcvfs

from core.errors import InputError

LARGEST = 32 * 1024 * 1024  # bytes; what is larger is no subtitle


def read_bytes(path: str, most: int = LARGEST) -> bytes:
    """The whole file.

    :raises InputError: there is no such file, it cannot be read, or it has more than ``most`` bytes.
    """
    if not xbmcvfs.exists(path):
        raise InputError(f"There is no file {base_name(path)} (any more).")
    with xbmcvfs.File(path) as file:
        size = file.size()
        if size > most:
            raise InputError(f"{base_name(path)} is too large ({size} bytes).")
        data = bytes(file.readBytes(0))
    if len(data) < size:
        raise InputError(f"{base_name(path)} could not be read to its end.")
    return data


def write(path: str, data: bytes) -> None:
    """Replace the file, or make it; its folder must exist.

    :raises InputError: it cannot be written there.
    """
    with xbmcvfs.File(path, "w") as file:
        written = file.write(bytearray(data))
    if not written and data:
        raise InputError(f"{base_name(path)} cannot be written to that folder.")


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
    return bool(xbmcvfs.delete(path))


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
