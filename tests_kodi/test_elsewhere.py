"""A film that Kodi hands to another program, into which neither Kodi nor we can look."""

from pathlib import Path

from tests_kodi.conftest import Starter
from tests_kodi.driver.profile import Profile
from tests_kodi.driver.waiting import until

_ANOTHER_PROGRAM = """<playercorefactory>
  <players>
    <player name="Another" type="ExternalPlayer" audio="false" video="true">
      <filename>/bin/sleep</filename><args>20 #</args>
    </player>
  </players>
  <rules action="prepend"><rule video="true" player="Another"/></rules>
</playercorefactory>
"""


def test_nothing_is_asked_there_and_a_translation_lies_beside_the_film_afterwards(start: Starter, film: Path) -> None:
    def prepare(profile: Profile) -> None:
        (profile.userdata / "playercorefactory.xml").write_text(_ANOTHER_PROGRAM, encoding="utf-8")

    remote = start(auto_translate="ask", prepare=prepare)
    remote.rpc.call("Player.Open", item={"file": str(film)})
    until(lambda: remote.rpc.call("Player.GetActivePlayers"), "the other program")
    assert "plays in another program" in remote.message("rows")["text"]
    assert remote.message("start", source=str(film.with_name("film.en.srt")), video=str(film))["ok"]
    remote.finishes()
    assert film.with_name("film.es.srt").exists()
    assert [text for text in remote.told() if "?" in text] == []
    assert remote.kodi.complaints() == []
