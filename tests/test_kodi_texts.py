"""The settings screen and its texts fit together, in every language."""

import ast
import re
import string
from typing import Dict, Iterator, List, Set
from xml.etree import ElementTree as ET

import pytest
from kodi_fakes import LANGUAGES, ROOT, SETTINGS, texts

import api
from core.config import PoolConfig, describe
from kodi import key_file, setting_actions, settings, strings, windows
from translate import languages

OTHERS = ["de_de", "es_es", "pl_pl", "nl_nl", "fr_fr", "zh_cn"]
FIXED = {
    "target_language", "target_language_other", "source_language", "style_hint", "auto_translate", "parallel_requests",
    "monthly_limit", "consent", "provider", "pool_num_pools", "pool_maxsize", "pool_connect_timeout",
    "pool_read_timeout", "pool_max_idle", "pool_max_age", "pool_proxy", "pool_ca_file",
    "ollama_parallel_requests",
    *(f"{name}_{what}" for name in api.PROVIDERS
      for what in ("api_key", "model", "base_url")),
}  # fmt: skip
#: Ids of names and formats, and of words that are the same in that language.
SAME = {
    "": {30303, 30304, 30305, 30313, 30314, 30315, 30316, 30317, 30416, 30566, 30610},
    "de_de": {30122},
    "es_es": {30122},
    "nl_nl": {30022, 30438, 30515},
    "fr_fr": {30402},
}

ENGLISH = texts("en_gb")
IN_PASSING = (
    strings.DONE_ALL, strings.DONE_SOME, strings.STOPPED, strings.JOINED, strings.NEXT_READY, strings.REMOVED,
    strings.NO_SOURCE, strings.NOTHING_RUNS, strings.KEY_STORED, strings.RESET_DONE, strings.UNREACHABLE, strings.BUSY,
    strings.LIMIT_HIT, strings.LIMIT_REACHED, strings.FEW_FILES,
)  # fmt: skip


def every_setting() -> List[ET.Element]:
    return list(ET.parse(str(SETTINGS)).iter("setting"))


def ids_in_xml() -> Set[int]:
    found: Set[int] = set()
    for path in (SETTINGS, ROOT / "addon.xml"):
        for element in ET.parse(str(path)).iter():
            values = [element.get("label"), element.get("help")]
            if element.tag in ("label", "heading", "formatlabel"):
                values.append(element.text)
            found |= {int(value) for value in values if value and value.isdigit()}
    return found


def ids_in_code() -> Dict[str, int]:
    return {name: value for name, value in vars(strings).items() if name.isupper() and isinstance(value, int)}


def fields(text: str) -> Set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def placeholders() -> Iterator[int]:
    return (number for number, (english, _) in ENGLISH.items() if fields(english))


def test_there_are_no_other_languages_than_those_promised() -> None:
    assert sorted(path.name[len("resource.language.") :] for path in LANGUAGES.iterdir()) == sorted(["en_gb", *OTHERS])


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_and_translated(language: str) -> None:
    translated = texts(language)
    assert {number: english for number, (english, _) in translated.items()} == {
        number: english for number, (english, _) in ENGLISH.items()
    }
    allowed = SAME[""] | SAME.get(language, set())
    left = {number: own for number, (english, own) in translated.items() if not own or own == english}
    assert set(left) <= allowed, left


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_same_values_to_fill_in(language: str) -> None:
    translated = texts(language)
    for number in placeholders():
        assert fields(translated[number][1]) == fields(ENGLISH[number][0]), translated[number]


def test_every_text_is_used_and_every_use_has_a_text() -> None:
    used = ids_in_xml() | set(ids_in_code().values()) | set(strings.LANGUAGES.values())
    assert used == set(ENGLISH)
    assert all(30000 <= number <= 33999 for number in ENGLISH)


@pytest.mark.parametrize("language", ["en_gb", *OTHERS])
def test_what_is_told_in_passing_is_short_enough_for_a_notice(language: str) -> None:
    """Whatever is longer scrolls, and is gone before it was seen to its end."""
    own = {number: translated or english for number, (english, translated) in texts(language).items()}
    longest_provider = max((own[strings.OWN_SERVER], "OpenRouter"), key=windows.width)
    values = {
        "provider": longest_provider,
        "source": own[strings.LANGUAGES["en"]],
        "limit": "$12.00",
        "kept": 14,
        "count": 8,
    }
    for number in IN_PASSING:
        text = own[number].format(done="1,318", total="1,332", **values)
        assert windows.width(text) <= windows.NOTICE_WIDTH, text


