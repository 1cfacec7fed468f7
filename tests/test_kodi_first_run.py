from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from kodi_fakes import FakeKodi, fake_kodi

from core.errors import InputError
from kodi import first_run, key_file, setting_actions
from kodi.settings import Reader

__all__ = ["fake_kodi"]

KEY = "sk-proj-0123456789abcdef"
OPENAI, GEMINI, OPENROUTER, ANTHROPIC, OLLAMA, LMSTUDIO, OWN_SERVER = range(7)


@pytest.fixture
def service(fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch) -> List[Any]:
    """What the service answers next; every message to it fails the test that did not put an answer here."""
    answers: List[Any] = []

    def ask(action: str, data: Any = None, timeout: float = 2.0, given_up: Any = None) -> Optional[Dict[str, Any]]:
        answer: Optional[Dict[str, Any]] = answers.pop(0)
        return answer

    monkeypatch.setattr(setting_actions, "ask", ask)
    return answers


# --- the guide ----------------------------------------------------------------------------------------------------


def test_the_guide_stores_provider_key_language_and_consent(fake_kodi: FakeKodi, service: List[Any]) -> None:
    fake_kodi.answers = [True, GEMINI, 0, KEY, 0, False]
    setting_actions.guide()
    current = Reader(print).refresh()
    assert (current.provider, current.key, current.target.code, current.ready) == ("gemini", KEY, "en", True)
    assert "cast" in fake_kodi.shown[0]
    assert fake_kodi.shown[-1].startswith("Ready.")


@pytest.mark.parametrize(
    "answers",
    [
        [False],
        [True, None],
        [True, OPENAI, None],
        [True, OPENAI, 0, KEY, None],
        [True, OWN_SERVER, None],
        [True, OLLAMA, None],
        [True, OLLAMA, "http://nas:11434", None],
    ],
)
def test_whoever_leaves_the_guide_before_its_end_has_changed_nothing(
    fake_kodi: FakeKodi, service: List[Any], answers: List[Any]
) -> None:
    before = dict(fake_kodi.settings)
    fake_kodi.answers = answers
    assert not first_run.run()
    assert fake_kodi.settings == before


def test_a_server_at_home_needs_an_address_and_no_key(fake_kodi: FakeKodi) -> None:
    fake_kodi.answers = [True, OWN_SERVER, "http://nas:1234/v1", 0, 0]
    assert first_run.run()
    assert fake_kodi.settings["compatible_base_url"] == "http://nas:1234/v1"
    assert Reader(print).refresh().ready


@pytest.mark.parametrize(
    ("chosen", "provider", "address"),
    [(OLLAMA, "ollama", "http://127.0.0.1:11434"), (LMSTUDIO, "lmstudio", "http://127.0.0.1:1234/v1")],
)
def test_ollama_and_lm_studio_are_set_up_without_a_key_and_with_a_model_of_theirs(
    fake_kodi: FakeKodi, service: List[Any], chosen: int, provider: str, address: str
) -> None:
    fake_kodi.answers = [True, chosen, address, 0, 2, False]
    service += [{"ok": True}, {"ok": True, "models": ["llama", "qwen"]}]
    setting_actions.guide()
    current = Reader(print).refresh()
    assert (current.provider, current.base_url, current.model, current.key) == (provider, address, "llama", "")
    assert current.ready
    assert not any("The key for" in text for text in fake_kodi.shown)


def test_a_server_at_home_whose_model_is_known_is_not_asked_for_it(fake_kodi: FakeKodi, service: List[Any]) -> None:
    fake_kodi.settings["ollama_model"] = "llama"
    fake_kodi.answers = [True, OLLAMA, "http://nas:11434", 0, False]
    setting_actions.guide()
    assert Reader(print).refresh().model == "llama"


def test_anthropic_needs_a_key_as_the_other_clouds_do(fake_kodi: FakeKodi, service: List[Any]) -> None:
    fake_kodi.answers = [True, ANTHROPIC, 0, KEY, 0, False]
    setting_actions.guide()
    assert fake_kodi.settings["anthropic_api_key"] == KEY
    assert Reader(print).refresh().ready


