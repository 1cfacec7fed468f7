from typing import List, Optional

import pytest

from kodi import subtitle_files
from kodi.subtitle_files import Candidate, best_sources, candidates, in_language
from translate.languages import find

FILM = "smb://nas/films/Big Film (2020).mkv"
FOLDER = "smb://nas/films/"


def names(found: List[Candidate]) -> List[str]:
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("name", "code", "forced"),
    [
        ("Big Film (2020).srt", None, False),
        ("Big Film (2020).en.srt", "en", False),
        ("big film (2020).ENG.SRT", "en", False),
        ("Big Film (2020).pt-BR.srt", "pt-BR", False),
        ("Big Film (2020).Spanish.ass", "es", False),
        ("Big Film (2020).en.forced.srt", "en", True),
        ("Big Film (2020).forced.eng.srt", "en", True),
        ("Big Film (2020).en.hi.srt", "en", False),
        ("Big Film (2020).hi.srt", "hi", False),
        ("Big Film (2020)_fr.vtt", "fr", False),
        ("Big Film (2020).1080p.BluRay.srt", None, False),
    ],
)
def test_the_name_of_a_subtitle_says_its_language(name: str, code: Optional[str], forced: bool) -> None:
    (found,) = candidates(FILM, FOLDER, [name])
    assert found.path == FOLDER + name
    assert (found.language.code if found.language else None, found.forced) == (code, forced)


@pytest.mark.parametrize(
    "name",
    [
        "Big Film (2020).mkv",
        "Big Film (2020) 2.mkv",
        "Other.en.srt",
        "Big Film (2020)b.srt",
        "Big Film (2020).es.bak.srt",
    ],
)
def test_what_is_of_another_film_or_set_aside_is_no_candidate(name: str) -> None:
    assert candidates(FILM, FOLDER, [name]) == []


def test_the_best_source_is_whole_in_the_wished_language_then_english_then_any() -> None:
    found = candidates(
        FILM,
        FOLDER,
        [f"Big Film (2020){part}.srt" for part in ("", ".fr", ".en", ".en.forced", ".de", ".es", ".es-MX")],
    )
    spanish = find("es")
    assert names(best_sources(found, spanish, None)) == [
        f"Big Film (2020){part}.srt" for part in (".en", ".de", ".fr", "", ".en.forced")
    ]
    assert names(best_sources(found, spanish, find("de")))[0] == "Big Film (2020).de.srt"
    assert names(in_language(found, spanish)) == ["Big Film (2020).es-MX.srt", "Big Film (2020).es.srt"]


def test_the_plain_one_goes_before_the_one_for_the_hard_of_hearing_and_the_folder_of_the_film_before_others() -> None:
    beside = candidates(FILM, FOLDER, [f"Big Film (2020).en{part}.srt" for part in (".sdh", "", ".hi", ".cc")])
    inside = candidates(FILM, FOLDER + "Subs/", ["Big Film (2020).en.srt"])
    found = best_sources(beside + inside, find("es"), None)
    assert [one.path[len(FOLDER) :].replace("Big Film (2020)", "film") for one in found] == [
        "film.en.srt", "Subs/film.en.srt", "film.en.cc.srt", "film.en.hi.srt", "film.en.sdh.srt",
    ]  # fmt: skip


def test_simplified_chinese_does_not_serve_who_reads_traditional() -> None:
    assert not subtitle_files.same_language(find("zh-CN"), find("zh-TW"))
    assert subtitle_files.same_language(find("pt"), find("pt-BR"))


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("/films/a.mkv", True),
        ("C:\\films\\a.mkv", True),
        ("smb://nas/a.mkv", True),
        ("nfs://nas/a.mkv", True),
        ("plugin://plugin.video.x/?id=1", False),
        ("stack:///films/a.cd1.avi , /films/a.cd2.avi", False),
        ("pvr://channels/1", False),
        ("https://example.org/live.m3u8", False),
        ("", False),
    ],
)
def test_only_a_film_in_one_file_can_have_subtitles_beside_it(path: str, fits: bool) -> None:
    assert subtitle_files.is_film_file(path) is fits


@pytest.mark.parametrize(
    ("source", "forced", "name"),
    [
        ("/subs/whatever.en.srt", False, "Big Film (2020).es.srt"),
        ("/films/Big Film (2020).SRT", False, "Big Film (2020).es.srt"),
        ("/films/Big Film (2020).en.forced.srt", True, "Big Film (2020).es.forced.srt"),
    ],
)
def test_the_translation_is_named_so_that_kodi_finds_it(source: str, forced: bool, name: str) -> None:
    assert subtitle_files.output_name(FILM, source, find("es"), "srt", forced=forced) == name


def test_streams_are_told_by_kodis_codes() -> None:
    assert subtitle_files.is_kodi_language("spa", find("es"))
    assert not subtitle_files.is_kodi_language("eng", find("es"))
    assert not subtitle_files.is_kodi_language("", find("es"))


def test_one_file_has_one_path_whatever_its_case_and_slashes() -> None:
    assert subtitle_files.same_path("C:\\Films\\a.srt", "c:/films/A.srt")
    assert not subtitle_files.same_path("/a.en.srt", "/a.es.srt")


def test_a_foreign_file_is_set_aside_under_a_name_that_is_no_candidate() -> None:
    assert subtitle_files.backup_name("/f/film.es.srt") == "/f/film.es.bak.srt"
