"""Fixtures of the database's tests; a test module takes them by naming this one in ``pytest_plugins``."""

from pathlib import Path
from typing import Iterator, List

import pytest
from store_support import Clock

from translate.store import Store, open_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notices() -> List[str]:
    """What a person was told about the store."""
    return []


@pytest.fixture
def store(tmp_path: Path, notices: List[str]) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "data"), notices.append)
    yield opened
    opened.close()
