"""What one text shows by itself: every kind of damage is found, and what is harmless passes."""

from typing import Dict, Sequence

import pytest

from translate import scripts
from translate.checks import check, letters, may_stay, tidy

SOURCE = "We should have left before the storm came."
ITALIC = ("<i>", "</i>")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (SOURCE, "Deberíamos habernos ido antes de la tormenta."),
        ("Yes.", "Sí."),
        ("Hm?", "¿Qué has dicho?"),
        ("Would you mind leaving?", "¡Fuera!"),
        ("OK.", "OK."),
        ("Sintel!", "Sintel!"),
        ("Taxi?", "Taxi?"),
        ("Oliver Whitmore.", "Oliver Whitmore."),
        ("1984", "1984"),
        ("♪ ♪", "♪ ♪"),
        ("...", "..."),
        ("Half past seven.", "7:30."),
        ("I can't translate this.", "I can't translate this, no puedo traducirlo."),
        ('Say "x": {y}', 'Di "x": {y}'),
        ("I <3 you", "Te <3"),
        ("a < b > c", "a < b > c y"),
    ],
)
def test_right_translations_pass(source: str, text: str) -> None:
    assert check(source, text, key="9") == ""


@pytest.mark.parametrize("text", ["", "...", "-", "♪", "—"])
def test_nothing_where_something_was_said_is_empty(text: str) -> None:
    assert check(SOURCE, text) == "empty"


@pytest.mark.parametrize(
    "text",
    [
        '"7": "Deberíamos habernos ido"',
        "7. Deberíamos habernos ido antes.",
        "7: Deberíamos habernos ido antes.",
        "7 Deberíamos habernos ido antes.",
        "[7] Deberíamos habernos ido antes.",
        "7 We should Deberíamos habernos ido.",
        "```json Deberíamos",
        '{"7": "Deberíamos habernos ido"}',
        'Deberíamos habernos ido"}',
        "Deber\\u00edamos habernos ido",
        "<think>Deberíamos habernos ido",
    ],
)
def test_keys_braces_and_fences_in_a_text_are_debris(text: str) -> None:
    assert check(SOURCE, text, key="7 We should") in ("debris", "tags")


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't translate this line.",
        "I cannot assist with that request.",
        "As an AI language model, I am unable to do that.",
        "This violates the content guidelines.",
        "Here is the translation: Deberíamos",
        "Translation: Deberíamos habernos ido.",
    ],
)
def test_a_model_that_speaks_of_itself_refused(text: str) -> None:
    assert check(SOURCE, text, script="Latn") == "refusal"


def test_what_sounds_like_a_refusal_may_be_english_dialogue() -> None:
    assert check("No puedo ayudarte con ese contenido.", "I can't help with this content.", english=True) == ""
    assert check("No puedo ayudarte con ese contenido.", "I can't help with this content.") == "refusal"


@pytest.mark.parametrize("text", [SOURCE, SOURCE.rstrip("."), "We should have left\nbefore the storm came"])
def test_the_source_again_is_untranslated(text: str) -> None:
    assert check(SOURCE, text) == "untranslated"


def test_another_case_or_brackets_are_somebodys_wish() -> None:
    assert check(SOURCE, SOURCE.upper()) == check(SOURCE, f"«{SOURCE}»") == ""


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Deberíamos <i>habernos</i> ido.", ITALIC),
        ("</i>Deberíamos<i> habernos ido.", ("</i>", "<i>")),
        ("Deberíamos {\\i1}habernos{\\i0} ido.", ("{\\i1}", "{\\i0}")),
        ("Deberíamos<00:00:01.000> habernos", ("<00:00:01.000>",)),
        ("<b>Deberíamos</b> <i>habernos</i> ido.", (*ITALIC, "<b>", "</b>")),
        ("<b>Deberíamos</b> <c.red>habernos</c> ido.", ("<c.red>", "</c>", "<b>", "</b>")),
        ("Ido</i> habernos <b>deberíamos", ("<b>", "</i>")),
    ],
)
def test_kept_tags_pass(text: str, tags: Sequence[str]) -> None:
    assert check(SOURCE, text, tags) == ""


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Deberíamos habernos ido.", ITALIC),
        ("Deberíamos <i>habernos ido.", ITALIC),
        ("Deberíamos <b>habernos</b> ido.", ITALIC),
        ("Deberíamos </i>habernos<i> ido.", ITALIC),
        ("Deberíamos <i>habernos</i> <i>ido</i>.", ITALIC),
        ("<i>Deberíamos <b>habernos</i></b> ido.", ("<i>", "</i>", "<b>", "</b>")),
        ("Deberíamos <i>habernos</i> ido.", ()),
        ("{\\an8}Deberíamos habernos ido.", ()),
        ("Deberíamos {\\i0}habernos ido.", ("{\\i1}",)),
        ("Deberíamos {\\i0}habernos{\\i1} ido.", ("{\\i1}", "{\\i0}")),
    ],
)
def test_lost_changed_or_crossed_tags_fail(text: str, tags: Sequence[str]) -> None:
    assert check(SOURCE, text, tags) == "tags"


