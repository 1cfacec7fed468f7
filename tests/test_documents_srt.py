from typing import Tuple

import pytest
from documents_support import one_cue, read, text_after, text_of, texts, times, written

from translate.documents import parse

ORDINARY = """
    1
    00:02:17,250 --> 00:02:20,500
    This blade has a dark past.

    2
    00:02:21,800 --> 00:02:25,800
    It has shed
    much innocent blood.
    """


def test_cues_have_their_times_in_seconds_and_lines_broken_by_one_character() -> None:
    document = read(ORDINARY)
    assert (document.format, document.encoding) == ("srt", "utf-8")
    assert times(document) == [(137.25, 140.5), (141.8, 145.8)]
    assert texts(document) == ["This blade has a dark past.", "It has shed\nmuch innocent blood."]
    assert [cue.index for cue in document.cues] == [0, 1]


def test_only_the_words_of_translated_cues_change() -> None:
    document = read(ORDINARY)
    assert written(document, {1: "Ha derramado\nmucha sangre inocente."}) == text_of(ORDINARY).replace(
        "It has shed\nmuch innocent blood.", "Ha derramado\nmucha sangre inocente."
    )


def test_a_cue_without_translation_or_with_a_blank_one_keeps_its_source() -> None:
    document = read(ORDINARY)
    assert written(document, {}) == text_of(ORDINARY)
    assert written(document, {0: " \n\n ", 7: "no such cue"}) == text_of(ORDINARY)


@pytest.mark.parametrize(
    "timing",
    [
        "00:01:02.500 --> 00:01:03,000",
        "0:1:2,5 --> 0:1:3,0",
        "01:02,500 --> 01:03,000",
        "00:01:02:500 --> 00:01:03:000",
        "00:01:02,500-->00:01:03,000",
        " 00:01:02,500  -->  00:01:03,000 ",
        "00 : 01 : 02 , 500 --> 00 : 01 : 03 , 000",
        "00:01:02,500 -> 00:01:03,000",
        "00:01:02,500 -- > 00:01:03,000",
        "00:01:02,500 --> 00:01:03",
        "00:01:02,500 --> 00:01:03,000  X1:100 X2:600 Y1:020 Y2:050",
    ],
)
def test_a_timing_line_may_be_written_loosely_and_stays_as_it_is(timing: str) -> None:
    source = f"1\n{timing}\nHello\n\n2\n00:02:00,000 --> 00:02:01,000\nBye\n"
    document = parse(source.encode(), "film.srt")
    assert times(document) == [(62.5, 63.0), (120.0, 121.0)]
    assert written(document, {0: "Hola"}) == source.replace("Hello", "Hola")


def test_times_may_overlap_run_backwards_or_lie_before_the_film() -> None:
    document = read(
        """
        1
        00:00:09,000 --> 00:00:12,000
        Last
        2
        00:00:01,000 --> 00:00:00,500
        Backwards
        3
        -00:00:01,500 --> 00:00:02,000
        Before
        """
    )
    assert times(document) == [(9.0, 12.0), (1.0, 0.5), (-1.5, 2.0)]
    assert texts(document) == ["Last", "Backwards", "Before"]


def test_an_arrow_between_times_of_day_is_dialogue() -> None:
    assert texts(one_cue("Open:\n12:30 -> 13:45\n1:12:30 -> 1:13:45")) == ["Open:\n12:30 -> 13:45\n1:12:30 -> 1:13:45"]


def test_numbers_may_be_missing_or_repeated_and_are_never_text() -> None:
    source = """
        00:00:01,000 --> 00:00:02,000
        No number

        7
        00:00:03,000 --> 00:00:04,000
        Seven

        7
        00:00:05,000 --> 00:00:06,000
        Seven again
        8
        00:00:07,000 --> 00:00:08,000
        No blank line above

        9

        00:00:09,000 --> 00:00:10,000
        A blank line under the number

        10
        """
    document = read(source)
    assert texts(document) == [
        "No number",
        "Seven",
        "Seven again",
        "No blank line above",
        "A blank line under the number",
    ]
    assert written(document, {4: "Hola"}) == text_of(source).replace("A blank line under the number", "Hola")


