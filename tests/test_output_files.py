"""Reading a source, the name of its output, and writing that."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Iterator

import pytest

from core.errors import InputError
from translate.documents import files, load, output_path, same_file, write_atomically

SUBTITLE = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"
as_ordinary_user = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user"
)


@pytest.fixture
def umask() -> Iterator[int]:
    old = os.umask(0o027)
    yield 0o027
    os.umask(old)


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_file_is_read_and_never_written_to(tmp_path: Path) -> None:
    path = tmp_path / "film.srt"
    path.write_bytes(SUBTITLE)
    path.chmod(0o444)
    before = path.stat()
    document = load(str(path), source_language="en")
    assert document.render({0: "Hola"}) == SUBTITLE.replace(b"Hello", b"Hola")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (SUBTITLE, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"Just a text.\n", "has no subtitles in any format that is known"),
        (b"\x1aE\xdf\xa3", "is a Matroska or WebM video, not a text subtitle"),
    ],
)
def test_a_file_that_is_no_subtitle_is_refused_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "film.srt"
    path.write_bytes(content)
    assert refusal(str(path)).startswith(f"{path} {says}")


def refusal(path: str) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    assert "\n" not in caught.value.user_message
    return caught.value.user_message


def test_a_missing_file_a_folder_and_a_name_that_cannot_be_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(str(tmp_path / "film.srt"))
    assert "is a folder" in refusal(str(tmp_path))
    assert "cannot be read" in refusal("a\0b.srt")
    assert "cannot be read" in refusal(str(tmp_path / ("x" * 5000)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_before_it_can_block(tmp_path: Path) -> None:
    path = str(tmp_path / "film.srt")
    os.mkfifo(path)
    assert "is a device or a pipe" in refusal(path)


@as_ordinary_user
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.srt"
    path.write_bytes(SUBTITLE)
    path.chmod(0)
    assert "may not be read" in refusal(str(path))


def test_a_refused_permission_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for those whom permissions do not bind."""
    path = tmp_path / "film.srt"
    path.write_bytes(SUBTITLE)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "open", refuse, raising=False)
    assert "may not be read" in refusal(str(path))


def test_a_file_too_large_for_a_subtitle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.srt"
    with open(path, "wb") as file:
        file.truncate(files.MAX_SIZE + 1)
    assert "is larger than 50 MB" in refusal(str(path))


# --- naming ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "output"),
    [
        ("film.srt", "es", "film.es.srt"),
        ("film.en.srt", "es", "film.es.srt"),
        ("film.eng.srt", "es", "film.es.srt"),
        ("film.English.srt", "es", "film.es.srt"),
        ("film.pt-BR.srt", "es", "film.es.srt"),
        ("film.pt_br.srt", "pt-BR", "film.pt-BR.srt"),
        ("film.srt", "x-klingon", "film.x-klingon.srt"),
        ("film.SRT", "es", "film.es.srt"),
        ("FILM.EN.SRT", "es", "FILM.es.srt"),
        ("film.eng.forced.srt", "es", "film.es.forced.srt"),
        ("film.en.sdh.srt", "es", "film.es.sdh.srt"),
        ("film.en.hi.srt", "es", "film.es.hi.srt"),
        ("film.hi.srt", "es", "film.es.srt"),
        ("film.hi.forced.srt", "es", "film.es.forced.srt"),
        ("a.long.title.hi.srt", "es", "a.long.title.es.srt"),
        ("film.forced.srt", "es", "film.es.forced.srt"),
        ("forced.srt", "es", "forced.es.srt"),
        ("en.srt", "es", "en.es.srt"),
        ("film.me.srt", "es", "film.me.es.srt"),
        ("Despicable.Me.srt", "es", "Despicable.Me.es.srt"),
        ("Who.Am.I.srt", "es", "Who.Am.I.es.srt"),
        ("Let.It.Be.srt", "es", "Let.It.Be.es.srt"),
        ("film.1080p.x264.srt", "es", "film.1080p.x264.es.srt"),
        ("film.mkv.srt", "es", "film.mkv.es.srt"),
        ("film.en.mkv.srt", "es", "film.en.mkv.es.srt"),
        ("a.en/film.srt", "es", "a.en/film.es.srt"),
        (".hidden.srt", "es", ".hidden.es.srt"),
        ("film.en.vtt", "es", "film.es.vtt"),
    ],
)
def test_the_language_takes_the_place_of_the_sources(source: str, target: str, output: str) -> None:
    assert output_path(source, target) == output


