"""Kodi's folder for subtitles and its temporary one: sources are found there, and results go where they can be."""

import os
from pathlib import Path

import pytest
from kodi_fakes import FakeKodi
from kodi_service_support import LINES, PATIENT, fake_kodi, film, play, run, service, standin

from kodi import messages
from kodi.service import Service

__all__ = ["fake_kodi", "film", "service", "standin"]


@pytest.fixture
def custom(fake_kodi: FakeKodi, tmp_path: Path) -> Path:
    """The folder that Kodi's settings name for subtitles."""
    folder = tmp_path / "subtitles of Kodi"
    folder.mkdir()
    fake_kodi.kodi_settings["subtitles.custompath"] = str(folder)
    return folder


@pytest.mark.parametrize("temporary", [False, True])
def test_a_source_in_a_folder_of_kodi_is_found_offered_and_translated(
    service: Service, fake_kodi: FakeKodi, film: Path, custom: Path, tmp_path: Path, temporary: bool
) -> None:
    source = (tmp_path if temporary else custom) / "film.en.srt"
    film.with_suffix(".en.srt").rename(source)
    play(service, fake_kodi, film)
    assert [one.path for one in service.desk.sources(str(film))] == [str(source)]
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    assert rows["rows"][1]["text"].startswith("Translate film.en.srt")
    answer = messages.ask("start", {"source": str(source), "video": str(film)}, PATIENT)
    assert answer == {"ok": True, "text": ""}
    for job in service.book.running():
        assert job.join(PATIENT)
    assert film.with_suffix(".es.srt").read_text(encoding="utf-8").count("⟦") == LINES
    assert sorted(os.listdir(custom)) == ([] if temporary else ["film.en.srt"])


@pytest.mark.parametrize("with_folder", [True, False])
def test_from_a_share_that_cannot_be_written_to_the_result_goes_where_it_can_and_is_found_there(
    service: Service, fake_kodi: FakeKodi, film: Path, tmp_path: Path, with_folder: bool
) -> None:
    if with_folder:
        (tmp_path / "of Kodi").mkdir()
        fake_kodi.kodi_settings["subtitles.custompath"] = str(tmp_path / "of Kodi")
    fake_kodi.read_only.add(f"{film.parent}/")
    share = f"smb:/{film}"  # as in kodi_fakes
    run(service, service.desk.task(f"smb:/{film.with_suffix('.en.srt')}", share))
    finished = service.desk.finished(share)
    assert finished is not None
    place = Path(finished.path)
    assert (finished.done, place.read_text(encoding="utf-8").count("⟦")) == (LINES, LINES)
    assert tmp_path / ("of Kodi" if with_folder else "profile") in place.parents
    assert sorted(os.listdir(film.parent)) == ["film.en.srt", "film.mkv"]
    assert [one.name for one in service.desk.sources(share)] == ["film.en.srt"]