def test_a_number_said_by_someone_is_text() -> None:
    document = read(
        """
        1
        00:00:01,000 --> 00:00:02,000
        How many?
        42

        2
        00:00:03,000 --> 00:00:04,000
        Only
        """
    )
    assert texts(document) == ["How many?\n42", "Only"]


def test_a_blank_line_inside_a_cue_does_not_cut_it() -> None:
    source = """
        1
        00:00:01,000 --> 00:00:02,000
        First

        second

        2
        00:00:03,000 --> 00:00:04,000

        After a blank line
        """
    document = read(source)
    assert texts(document) == ["First\nsecond", "After a blank line"]
    assert written(document, {0: "Uno\n\ndos"}) == text_of(source).replace("First\n\nsecond", "Uno\ndos")


def test_an_empty_cue_is_kept_and_swallows_nothing() -> None:
    source = """
        1
        00:00:01,000 --> 00:00:02,000

        2
        00:00:03,000 --> 00:00:04,000
        3
        00:00:05,000 --> 00:00:06,000
        Text
        """
    document = read(source)
    assert [(cue.text, cue.skip) for cue in document.cues] == [("", "empty"), ("", "empty"), ("Text", "")]
    assert written(document, {0: "x", 1: "x", 2: "Texto"}) == text_of(source).replace("Text", "Texto")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_line_ends_of_the_file_are_kept_and_used(line_end: str) -> None:
    source = text_of(ORDINARY).replace("\n", line_end)
    document = parse(source.encode(), "film.srt")
    assert texts(document) == ["This blade has a dark past.", "It has shed\nmuch innocent blood."]
    expected = source.replace("This blade has a dark past.", f"Uno{line_end}dos")
    assert document.render({0: "Uno\ndos"}) == expected.encode()


def test_mixed_line_ends_stay_and_new_lines_get_the_commonest() -> None:
    source = b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHello\nthere\r\r\n2\n00:00:03,000 --> 00:00:04,000\r\nBye\r\n"
    document = parse(source, "film.srt")
    assert texts(document) == ["Hello\nthere", "Bye"]
    assert document.render({}) == source
    assert document.render({0: "a\nb"}) == source.replace(b"Hello\nthere", b"a\r\nb")


def test_a_file_may_end_in_the_middle_of_a_line() -> None:
    source = "1\n00:00:01,000 --> 00:00:02,000\nHello"
    assert written(parse(source.encode(), "film.srt"), {0: "Hola"}) == source.replace("Hello", "Hola")
    assert [cue.skip for cue in parse(b"00:00:01,000 --> 00:00:02,000", "film.srt").cues] == ["empty"]


def test_what_stands_before_the_first_cue_stays() -> None:
    source = """
        Ripped by nobody
        \ufeff1
        00:00:01,000 --> 00:00:02,000
        Hello
        """
    assert written(read(source), {0: "Hola"}) == text_of(source).replace("Hello", "Hola")


