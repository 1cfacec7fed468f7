"""What a person installs: the Kodi package, the sample, and that they agree with each other."""

import io
import re
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "the-lighthouse-keeper.en.srt"
ENTRIES = {"context.py", "script.py", "service.py", "subtitles.py"}
FOLDERS = {"api", "core", "kodi", "resources", "status", "translate"}
PACKAGED = {"LICENSE.txt", "README.md", "CHANGELOG.md", "addon.xml", *ENTRIES, *FOLDERS}

in_a_clone = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the package is made from git")


@pytest.fixture(scope="module")
def package() -> zipfile.ZipFile:
    """Return the Kodi package, made from the last commit as `make zip` makes it."""
    command = ["git", "archive", "--format=zip", "--prefix=addon/", "HEAD"]
    made = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, check=True)
    return zipfile.ZipFile(io.BytesIO(made.stdout))


@in_a_clone
def test_the_package_holds_what_kodi_needs_and_nothing_else(package: zipfile.ZipFile) -> None:
    assert {name.split("/")[1] for name in package.namelist()} - {""} <= PACKAGED
    assert "addon/addon.xml" in package.namelist()


@in_a_clone
def test_nothing_in_the_package_is_executable(package: zipfile.ZipFile) -> None:
    files = [entry for entry in package.infolist() if not entry.is_dir()]
    assert [entry.filename for entry in files if entry.external_attr >> 16 & 0o111] == []


def test_kodi_and_the_command_line_ask_for_the_same_urllib3_and_pysubs2() -> None:
    imports = ET.parse(str(ROOT / "addon.xml")).findall("requires/import")
    in_kodi = {entry.attrib["addon"]: entry.attrib["version"] for entry in imports}
    pinned = dict(
        re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert in_kodi["script.module.urllib3"] == pinned["urllib3"]
    assert in_kodi["script.module.pysubs2"] == pinned["pysubs2"]


def test_the_newest_version_in_the_changelog_is_the_one_of_the_add_on() -> None:
    version = ET.parse(str(ROOT / "addon.xml")).getroot().attrib["version"]
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0] == version


@pytest.mark.parametrize(
    "shape",
    [
        r"-->.*\n.+\n.+\n",  # two lines
        r"<i>.+</i>",  # italics
        r"<i>[^<]+\n[^<]+</i>",  # italics over two lines
        r"\n♪ .+ ♪\n",  # a song
        r"\n♪\n",  # music, and no words
        r"\{\\an8\}[A-Z ]+\n",  # a sign
        r"\n\[[a-z ,]+\]\n",  # a sound
        r"\n- .+\n- .+\n",  # two speakers
        r"\d,\d{3} ",  # a number
    ],
)
def test_the_sample_has_what_subtitles_are_made_of(shape: str) -> None:
    assert re.search(shape, SAMPLE.read_text(encoding="utf-8"))


def test_the_sample_is_long_enough_to_be_translated_in_batches() -> None:
    assert SAMPLE.read_text(encoding="utf-8").count(" --> ") >= 64
