"""What plays and where the playhead is; and our subtitle on the screen, as long as the person wants it there."""

import logging
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Optional, Tuple

import xbmc

from kodi.addon import call_kodi
from kodi.subtitle_files import is_kodi_language
from translate.languages import Language, from_suffix

log = logging.getLogger("subai.kodi")

JUMP = 3.0  # seconds that the playhead may be off before it counts as a seek
_VIDEO_PLAYER = 1
_SETTLES = 1.5  # seconds: Kodi takes a moment to open a subtitle, and tells for a second what was there before
_SWITCHES = 2.0  # seconds in which Kodi goes to full screen after a film began, if it does
_STEP = 0.05


@dataclass(frozen=True)
class Stream:
    """A subtitle that Kodi can show, as Kodi tells it: ``spa``, ``(External)``; a language with a region as we do."""

    index: int
    language: str
    name: str
    forced: bool

    @property
    def base(self) -> str:
        """The code that we have for its language, without region (``es``), or Kodi's own where we have none."""
        language = from_suffix(self.language) if self.language else None
        return language.base if language else self.language


class Playhead:
    """Tells a seek from playing on; positions in seconds of film, instants of ``time.monotonic``."""

    def __init__(self) -> None:
        self._last: Optional[float] = None
        self._at = 0.0

    def moved(self, position: float, now: float) -> bool:
        """Whether the playhead jumped since it was last told."""
        last, passed = self._last, now - self._at
        self._last, self._at = position, now
        # It may have stood still (paused, buffering) or run faster than life; only what neither explains is a jump.
        return last is not None and not last - JUMP <= position <= last + 2 * passed + JUMP


class Player(xbmc.Player):
    """Kodi's player; tells what happens to it on the service's main thread."""

    def __init__(self, on_start: Callable[[], None], on_stop: Callable[[], None]) -> None:
        super().__init__()
        self._on_start = on_start
        self._on_stop = on_stop

    def onAVStarted(self) -> None:  # noqa: N802  # Kodi's name
        self._on_start()

    def onPlayBackStopped(self) -> None:  # noqa: N802
        self._on_stop()

    def onPlayBackEnded(self) -> None:  # noqa: N802
        self._on_stop()

    def onPlayBackError(self) -> None:  # noqa: N802
        self._on_stop()

    def playing(self) -> str:
        """The path of the video that plays in Kodi itself, or ``""``."""
        try:
            return str(self.getPlayingFile()) if self.isPlayingVideo() and not self.isExternalPlayer() else ""
        except RuntimeError:  # it ended in between
            return ""

    def plays_elsewhere(self) -> bool:
        """Whether another program does, which Kodi has started and cannot look into."""
        return bool(self.isPlayingVideo() and self.isExternalPlayer())

    def position(self) -> float:
        """Seconds into the film; 0 when nothing plays."""
        try:
            return float(self.getTime())
        except RuntimeError:
            return 0.0


