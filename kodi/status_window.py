"""The live picture of the connections: a table that is read anew each second until it is closed."""

from typing import Any, Callable, List, Mapping, Optional, Sequence

import xbmc
import xbmcgui

from kodi import addon, status, strings, vfs
from kodi.strings import localised

REFRESH = 1.0  # seconds
ROWS = 3  # endpoints; whoever uses more sees the busiest

# Kodi lays such windows out on 1280 x 720, whatever the screen.
_LEFT, _TOP, _WIDTH = 90, 190, 1100
_ROW, _LINE = 66, 30
_COLUMN = _WIDTH // len(status.COLUMNS)
_GREY, _WHITE = "0xFFA0A8AC", "0xFFFFFFFF"
_CENTRED = 0x00000002  # XBFONT_CENTER_X
_CLOSING = (xbmcgui.ACTION_PREVIOUS_MENU, xbmcgui.ACTION_NAV_BACK, xbmcgui.ACTION_STOP)

Endpoints = Sequence[Mapping[str, Any]]


class StatusWindow(xbmcgui.WindowDialog):
    """The table; it knows no one to ask."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        height = 2 * _LINE + ROWS * _ROW + 110
        self._add_image("panel.png", _LEFT - 30, _TOP - 60, _WIDTH + 60, height)
        self._add_label(localised(strings.STATUS), _LEFT, _TOP - 45, _WIDTH, font="font14")
        for index, column in enumerate(status.COLUMNS):
            self._add_label(localised(column), *self._cell(index, _TOP + _LINE), colour=_GREY)
        self._hosts = [self._add_label("", _LEFT, self._row(row), _WIDTH) for row in range(ROWS)]
        self._cells = [
            [self._add_label("", *self._cell(index, self._row(row) + _LINE)) for index in range(len(status.COLUMNS))]
            for row in range(ROWS)
        ]
        self._button = self._add_button(localised(strings.CLOSE), _TOP + height - 115)

    def fill(self, endpoints: Endpoints) -> None:
        """Show these, rows of ``status.as_data``."""
        for row in range(ROWS):
            shown = endpoints[row] if row < len(endpoints) else None
            self._hosts[row].setLabel(status.heading(shown) if shown else "")
            for cell, text in zip(self._cells[row], status.figures(shown) if shown else [""] * len(status.COLUMNS)):
                cell.setLabel(text)
        if not endpoints:
            self._hosts[0].setLabel(localised(strings.NO_CONNECTIONS))

    def onAction(self, action: xbmcgui.Action) -> None:  # noqa: N802  # Kodi's name
        if action.getId() in _CLOSING:
            self._end()

    def onControl(self, control: xbmcgui.Control) -> None:  # noqa: N802  # Kodi's name
        self._end()

    def _end(self) -> None:
        self.closed = True
        self.close()

    def _row(self, row: int) -> int:
        return _TOP + 2 * _LINE + 10 + row * _ROW

    def _cell(self, index: int, top: int) -> List[int]:
        return [_LEFT + index * _COLUMN, top, _COLUMN]

    def _add_label(
        self, text: str, left: int, top: int, width: int, *, font: str = "font12", colour: str = _WHITE
    ) -> xbmcgui.ControlLabel:
        centred = _CENTRED if width == _COLUMN else 0
        label = xbmcgui.ControlLabel(left, top, width, _LINE, text, font=font, textColor=colour, alignment=centred)
        self.addControl(label)
        return label

    def _add_image(self, name: str, left: int, top: int, width: int, height: int) -> None:
        self.addControl(xbmcgui.ControlImage(left, top, width, height, _texture(name)))

    def _add_button(self, text: str, top: int) -> xbmcgui.ControlButton:
        left, width = _LEFT + _WIDTH // 2 - 90, 180
        button = xbmcgui.ControlButton(
            left, top, width, 40, text, _texture("focus.png"), _texture("panel.png"), alignment=_CENTRED | 0x00000004
        )
        self.addControl(button)
        self.setFocus(button)
        return button


def show(fetch: Callable[[], Optional[Endpoints]]) -> None:
    """Show what ``fetch`` returns, again and again, until the person closes it, Kodi ends, or it returns None."""
    monitor, window = xbmc.Monitor(), StatusWindow()
    window.show()
    while not window.closed:
        endpoints = fetch()
        if endpoints is None:
            break
        window.fill(endpoints)
        if monitor.waitForAbort(REFRESH):
            break
    window.close()


def _texture(name: str) -> str:
    return vfs.join(vfs.join(vfs.join(addon.folder(), "resources"), "media"), name)
