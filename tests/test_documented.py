"""What can be seen, set or said is in the documentation."""

import argparse
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Iterator, List, Tuple, Type

import pytest
from kodi_fakes import default_settings
from status_support import full

import api
from cli.arguments import parser
from cli.main import COMMANDS
from core import config, limits
from core.errors import CancelledError, ConfigError, TransportError, kind_of
from core.events import MEANINGS
from core.pool_stats import REASONS
from status.answers import PATHS
from status.families import families

ROOT = Path(__file__).resolve().parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EVERYTHING = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
)


#: Besides statuses and the kinds of failures of the network.
OTHER_OUTCOMES = (kind_of(CancelledError("Cancelled.")), kind_of(ConfigError("No such host.")), "abandoned")


def section(heading: str) -> str:
    """What stands in docs/operations.md under a heading, up to the next one."""
    text = OPERATIONS.split(f"\n{heading}\n")[1]
    return re.split(r"^##", text, flags=re.MULTILINE)[0]


def words_in_code(text: str) -> List[str]:
    """What stands between backticks or in a block of code, whole and word for word."""
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, re.MULTILINE)
    return [*spans, *(word for span in spans for word in re.split(r"[\s,;=\[\]]+", span))]


def commands(root: argparse.ArgumentParser, *before: str) -> Iterator[Tuple[str, str]]:
    """Each command with each of its flags, by its long name, and with ``""``."""
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield " ".join((*before, name)), ""
                yield from commands(inner, *before, name)
        for flag in action.option_strings:
            if flag.startswith("--") and flag != "--help":
                yield " ".join(before), flag


@pytest.mark.parametrize("name", [family["name"] for family in families(full().snapshot())])
def test_every_figure_is_explained(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`", OPERATIONS, re.MULTILINE)


@pytest.mark.parametrize("text", [OPERATIONS, (ROOT / "contrib/monitoring/README.md").read_text(encoding="utf-8")])
def test_no_figure_is_explained_that_does_not_exist(text: str) -> None:
    known = {family["name"] for family in families(full().snapshot())}
    assert set(re.findall(r"subai_\w+", text)) - known == set()


@pytest.mark.parametrize(("event", "meaning"), MEANINGS.items())
def test_every_event_is_explained(event: str, meaning: str) -> None:
    assert re.search(rf"^\| `{event}` \|", OPERATIONS, re.MULTILINE)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_of_the_status_server_is_listed(path: str) -> None:
    assert f"`{path}`" in OPERATIONS


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_for_closing_a_connection_is_explained(reason: str) -> None:
    assert re.search(rf"^\|[^|]*`{reason}`", section("### Connections"), re.MULTILINE)


def test_no_reason_is_explained_that_does_not_exist() -> None:
    (table,) = [text for text in section("### Connections").split("\n\n") if text.startswith("| reason |")]
    told = [word for row in table.splitlines()[2:] for word in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(told) == sorted(REASONS)


def kinds(error: Type[TransportError]) -> Iterator[str]:
    for kind in error.__subclasses__():
        yield kind.kind
        yield from kinds(kind)


@pytest.mark.parametrize("outcome", sorted({*kinds(TransportError), *OTHER_OUTCOMES}))
def test_every_outcome_of_a_request_is_explained(outcome: str) -> None:
    assert re.search(rf"^\|[^|]*`{outcome}`", section("### Requests"), re.MULTILINE)


def test_every_alert_has_something_to_be_done_about_it() -> None:
    rules = (ROOT / "contrib" / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
    for alert in re.findall(r"alert: (\w+)", rules):
        assert f"| `{alert}` |" in OPERATIONS


def test_every_command_and_every_flag_is_documented() -> None:
    known = words_in_code(EVERYTHING)
    missing = [
        f"{command} {flag}".strip()
        for command, flag in commands(parser())
        if not (flag in known if flag else any(f"subai {command}" in span for span in known))
    ]
    assert missing == []
    assert set(COMMANDS) == {command.split()[0] for command, _ in commands(parser())}


def tunables() -> Iterator[str]:
    for module in (config, limits):
        for kind in vars(module).values():
            if is_dataclass(kind):
                yield from (spec.name for spec in fields(kind) if "low" in spec.metadata)


@pytest.mark.parametrize("name", sorted(set(tunables())))
def test_every_tunable_is_documented(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`", CONFIGURATION, re.MULTILINE)


@pytest.mark.parametrize("setting", sorted(default_settings()))
def test_every_setting_of_kodi_is_documented(setting: str) -> None:
    general = re.sub(rf"^({'|'.join(api.PROVIDERS)})_", "<provider>_", setting)
    assert f"`{setting}`" in CONFIGURATION or f"`{general}`" in CONFIGURATION
