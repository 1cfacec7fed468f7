"""What a person sees and answers: notices, questions, lists, progress. Nothing here decides anything."""

import unicodedata
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, Sequence

import xbmc
import xbmcgui

from kodi import addon, log, strings
from kodi.strings import localised

NOTICE_SECONDS = 6
NOTICE_WIDTH = 60  # letters that Kodi's own skin can show in that time, scrolling; a Chinese one counts for two


def notice(text: str, *, error: bool = False) -> None:
    """A few words in the corner of the screen for some seconds; returns at once."""
    _note(text)
    icon = xbmcgui.NOTIFICATION_ERROR if error else addon.icon()
    xbmcgui.Dialog().notification(addon.name(), text, icon, NOTICE_SECONDS * 1000, sound=False)


def say(text: str, *, error: bool = False) -> None:
    """A notice, or what stays until it is read where that is too long for one."""
    if width(text) <= NOTICE_WIDTH:
        notice(text, error=error)
    else:
        tell(text)


def width(text: str) -> int:
    """In letters of the Latin alphabet."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def tell(text: str) -> None:
    """A message that stays until it is read."""
    _note(text)
    xbmcgui.Dialog().ok(addon.name(), text)


def confirm(text: str, yes: int, no: int = strings.CANCEL, *, seconds: int = 0, heading: str = "") -> bool:
    """Whether the person says yes; ``yes`` and ``no`` are ids of texts.

    :param seconds: after this many, no answer is a no; 0 waits.
    """
    _note(text)
    return bool(
        xbmcgui.Dialog().yesno(
            heading or addon.name(),
            text,
            nolabel=localised(no),
            yeslabel=localised(yes),
            autoclose=seconds * 1000,
        )
    )


def take_back_question() -> None:
    """Close the question that is on the screen, as a no."""
    xbmc.executebuiltin("Dialog.Close(yesnodialog,true)")


def figures(lines: int, tokens: int, cost: Optional[float], model: str) -> str:
    """What a translation is going to take, in one line."""
    return localised(
        strings.CONFIRM_FIGURES, lines=f"{lines:,}", tokens=f"{tokens:,}", price=price_words(cost), model=model
    )


def price_words(cost: Optional[float]) -> str:
    """US dollars, to the cent, or to the tenth of one where it is less."""
    if cost is None:
        return localised(strings.PRICE_UNKNOWN)
    if cost == 0:
        return localised(strings.PRICE, dollars="$0")
    return localised(strings.PRICE, dollars=f"${cost:.2f}" if cost >= 0.01 else f"${cost:.3f}")


def choose(heading: str, items: Sequence[str], preselect: int = -1) -> Optional[int]:
    """Which of the items the person chose, or None."""
    chosen = xbmcgui.Dialog().select(heading, list(items), preselect=preselect)
    return chosen if chosen >= 0 else None


def ask_text(heading: str, text: str = "", *, hidden: bool = False) -> str:
    """What the person typed, or ``""``; a key is typed in sight once, and never shown again."""
    option = xbmcgui.ALPHANUM_HIDE_INPUT if hidden else 0
    return xbmcgui.Dialog().input(heading, text, xbmcgui.INPUT_ALPHANUM, option).strip()


def ask_file(heading: str, mask: str = "", *, share: str = "files") -> str:
    """The path of a file that the person chose, or ``""``.

    :param mask: endings such as ``.txt|.key``.
    :param share: which of Kodi's sources the person begins with: ``files`` or ``video``.
    """
    chosen = xbmcgui.Dialog().browseSingle(1, heading, share, mask)
    return chosen if chosen and not chosen.endswith(("/", "\\")) else ""


def show_text(heading: str, text: str) -> None:
    """A page that can be scrolled, until it is closed."""
    xbmcgui.Dialog().textviewer(heading, text)


class Progress:
    """The bar in the corner; it takes no key and covers nothing of what is played."""

    def __init__(self, heading: str, text: str = "") -> None:
        self._dialog = xbmcgui.DialogProgressBG()
        self._dialog.create(heading, text)

    def update(self, done: int, total: int) -> None:
        """``done`` of ``total`` lines."""
        percent = 100 * done // total if total else 100
        self._dialog.update(percent, message=localised(strings.PROGRESS_LINES, done=done, total=total))

    def close(self) -> None:
        """Calling it again does nothing."""
        if not self._dialog.isFinished():
            self._dialog.close()


@contextmanager
def working(text: str) -> Iterator[Callable[[], bool]]:
    """Show that something is under way as long as the block runs; what it gets tells whether the person gave up."""
    dialog = xbmcgui.DialogProgress()
    dialog.create(addon.name(), text)
    try:
        yield dialog.iscanceled
    finally:
        dialog.close()


def _note(text: str) -> None:
    """Into Kodi's debug log: whoever reads it later sees what the person saw."""
    xbmc.log(log.without_secrets(f"[{addon.ID}] On the screen: {text}"), xbmc.LOGDEBUG)
