"""The folder that a desktop keeps data in."""

import os
import sys

import pytest

from core.paths import data_directory


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path.replace("~", "/home/ann"))
    for name in ("XDG_DATA_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("platform", "variable", "value", "expected"),
    [
        ("linux", "XDG_DATA_HOME", "", "/home/ann/.local/share/sub-ai-translator"),
        ("linux", "XDG_DATA_HOME", "/data", "/data/sub-ai-translator"),
        ("linux", "XDG_DATA_HOME", "data", "/home/ann/.local/share/sub-ai-translator"),
        ("darwin", "XDG_DATA_HOME", "/data", "/home/ann/Library/Application Support/sub-ai-translator"),
        ("win32", "APPDATA", "/roaming", "/roaming/sub-ai-translator"),
        ("win32", "APPDATA", "", "/home/ann/AppData/Roaming/sub-ai-translator"),
    ],
)
def test_each_platform_has_its_place(
    monkeypatch: pytest.MonkeyPatch, platform: str, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, value)
    assert data_directory().replace("\\", "/") == expected
