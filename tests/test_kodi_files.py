"""Files are written whole or not at all, wherever they lie; ``smb://`` is played by a folder."""

import os
from pathlib import Path
from typing import List

import pytest
import xbmcvfs
from kodi_fakes import FakeFile, FakeKodi, fake_kodi

from core.errors import InputError
from kodi import vfs

__all__ = ["fake_kodi"]

OLD, NEW = b"what was there", b"what is to be there from now on"


@pytest.fixture(params=["", "smb:/"], ids=["on this disk", "on a share"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / "films").mkdir()
    return f"{request.param}{tmp_path}/films/film.es.srt"


def inside(tmp_path: Path) -> List[str]:
    return sorted(os.listdir(tmp_path / "films"))


def half_written(monkeypatch: pytest.MonkeyPatch, end: BaseException) -> None:
    """Only half of it arrives, then comes ``end``; where it is an OSError, Kodi only says that it failed."""

    def write(file: FakeFile, data: bytearray) -> bool:
        Path(file.real).write_bytes(data[: len(data) // 2])
        if isinstance(end, OSError):
            return False
        raise end

    def settle(descriptor: int) -> None:
        os.truncate(descriptor, len(NEW) // 2)
        raise end

    monkeypatch.setattr(FakeFile, "write", write)
    monkeypatch.setattr(os, "fsync", settle)


def test_a_file_is_made_and_replaced_and_nothing_stays_beside_it(
    fake_kodi: FakeKodi, path: str, tmp_path: Path
) -> None:
    for content in (OLD, NEW, b""):
        vfs.write(path, content)
        assert vfs.read_bytes(path) == content
        assert inside(tmp_path) == ["film.es.srt"]


def test_a_power_cut_in_the_middle_leaves_what_was_there(
    fake_kodi: FakeKodi, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vfs.write(path, OLD)
    with monkeypatch.context() as patched:
        half_written(patched, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            vfs.write(path, NEW)
    assert vfs.read_bytes(path) == OLD
    vfs.write(path, NEW)
    assert vfs.read_bytes(path) == NEW
    assert inside(tmp_path) == ["film.es.srt"]


def test_a_full_disk_or_a_share_that_dies_leaves_what_was_there(
    fake_kodi: FakeKodi, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vfs.write(path, OLD)
    half_written(monkeypatch, OSError(28, "No space left on device"))
    with pytest.raises(InputError, match=r"film\.es\.srt"):
        vfs.write(path, NEW)
    assert vfs.read_bytes(path) == OLD
    assert inside(tmp_path) == ["film.es.srt"]


def test_a_file_that_may_be_written_in_a_folder_that_may_not_is_written_where_it_is(
    fake_kodi: FakeKodi, path: str, tmp_path: Path
) -> None:
    vfs.write(path, OLD)
    (tmp_path / "films" / f"film.es.srt{vfs.UNFINISHED}").mkdir()
    vfs.write(path, NEW)
    assert vfs.read_bytes(path) == NEW


def test_where_kodi_does_not_rename_to_a_name_that_is_taken_the_file_is_replaced_all_the_same(
    fake_kodi: FakeKodi, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = xbmcvfs.rename
    monkeypatch.setattr(vfs, "_TAKES_PLACE", False)
    monkeypatch.setattr(xbmcvfs, "rename", lambda one, other: not xbmcvfs.exists(other) and rename(one, other))
    for content in (OLD, NEW):
        vfs.write(path, content)
        assert vfs.read_bytes(path) == content
    assert inside(tmp_path) == ["film.es.srt"]


def test_a_new_file_gets_its_name_from_kodi_which_would_not_see_it_otherwise(
    fake_kodi: FakeKodi, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: List[str] = []
    rename = xbmcvfs.rename

    def note(one: str, other: str) -> bool:
        named.append(other)
        return rename(one, other)

    monkeypatch.setattr(xbmcvfs, "rename", note)
    vfs.write(path, NEW)
    assert named == [path]
