"""Runs Kodi's own add-on checker on the packaged zip, as the official repository would, and fails on any warning.

The checker wants the lists of Kodi's repositories and opens the add-on's links. It is given what it would find there
(the modules we depend on, in the versions Kodi offers), so that the check needs no network.
"""

import os
import sys
import tempfile
import zipfile
from argparse import Namespace
from typing import List, Optional

from kodi_addon_checker import ValidKodiVersions, check_addon, check_url
from kodi_addon_checker.config import Config
from kodi_addon_checker.record import INFORMATION, Record
from kodi_addon_checker.reporter import ReportManager

BRANCHES = ("nexus", "omega", "piers")  # Kodi 20, 21 and 22
AVAILABLE = {
    "script.module.urllib3": "2.2.3",
    "script.module.certifi": "2023.5.7",
    "script.module.pysubs2": "1.5.0",
    "script.module.chardet": "5.1.0",
}


class KodiRepository:
    """What the checker asks of an add-on repository."""

    def __contains__(self, addon: str) -> bool:
        return addon in AVAILABLE

    def find(self, addon: str) -> Optional[Namespace]:
        return Namespace(version=AVAILABLE[addon]) if addon in AVAILABLE else None

    def rdepends(self, _addon: str) -> List[str]:
        return []


class Findings:
    """A reporter for the checker that prints what is more than information."""

    def report(self, record: Record) -> None:
        if record.log_level != INFORMATION:
            print(f"  {record}")


def main(package: str) -> int:
    check_url.check_url = lambda _report, _addon_xml: None
    ReportManager.register(Findings, "findings", True)
    with tempfile.TemporaryDirectory() as folder:
        addon = unpack(package, folder)
        return int(sum(check(addon, branch) for branch in BRANCHES) > 0)


def unpack(package: str, folder: str) -> str:
    """Unpack with the permissions that the zip gives, which Python leaves out; returns the add-on's folder."""
    with zipfile.ZipFile(package) as archive:
        for entry in archive.infolist():
            path = archive.extract(entry, folder)
            mode = entry.external_attr >> 16 & 0o777
            if mode and not entry.is_dir():
                os.chmod(path, mode)
        return os.path.join(folder, archive.namelist()[0].split("/")[0])


def check(addon: str, branch: str) -> int:
    """Check for one version of Kodi; returns how many problems and warnings there are."""
    arguments = Namespace(
        branch=branch,
        PR=True,
        allow_folder_id_mismatch=False,
        skip_dependency_checks=False,
        reporter=["findings"],
        check_license_file_exists=True,
        check_kodi_leia_deprecations=True,
        max_entrypoint_count=15,
    )
    repositories = {name: KodiRepository() for name in ValidKodiVersions}
    report = check_addon.start(addon, arguments, repositories, Config(addon, arguments))
    print(f"{branch}: {report.problem_count} problems, {report.warning_count} warnings")
    return int(report.problem_count + report.warning_count)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
