"""Which files are ours, on this machine's disks and on others that only a face can reach."""

from pathlib import Path
from typing import Iterator

import pytest

from translate.outputs import Outputs
from translate.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "data"), pytest.fail)
    yield opened
    opened.close()


@pytest.fixture
def outputs(store: Store) -> Outputs:
    return store.outputs


def test_only_what_we_wrote_is_ours(outputs: Outputs, tmp_path: Path) -> None:
    path = str(tmp_path / "film.es.srt")
    assert outputs.written(path, b"text") is None
    outputs.note(path, b"text", done=3, total=5)
    assert outputs.written(path, b"text") == (3, 5)
    assert outputs.written(path, b"changed") is None
    assert outputs.written(path, None) is None


def test_an_unfinished_file_is_one_that_holds_just_our_part(outputs: Outputs, tmp_path: Path) -> None:
    path = tmp_path / "film.es.srt"
    outputs.note(str(path), b"text", done=3, total=5)
    assert not outputs.is_unfinished(str(path))
    path.write_bytes(b"text")
    assert outputs.is_unfinished(str(path))
    outputs.note(str(path), b"text", done=5, total=5)
    assert not outputs.is_unfinished(str(path))


def test_a_file_on_a_share_has_one_name_wherever_we_stand(
    outputs: Outputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs.note("smb://nas/film.es.srt", b"text", done=5, total=5)
    monkeypatch.chdir(tmp_path)
    assert outputs.written("smb://nas/film.es.srt", b"text") == (5, 5)