@pytest.mark.parametrize(
    ("raw", "text", "tags"),
    [
        ("<i>Hello\nthere</i>", "Hello\nthere", ()),
        ("<I>\n Hello \n</I>", "Hello", ()),
        ("<b><i>Hello</i></b>", "Hello", ()),
        ('<font color="#fff">Hello</font>', "Hello", ()),
        ("{\\an8}Hello", "Hello", ()),
        ("{\\an8}<i>Hello</i>", "Hello", ()),
        ("<i>{\\an8}Hello</i>", "Hello", ()),
        ("{\\an8}{\\i1}Hello{\\i0}", "Hello", ()),
        ("<i>Unclosed", "Unclosed", ()),
        ("Unopened</i>", "Unopened", ()),
        ("Hello<br>", "Hello", ()),
        ("<i>Hello</i>\n<i>there</i>", "Hello\nthere", ()),
        ("{\\an8}<i>Hello</i>\n<i>there</i>", "Hello\nthere", ()),
        ("<i>Hello\n<i>there</i>", "Hello\nthere", ()),
        ("<br>Hello <b>you</b>", "Hello <b>you</b>", ("<b>", "</b>")),
        ("<b>Hello</b> there", "<b>Hello</b> there", ("<b>", "</b>")),
        ("<i>Hello <b>you</b></i>", "Hello <b>you</b>", ("<b>", "</b>")),
        ("{\\an8}Hello <b>you</b>", "Hello <b>you</b>", ("<b>", "</b>")),
        ("<i>Hello</i>\n<b>there</b>", "<i>Hello</i>\n<b>there</b>", ("<i>", "</i>", "<b>", "</b>")),
        ("<i>Hello</i>\nthere", "<i>Hello</i>\nthere", ("<i>", "</i>")),
        ("Hello\n<i>there</i>", "Hello\n<i>there</i>", ("<i>", "</i>")),
        ("<b>a<i>b</b></i>", "<b>a<i>b</b></i>", ("<b>", "<i>", "</b>", "</i>")),
        ("<i>a</i>\n<b>\n<i>b</i>", "<i>a</i>\n<b>\n<i>b</i>", ("<i>", "</i>", "<b>", "<i>", "</i>")),
        ("<GRUNTS> 2 < 3 {sic}", "<GRUNTS> 2 < 3 {sic}", ()),
    ],
)
def test_tags_around_the_whole_are_set_aside_and_come_back(raw: str, text: str, tags: Tuple[str, ...]) -> None:
    document = one_cue(raw)
    assert (document.cues[0].text, document.cues[0].tags) == (text, tags)
    assert text_after(document, text) == raw


def test_tags_of_each_line_are_put_around_each_line_of_the_translation() -> None:
    assert text_after(one_cue("<i>Hello</i>\n<i>there</i>"), "a\nb\nc") == "<i>a</i>\n<i>b</i>\n<i>c</i>"
    assert text_after(one_cue("<i>Hello</i>\n<i>there</i>"), "a") == "<i>a</i>"


@pytest.mark.parametrize("raw", ["", " ", "<i></i>", "<i> \n </i>", "{\\an8}"])
def test_a_cue_without_words_is_skipped_as_empty(raw: str) -> None:
    assert one_cue(raw).cues[0].skip == "empty"


@pytest.mark.parametrize("raw", ["*", "♪ ♫", "...", "- !", "123", "<i>♪</i>", "1.5 €"])
def test_a_cue_without_a_letter_is_skipped_as_symbols(raw: str) -> None:
    document = one_cue(raw)
    assert document.cues[0].skip == "symbols"
    assert text_after(document, "x") == raw


@pytest.mark.parametrize("raw", ["Ja", "да", "嗯", "ไม่", "हाँ", "42nd"])
def test_a_letter_of_any_script_makes_a_cue_worth_translating(raw: str) -> None:
    assert one_cue(raw).cues[0].skip == ""


@pytest.mark.parametrize(
    ("translation", "raw"),
    [
        ("a\n\n\nb", "a\nb"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("  a  \n  b  ", "a\nb"),
        ("a --> b", "a → b"),
        ("00:00:01,000 --> 00:00:02,000", "00:00:01,000 → 00:00:02,000"),
        ("00:00:01,000 -> 00:00:02,000", "00:00:01,000 → 00:00:02,000"),
        ("bell\x07 and half \ud800a pair\x00", "bell and half a pair"),
        ("1 < 2 & <i>x</i>", "1 < 2 & <i>x</i>"),
    ],
)
def test_a_translation_cannot_break_the_format(translation: str, raw: str) -> None:
    assert text_after(one_cue("Hello"), translation) == raw


@pytest.mark.parametrize(
    "translation",
    ["1\n00:00:01,000 --> 00:00:02,000\nx", "\n\n2\n\n", "00:00:01 --> 00:00:02", "0:1:2,3- ->0:1:2,4", "7"],
)
def test_what_was_written_is_read_again_as_the_same_cues(translation: str) -> None:
    document = read(ORDINARY)
    again = parse(document.render({0: translation, 1: translation}), "film.es.srt")
    assert times(again) == times(document)
