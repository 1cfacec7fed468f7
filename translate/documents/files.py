"""Files: reading a source whole, naming the output beside it, and writing that so that it is never seen half done.

What is in a file is for the formats; whether an existing output may be replaced is for the caller.
"""

import os
import re
import secrets
import stat
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO, Dict, Iterator, List, Tuple

from core.errors import ConfigError, InputError
from translate.languages import from_suffix

MAX_SIZE = 50_000_000  # bytes: ten times an ASS file with its fonts; more is no subtitle
_MAX_MEGABYTES = MAX_SIZE // 1_000_000

# The extensions that files of a format have, the usual one first. A format that is not here keeps its file's own.
_EXTENSIONS: Dict[str, Tuple[str, ...]] = {
    "srt": (".srt",),
    "vtt": (".vtt",),
    "ass": (".ass", ".ssa"),
    "ssa": (".ssa", ".ass"),
    "microdvd": (".sub", ".txt"),
    "mpl2": (".txt", ".mpl", ".mpl2", ".sub"),
    "tmp": (".txt", ".tmp", ".sub"),
    "json": (".json",),
    "ttml": (".ttml", ".dfxp", ".xml"),
}
# What stands beside the language in a name, and says something else.
_REMARKS = frozenset({"forced", "foreign", "sdh", "cc", "hi", "impaired", "default"})


def read(path: str) -> bytes:
    """The whole file.

    :raises InputError: it is missing, empty, no file, too large, or may not be read.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path} is a folder. Give the name of a subtitle file.")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is a device or a pipe. Give the name of a subtitle file.")
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist. Check the name.") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read. Change its permissions, or choose another file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({_reason(error)}). Choose another file.") from error
    if len(data) > MAX_SIZE:
        raise InputError(f"{path} is larger than {_MAX_MEGABYTES} MB. Choose a file such as .srt, .ass or .vtt.")
    return data


def output_path(source_path: str, target_code: str, fmt: str = "") -> str:
    """Where the translation of a file goes: beside it, with the code of the target language in the name.

    ``film.srt`` and ``film.en.srt`` become ``film.es.srt``, ``film.eng.forced.srt`` becomes ``film.es.forced.srt``. A
    part of the name is taken for a language as ``translate.languages.from_suffix`` takes it; the first never is. The
    extension becomes lower-case, and that of ``fmt`` where the file has one of another format. The result is never the
    source, not even where file names have no case: ``film.es.srt`` in Spanish becomes ``film.es.es.srt``.

    :param target_code: ``Language.code``, which is safe in a file name.
    :param fmt: ``Document.format``.
    """
    folder, name = os.path.split(source_path)
    stem, extension = os.path.splitext(name)
    extension = extension.lower()
    usual = _EXTENSIONS.get(fmt)
    if usual is not None and extension not in usual:
        if not _is_extension(extension):
            stem = name
        extension = usual[0]
    parts = stem.split(".")
    place = _remarks_from(parts)
    has_language = place > 1 and from_suffix(parts[place - 1]) is not None
    made = ".".join([*parts[: place - has_language], target_code, *parts[place:]]) + extension
    if made.casefold() == name.casefold():
        made = ".".join([*parts[:place], target_code, *parts[place:]]) + extension
    return os.path.join(folder, made)


def same_file(first: str, second: str) -> bool:
    """Whether both names lead to one file, be it by a link or by another case of letters."""
    try:
        return os.path.samefile(first, second)
    except (OSError, ValueError):
        return os.path.normcase(os.path.realpath(first)) == os.path.normcase(os.path.realpath(second))


def refuse_other_format(path: str, fmt: str) -> None:
    """Let pass a name that does not say that another format is in it than ``fmt`` (``Document.format``).

    :raises ConfigError: it does; formats are not converted.
    """
    own = _EXTENSIONS.get(fmt)
    named = os.path.splitext(path)[1].lower()
    if own is not None and named not in own and any(named == others[0] != ".txt" for others in _EXTENSIONS.values()):
        raise ConfigError(f"Formats are not converted: instead of {path} choose a name that ends in {own[0]}.")


def refuse_other_than_file(path: str, advice: str) -> None:
    """Let pass what is a regular file or not there: anything else must not make room for one.

    :raises InputError: what ``path`` is instead, and ``advice`` on what to do.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return  # whoever tries to write it is told why that cannot be done
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path} is a folder. {advice}")
    if not stat.S_ISREG(status.st_mode) or any(map(partial(_is_stream, status), (1, 2))):
        raise InputError(f"{path} is a device, a pipe or where this program prints to. {advice}")


def _is_stream(status: os.stat_result, descriptor: int) -> bool:
    """``/dev/stdout`` leads to a file when it is redirected to one."""
    try:
        return os.path.samestat(status, os.fstat(descriptor))
    except OSError:
        return False


def write_atomically(path: str, data: bytes) -> None:
    """Write ``data`` to ``path``, as ``replacing`` does.

    :raises InputError: as there.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """What is written to this takes the place of ``path`` when the block ends well: nobody ever sees a part of it.

    An existing file keeps its permissions, and a link stays a link to what is then written.

    :raises InputError: the folder is missing, full or read-only, or ``path`` cannot be a file.
    """
    refuse_other_than_file(path, "Choose another place.")
    unfinished = ""
    try:
        target = os.path.realpath(path)
        unfinished = os.path.join(os.path.dirname(target), f".{secrets.token_hex(8)}.tmp")
        with _made(unfinished) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _keep_permissions(target, unfinished)
        os.replace(unfinished, target)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be written ({_reason(error)}). Choose another place or make room.") from error
    finally:
        with suppress(OSError):
            os.unlink(unfinished)  # still there only when one of the above went wrong


def _made(path: str) -> BinaryIO:
    # Opened here and not by tempfile, whose files are private: this one is to be as readable as the user's umask says.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb")


def _keep_permissions(existing: str, new: str) -> None:
    # Network shares and FAT refuse this, and have no permissions to keep.
    with suppress(OSError):
        os.chmod(new, stat.S_IMODE(os.stat(existing).st_mode))


def _remarks_from(parts: List[str]) -> int:
    """The index from which on all parts are remarks such as ``forced``."""
    place = len(parts)
    while place > 1 and parts[place - 1].lower() in _REMARKS:
        place -= 1
    # Alone, "hi" is Hindi.
    if place < len(parts) and parts[place].lower() == "hi" and (place == 1 or from_suffix(parts[place - 1]) is None):
        place += 1
    return place


def _is_extension(text: str) -> bool:
    """Whether it looks like one, rather than like the end of a title (``film.2010``, ``Mr. Nobody``)."""
    return re.fullmatch(r"\.[a-z][a-z0-9]{1,4}", text) is not None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
