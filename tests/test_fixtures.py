"""The fixtures themselves."""

import re
from collections import Counter
from pathlib import Path


def test_no_two_modules_of_fixtures_share_a_name() -> None:
    """Pytest knows them all at once, so the module imported last would have it for everybody."""
    modules = [*Path(__file__).parent.glob("*_fixtures.py"), Path(__file__).with_name("conftest.py")]
    found = [re.findall(r"@pytest\.fixture.*\ndef (\w+)", path.read_text(encoding="utf-8")) for path in modules]
    assert len(modules) > 4
    assert [name for name, count in Counter(name for names in found for name in names).items() if count > 1] == []
