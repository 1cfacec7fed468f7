"""Which subtitle files belong to a film, what language each is in, and where a translation goes.

Everything here works on names and lists of names; reading and writing is ``kodi.vfs``, whose file is whose is
``kodi.ownership``.
"""

import os
import re
from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

from kodi import vfs
from translate import documents
from translate.languages import Language, from_suffix

EXTENSIONS = (".srt", ".ass", ".ssa", ".vtt", ".sub", ".smi", ".txt")
#: Folders beside a film in which Kodi looks for its subtitles too.
SUBFOLDERS = frozenset({"subs", "subtitles"})

_FILE_SCHEMES = frozenset({"", "file", "special", "smb", "nfs", "sftp", "ftp", "ftps", "dav", "davs"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_FORCED = frozenset({"forced", "foreign"})
_IMPAIRED = frozenset({"sdh", "cc", "hi", "impaired"})
_REMARKS = _FORCED | _IMPAIRED | {"default"}
_SEPARATORS = ".-_ ["
BACKUP = "bak"


@dataclass(frozen=True)
class Candidate:
    """A subtitle file of a film.

    :ivar language: by its name, or None where the name does not say.
    :ivar forced: only holds what is foreign in the film itself, so it is no subtitle for all of it.
    :ivar impaired: for the hard of hearing: it tells of sounds too.
    """

    path: str
    language: Optional[Language]
    forced: bool
    impaired: bool = False

    @property
    def name(self) -> str:
        return vfs.base_name(self.path)


def scheme_of(path: str) -> str:
    found = _SCHEME.match(path)
    return found.group(1).lower() if found else ""


def is_film_file(path: str) -> bool:
    """Whether there can be subtitle files beside it: not so for streams, plug-ins, discs and stacks of files."""
    return bool(path) and scheme_of(path) in _FILE_SCHEMES


def is_subtitle(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in EXTENSIONS


def same_path(first: str, second: str) -> bool:
    """Whether both may be one file; many file systems do not tell ``Film`` from ``film``."""
    return first.replace("\\", "/").casefold() == second.replace("\\", "/").casefold()


def stem_of(path: str) -> str:
    """The name of a film without folder and extension."""
    return os.path.splitext(vfs.base_name(path))[0]


def candidates(film: str, folder: str, names: Iterable[str]) -> List[Candidate]:
    """The subtitle files of ``film`` among the ``names`` in ``folder``, by name."""
    found = []
    for name in sorted(names):
        rest = _rest_of(stem_of(film), name)
        if rest is not None:
            found.append(Candidate(folder + name, *_read_rest(rest)))
    return found


def in_language(found: Iterable[Candidate], wanted: Language) -> List[Candidate]:
    """Those in ``wanted``; Spanish is Spanish, of whatever region."""
    return [one for one in found if one.language is not None and same_language(one.language, wanted)]


def same_language(first: Language, second: Language) -> bool:
    """Whether someone who wants one is served by the other: the same base, and the same script where both have one."""
    return first.base == second.base and (not first.script or not second.script or first.script == second.script)


def is_kodi_language(code: str, wanted: Language) -> bool:
    """Whether Kodi's ``code`` of a stream (``spa``, ``es``, ``pt-br``) stands for ``wanted``."""
    language = from_suffix(code) if code else None
    return language is not None and same_language(language, wanted)


def output_name(film: str, source: str, target: Language, fmt: str, *, forced: bool = False) -> str:
    """The name of a translation that Kodi will find by itself the next time: the film's own name and the language."""
    extension = os.path.splitext(documents.output_path("x" + os.path.splitext(source)[1], target.code, fmt))[1]
    return f"{stem_of(film)}.{target.code}{'.forced' if forced else ''}{extension}"


def backup_name(path: str) -> str:
    """``film.es.bak.srt`` of ``film.es.srt``."""
    stem, extension = os.path.splitext(path)
    return f"{stem}.{BACKUP}{extension}"


def best_sources(found: Sequence[Candidate], target: Language, preferred: Optional[Language]) -> List[Candidate]:
    """Those that can be translated into ``target``, the best first: whole ones, the wished language, English.

    Of one language, those of words alone go before those for the hard of hearing; else the order of ``found`` holds.
    """
    fitting = [one for one in found if one.language is None or not same_language(one.language, target)]

    def rank(one: Candidate) -> Tuple[bool, ...]:
        language = one.language
        wished = preferred is not None and language is not None and same_language(language, preferred)
        english = language is not None and language.base == "en"
        return one.forced, not wished, not english, language is None, one.impaired

    return sorted(fitting, key=rank)


def _rest_of(stem: str, name: str) -> Optional[str]:
    """What stands between the film's name and the extension, or None when ``name`` is no subtitle of that film."""
    if not is_subtitle(name):
        return None
    own = os.path.splitext(name)[0]
    if not own.casefold().startswith(stem.casefold()):
        return None
    rest = own[len(stem) :]
    if rest and rest[0] not in _SEPARATORS:
        return None
    return None if rest.lower().endswith("." + BACKUP) else rest


def _read_rest(rest: str) -> Tuple[Optional[Language], bool, bool]:
    """Its language, whether it is forced, and whether it is for the hard of hearing."""
    parts = [part for part in re.split(r"[.\s\[\]()_]+", rest) if part]
    spoken = [part for part in parts if part.lower() not in _REMARKS] or [part for part in parts if part == "hi"]
    marks = {part.lower() for part in parts if part not in spoken}
    found = (from_suffix(part) for part in reversed(spoken))
    language = next((one for one in found if one is not None), None)
    return language, bool(marks & _FORCED), bool(marks & _IMPAIRED)