class Screen:
    """Our subtitle in Kodi's player.

    No API names the file of a stream, so what became current when ours was shown is remembered as ours; as soon as
    something else is, or subtitles are off, the person chose so and it stays.
    """

    def __init__(self, player: Player, wait: Callable[[float], bool]) -> None:
        self._player = player
        self._wait = wait
        self._shown: Dict[str, Tuple[Stream, Optional[Stream]]] = {}  # path -> the stream it became, and the one before

    def await_full_screen(self) -> bool:
        """Let Kodi switch to the film, which closes every dialog that is open; False: the add-on ends.

        A film may go on playing in a corner instead.
        """
        for _ in range(int(_SWITCHES / _STEP)):
            if xbmc.getCondVisibility("Window.IsActive(fullscreenvideo)"):
                break
            if self._wait(_STEP):
                return False
        return True

    def forget(self) -> None:
        """Another film plays: nothing of ours is on the screen."""
        self._shown.clear()

    def show(self, path: str, language: Language) -> None:
        """Show it for the first time, instead of whatever is shown now."""
        before = current_stream()
        self._player.setSubtitles(path)
        self._player.showSubtitles(True)
        self._remember(path, language, before)

    def prefer(self, language: Language) -> bool:
        """Choose the stream in ``language``, unless subtitles are off; False if there is none.

        Kodi remembers the number of the stream that it showed the last time, and numbers have moved since ours came.
        When a film has just begun, Kodi may not have opened it yet.
        """
        now = self._changed(None)
        if now is None or is_kodi_language(now.language, language):
            return True
        fitting = [one for one in streams() if not one.forced and is_kodi_language(one.language, language)]
        if fitting:
            self._player.setSubtitleStream(fitting[0].index)
        return bool(fitting)

    def show_theirs(self, path: str) -> None:
        """Show a file that is not ours, and stays as it is."""
        self._player.setSubtitles(path)
        self._player.showSubtitles(True)

    def was_chosen(self, path: str, language: Language, before: Optional[Stream]) -> None:
        """Kodi shows ``path`` instead of ``before``, as it was copied: the person chose it in Kodi's dialog.

        Whatever is shown instead a moment later is what they chose after that.
        """
        self._remember(path, language, before)

    def is_shown(self, path: str) -> bool:
        return path in self._shown

    def refresh(self, path: str) -> bool:
        """Have Kodi read it anew, if it is on the screen; whether it was."""
        ours, _ = self._shown.get(path, (None, None))
        if ours is None or ours != current_stream():
            return False
        self._player.setSubtitles(path)
        return True

    def take_back(self, path: str) -> None:
        """Show what was shown before it, if it is on the screen."""
        ours, before = self._shown.pop(path, (None, None))
        if ours is None or ours != current_stream():
            return
        same = [one for one in streams() if before is not None and replace(one, index=before.index) == before]
        if same:
            self._player.setSubtitleStream(same[0].index)
        else:
            self._player.showSubtitles(False)

    def _remember(self, path: str, language: Language, before: Optional[Stream]) -> None:
        """Wait until Kodi tells of it. Somebody may have chosen another one by then: ours is in its own language."""
        now = self._changed(before)
        if now is None or not is_kodi_language(now.language, language):
            fitting = [one for one in streams() if is_kodi_language(one.language, language)]
            now = fitting[-1] if fitting else None if now == before else now
        if now is not None:
            self._shown[path] = now, before
            log.debug("On the screen: %s as %s", path, now)

    def _changed(self, before: Optional[Stream]) -> Optional[Stream]:
        """What is on the screen, as soon as that is something else than ``before``, or after a while."""
        end = time.monotonic() + _SETTLES
        now = current_stream()
        while (now is None or now == before) and time.monotonic() < end and not self._wait(_STEP):
            now = current_stream()
        return now


def current_stream() -> Optional[Stream]:
    """The subtitle on the screen, or None while there is none or they are off."""
    result = _properties("currentsubtitle", "subtitleenabled")
    return _stream(result.get("currentsubtitle")) if result.get("subtitleenabled") else None


def streams() -> List[Stream]:
    """All that Kodi can show of the film that plays."""
    found = (_stream(one) for one in _properties("subtitles").get("subtitles") or ())
    return [one for one in found if one is not None]


def understands(language: Language) -> bool:
    """Whether the film is in ``language`` or has a subtitle in it; forced ones only cover what is foreign in a film."""
    audio = _properties("currentaudiostream").get("currentaudiostream")
    heard = str(audio.get("language", "")) if isinstance(audio, dict) else ""
    return is_kodi_language(heard, language) or any(
        not one.forced and is_kodi_language(one.language, language) for one in streams()
    )


def film_facts() -> Dict[str, Any]:
    """What Kodi knows about the film that plays."""
    wanted = ["title", "year", "plot", "plotoutline", "showtitle", "season", "episode", "cast", "file", "tvshowid"]
    result = call_kodi("Player.GetItem", playerid=_VIDEO_PLAYER, properties=wanted)
    item = result.get("item") if isinstance(result, dict) else None
    return item if isinstance(item, dict) else {}


def _properties(*names: str) -> Dict[str, Any]:
    result = call_kodi("Player.GetProperties", playerid=_VIDEO_PLAYER, properties=list(names))
    return result if isinstance(result, dict) else {}


def _stream(told: Any) -> Optional[Stream]:
    if not isinstance(told, dict) or "index" not in told:
        return None
    language, name = str(told.get("language", "")), str(told.get("name", ""))
    return Stream(int(told["index"]), _with_region(language, name), name, bool(told.get("isforced")))


def _with_region(language: str, name: str) -> str:
    """``pt-BR`` of ``film.pt-BR.srt``: Kodi takes ``BR`` for Breton (``bre``), in a stream called ``pt (External)``."""
    code, part = xbmc.convertLanguage(language, xbmc.ISO_639_1) or language, name.partition(" ")[0]
    found = (from_suffix(tags) for tags in (f"{part}-{code}", f"{code}-{part}"))
    return next((one.code for one in found if one is not None and "-" in one.code), language)
