"""What was translated once is not paid for again, and ``subai memory`` looks after it."""

import json
import os
import re
import sqlite3
from pathlib import Path
from typing import List

import pytest
from cli_support import Run, asked, film, tree, withholding, write

from cli.standin import StandIn

pytest_plugins = ("cli_fixtures",)


def test_the_same_film_again_makes_no_request(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(120))
    assert run("translate", source, "--to", "es", *there).code == 0
    first = (folder / "film.es.srt").read_bytes()
    tls_standin.reset()
    done = run("translate", source, "--to", "es", "--force", "--report", str(folder / "r.json"), *there)
    assert done == (0, f"{folder / 'film.es.srt'}: 120 of 120 lines translated (120 remembered, no request).\n", "")
    assert (folder / "film.es.srt").read_bytes() == first
    assert tls_standin.stats().requests == 0
    found = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert (found["requests"], found["remembered"], found["first_cue_seconds"]) == (0, 120, None)


def test_another_cut_of_the_film_asks_only_for_what_is_new(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    short, long = (write(folder / name, film(count)) for name, count in (("a.srt", 60), ("b.srt", 70)))
    assert run("translate", short, "--to", "es", *there).code == 0
    tls_standin.reset()
    assert run("translate", long, "--to", "es", *there).code == 0
    numbers = {int(text.split()[1].rstrip(":")) for text in asked(tls_standin)}
    assert numbers == set(range(60, 71))  # the 60th has another line behind it now


@pytest.mark.parametrize("flags", [["--style", "formal"], ["--model", "another"]])
def test_another_style_or_model_is_another_translation(
    run: Run, there: List[str], small: str, tls_standin: StandIn, flags: List[str]
) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    assert run("translate", small, "--to", "es", "--force", *flags, *there).code == 0
    assert len(asked(tls_standin)) == 6


def test_without_memory_everything_is_paid_again_and_nothing_is_kept(
    run: Run, there: List[str], small: str, tls_standin: StandIn, home: Path
) -> None:
    for _ in range(2):
        assert run("translate", small, "--to", "es", "--force", "--no-memory", *there).code == 0
    assert len(asked(tls_standin)) == 6
    assert tree(home) == set()


def test_a_translation_that_was_not_finished_may_be_finished_without_force(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(60))
    held_back = {f"Number {number}:" for number in (20, 40)}
    tls_standin.script = withholding(held_back)
    assert run("translate", source, "--to", "es", *there).code == 3
    tls_standin.script = None
    tls_standin.reset()
    done = run("translate", source, "--to", "es", *there)
    assert (done.code, done.err) == (0, "")
    assert {" ".join(text.split()[:2]) for text in asked(tls_standin)} == held_back
    assert run("translate", source, "--to", "es", *there).code == 2  # now it is whole


def test_one_that_somebody_has_changed_since_is_kept(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(60))
    target = folder / "film.es.srt"
    tls_standin.script = withholding({"Number 20:"})
    assert run("translate", source, "--to", "es", *there).code == 3
    corrected = target.read_text(encoding="utf-8").replace("Number 20:", "Número 20:")
    write(target, corrected)
    tls_standin.script = None
    done = run("translate", source, "--to", "es", *there)
    assert done.code == 2
    assert done.complaint == f"{target} exists and was kept. Use --force to translate anew."
    assert target.read_text(encoding="utf-8") == corrected


# --- a store that cannot be used ------------------------------------------------------------------------------------


def test_a_damaged_memory_is_set_aside_and_the_film_goes_on(
    run: Run, there: List[str], small: str, data: Path, folder: Path
) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    damaged = b"This was a database once.\n" * 400
    (data / "subai.db").write_bytes(damaged)
    done = run("translate", small, "--to", "de", *there)
    assert done.code == 0
    assert "damaged" in done.complaint
    assert (folder / "film.de.srt").exists()
    assert damaged in [path.read_bytes() for path in data.iterdir() if path.is_file()]
    assert run("memory", "stats").out.startswith("3 translations, ")


def test_a_memory_of_a_newer_version_is_set_aside(run: Run, there: List[str], small: str, data: Path) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    connection = sqlite3.connect(str(data / "subai.db"))
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    done = run("translate", small, "--to", "de", *there)
    assert done.code == 0
    assert "newer" in done.complaint


def test_a_folder_that_cannot_be_made_is_told_once(
    run: Run, there: List[str], small: str, home: Path, folder: Path
) -> None:
    write(home / "share", "a file where the folder should be")
    done = run("translate", small, "--to", "es", *there)
    assert done.code == 0
    assert str(home / "share") in done.complaint
    assert (folder / "film.es.srt").exists()
    assert run("memory", "stats").code == 1


# --- looking after it -----------------------------------------------------------------------------------------------


def test_an_empty_memory(run: Run) -> None:
    done = run("memory", "stats")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"No translations, 0\.[01] MB; used no times instead of a request\.\n", done.out)


