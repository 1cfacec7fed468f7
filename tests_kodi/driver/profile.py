"""A fresh home for a Kodi: its own settings, the add-on's, and everything installed."""

import socket
from pathlib import Path
from typing import List, Mapping
from xml.sax.saxutils import escape

from tests_kodi.driver import package

_KODI = """<settings version="2">
  <setting id="services.webserver">true</setting>
  <setting id="services.webserverport">{port}</setting>
  <setting id="services.webserverauthentication">false</setting>
  <setting id="services.esenabled">false</setting>
  <setting id="services.zeroconf">false</setting>
  <setting id="general.addonupdates">2</setting>
  <setting id="addons.unknownsources">true</setting>
  <setting id="locale.subtitlelanguage">Spanish</setting>
  <setting id="subtitles.languages">English,Spanish</setting>
  <setting id="audiooutput.guisoundmode">0</setting>
  <setting id="screensaver.mode"></setting>
  <setting id="lookandfeel.enablerssfeeds">false</setting>
</settings>
"""
_ADVANCED = '<advancedsettings version="1.0"><loglevel hide="false">1</loglevel></advancedsettings>\n'
_SOURCES = """<sources>
  <video><source><name>Films</name><path pathversion="1">{films}/</path></source></video>
  <files><source><name>Stick</name><path pathversion="1">{stick}/</path></source></files>
</sources>
"""

# Without any sound device Kodi looks for one for 6 s at each start, and again twice a second while it plays.
_SOUND = "pcm.!default { type null }\nctl.!default { type null }\n"


class Profile:
    """A home with two sources of files, as a person would have added them.

    :ivar home: for ``HOME``. :ivar port: of JSON-RPC. :ivar addons: their ids, those first that others need.
    :ivar films: the folder behind the source ``Films``. :ivar stick: that behind the source ``Stick``.
    """

    def __init__(self, home: Path, commit: str = "HEAD") -> None:
        self.home = home
        self.port = _free_port()
        self.userdata = home / ".kodi" / "userdata"
        self.userdata.mkdir(parents=True)
        (home / ".kodi" / "addons").mkdir()
        self.addons: List[str] = package.install(home / ".kodi" / "addons", commit)
        self.films, self.stick = home / "films", home / "stick"
        self.films.mkdir()
        self.stick.mkdir()
        sources = _SOURCES.format(films=self.films, stick=self.stick)
        (self.userdata / "sources.xml").write_text(sources, encoding="utf-8")
        (self.userdata / "guisettings.xml").write_text(_KODI.format(port=self.port), encoding="utf-8")
        (home / ".asoundrc").write_text(_SOUND, encoding="utf-8")
        (self.userdata / "advancedsettings.xml").write_text(_ADVANCED, encoding="utf-8")

    @property
    def log(self) -> Path:
        return self.home / ".kodi" / "temp" / "kodi.log"

    @property
    def addon_data(self) -> Path:
        return self.userdata / "addon_data" / package.ID

    def write_settings(self, values: Mapping[str, str]) -> None:
        """The add-on's settings, as Kodi stores them; only while no Kodi runs on this profile."""
        self.addon_data.mkdir(parents=True, exist_ok=True)
        lines = "".join(f'  <setting id="{name}">{escape(value)}</setting>\n' for name, value in values.items())
        path = self.addon_data / "settings.xml"
        path.write_text(f'<settings version="2">\n{lines}</settings>\n', encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
