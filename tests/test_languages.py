"""Languages: found by code, by name in any spelling, in file names, and told from their text."""

import codecs
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from core.errors import ConfigError
from translate.language_guess import dominant_script, guess_source
from translate.language_table import ROWS
from translate.languages import LANGUAGES, MAX_OTHER, find, from_suffix

DIALOGUE = json.loads((Path(__file__).parent / "data" / "dialogue.json").read_text(encoding="utf-8"))
"""The same twelve lines in many languages: code -> lines."""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("es", "es"),
        ("ES", "es"),
        ("pt-BR", "pt-BR"),
        ("PT_br", "pt-BR"),
        ("por-br", "pt-BR"),
        ("pob", "pt-BR"),
        ("zh-TW", "zh-TW"),
        ("zh-Hant", "zh-TW"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-Hant-HK", "zh-HK"),
        ("spa", "es"),
        ("ger", "de"),
        ("deu", "de"),
        ("sr-Latn-RS", "sr-Latn"),
        ("sr-Cyrl", "sr"),
        ("es-419", "es-419"),
        ("  fr ", "fr"),
    ],
)
def test_a_code_is_found_whatever_its_case_and_form(text: str, code: str) -> None:
    assert find(text).code == code


@pytest.mark.parametrize("text", ["sv-SE", "sv_FI", "swe-se", "sv-Latn", "sv-Latn-SE"])
def test_a_region_or_script_without_a_name_of_its_own_means_the_plain_language(text: str) -> None:
    assert find(text).code == "sv"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Spanish", "es"),
        ("spanish", "es"),
        ("Español", "es"),
        ("Espanol", "es"),
        ("ESPAÑOL", "es"),
        ("Brazilian Portuguese", "pt-BR"),
        ("Portuguese (Brazil)", "pt-BR"),
        ("Português (Brasil)", "pt-BR"),
        ("portugues do brasil", "pt-BR"),
        ("Chinese (Traditional)", "zh-TW"),
        ("Traditional Chinese", "zh-TW"),
        ("Chinese (Simplified)", "zh-CN"),
        ("中文", "zh"),
        ("繁體中文", "zh-TW"),
        ("Русский", "ru"),
        ("हिन्दी", "hi"),
        ("한국어", "ko"),
        ("Foroyskt", "fo"),
        ("Norsk bokmal", "nb"),
        ("Latvian, Lettish", "lv"),
        ("Farsi", "fa"),
    ],
)
def test_a_name_is_found_in_english_and_in_its_own_language_with_or_without_accents(text: str, code: str) -> None:
    assert find(text).code == code


def test_every_language_is_found_by_each_of_its_codes_and_names() -> None:
    for language, row in zip(LANGUAGES, ROWS):
        for text in (language.code, language.name, language.native, *language.other_codes, *row[5].split(";")):
            if text.strip():
                assert find(text) is language, text


def test_no_code_stands_for_two_languages() -> None:
    codes = Counter(code.lower() for language in LANGUAGES for code in (language.code, *language.other_codes))
    assert [code for code, times in codes.items() if times > 1] == []


def test_every_code_page_is_one_that_python_knows() -> None:
    for language in LANGUAGES:
        for page in language.code_pages:
            codecs.lookup(page)


def test_scripts_that_run_from_right_to_left_are_marked() -> None:
    rtl = {language.code for language in LANGUAGES if language.rtl}
    assert {"ar", "fa", "he", "ur", "yi", "dv"} <= rtl
    assert not rtl & {"en", "ru", "zh-CN", "hi"}