def test_stats_tell_what_there_is_and_what_was_spent(run: Run, there: List[str], small: str) -> None:
    for _ in range(2):
        assert run("translate", small, "--to", "es", "--force", *there).code == 0
    assert run("translate", small, "--to", "de", *there).code == 0
    done = run("memory", "stats")
    first, german, spanish, month, *films = done.out.splitlines()
    assert done.code == 0
    assert first.startswith("6 translations, 0.")
    assert first.endswith(" MB; used 3 times instead of a request.")
    assert (german, spanish) == ("  en to de: 3", "  en to es: 3")
    assert " 2 requests, " in month
    assert "$0.00" in month
    name = Path(small).name
    assert [line.split(",")[0] for line in films] == [f"  {name}: 3 of 3 lines"] * 2


def test_what_is_cleared_is_asked_for_again(run: Run, there: List[str], small: str, tls_standin: StandIn) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    assert run("memory", "clear") == (0, "3 translations forgotten.\n", "")
    assert run("translate", small, "--to", "es", "--force", *there).code == 0
    assert len(asked(tls_standin)) == 6


def test_a_film_under_way_is_cleared_too(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(30))
    tls_standin.script = withholding({"Number 20:"})
    assert run("translate", source, "--to", "es", *there).code == 3
    assert run("memory", "clear").code == 0
    tls_standin.reset()
    assert run("translate", source, "--to", "es", *there).code == 3
    assert {f"Number {number}" for number in range(1, 31)} == {text.split(":")[0] for text in asked(tls_standin)}


def test_an_export_comes_back_as_it_was(
    run: Run, there: List[str], small: str, tmp_path: Path, tls_standin: StandIn
) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    exported = tmp_path / "memory.tmx"
    assert run("memory", "export", str(exported)) == (0, f"{exported}: 3 translations written.\n", "")
    assert run("memory", "clear").code == 0
    assert run("memory", "import", str(exported)) == (0, f"{exported}: 3 translations taken over.\n", "")
    tls_standin.reset()
    assert run("translate", small, "--to", "es", "--force", *there).code == 0
    assert tls_standin.log == []


def test_a_translators_correction_is_used(run: Run, there: List[str], small: str, tmp_path: Path, folder: Path) -> None:
    assert run("translate", small, "--to", "es", *there).code == 0
    exported = tmp_path / "memory.tmx"
    assert run("memory", "export", str(exported)).code == 0
    text = exported.read_text(encoding="utf-8")
    write(exported, text.replace("⟦N-Not tonight, captain⟧.", "Esta noche no, capitán."))
    assert run("memory", "import", str(exported)).code == 0
    assert run("translate", small, "--to", "es", "--force", *there).code == 0
    assert "Esta noche no, capitán." in (folder / "film.es.srt").read_text(encoding="utf-8")


def test_an_export_makes_no_file_of_a_pipe(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "memory.tmx"
    os.mkfifo(pipe)
    done = run("memory", "export", str(pipe))
    assert (done.code, done.complaint) == (
        1,
        f"{pipe} is a device, a pipe or where this program prints to. Choose another place.",
    )
    assert pipe.is_fifo()


def test_what_is_no_tmx_changes_nothing(run: Run, small: str, tmp_path: Path) -> None:
    for words, line in (
        (("import", small), f"{small} is not well-formed XML"),
        (("import", str(tmp_path / "no.tmx")), f"{tmp_path / 'no.tmx'} cannot be read (No such file or directory)."),
        (("export", str(tmp_path / "no" / "m.tmx")), f"{tmp_path / 'no' / 'm.tmx'} cannot be written (No such file"),
    ):
        done = run("memory", *words)
        assert (done.code, done.out) == (1, "")
        assert done.complaint.startswith(line)