def test_what_cannot_be_a_key_is_told_and_asked_for_again(fake_kodi: FakeKodi) -> None:
    fake_kodi.answers = [True, OPENAI, 0, "two words", 0, f'"{KEY}"', 0, KEY, 0]
    assert first_run.run()
    assert sum("cannot be a key" in text for text in fake_kodi.shown) == 2
    assert fake_kodi.settings["openai_api_key"] == KEY


def test_a_key_that_is_stored_may_stay(fake_kodi: FakeKodi) -> None:
    fake_kodi.settings["openai_api_key"] = KEY
    fake_kodi.answers = [True, OPENAI, 0, 0]
    assert first_run.run()
    assert fake_kodi.settings["openai_api_key"] == KEY


def test_the_key_is_shown_on_no_page_of_the_guide(fake_kodi: FakeKodi) -> None:
    fake_kodi.settings["openai_api_key"] = KEY
    fake_kodi.answers = [True, OPENAI, 0, 0]
    first_run.run()
    assert KEY not in "".join(fake_kodi.shown)


def test_the_language_may_be_one_of_ours_or_any_other(fake_kodi: FakeKodi) -> None:
    fake_kodi.answers = [True, OPENAI, 0, KEY, 1]
    first_run.run()
    assert fake_kodi.settings["target_language"] == "af"
    names = fake_kodi.shown[-1].split(" | ")
    fake_kodi.answers = [True, OPENAI, 0, len(names) - 2, "Klingon"]
    first_run.run()
    assert fake_kodi.settings["target_language_other"] == "Klingon"


def test_a_test_that_fails_is_shown_and_the_guide_does_not_say_that_all_is_ready(
    fake_kodi: FakeKodi, service: List[Any]
) -> None:
    fake_kodi.answers = [True, OPENAI, 0, KEY, 0, True]
    service += [{"ok": True}, {"ok": False, "text": "OpenAI refused the key."}]
    setting_actions.guide()
    assert fake_kodi.shown[-1] == "OpenAI refused the key."


# --- buttons ----------------------------------------------------------------------------------------------------


def test_a_button_opens_the_settings_again_at_its_own_page(fake_kodi: FakeKodi, service: List[Any]) -> None:
    assert setting_actions.run("reset_connections")
    assert fake_kodi.builtins == ["Addon.OpenSettings(service.subtitles.sub-ai-translator)", "SetFocus(-97)"]
    assert not setting_actions.run("format_disk")


def test_a_service_that_is_not_there_is_told(fake_kodi: FakeKodi, service: List[Any]) -> None:
    service += [None]
    setting_actions.run("test_connection")
    assert "does not answer" in fake_kodi.shown[-1]


def test_who_does_not_want_to_wait_for_a_test_is_told_nothing(fake_kodi: FakeKodi, service: List[Any]) -> None:
    service += [{"ok": True}, None]
    fake_kodi.given_up = True
    setting_actions.run("test_connection")
    assert fake_kodi.shown == []


@pytest.mark.parametrize(("chosen", "stored"), [(0, ""), (2, "big"), (3, "small"), (None, "small")])
def test_a_model_is_chosen_from_the_providers_list(
    fake_kodi: FakeKodi, service: List[Any], chosen: Optional[int], stored: str
) -> None:
    fake_kodi.settings["openai_model"] = "small"
    service += [{"ok": True}, {"ok": True, "models": ["big", "small"]}]
    fake_kodi.answers = [chosen]
    setting_actions.run("choose_model")
    assert fake_kodi.settings["openai_model"] == stored


def test_a_model_can_be_typed_where_there_is_no_list(fake_kodi: FakeKodi, service: List[Any]) -> None:
    service += [{"ok": True}, {"ok": False, "text": "No list."}]
    fake_kodi.answers = [1, "mine"]
    setting_actions.run("choose_model")
    assert fake_kodi.settings["openai_model"] == "mine"
    assert "No list." in fake_kodi.shown


