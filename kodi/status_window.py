"""The live picture of the connections: a table that is read anew each second until it is closed."""

from typing import Any, Callable, List, Mapping, Optional

import xbmc
import xbmcgui

from kodi import addon, status, strings, vfs
from kodi.strings import localised

REFRESH = 1.0  # seconds
ROWS = 3  # endpoints; whoever uses more sees the busiest, and how many there are besides

# Kodi lays such windows out on 1280 x 720, whatever the screen.
_LEFT, _TOP, _WIDTH = 90, 190, 1100
_ROW, _LINE = 100, 30
_COLUMN = _WIDTH // len(status.COLUMNS)
_GREY, _WHITE, _ORANGE, _DIM, _BLUE = "0xFFA0A8AC", "0xFFFFFFFF", "0xFFF0A55A", "0x40FFFFFF", "0xFF4DC4D9"

# On the right of a row's first line: how much is in use, and the last minutes.
_GAUGE, _SPARKS = _LEFT + 650, _LEFT + 830
_GAUGE_WIDTH, _BAR, _HIGH = 150, 9, 24
_BUSY = 0.85  # in use: another colour from here on
_CENTRED = 0x00000002  # XBFONT_CENTER_X
_CLOSING = (xbmcgui.ACTION_PREVIOUS_MENU, xbmcgui.ACTION_NAV_BACK, xbmcgui.ACTION_STOP)

Answer = Mapping[str, Any]


