"""What cannot be done, or not like this: one line says what is wrong and what to do, and nothing is written."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest
from cli_support import KEYS, ROOT, SMALL, Run, film, tree, write

from cli.standin import StandIn

pytest_plugins = ("cli_fixtures",)


@pytest.fixture
def untouched(tmp_path: Path, small: str, run: Run, tls_standin: StandIn) -> Any:
    """Call the command line with what it must refuse; returns its exit code and its one line."""

    def call(*words: str) -> Tuple[int, str]:
        before: Dict[str, Any] = {name: _content(tmp_path / name) for name in tree(tmp_path)}
        done = run(*words)
        assert done.out == ""
        assert {name: _content(tmp_path / name) for name in tree(tmp_path)} == before
        assert tls_standin.stats().connections == 0
        return done.code, done.complaint

    return call


def _content(path: Path) -> Any:
    return path.read_bytes() if path.is_file() else None


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty. Choose another subtitle."),
        (b" \r\n \n", "is empty. Choose another subtitle."),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00", "is a Matroska or WebM video, not a text subtitle. Extract its subtitle"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "is an MP4 video, not a text subtitle. Extract its subtitle track first."),
        (bytes(range(256)) * 20, "is a binary file, not a subtitle. Choose a file such as .srt, .ass or .vtt."),
        (b"Dear diary,\ntoday it rained.\n", "has no subtitles in any format that is known. Choose a file such as"),
        (b"\xff\xfe1\x00\n\x00\x00", "cannot be read: byte 0x00 at offset 6 fits no encoding that was tried"),
    ],
)
def test_a_file_that_is_no_subtitle(untouched: Any, there: List[str], folder: Path, content: bytes, words: str) -> None:
    path = folder / "odd.srt"
    path.write_bytes(content)
    code, line = untouched("translate", str(path), "--to", "es", *there)
    assert code == 1
    assert line.startswith(f"{path} {words}")


def test_a_folder_and_a_file_that_is_not_there(untouched: Any, there: List[str], folder: Path) -> None:
    assert untouched("translate", str(folder), "--to", "es", *there) == (
        1,
        f"{folder} is a folder. Give the name of a subtitle file.",
    )
    missing = str(folder / "film.fr.srt")
    assert untouched("translate", missing, "--to", "es", *there) == (1, f"{missing} does not exist. Check the name.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(untouched: Any, there: List[str], folder: Path) -> None:
    os.mkfifo(folder / "pipe.srt")
    code, line = untouched("translate", str(folder / "pipe.srt"), "--to", "es", *there)
    assert (code, line) == (1, f"{folder / 'pipe.srt'} is a device or a pipe. Give the name of a subtitle file.")


def test_a_line_end_in_a_name_makes_no_second_line(untouched: Any, there: List[str], folder: Path) -> None:
    code, line = untouched("translate", str(folder / "a\nb\x1b[2J.srt"), "--to", "es", *there)
    assert code == 1
    assert line == f"{folder}/a b\ufffd[2J.srt does not exist. Check the name."


# --- where it would go ----------------------------------------------------------------------------------------------


def test_an_output_that_can_be_no_file(untouched: Any, there: List[str], small: str, folder: Path) -> None:
    in_a_file = os.path.join(small, "film.es.srt")
    nowhere = str(folder / "nowhere" / "film.es.srt")
    for output, words in (
        (str(folder), f"{folder} is a folder."),
        (in_a_file, f"Nothing can be written in {small} (Not a directory)."),
        (nowhere, f"Nothing can be written in {os.path.dirname(nowhere)} (No such file or directory)."),
        (str(folder / ("x" * 300)), f"Nothing can be written in {folder} (File name too long)."),
    ):
        code, line = untouched("translate", small, "--to", "es", "-o", output, *there)
        assert (code, line) == (1, f"{words} Choose another place with -o.")


def test_an_output_that_is_a_pipe_is_not_waited_for(untouched: Any, there: List[str], small: str, folder: Path) -> None:
    pipe = str(folder / "pipe.srt")
    os.mkfifo(pipe)
    for flags in (["-o", pipe], ["-o", pipe, "--force"], ["--report", pipe]):
        code, line = untouched("translate", small, "--to", "es", *flags, *there)
        place = "--report" if "--report" in flags else "-o"
        assert code == 1
        assert line == f"{pipe} is a device, a pipe or where this program prints to. Choose another place with {place}."
        assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_an_output_in_another_format(untouched: Any, there: List[str], small: str, folder: Path) -> None:
    output = str(folder / "film.es.vtt")
    code, line = untouched("translate", small, "--to", "es", "-o", output, *there)
    assert (code, line) == (2, f"Formats are not converted: instead of {output} choose a name that ends in .srt.")


def test_a_name_that_becomes_too_long(untouched: Any, there: List[str], folder: Path) -> None:
    source = write(folder / ("x" * 245 + ".srt"), film(2))
    language = "other:the dialect of the lighthouse keepers"
    code, line = untouched("translate", source, "--to", language, *there)
    assert (code, line) == (
        1,
        f"Nothing can be written in {folder} (File name too long). Choose another place with -o.",
    )


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a file system that takes no files: Linux's /proc")
def test_a_folder_that_takes_no_files(untouched: Any, there: List[str], small: str) -> None:
    code, line = untouched("translate", small, "--to", "es", "-o", "/proc/film.es.srt", *there)
    assert code == 1
    assert line.startswith("Nothing can be written in /proc (")


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions as on POSIX")
def test_a_read_only_folder(home: Path) -> None:
    """Whoever runs the tests may be root, for whom no folder is read-only; and nobody else sees pytest's folders."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = write(folder / "film.en.srt", SMALL)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, "translate", source, "--to", "es", "--no-memory"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        left = tree(folder)
        folder.chmod(0o755)
    line = f"subai: Nothing can be written in {folder} (Permission denied). Choose another place with -o.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)
    assert left == {"film.en.srt"}


