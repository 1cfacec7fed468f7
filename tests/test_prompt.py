"""What the model is told: rules first, then what belongs to the film, then the lines around, and last the cues."""

import json

import pytest

from translate.languages import find
from translate.prompt import ANCHOR_CHARS, Brief, anchored_keys, messages, plain_keys

PLAIN = Brief(find("es"))
FULL = Brief(
    find("pt-BR"),
    find("ja"),
    style="formal",
    film="The Lighthouse (2019)",
    glossary=(("harbour", "porto"), ("Doc", "Doutor")),
)


def system(brief: Brief, *args: object) -> str:
    return messages(brief, *args)[0].content  # type: ignore[arg-type]


def test_there_are_two_messages_and_the_last_is_exactly_one_object() -> None:
    texts = ['He said "no".\nTwice.', "{\\i1}Why?{\\i0}", "日本語 — ♪", "\\N"]
    told = messages(PLAIN, plain_keys(4), texts)
    assert [message.role for message in told] == ["system", "user"]
    assert json.loads(told[1].content) == dict(zip(["1", "2", "3", "4"], texts))
    assert "日本語" in told[1].content, "escaped letters cost many tokens"
    assert list(json.loads(messages(PLAIN, plain_keys(12), ["x"] * 12)[1].content))[-3:] == ["10", "11", "12"]


def test_the_languages_are_named() -> None:
    assert "translate film subtitles into Spanish" in PLAIN.system_text()
    assert "from Japanese into " in FULL.system_text()


def test_what_is_not_given_is_not_mentioned() -> None:
    text = system(PLAIN, ["1"], ["Hi."])
    for word in ("Style", "The film", "Always translate", "before", "after", "copy the keys"):
        assert word not in text


def test_it_goes_from_what_never_changes_to_what_each_batch_changes() -> None:
    text = system(FULL, ["1 Hi"], ["Hi."], ["Before."], ["After."])
    parts = ["JSON object alone.", "formal", "The Lighthouse (2019)", "harbour = porto; Doc = Doutor", "copy the keys"]
    places = [text.index(part) for part in [*parts, "Before.", "After."]]
    assert places == sorted(places)
    assert text.startswith(FULL.system_text())


def test_two_batches_have_all_but_their_neighbours_in_common() -> None:
    one = system(FULL, ["1"], ["A"], ["Left of A."], ["Right of A."])
    other = system(FULL, ["1"], ["B"], ["Close to B."], ["Far from B."])
    same = FULL.system_text() + "\nThe lines before, for context only: "
    assert one.startswith(same)
    assert other.startswith(same)


def test_a_line_of_context_is_one_line_without_tags() -> None:
    text = system(PLAIN, ["1"], ["x"], ["<i>Where</i> are\nyou?", "{\\an8}Here."], ["- No.\n- Yes."])
    assert "The lines before, for context only: Where are you? / Here." in text
    assert "The lines after, for context only: - No. - Yes." in text


def test_the_words_of_a_film_cannot_break_the_rules_apart() -> None:
    """A format string in a style, a title or a cue is only text."""
    brief = Brief(find("es"), style="{target}", film="100 % {source}", glossary=(("{x}", "%s"),))
    text = system(brief, ["1"], ["{0}"], ["{1}"])
    assert "Style: {target}" in text
    assert "The film: 100 % {source}" in text
    assert "{x} = %s" in text


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("Where are you going?", "1 Where are you"),
        ("<i>Where</i> are\nyou going?", "1 Where are you"),
        ("{\\an8}No.", "1 No"),
        ("- Yes!\n- No!", "1 Yes No"),
        ("Donaudampfschifffahrtsgesellschaftskapitän", "1 Donaudampfschifffahrtsge"),
        ("¿Qué?", "1 Qué"),
        ("...", "1"),
        ('"1": "', "1 1"),
    ],
)
def test_an_anchored_key_is_the_number_and_the_first_words(text: str, anchor: str) -> None:
    assert anchored_keys([text]) == (anchor,)
    assert len(anchor) <= ANCHOR_CHARS + 3


def test_anchored_keys_differ_even_where_the_cues_do_not() -> None:
    assert anchored_keys(["No.", "No."]) == ("1 No", "2 No")


def test_anchors_are_explained_only_where_there_are_some() -> None:
    texts = ["Where are you?", "..."]
    assert "copy the keys as they are" in system(PLAIN, anchored_keys(texts), texts)
    assert "copy the keys" not in system(PLAIN, plain_keys(2), texts)
    assert "copy the keys" not in system(PLAIN, anchored_keys(["..."]), ["..."])