def test_a_key_is_read_from_a_file_for_the_provider_in_the_settings(fake_kodi: FakeKodi, tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text(KEY, encoding="utf-8")
    fake_kodi.settings["provider"] = "openrouter"
    fake_kodi.answers = [str(path)]
    setting_actions.run("read_key")
    assert fake_kodi.settings["openrouter_api_key"] == KEY
    assert KEY not in "".join(fake_kodi.shown)


SERVERS: List[Dict[str, Any]] = [
    {
        "provider": "ollama",
        "label": "Ollama",
        "base_url": "http://10.0.0.5:11434",
        "models": {"llama3.2": True, "qwen3:8b": False},
    },
    {"provider": "compatible", "label": "llama.cpp", "base_url": "http://10.0.0.5:8080/v1", "models": {"x": True}},
]


@pytest.mark.parametrize(
    ("row", "stored"),
    [
        (0, ("ollama", "http://10.0.0.5:11434", "llama3.2")),
        (1, ("ollama", "http://10.0.0.5:11434", "qwen3:8b")),
        (2, ("compatible", "http://10.0.0.5:8080/v1", "x")),
        (None, ("openai", "", "")),
    ],
)
def test_a_server_that_was_found_is_filled_in_with_its_model(
    fake_kodi: FakeKodi, service: List[Any], row: Optional[int], stored: Any
) -> None:
    service += [{"ok": True}, {"ok": True, "servers": SERVERS, "text": ""}]
    fake_kodi.answers = [0, row]
    assert setting_actions.run("find_servers")
    current = Reader(print).refresh()
    assert (current.provider, current.base_url, current.model) == stored
    rows = next(text for text in fake_kodi.shown if "qwen3" in text)
    assert rows.endswith("Ollama: llama3.2 (loaded) | Ollama: qwen3:8b | llama.cpp: x (loaded)")


def test_servers_are_looked_for_where_the_person_says(fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: List[Any] = []

    def ask(action: str, data: Any = None, timeout: float = 2.0, given_up: Any = None) -> Dict[str, Any]:
        asked.append((action, data))
        return {"ok": True}

    monkeypatch.setattr(setting_actions, "ask", ask)
    fake_kodi.answers = [1, "nas"]
    setting_actions.run("find_servers")
    assert asked == [("status", None), ("find_servers", {"address": "nas"})]


@pytest.mark.parametrize("answers", [[None], [1, ""]])
def test_who_names_no_place_has_nobody_looked_for(fake_kodi: FakeKodi, service: List[Any], answers: List[Any]) -> None:
    before = dict(fake_kodi.settings)
    fake_kodi.answers = answers
    setting_actions.run("find_servers")
    assert fake_kodi.settings == before


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"ok": False, "text": "Nothing is looked for before you agree."}, "before you agree"),
        ({"ok": True, "servers": [{**SERVERS[0], "models": {}}], "text": ""}, "Ollama runs there, but has no model"),
        (None, "does not answer"),
    ],
)
def test_where_there_is_nothing_to_choose_the_person_is_told_why(
    fake_kodi: FakeKodi, service: List[Any], answer: Any, words: str
) -> None:
    service += [{"ok": True}, answer]
    fake_kodi.answers = [0]
    setting_actions.run("find_servers")
    assert words in fake_kodi.shown[-1]


# --- keys in files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"\n  {KEY}  \r\nsecond-line-of-the-file\n",
        f'"{KEY}"',
        f"# my key\n{KEY}",
        f"OPENAI_API_KEY={KEY}",
        f'export OPENAI_API_KEY="{KEY}"',
        f"GEMINI_API_KEY=AIza0123456789\nOPENAI_API_KEY='{KEY}'",
        f"key: {KEY}",
        f"API key = {KEY};",
        f"My key for OpenAI\n{KEY}\n",
    ],
)
def test_the_key_is_found_in_whatever_a_person_writes(text: str) -> None:
    assert key_file.find(text, "openai") == KEY


@pytest.mark.parametrize("text", ["", "\n\n", "my key", "# only a comment", "GEMINI_API_KEY=AIza0123456789", "short"])
def test_no_key_is_made_of_anything_else(text: str) -> None:
    assert key_file.find(text, "openai") == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_key_file_may_come_from_any_editor(fake_kodi: FakeKodi, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(KEY.encode(encoding))
    assert key_file.read(str(path), "openai") == KEY


@pytest.mark.parametrize("content", [b"\0\1\2" * 100, b"\xff" * 20, b"x" * (key_file.LARGEST + 1), None])
def test_what_is_no_text_file_is_told_by_its_name(
    fake_kodi: FakeKodi, tmp_path: Path, content: Optional[bytes]
) -> None:
    path = tmp_path / "film.mkv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"film\.mkv"):
        key_file.read(str(path), "openai")