_AS_NOBODY = """
import sys
from cli.main import main
import os
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


def test_a_report_that_cannot_be_written(untouched: Any, there: List[str], small: str, folder: Path) -> None:
    for report, words in (
        (str(folder), f"{folder} is a folder."),
        (str(folder / "no" / "r.json"), f"Nothing can be written in {folder / 'no'} (No such file or directory)."),
    ):
        code, line = untouched("translate", small, "--to", "es", "--report", report, *there)
        assert (code, line) == (1, f"{words} Choose another place with --report.")


# --- flags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--to", "klingo"], "No language is known as 'klingo'."),
        (["--to", "spansh"], "No language is known as 'spansh'. Did you mean Spanish (es)"),
        (["--to", ""], "No language given: use a code (es), a name (Spanish) or other:TEXT."),
        (["--to", "other:"], "No language after 'other:'"),
        (["--to", "es", "--from", "klingo"], "No language is known as 'klingo'."),
        ([], "The following arguments are required: --to. See subai translate --help."),
        (["--to", "es", "--fast"], "'--fast' is not understood. See subai translate --help."),
        (["--to", "es", "--forc"], "'--forc' is not understood. See subai translate --help."),
        (["--to", "es", "--parallel", "0"], "Argument --parallel: '0' is not a number from 1 to 64."),
        (["--to", "es", "--parallel", "many"], "Argument --parallel: 'many' is not a number from 1 to 64."),
        (["--to", "es", "--parallel", "²"], "Argument --parallel: '²' is not a number from 1 to 64."),
        (["--to", "es", "--parallel", "-2"], "Argument --parallel: "),
        (["--to", "es", "--provider", "acme"], "Argument --provider: invalid choice: 'acme' (choose from "),
        (["--to", "es", "--second-provider", "demo"], "Argument --second-provider: 'demo' is none of openai, gemini,"),
        (["--to", "es", "--second-provider", "gemini"], "There is no key for Gemini. Set GEMINI_API_KEY"),
        (["--to", "es", "--second-provider", "compatible"], "Say with --second-base-url where the second provider is,"),
        (["--to", "es", "--max-cost", "free"], "Argument --max-cost: 'free' is not an amount of dollars such as 0.50."),
        (["--to", "es", "--max-cost", "0"], "Argument --max-cost: '0' is not an amount of dollars such as 0.50."),
        (["--to", "es", "--max-cost", "nan"], "Argument --max-cost: 'nan' is not an amount of dollars such as 0.50."),
        (["--to", "es", "--budget-per-day", "0"], "Argument --budget-per-day: '0' is not a number of 1 or more."),
        (["--to", "es", "--budget-per-minute", "5,x"], "Argument --budget-per-minute: 'x' is not a number of 1 or"),
        (["--to", "es", "--budget-per-minute", "99999999"], "requests_per_minute 99999999 is not between 0 and"),
        (["--to", "es", "--start-at", "noon"], "Argument --start-at: 'noon' is not a time such as 40:00 or 1:02:03."),
        (["--to", "es", "--start-at", "1:2:3:4"], "Argument --start-at: '1:2:3:4' is not a time such as 40:00 or"),
        (["--to", "es", "--proxy", "nonsense"], "The proxy address cannot be used; write it like http://host:port."),
        (["--to", "es", "--proxy", "http://"], "The proxy address cannot be used; write it like http://host:port."),
        (["--to", "es", "--proxy", "socks5://"], "The proxy address cannot be used; write it like http://host:port."),
        (["--to", "es", "--model", "m\udcff"], r"Argument --model: 'm\udcff' holds what is no text. See subai"),
        (["--to", "es", "-o", ""], "Argument -o/--output: '' is no name of a file. See subai translate --help."),
        (["--to", "es", "--report", "-"], "Argument --report: '-' is no name of a file. See subai translate --help."),
        (["--to", "es", "--report", "r.json", "--estimate"], "--report tells of a translation, and --estimate makes"),
        (["--to", "es", "--proxy", "ftp://h:1"], "The proxy address cannot be used; write it like http://host:port."),
        (["--to", "es", "--ca-file", "/nowhere.pem"], "The CA file /nowhere.pem cannot be used: No such file or"),
        (["--to", "es", "--base-url", "nonsense"], "The base URL for OpenAI needs http:// or https:// and a host."),
        (["--to", "es", "--base-url", "http://api.example.com/v1"], "The key for OpenAI would cross the internet in"),
        (["--to", "es", "--base-url", "https://a.example/v1?key=1"], "The base URL for OpenAI must end before any ?"),
    ],
)
def test_a_flag_that_cannot_be_used(untouched: Any, there: List[str], small: str, flags: List[str], line: str) -> None:
    code, said = untouched("translate", small, *there, *flags)
    assert code == 2
    assert said.startswith(line)


def test_a_file_that_holds_no_certificate(untouched: Any, there: List[str], small: str) -> None:
    code, line = untouched("translate", small, "--to", "es", *there, "--ca-file", small)
    assert (code, line) == (2, f"The CA file {small} cannot be used: it holds no certificate in PEM form.")


def test_one_output_for_several_films(untouched: Any, there: List[str], small: str, folder: Path) -> None:
    other = write(folder / "other.srt", SMALL)
    code, line = untouched("translate", small, other, "--to", "es", "-o", str(folder / "o.srt"), *there)
    assert code == 2
    assert line.startswith("-o names one file, but several are to be translated.")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "The following arguments are required: COMMAND. See subai --help."),
        (["transalte"], "Argument COMMAND: invalid choice: 'transalte' (choose from "),
        (["translate", "--to", "es"], "The following arguments are required: FILE. See subai translate --help."),
        (["check", "openai"], "'openai' is not understood. See subai check --help."),
        (["check", "--provider", "openai"], "There is no key for OpenAI. Set OPENAI_API_KEY"),
        (["models", "--provider", "compatible"], "Say with --base-url where the server is, such as"),
        (["memory"], "The following arguments are required: ACTION. See subai memory --help."),
        (["memory", "export"], "The following arguments are required: FILE.tmx. See subai memory export --help."),
    ],
)
def test_a_call_that_says_too_little_or_too_much(untouched: Any, words: List[str], line: str) -> None:
    code, said = untouched(*words)
    assert code == 2
    assert said.startswith(line)


# --- keys and prices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("\u201csk-0123456789abcdef\u201d", "has quotes around it or in it. Enter the key alone."),
        ("'sk-0123456789abcdef'", "has quotes around it or in it. Enter the key alone."),
        ("sk-01234567\n89abcdef", "has a space or a line break in it. Copy it again, in one piece."),
        ("sk-01234567 89abcdef", "has a space or a line break in it. Copy it again, in one piece."),
        ("sk-01234567\u044989abcdef", "has a character that no key has. Copy it again from the provider's page."),
    ],
)
def test_a_key_that_cannot_be_one(
    untouched: Any, there: List[str], small: str, key: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    code, line = untouched("translate", small, "--to", "es", *there)
    assert (code, line) == (2, f"The key for OpenAI {words}")


def test_a_key_of_nothing_but_space_is_none(
    untouched: Any, there: List[str], small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " \n")
    code, line = untouched("translate", small, "--to", "es", "--provider", "openai", *there)
    assert code == 2
    assert line.startswith("There is no key for OpenAI.")


def test_a_limit_on_money_needs_a_price(untouched: Any, there: List[str], small: str, data: Path) -> None:
    code, line = untouched("translate", small, "--to", "es", "--max-cost", "1", "--model", "new-model", *there)
    where = data / "prices.json"
    assert code == 2
    assert line == f"The price of new-model is not known, so --max-cost cannot be kept. Put it into {where}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "are not valid JSON (line 1): mend or delete the file."),
        ('{"providers": {"openai": {"models": {"m": {"input": "x"}}}}}', ": openai / m / input must be US dollars"),
    ],
)
def test_prices_that_cannot_be_used(
    untouched: Any, there: List[str], small: str, data: Path, content: str, words: str
) -> None:
    data.mkdir(parents=True)
    write(data / "prices.json", content)
    code, line = untouched("translate", small, "--to", "es", *there)
    assert code == 2
    assert words in line
    assert str(data / "prices.json") in line


# --- all of it, as a person sees it ---------------------------------------------------------------------------------


def test_nothing_ends_in_a_traceback(small: str, home: Path, folder: Path) -> None:
    """In a process of its own: nothing but the line, whatever Python would add."""
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    seen: Set[int] = set()
    for words in (["translate", str(folder / "no.srt"), "--to", "es"], ["translate", small], ["frobnicate"]):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "cli", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seen.add(done.returncode)
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("subai: ")
    assert seen == {1, 2}