@pytest.mark.parametrize(
    ("source", "fmt", "output"),
    [
        ("film.en.srt", "srt", "film.es.srt"),
        ("film.ass", "ssa", "film.es.ass"),
        ("film.txt", "srt", "film.es.srt"),
        ("film.ass", "srt", "film.es.srt"),
        ("film.txt", "mpl2", "film.es.txt"),
        ("film.sub", "tmp", "film.es.sub"),
        ("film", "srt", "film.es.srt"),
        ("film.2010", "srt", "film.2010.es.srt"),
        ("Mr. Nobody", "vtt", "Mr. Nobody.es.vtt"),
        ("film.xyz", "sami", "film.es.xyz"),
    ],
)
def test_the_extension_fits_what_is_in_the_file(source: str, fmt: str, output: str) -> None:
    assert output_path(source, "es", fmt) == output


@pytest.mark.parametrize("source", ["film.es.srt", "film.ES.srt", "film.es.SRT", "film.es.forced.srt"])
def test_the_output_is_never_the_source_not_even_without_case(source: str) -> None:
    output = output_path(source, "es", "srt")
    assert output.casefold() != source.casefold()
    assert output.startswith(("film.es.es.", "film.ES.es."))


def test_one_file_is_known_by_all_of_its_names(tmp_path: Path) -> None:
    path, other, link = tmp_path / "film.srt", tmp_path / "film.es.srt", tmp_path / "link.srt"
    path.write_bytes(SUBTITLE)
    assert same_file(str(path), str(tmp_path / "." / "film.srt"))
    assert not same_file(str(path), str(other))
    assert same_file(str(other), str(tmp_path / "x" / ".." / "film.es.srt"))
    other.write_bytes(SUBTITLE)
    assert not same_file(str(path), str(other))
    link.symlink_to(path)
    assert same_file(str(path), str(link))


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "film.es.srt"
    write_atomically(str(path), b"one")
    write_atomically(str(path), SUBTITLE)
    assert path.read_bytes() == SUBTITLE
    assert os.listdir(tmp_path) == ["film.es.srt"]


def test_a_name_may_be_as_long_as_the_file_system_has_it(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".srt")
    write_atomically(str(path), SUBTITLE)
    assert path.read_bytes() == SUBTITLE


def test_a_relative_name_is_written_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("film.es.srt", SUBTITLE)
    assert (tmp_path / "film.es.srt").read_bytes() == SUBTITLE


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_a_new_file_is_as_readable_as_the_user_has_it_and_an_old_one_stays_so(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "film.es.srt"
    write_atomically(str(path), SUBTITLE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o604)
    write_atomically(str(path), SUBTITLE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "real.srt", tmp_path / "film.es.srt"
    path.write_bytes(b"old")
    link.symlink_to(path)
    write_atomically(str(link), SUBTITLE)
    assert link.is_symlink()
    assert path.read_bytes() == SUBTITLE


def test_what_is_no_file_makes_no_room_for_one(tmp_path: Path) -> None:
    """A pipe here; a real device would be lost for the whole machine if this failed."""
    pipe = tmp_path / "film.es.srt"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"is a device, a pipe .*\. Choose another place"):
        write_atomically(str(pipe), SUBTITLE)
    assert os.listdir(tmp_path) == ["film.es.srt"]
    assert pipe.is_fifo()


def test_where_nothing_can_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "such" / "film.srt", tmp_path, tmp_path / ("x" * 5000)):
        words = r" is a folder\. Choose" if path == tmp_path else r" cannot be written \(.+\)\. Choose another place"
        with pytest.raises(InputError, match=words) as caught:
            write_atomically(str(path), SUBTITLE)
        assert "\n" not in caught.value.user_message
    with pytest.raises(InputError):
        write_atomically("a\0b.srt", SUBTITLE)
    assert os.listdir(tmp_path) == []


@as_ordinary_user
def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="cannot be written"):
        write_atomically(str(tmp_path / "film.srt"), SUBTITLE)


def test_a_full_disk_leaves_the_old_file_and_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "film.es.srt"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_atomically(str(path), SUBTITLE)
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["film.es.srt"])


def test_whatever_ends_the_writing_leaves_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(str(tmp_path / "film.es.srt"), SUBTITLE)
    assert os.listdir(tmp_path) == []