def test_the_base_is_the_code_without_region_and_script() -> None:
    assert [find(text).base for text in ("pt-BR", "zh-TW", "es", "other:Klingon")] == ["pt", "zh", "es", "x-klingon"]


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Spansh", "Did you mean Spanish (es)?"),
        ("Portugese", "Did you mean Portuguese (pt)?"),
        ("es-foo", "Did you mean Spanish (es)?"),
        ("Elvish", "other:TEXT"),
        ("qq", "other:TEXT"),
        ("x" * 500, "other:TEXT"),
        ("two\nlines", "other:TEXT"),
        ("", "No language given"),
    ],
)
def test_an_unknown_language_is_one_line_with_what_comes_closest_and_how_to_give_another(
    text: str, suggestion: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        find(text)
    message = caught.value.user_message
    assert suggestion in message
    assert "other:TEXT" in message
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("other:Klingon", "Klingon", "x-klingon"),
        ("OTHER: Old Norse ", "Old Norse", "x-old-norse"),
        ("other:Spanish as spoken in Mexico", "Spanish as spoken in Mexico", "x-spanish-as-spoken-in-mexico"),
        ("other:Język śląski", "Język śląski", "x-jezyk-slaski"),
        ("other:en", "en", "x-en"),
    ],
)
def test_free_text_is_a_language_of_its_own(text: str, name: str, code: str) -> None:
    language = find(text)
    assert (language.name, language.native, language.code, language.script) == (name, name, code, "")


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "a/b\\c:d*e?", "ᚱᚢᚾᛖᛊ", "...", "a" * MAX_OTHER, "😀", "CON", "\ud800"]
)
def test_free_text_never_makes_an_unsafe_file_name(text: str) -> None:
    assert re.fullmatch(r"x-[a-z0-9-]{1,45}", find(f"other:{text}").code)


def test_free_texts_that_differ_only_in_letters_a_file_name_cannot_hold_get_different_codes() -> None:
    texts = ["ᚱᚢᚾᛖ", "ᛖᚾᚢᚱ", "Greek ᚱ", "Greek ᚢ", "a" * 40, "a" * 41]
    assert len({find(f"other:{text}").code for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "No language after"),
        ("a" * (MAX_OTHER + 1), "Make it shorter"),
        ("one\ntwo", "one line"),
        ("a\u2028b", "one line"),
    ],
)
def test_free_text_that_is_empty_long_or_of_several_lines_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        find(f"other:{text}")


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("Eng", "en"),
        ("pt-br", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("zh-Hans", "zh-CN"),
        ("chs", "zh-CN"),
        ("cz", "cs"),
        ("Spanish", "es"),
        ("english", "en"),
        ("Français", "fr"),
        ("am", "am"),
        ("hi", "hi"),
    ],
)
def test_the_language_part_of_a_file_name_is_recognised(part: str, code: str) -> None:
    assert from_suffix(part) == find(code)


@pytest.mark.parametrize(
    "part", ["", "1080p", "forced", "sdh", "srt", "Am", "It", "Ice", "x264", " en", "other:Klingon", "BluRay"]
)
def test_other_parts_of_a_file_name_are_no_language(part: str) -> None:
    assert from_suffix(part) is None


@pytest.mark.parametrize("code", sorted(DIALOGUE))
def test_the_language_of_twelve_lines_of_dialogue_is_told_from_the_text(code: str) -> None:
    assert guess_source(DIALOGUE[code]) == find(code)


@pytest.mark.parametrize("code", sorted(DIALOGUE))
def test_four_lines_are_told_rightly_or_not_at_all(code: str) -> None:
    for start in (0, 4, 8):
        guessed = guess_source(DIALOGUE[code][start : start + 4])
        assert guessed is None or guessed.code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "♪ ♪",
        "No!",
        "- Bonjour!\n- Non!",
        "Kur tu buvai? Skambinau tau visą naktį. Žinau. Pamečiau telefoną stotyje. Tu visada turi pasiteisinimą.",
        "Kus sa olid? Ma helistasin sulle terve öö. Ma tean. Kaotasin jaamas oma telefoni. Sul on alati vabandus.",
        "Қайда болдың? Түні бойы қоңырау шалдым. Білемін. Телефонымды вокзалда жоғалтып алдым. Сенде сылтау бар.",
        "The Русский and the English, 日本語 too, in equal ελληνικά measure: свобода, ελευθερία, 自由です",
        "1234 5678 " * 50,
        "ᚱᚢᚾᛖᛊ " * 20,
    ],
)
def test_nothing_is_guessed_from_too_little_text_or_an_unknown_language(text: str) -> None:
    assert guess_source([text]) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello!", "Latn"),
        ("Ещё нет, OK?", "Cyrl"),
        ("我们走吧", "Hans"),
        ("我們走吧", "Hant"),
        ("今すぐ警察に行かなきゃ", "Jpan"),
        ("어디 있었어?", "Kore"),
        ("أين كنت؟", "Arab"),
        ("123 ♪", ""),
        ("", ""),
        ("abc абв", ""),
    ],
)
def test_the_script_of_a_text_is_the_one_most_letters_are_in(text: str, script: str) -> None:
    assert dominant_script(text) == script