@pytest.mark.parametrize(
    ("script", "right", "wrong"),
    [
        ("Cyrl", "Нам надо было уйти до бури, Oliver.", "Trebalo je da odemo pre oluje."),
        ("Latn", "Deberíamos habernos ido, Ольга.", "Нам надо было уйти до бури."),
        ("Hans", "我们应该在暴风雨来临之前离开。", "嵐が来る前に出るべきだった。"),
        ("Jpan", "嵐が来る前に出るべきだった。", "폭풍이 오기 전에 떠났어야 했어."),
        ("Kore", "폭풍이 오기 전에 떠났어야 했어.", "我们应该在暴风雨来临之前离开。"),
        ("Deva", "हमें तूफान से पहले निकल जाना चाहिए था।", "We should leave, yes."),
        ("Arab", "كان علينا المغادرة قبل العاصفة.", "היינו צריכים לעזוב לפני הסערה."),
    ],
)
def test_the_script_of_the_target_language(script: str, right: str, wrong: str) -> None:
    assert check(SOURCE, right, script=script) == ""
    assert check(SOURCE, wrong, script=script) == "script"


def test_names_may_stay_in_their_script_and_unknown_scripts_are_not_judged() -> None:
    assert check("Call Oliver, Whitmore.", "Oliver, Whitmore!", script="Cyrl") == ""
    assert check(SOURCE, "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", script="Cher") == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {
                "source": "Go on, then.",
                "text": "Deberíamos habernos ido antes de que llegara la tormenta de esta noche.",
            },
            "long",
        ),
        ({"source": SOURCE * 3, "text": "Bueno."}, "short"),
        ({"source": SOURCE, "text": "uno\ndos\ntres\ncuatro"}, "lines"),
        ({"source": SOURCE, "text": "我" * 80, "script": "Hans"}, "long"),
        (
            {
                "source": "我们应该在暴风雨来临之前离开。",
                "text": "We should have left before the storm came, you know.",
            },
            "",
        ),
        ({"source": SOURCE, "text": "<i>" + "a" * 40 + "</i>", "tags": ITALIC}, ""),
    ],
)
def test_lengths_out_of_all_proportion(changes: Dict[str, object], reason: str) -> None:
    assert check(**changes) == reason  # type: ignore[arg-type]


def test_harmless_differences_are_tidied() -> None:
    assert tidy(" Hola \r\n", "Hi", ()) == "Hola"
    assert tidy("uno\r\ndos\rtres", "one", ()) == "uno\ndos\ntres"
    assert tidy(r"uno\Ndos\ntres", "one", ()) == "uno\ndos\ntres"
    assert tidy(r"a\nb", r"a\b", ()) == r"a\nb"
    assert tidy("< I >Hola</ i>", "<i>Hi</i>", ITALIC) == "<i>Hola</i>"
    assert tidy("<b>Hola</b>", "<i>Hi</i>", ITALIC) == "<b>Hola</b>"


def test_what_may_stay_as_it_is() -> None:
    assert all(
        map(
            may_stay,
            ("OK", "Sintel!", "Taxi?", "New York City", "Go, go!", "<i>Dad!</i>", "12", "Ruth! Ruth! Ruth! Ruth!"),
        )
    )
    assert not any(map(may_stay, (SOURCE, "Thank you.", "Come here")))


def test_letters_are_compared_without_case_and_marks() -> None:
    assert letters("¡Hola, <I>!") == letters("hola i")


def test_lengths_follow_the_scripts() -> None:
    assert scripts.usual_ratio("abcdef", "Latn") == 1.0
    assert scripts.usual_ratio("abcdef", "Hans") < 0.5
    assert scripts.usual_ratio("我们应该离开", "") > 2.0
