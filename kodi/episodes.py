"""Which episode comes after the one that plays: by Kodi's playlist, its library, or the names of the files."""

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

import xbmc

from kodi import vfs
from kodi.addon import call_kodi
from kodi.subtitle_files import is_subtitle

_NUMBERED = re.compile(r"(.*?)[ ._-]*s(\d{1,2})[ ._-]*e(\d{1,3})(?!\d)", re.IGNORECASE)
_FIELDS = ["title", "showtitle", "season", "episode", "plot", "cast", "file"]


@dataclass(frozen=True)
class Episode:
    path: str
    facts: Dict[str, Any] = field(default_factory=dict)


def next_episode(video: str, facts: Mapping[str, Any]) -> Optional[Episode]:
    """The one after ``video``, of which Kodi knows ``facts``; None for a film, the last episode, or what is unknown."""
    if facts.get("showtitle"):
        return _in_playlist() or _in_library(video, facts)
    name = following(vfs.base_name(video), _videos_in(vfs.folder_of(video)))
    return Episode(vfs.folder_of(video) + name) if name else None


def following(name: str, others: Iterable[str]) -> str:
    """The file of the next episode, as ``Show.S01E02.mkv`` is followed by ``Show.S01E03.mkv``; ``""`` if none is."""
    own = _number(name)
    if own is None:
        return ""
    numbered = ((_number(other), other) for other in others)
    later = [(number, other) for number, other in numbered if number and number[0] == own[0] and number > own]
    return min(later)[1] if later else ""


def after(video: str, season: int, episode: int, known: List[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """The next of the ``known`` episodes; double episodes lie in one file, so the file must be another one too."""

    def number(one: Mapping[str, Any]) -> Any:
        return one.get("season", -1), one.get("episode", -1)

    later = [one for one in known if number(one) > (season, episode) and one.get("file") not in (None, "", video)]
    return min(later, key=number) if later else None


def _in_playlist() -> Optional[Episode]:
    playlist = xbmc.PlayList(xbmc.PLAYLIST_VIDEO)
    position = playlist.getposition() + 1
    if not 0 < position < playlist.size():
        return None
    result = call_kodi("Playlist.GetItems", playlistid=1, properties=_FIELDS)
    items = result.get("items") if isinstance(result, dict) else None
    if not isinstance(items, list) or position >= len(items):
        return None
    found: Dict[str, Any] = items[position]
    return Episode(str(found["file"]), found) if found.get("file") else None


def _in_library(video: str, facts: Mapping[str, Any]) -> Optional[Episode]:
    show = facts.get("tvshowid")
    if not isinstance(show, int) or show < 1:
        return None
    result = call_kodi("VideoLibrary.GetEpisodes", tvshowid=show, properties=_FIELDS)
    known = result.get("episodes") if isinstance(result, dict) else None
    if not isinstance(known, list):
        return None
    found = after(video, int(facts.get("season", -1)), int(facts.get("episode", -1)), known)
    return Episode(str(found["file"]), found) if found else None


def _videos_in(folder: str) -> List[str]:
    endings = tuple(ending for ending in xbmc.getSupportedMedia("video").split("|") if ending)
    return [name for name in vfs.list_folder(folder)[1] if name.lower().endswith(endings) and not is_subtitle(name)]


def _number(name: str) -> Optional[Tuple[str, int, int]]:
    """Show, season and episode by the name of a file."""
    found = _NUMBERED.match(name)
    return (found.group(1).casefold(), int(found.group(2)), int(found.group(3))) if found else None