class StatusWindow(xbmcgui.WindowDialog):
    """The table; it knows no one to ask."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        height = 2 * _LINE + ROWS * _ROW + 140
        self._add_image("panel.png", _LEFT - 30, _TOP - 60, _WIDTH + 60, height)
        self._add_label(localised(strings.STATUS), _LEFT, _TOP - 45, _WIDTH, font="font14")
        for index, column in enumerate(status.COLUMNS):
            self._add_label(localised(column), *self._cell(index, _TOP + _LINE), colour=_GREY)
        self._add_label(localised(strings.IN_USE), _GAUGE, _TOP, _SPARKS - _GAUGE, colour=_GREY)
        self._add_label(localised(strings.LAST_MINUTES), _SPARKS, _TOP, _LEFT + _WIDTH - _SPARKS, colour=_GREY)
        self._rows = [_Row(self, _TOP + 2 * _LINE + 10 + row * _ROW) for row in range(ROWS)]
        self._foot = self._add_label("", _LEFT, _TOP + height - 150, _WIDTH, colour=_GREY)
        self._button = self._add_button(localised(strings.CLOSE), _TOP + height - 115)

    def fill(self, answer: Answer) -> None:
        """Show this: rows of ``status.as_data``, and the address of the status page, if there is one."""
        endpoints = answer["endpoints"]
        for place, row in enumerate(self._rows):
            row.fill(endpoints[place] if place < len(endpoints) else None)
        if not endpoints:
            self._rows[0].say(localised(strings.NO_CONNECTIONS))
        more, address = len(endpoints) - ROWS, answer["address"]
        foot = [localised(strings.MORE_ENDPOINTS, count=more)] if more > 0 else []
        foot += [localised(strings.STATUS_PAGE, address=address)] if address else []
        self._foot.setLabel("   ".join(foot))

    def onAction(self, action: xbmcgui.Action) -> None:  # noqa: N802  # Kodi's name
        if action.getId() in _CLOSING:
            self._end()

    def onControl(self, control: xbmcgui.Control) -> None:  # noqa: N802  # Kodi's name
        self._end()

    def _end(self) -> None:
        self.closed = True
        self.close()

    def _cell(self, index: int, top: int) -> List[int]:
        return [_LEFT + index * _COLUMN, top, _COLUMN]

    def _add_label(
        self, text: str, left: int, top: int, width: int, *, font: str = "font12", colour: str = _WHITE
    ) -> xbmcgui.ControlLabel:
        centred = _CENTRED if width == _COLUMN else 0
        label = xbmcgui.ControlLabel(left, top, width, _LINE, text, font=font, textColor=colour, alignment=centred)
        self.addControl(label)
        return label

    def _add_image(
        self, name: str, left: int, top: int, width: int, height: int, colour: str = ""
    ) -> xbmcgui.ControlImage:
        image = xbmcgui.ControlImage(left, top, width, height, _texture(name), colorDiffuse=colour)
        self.addControl(image)
        return image

    def _add_button(self, text: str, top: int) -> xbmcgui.ControlButton:
        left, width = _LEFT + _WIDTH // 2 - 90, 180
        button = xbmcgui.ControlButton(
            left, top, width, 40, text, _texture("focus.png"), _texture("panel.png"), alignment=_CENTRED | 0x00000004
        )
        self.addControl(button)
        self.setFocus(button)
        return button


class _Spark:
    """A bar that stands on ``foot``."""

    def __init__(self, window: StatusWindow, left: int, foot: int) -> None:
        self._left, self._foot = left, foot
        self._image = window._add_image("bar.png", left, foot, _BAR - 2, 1, _BLUE)

    def show(self, height: int) -> None:
        self._image.setVisible(height > 0)
        self._image.setHeight(max(1, height))
        self._image.setPosition(self._left, self._foot - height)


class _Row:
    """One endpoint: its name with a gauge and the last minutes, its figures, and what there is to say about it.

    Bars are pictures: the fonts of Kodi's own skin have no block characters.
    """

    def __init__(self, window: StatusWindow, top: int) -> None:
        self._host = window._add_label("", _LEFT, top, _GAUGE - _LEFT)
        self._cells = [window._add_label("", *window._cell(index, top + _LINE)) for index in range(len(status.COLUMNS))]
        self._note = window._add_label("", _LEFT, top + 2 * _LINE, _WIDTH, font="font10", colour=_GREY)
        self._rail = window._add_image("bar.png", _GAUGE, top + 8, _GAUGE_WIDTH, 14, _DIM)
        self._gauge = window._add_image("bar.png", _GAUGE, top + 8, 1, 14, _BLUE)
        self._ground = window._add_image("bar.png", _SPARKS, top + _HIGH + 2, status.BARS * _BAR, 2, _DIM)
        self._sparks = [_Spark(window, _SPARKS + index * _BAR, top + _HIGH + 2) for index in range(status.BARS)]
        self.fill(None)

    def say(self, text: str) -> None:
        """Only this, in place of an endpoint."""
        self._host.setLabel(text)

    def fill(self, shown: Optional[Mapping[str, Any]]) -> None:
        """Show a row of ``status.as_data``, or nothing."""
        self._host.setLabel(shown["host"] if shown else "")
        for cell, text in zip(self._cells, status.figures(shown) if shown else [""] * len(self._cells)):
            cell.setLabel(text)
        self._note.setLabel(status.note(shown) if shown else "")
        for image in (self._rail, self._ground):
            image.setVisible(shown is not None)
        self._fill_gauge(min(1.0, shown["utilisation"]) if shown else 0.0)
        for spark, height in zip(self._sparks, status.heights(shown["lately"] if shown else [0] * status.BARS, _HIGH)):
            spark.show(height)

    def _fill_gauge(self, share: float) -> None:
        self._gauge.setVisible(share > 0)
        self._gauge.setWidth(max(1, round(_GAUGE_WIDTH * share)))
        self._gauge.setColorDiffuse(_ORANGE if share > _BUSY else _BLUE)


def show(fetch: Callable[[], Optional[Answer]]) -> None:
    """Show what ``fetch`` returns, again and again, until the person closes it, Kodi ends, or it returns None."""
    monitor, window = xbmc.Monitor(), StatusWindow()
    window.show()
    while not window.closed:
        answer = fetch()
        if answer is None:
            break
        window.fill(answer)
        if monitor.waitForAbort(REFRESH):
            break
    window.close()


def _texture(name: str) -> str:
    return vfs.join(vfs.join(vfs.join(addon.folder(), "resources"), "media"), name)
