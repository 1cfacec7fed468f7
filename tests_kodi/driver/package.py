"""What a person would install: the add-on as ``make zip`` packs it, and the modules it needs from Kodi's repository."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List, Tuple
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent.parent
ID = "service.subtitles.sub-ai-translator"
INSIDE = "script.subai.inside"
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
    packed = subprocess.run(
        ["git", "archive", "--format=zip", f"--prefix={ID}/", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    zipfile.ZipFile(io.BytesIO(packed.stdout)).extractall(addons)
    shutil.copytree(Path(__file__).parent / "inside", addons / INSIDE)
    return [*modules, INSIDE, ID]


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
