"""What the person chose to be shown stays chosen the next time."""

from pathlib import Path
from typing import List, Optional, Tuple

import pytest
from kodi_fakes import FakeKodi, fake_kodi

from kodi import choices, player
from kodi.choices import OFF, STEADY, Choices, Watch
from kodi.player import Player, Screen, current_stream
from translate.languages import find

__all__ = ["fake_kodi"]

FILM, OURS = "/films/film.mkv", "/films/film.es.srt"


def test_choices_outlive_kodi_and_can_be_forgotten(tmp_path: Path) -> None:
    first = Choices(str(tmp_path))
    first.note(FILM, "en")
    first.note("/films/other.mkv", OFF)
    second = Choices(str(tmp_path))
    assert (second.of(FILM), second.of("/films/other.mkv"), second.of("/films/third.mkv")) == ("en", OFF, None)
    second.forget(FILM)
    assert Choices(str(tmp_path)).of(FILM) is None


def test_the_names_of_films_are_not_stored_and_only_the_last_ones_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "KEPT", 2)
    known = Choices(str(tmp_path))
    for number in range(3):
        known.note(f"smb://me:secret@nas/{number}.mkv", "en")
    assert [known.of(f"smb://me:secret@nas/{number}.mkv") for number in range(3)] == [None, "en", "en"]
    assert "secret" not in (tmp_path / choices.FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / choices.FILE).write_bytes(content.encode("utf-8", "surrogateescape"))
    known = Choices(str(tmp_path))
    assert known.of(FILM) is None
    known.note(FILM, "en")
    assert Choices(str(tmp_path)).of(FILM) == "en"


@pytest.fixture
def told() -> List[Tuple[str, str]]:
    return []


@pytest.fixture
def watch(told: List[Tuple[str, str]]) -> Watch:
    return Watch(lambda video, language: told.append((video, language)))


def look(watch: Watch, *shown: str) -> None:
    """Each of them for half a second."""
    for number, language in enumerate(shown):
        watch.look(language, 100.0 + number / 2)


def test_what_stays_on_the_screen_after_ours_was_there_is_a_choice(watch: Watch, told: List[Tuple[str, str]]) -> None:
    watch.begin(FILM, "es")
    look(watch, "en", "en", "en", "en", "es", "es", "en", "en", "en", "en", "", "", "", "es", "es", "es")
    assert told == [(FILM, "en"), (FILM, OFF), (FILM, "es")]


def test_what_is_there_for_a_moment_only_is_none(watch: Watch, told: List[Tuple[str, str]]) -> None:
    watch.begin(FILM, "es")
    assert STEADY > 0.5
    look(watch, "es", "en", "es", "", "es", "en", "en")
    watch.begin(FILM, "es")  # the next lines are in the file
    look(watch, "es", "es")
    watch.end()
    assert not watch.is_on
    assert told == []


# --- on the screen --------------------------------------------------------------------------------------------------


@pytest.fixture
def screen(fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch) -> Screen:
    fake_kodi.playing = FILM
    monkeypatch.setattr(player, "_SETTLES", 0.0)
    return Screen(Player(lambda: None, lambda: None), lambda seconds: False)


def test_the_language_of_a_stream_is_told_as_we_write_it(fake_kodi: FakeKodi, screen: Screen) -> None:
    fake_kodi.add_stream(OURS)
    shown = current_stream()
    assert shown is not None
    assert (shown.language, shown.base) == ("spa", "es")


@pytest.mark.parametrize(
    ("language", "name", "code"),
    [
        ("bre", "pt (External)", "pt-BR"),
        ("twi", "zh (External)", "zh-TW"),
        ("chi", "HK (External)", "zh-HK"),
        ("spa", "419 (External)", "es-419"),
        ("spa", "(External)", "spa"),
        ("fre", "en (External)", "fre"),
        ("", "", ""),
    ],
)
def test_a_language_with_a_region_is_told_though_kodi_takes_its_last_letters_for_another(
    fake_kodi: FakeKodi, language: str, name: str, code: str
) -> None:
    fake_kodi.streams = [{"index": 0, "language": language, "name": name, "isforced": False}]
    assert [one.language for one in player.streams()] == [code]


def test_a_language_that_no_stream_is_in_cannot_be_preferred_unless_subtitles_are_off(
    fake_kodi: FakeKodi, screen: Screen
) -> None:
    fake_kodi.add_stream("/films/film.en.srt")
    assert not screen.prefer(find("other:Klingon"))
    fake_kodi.show_stream(None)
    assert screen.prefer(find("other:Klingon"))


def test_a_film_that_has_just_begun_is_given_time_to_open_its_subtitle(
    fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_kodi.playing = FILM
    fake_kodi.add_stream(OURS)
    fake_kodi.add_stream("/films/film.en.srt")
    fake_kodi.show_stream(None)
    waits: List[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 3:
            fake_kodi.show_stream(1)
        return False

    monkeypatch.setattr(player, "_SETTLES", 60.0)
    assert Screen(Player(lambda: None, lambda: None), wait).prefer(find("es"))
    assert fake_kodi.shown_stream == 0
    assert len(waits) == 3


def test_a_copy_that_the_person_switched_off_at_once_is_known_and_stays_off(
    fake_kodi: FakeKodi, screen: Screen
) -> None:
    fake_kodi.add_stream(OURS)
    fake_kodi.show_stream(None)
    screen.was_chosen(OURS, find("es"), None)
    assert fake_kodi.shown_stream is None
    assert screen.is_shown(OURS)


@pytest.mark.parametrize("before", [None, 0])
def test_ours_is_taken_back_for_what_was_shown_before(
    fake_kodi: FakeKodi, screen: Screen, before: Optional[int]
) -> None:
    fake_kodi.add_stream("/films/film.en.srt")
    fake_kodi.show_stream(before)
    screen.show(OURS, find("es"))
    assert fake_kodi.shown_stream == 1
    screen.take_back(OURS)
    assert fake_kodi.shown_stream == before
    assert not screen.is_shown(OURS)


def test_what_the_person_chose_meanwhile_is_not_taken_back(fake_kodi: FakeKodi, screen: Screen) -> None:
    fake_kodi.add_stream("/films/film.de.srt")
    screen.show(OURS, find("es"))
    fake_kodi.add_stream("/films/film.en.srt")
    screen.take_back(OURS)
    assert fake_kodi.shown_stream == 2
