"""What a person would install: the add-on as ``make zip`` packs it, and the modules it needs from Kodi's repository."""

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List, Tuple
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent.parent
ID = "service.subtitles.sub-ai-translator"
INSIDE, VIDEOS = "script.subai.inside", "plugin.video.subai.inside"
WHEELS = ROOT / "build" / "kodi-modules"

_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<addon id="{id}" name="{name}" version="{version}" provider-name="python">
  <requires><import addon="xbmc.python" version="3.0.0"/></requires>
  <extension point="xbmc.python.module" library="lib"/>
  <extension point="xbmc.addon.metadata"><summary lang="en_GB">{name}</summary><platform>all</platform></extension>
</addon>
"""


def install(addons: Path, commit: str = "HEAD") -> List[str]:
    """Put everything into Kodi's folder of add-ons; their ids, those first that others need."""
    modules = [_install_module(addons, *each) for each in _required()]
    zipfile.ZipFile(io.BytesIO(_packed(commit))).extractall(addons)
    for helper in (INSIDE, VIDEOS):
        shutil.copytree(Path(__file__).parent / "inside" / helper, addons / helper)
    return [*modules, INSIDE, VIDEOS, ID]


def newer_zip(path: Path, commit: str = "HEAD") -> str:
    """The add-on as its next version, packed as a person gets it; returns that version."""
    packed = _packed(commit)
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        name = f"{ID}/addon.xml"
        version = ET.fromstring(old.read(name)).attrib["version"] + ".1"
        for entry in old.namelist():
            content = old.read(entry)
            if entry == name:
                content = re.sub(rb'(<addon [^>]*?version=")[^"]*', rb"\g<1>" + version.encode(), content, count=1)
            new.writestr(entry, content)
    return version


def _packed(commit: str) -> bytes:
    command = ["git", "archive", "--format=zip", f"--prefix={ID}/", commit]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def _required() -> List[Tuple[str, str]]:
    """The modules that addon.xml asks for: name on the Python registry, and version."""
    prefix = "script.module."
    wanted = ET.parse(ROOT / "addon.xml").findall("requires/import")
    return [
        (each.attrib["addon"][len(prefix) :], each.attrib["version"])
        for each in wanted
        if each.attrib["addon"].startswith(prefix)
    ]


def _install_module(addons: Path, name: str, version: str) -> str:
    ident = f"script.module.{name}"
    with zipfile.ZipFile(_wheel(name, version)) as wheel:
        wheel.extractall(addons / ident / "lib")
    (addons / ident / "addon.xml").write_text(_MODULE.format(id=ident, name=name, version=version), encoding="utf-8")
    return ident


def _wheel(name: str, version: str) -> Path:
    """Just that release, fetched once."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    if not list(WHEELS.glob(f"{name}-*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        options = ["--disable-pip-version-check", "--dest", os.fspath(WHEELS), f"{name}=={version}"]
        subprocess.run(command + options, check=True)
    return next(WHEELS.glob(f"{name}-*.whl"))
