"""`./subai`: the environment it makes on first use, and how it hands over to the command line."""

import importlib.machinery
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import List, Tuple

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "subai"
COMMAND_LINE = """
import sys
print("prefix", sys.prefix)
print("arguments", *sys.argv[1:])
sys.exit(7)
"""
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals and symbolic links as on POSIX")


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the launcher as a module, so that one step of it can be tested."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = importlib.machinery.SourceFileLoader("subai", str(SOURCE))
    spec = importlib.util.spec_from_loader("subai", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def lay_out(root: Path) -> None:
    """Put a launcher, no requirements and a command line that says who runs it into `root`."""
    (root / "cli").mkdir(parents=True)
    (root / "cli" / "__init__.py").touch()
    (root / "cli" / "__main__.py").write_text(COMMAND_LINE, encoding="utf-8")
    (root / "requirements.txt").touch()
    shutil.copy(str(SOURCE), str(root / "subai"))


def start(root: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(root / "subai"), *arguments],
        cwd=str(root / "elsewhere") if (root / "elsewhere").exists() else str(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )


def launch(root: Path, *arguments: str) -> Tuple[int, str, str]:
    """Run the launcher to its end; returns exit code, standard output, standard error."""
    with start(root, *arguments) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def first_runs(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, List[Tuple[int, str, str]]]:
    """Two launches at once where nothing is set up yet: (the folder, what each of them said)."""
    root = tmp_path_factory.mktemp("subai")
    lay_out(root)
    with start(root, "one") as one, start(root, "two") as two:
        said = [process.communicate(timeout=60) for process in (one, two)]
    return root, [(one.returncode, *said[0]), (two.returncode, *said[1])]


@pytest.fixture
def root(first_runs: Tuple[Path, List[Tuple[int, str, str]]]) -> Path:
    """Return a folder that is set up."""
    return first_runs[0]


def test_two_first_launches_at_once_set_up_once_and_both_run(
    first_runs: Tuple[Path, List[Tuple[int, str, str]]],
) -> None:
    root, said = first_runs
    assert [code for code, _, _ in said] == [7, 7]
    assert "arguments one" in said[0][1]
    assert "arguments two" in said[1][1]
    assert sum(err.count("setting up .venv ...") for _, _, err in said) == 1
    assert (root / ".venv").is_dir()


def test_the_command_line_runs_inside_the_environment_and_its_exit_code_comes_back(root: Path) -> None:
    code, out, err = launch(root, "translate", "a film.srt")
    assert code == 7
    assert "prefix {}".format(root / ".venv") in out
    assert "arguments translate a film.srt" in out
    assert err == ""


def test_a_cli_folder_where_the_person_stands_is_not_taken_for_ours(root: Path) -> None:
    decoy = root / "elsewhere" / "cli"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").touch()
    (decoy / "__main__.py").write_text("raise SystemExit('decoy')", encoding="utf-8")
    assert launch(root)[0] == 7


def test_changed_requirements_are_installed_on_the_next_run(root: Path) -> None:
    (root / "requirements.txt").write_text("# still none\n", encoding="utf-8")
    assert "Bringing .venv up to date" in launch(root)[2]
    assert launch(root)[2] == ""


@pytest.mark.parametrize(
    "requirement", ["not-to-be-had==1.0", "./missing-1.0-py3-none-any.whl"], ids=["offline", "no such file"]
)
def test_a_failed_installation_is_one_clear_line_and_no_traceback(
    root: Path, requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (root / "requirements.txt").write_text(requirement, encoding="utf-8")
    code, out, err = launch(root)
    (root / "requirements.txt").write_text("", encoding="utf-8")
    complaint = err.splitlines()[-1]
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 2
    assert complaint.startswith("subai: could not install the requirements; is this machine online")
    assert requirement.lstrip("./") in complaint


def test_pip_keeps_the_settings_of_the_person_but_never_installs_for_the_user(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("PIP_USER", "1")
    assert launcher.quiet_environment()["PIP_PROXY"] == "http://proxy.invalid:3128"
    assert launcher.quiet_environment()["PIP_USER"] == "0"


@pytest.mark.long
@posix_only
def test_an_environment_whose_python_went_away_is_made_anew(root: Path) -> None:
    (root / ".venv" / "bin" / "python").unlink()
    code, out, err = launch(root, "again")
    assert code == 7
    assert "First run" in err
    assert "arguments again" in out


@pytest.mark.long
@posix_only
def test_ctrl_c_while_setting_up_ends_without_a_traceback_and_the_next_run_repairs(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with start(tmp_path) as process:
        assert process.stderr
        process.stderr.readline()  # the notice: it is at work now
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert err == "subai: stopped while setting up; the next run carries on.\n"
    assert launch(tmp_path)[0] == 7


def test_a_python_without_venv_is_told_which_package_to_install(
    launcher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt" if name == "apt" else None)
    lay_out(tmp_path)
    with pytest.raises(
        launcher.SetupError, match=r"no venv module.*sudo apt install python3-venv, then run this again"
    ):
        launcher.prepare(str(tmp_path))


def test_without_apt_the_package_is_named_in_general(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "python3-venv" in launcher.how_to_get_venv()


def test_a_python_that_is_too_old_is_named(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 7, 16))
    monkeypatch.setattr(sys, "version", "3.7.16 (default)")
    assert launcher.main([]) == 1
    assert "needs Python 3.8 or newer" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_named(launcher: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(
        launcher.SetupError, match=r"cannot write to .*missing.* Put Sub-AI Translator in a folder of yours"
    ):
        launcher.prepare(str(tmp_path / "missing"))


def test_a_virtual_environment_that_cannot_be_made_says_why(launcher: ModuleType, tmp_path: Path) -> None:
    (tmp_path / ".venv").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(launcher.SetupError, match=r"could not make \.venv: .*"):
        launcher.create(str(tmp_path))


def test_where_a_process_cannot_be_replaced_the_exit_code_of_the_child_is_ours(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "name", "nt")
    assert launcher.hand_over([sys.executable, "-c", "raise SystemExit(3)"]) == 3


def test_the_last_error_of_a_tool_is_what_it_said(launcher: ModuleType) -> None:
    assert launcher.last_words("Looking\nERROR: first\nERROR: No match\n\n[notice] a new pip\n") == "No match"
    assert launcher.last_words("one\ntwo\n\n") == "two"
    assert launcher.last_words("") == "nothing"