def test_every_named_text_is_shown_somewhere() -> None:
    names: Set[str] = set()
    for path in sorted((ROOT / "kodi").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(ids_in_code()) - names == set()


def test_each_text_is_given_the_values_that_it_wants() -> None:
    """Every call of ``localised(strings.NAME, ...)`` in the code, against the English text."""
    numbers = ids_in_code()
    for path in sorted((ROOT / "kodi").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not (isinstance(node.func, ast.Name) and node.func.id == "localised"):
                continue
            first = node.args[0]
            if isinstance(first, ast.Attribute) and first.attr in numbers:
                given = {keyword.arg for keyword in node.keywords}
                assert fields(ENGLISH[numbers[first.attr]][0]) <= given, f"{path.name}:{node.lineno}"


def test_the_ids_that_are_set_from_outside_are_there() -> None:
    assert {setting.attrib["id"] for setting in every_setting()} >= FIXED


def test_every_setting_has_a_label_a_help_and_a_level_that_is_shown() -> None:
    for setting in every_setting():
        assert int(setting.attrib["label"]) in ENGLISH
        assert int(setting.attrib["help"]) in ENGLISH
        assert setting.findtext("level") in ("0", "1", "2", "3")


def test_every_provider_can_be_chosen_and_is_called_what_it_calls_itself() -> None:
    (provider,) = (setting for setting in every_setting() if setting.attrib["id"] == "provider")
    labels = {str(one.text): ENGLISH[int(one.attrib["label"])][0] for one in provider.iter("option")}
    assert set(labels) == set(api.PROVIDERS)
    assert {name: labels[name] for name in settings.PROVIDERS} == settings.PROVIDERS
    assert {name: kind.label for name, kind in api.PROVIDERS.items() if name != "compatible"} == settings.PROVIDERS


def test_what_is_at_home_is_where_its_provider_looks_for_it_and_needs_no_key() -> None:
    assert {
        name: kind.default_base_url
        for name, kind in api.PROVIDERS.items()
        if kind.default_base_url and not kind.needs_key
    } == settings.AT_HOME


def test_a_key_file_may_name_every_provider_by_its_variable() -> None:
    assert {name: kind.key_name for name, kind in api.PROVIDERS.items()} == key_file._NAMES


def test_no_option_is_empty() -> None:
    """Kodi 20 ends with a segmentation fault when it reads one."""
    options = [option for setting in every_setting() for option in setting.iter("option")]
    assert options
    assert all(option.text for option in options)


def test_conditions_look_at_settings_of_the_same_category_only() -> None:
    """Kodi rejects the others."""
    for category in ET.parse(str(SETTINGS)).iter("category"):
        own = {setting.attrib["id"] for setting in category.iter("setting")}
        assert {condition.attrib["setting"] for condition in category.iter("condition")} <= own


def test_each_language_in_the_settings_is_one_we_know_under_its_english_name() -> None:
    for name in ("target_language", "source_language"):
        setting = next(one for one in every_setting() if one.attrib["id"] == name)
        codes = {str(option.text): int(option.attrib["label"]) for option in setting.iter("option")}
        known = {code: label for code, label in codes.items() if code not in ("kodi", "other", "auto")}
        assert known == strings.LANGUAGES
    for code, number in strings.LANGUAGES.items():
        assert languages.find(code).code == code
        assert languages.find(ENGLISH[number][0]).code == code


def test_the_bounds_of_the_sliders_lie_within_those_of_the_pool() -> None:
    bounds = describe(PoolConfig())
    for setting in every_setting():
        name = setting.attrib["id"][len("pool_") :]
        if setting.attrib["id"].startswith("pool_") and name in settings.POOL_FIELDS:
            low, high = (float(part) for part in re.findall(r"\(([\d.]+)-([\d.]+)\)$", bounds[name])[0])
            assert low <= float(str(setting.findtext("constraints/minimum")))
            assert float(str(setting.findtext("constraints/maximum"))) <= high


def test_every_button_has_something_that_it_does() -> None:
    for setting in every_setting():
        if setting.attrib["type"] == "action":
            name = setting.attrib["id"]
            assert setting.findtext("data") == f"RunScript(service.subtitles.sub-ai-translator,{name})"
            assert setting.findtext("control/close") == "true"
            assert name in setting_actions._ACTIONS


def test_every_button_is_on_the_page_that_is_opened_again_after_it() -> None:
    pages = ET.parse(str(SETTINGS)).findall("section/category")
    found = {
        str(setting.get("id")): number
        for number, page in enumerate(pages)
        for setting in page.iter("setting")
        if setting.get("type") == "action"
    }
    assert found == {name: page for name, (_, page) in setting_actions._ACTIONS.items()}


def test_the_extension_points_are_in_the_order_that_kodi_needs() -> None:
    points = [point.attrib["point"] for point in ET.parse(str(ROOT / "addon.xml")).findall("extension")]
    assert points == [
        "xbmc.subtitle.module", "xbmc.service", "xbmc.python.script", "kodi.context.item", "xbmc.addon.metadata",
    ]  # fmt: skip


@pytest.mark.parametrize("entry", ["service.py", "script.py", "context.py", "subtitles.py"])
def test_an_entry_puts_our_own_folder_first_and_makes_one_call(entry: str) -> None:
    tree = ast.parse((ROOT / entry).read_text(encoding="utf-8"))
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Expr", "Import", "Import", "Expr", "ImportFrom", "Expr"]
    lines = (ROOT / entry).read_text(encoding="utf-8").splitlines()
    assert lines[tree.body[3].lineno - 1].startswith("sys.path.insert(0, ")
