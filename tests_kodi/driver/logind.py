"""What Kodi needs of systemd's logind, as a program that Debian's own Python runs, for its D-Bus.

Its argument is the address of a bus. A line ``sleep`` or ``wake`` on its input is what the machine does. It writes a
line for what happens: ``ready``; ``held`` and ``released``, when Kodi puts sleep off, and when it lets it go on.
"""

import os
import sys
from typing import Any, List, Tuple

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME, PATH, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


class Manager(dbus.service.Object):  # type: ignore[misc]
    @dbus.service.method(MANAGER, out_signature="a(so)")  # type: ignore[misc]
    def ListSeats(self) -> List[Tuple[str, Any]]:  # noqa: N802  # logind's names, here and below
        """By its answer Kodi tells that there is a logind."""
        return [("seat0", dbus.ObjectPath(f"{PATH}/seat/seat0"))]

    @dbus.service.method(MANAGER, in_signature="ssss", out_signature="h")  # type: ignore[misc]
    def Inhibit(self, what: str, who: str, why: str, mode: str) -> Any:  # noqa: N802
        """Sleep is put off until the other end closes what it is given here."""
        ours, theirs = os.pipe()
        GLib.io_add_watch(ours, GLib.IO_HUP, lambda *_: self._let_go(ours))
        given = dbus.types.UnixFd(theirs)
        os.close(theirs)
        say("held")
        return given

    def _let_go(self, held: int) -> bool:
        os.close(held)
        say("released")
        return False  # it happens once

    @dbus.service.signal(MANAGER, signature="b")  # type: ignore[misc]
    def PrepareForSleep(self, start: bool) -> None:  # noqa: N802
        """Sent before the machine sleeps, with True, and after it woke up, with False."""


def main() -> None:
    DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(sys.argv[1])
    name = dbus.service.BusName(NAME, bus)
    manager, loop = Manager(bus, PATH, name), GLib.MainLoop()

    def listen(*_: Any) -> bool:
        line = sys.stdin.readline()
        if line:
            manager.PrepareForSleep(line.strip() == "sleep")
        else:
            loop.quit()
        return bool(line)

    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, listen)
    say("ready")
    loop.run()


if __name__ == "__main__":
    main()
