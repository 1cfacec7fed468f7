from typing import List, Tuple

import pytest
from documents_support import read, text_of, texts, times, written

from translate.documents import Document, parse

EVERYTHING = r"""
    [Script Info]
    ; Dialogue: not an event
    Title: Dialogue
    ScriptType: v4.00+

    [V4+ Styles]
    Format: Name, Fontname, Fontsize, PrimaryColour
    Style: Default,Arial,20,&H00FFFFFF

    [Events]
    Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
    Comment: 0,0:00:00.00,0:00:05.00,Default,,0,0,0,,Sign, please
    Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ann,0,0,0,,{\an8}Hello, you,\Nand\hyou
    Dialogue: 10,1:02:03.45,1:02:04.00,Default,,0,0,0,,{\p1}m 0 0 l 100 0 100 100{\p0}
    Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\k20}la {\kf30}la
    Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,fx,l
    Picture: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,logo.png

    [Fonts]
    fontname: arial_0.ttf
    M'#Q!RB>"8N)5D,6V-

    [Graphics]
    filename: logo.png
    0!RB>"8N)5D,6V-
    """


def event(raw: str) -> Document:
    return parse(f"Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{raw}".encode(), "film.ass")


def raw_after(document: Document, translation: str) -> str:
    return written(document, {0: translation}).split(",", 9)[9]


def test_events_are_cues_and_everything_else_stays() -> None:
    document = read(EVERYTHING, "film.ass")
    assert document.format == "ass"
    assert times(document) == [(0.0, 5.0), (1.0, 2.5), (3723.45, 3724.0), (5.0, 6.0), (5.0, 6.0)]
    assert texts(document)[:2] == ["Sign, please", "Hello, you,\nand\u00a0you"]
    assert [cue.skip for cue in document.cues] == ["comment", "", "drawing", "karaoke", "karaoke"]
    everything = dict.fromkeys(range(5), "Hola,\ntú")
    assert written(document, {}) == text_of(EVERYTHING)
    assert written(document, everything) == text_of(EVERYTHING).replace(r"Hello, you,\Nand\hyou", r"Hola,\Ntú")


def test_the_format_line_says_where_the_fields_are() -> None:
    document = read(
        """
        [Events]
        Format: Text, Start, Style, End
        Dialogue: Hello, you, and you,0:00:01.00,Default,0:00:02.00
        Format: End, Start, Text
        Dialogue: 0:00:04.00,0:00:03.00,Bye, you
        """,
        "film.ass",
    )
    assert times(document) == [(1.0, 2.0), (3.0, 4.0)]
    assert texts(document) == ["Hello, you, and you", "Bye, you"]
    assert "Dialogue: Hola,0:00:01.00,Default,0:00:02.00\n" in written(document, {0: "Hola"})


def test_the_older_ssa_is_read_too() -> None:
    document = read(
        """
        [Script Info]
        ScriptType: v4.00
        [V4 Styles]
        Format: Name, Fontname
        [Events]
        Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
        Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,NTP,0000,0000,0000,!Effect,Hello
        """,
        "film.ssa",
    )
    assert (document.format, texts(document), times(document)) == ("ssa", ["Hello"], [(1.0, 2.0)])


def test_a_section_or_the_name_of_the_file_is_needed_too() -> None:
    """Anyone may say something that looks like an event."""
    line = "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hello"
    assert read(line, "FILM.ASS").format == "ass"
    assert read(f"[events]\n{line}", "film.txt").format == "ass"
    assert read(f"1\n00:00:01,000 --> 00:00:02,000\n{line}\n", "film.srt").format == "srt"


def test_an_event_with_too_few_fields_is_left_alone() -> None:
    source = """
        Dialogue: 0,0:00:01.00,0:00:02.00
        Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hello
        Format: Text, Start, End
        Dialogue: only,0:00:01.00
        """
    document = read(source, "film.ass")
    assert texts(document) == ["Hello"]
    assert written(document, {0: "Hola"}) == text_of(source).replace("Hello", "Hola")


def test_a_time_that_is_none_counts_as_zero() -> None:
    assert times(read("Dialogue: 0,soon,0:00:02.00,Default,,0,0,0,,Hello", "film.ass")) == [(0.0, 2.0)]


@pytest.mark.parametrize(
    ("raw", "text", "tags"),
    [
        (r"{\an8}Hello", "Hello", []),
        (r"{\pos(10,20)\i1}Hello{\i0}", "Hello", []),
        (r"{\fad(200,200)}{\c&H0000FF&}Hello", "Hello", []),
        (r"{\fnArial\b700}Hello{\r}", "Hello", []),
        (r"{a note}Hello", "Hello", []),
        (r"{\i1}Hello{\i0}\N{\i1}there{\i0}", "Hello\nthere", []),
        (r"{\i1}Hello{\i0} there", r"{\i1}Hello{\i0} there", [r"{\i1}", r"{\i0}"]),
        (r"{\an8}{\i1}Hello{\i0} there", r"{\i1}Hello{\i0} there", [r"{\i1}", r"{\i0}"]),
        (r"{\i1}Hello {\b1}you{\b0}{\i0}", r"Hello {\b1}you{\b0}", [r"{\b1}", r"{\b0}"]),
        (r"{\c&HFF&}Hello {\c&H00&}you", r"{\c&HFF&}Hello {\c&H00&}you", [r"{\c&HFF&}", r"{\c&H00&}"]),
        (r"Hello {\c&H00&}you{\r}", r"Hello {\c&H00&}you{\r}", [r"{\c&H00&}", r"{\r}"]),
        (r"Hello{a note} you", r"Hello{a note} you", ["{a note}"]),
        (r"{\p1}m 0 0{\p0}Hello", "Hello", []),
        (r"Hello{\p1}m 0 0 l 1 1", "Hello", []),
        (r"{\p1}m 0 0{\i1}l 1 1{\r}Hello", "Hello", []),
        (r"one{\p2}m 0 0{\p0}two", r"one{\p2}m 0 0{\p0}two", [r"{\p2}m 0 0{\p0}"]),
        (r"open { brace and } close", r"open { brace and } close", ["{ brace and }"]),
        (r"open { brace", r"open { brace", []),
    ],
)
def test_blocks_around_the_whole_are_set_aside_and_come_back(raw: str, text: str, tags: List[str]) -> None:
    document = event(raw)
    assert (document.cues[0].text, list(document.cues[0].tags)) == (text, tags)
    assert raw_after(document, text) == raw.replace("open {", "open (" if not tags else "open {")


@pytest.mark.parametrize(
    ("raw", "skip"),
    [
        (r"{\p1}m 0 0 l 9 9{\p0}", "drawing"),
        (r"{\an7\p4\pos(1,1)}m 0 0 l 9 9", "drawing"),
        (r"{\pos(5,5)\pbo3}", "empty"),
        (r"{\K40}la", "karaoke"),
        (r"{\ko40}la{\kt1}", "karaoke"),
        (r"{\an8}", "empty"),
        (r"\N\h", "empty"),
        ("♪", "symbols"),
    ],
)
def test_what_is_not_for_translation_is_skipped_and_stays(raw: str, skip: str) -> None:
    document = event(raw)
    assert document.cues[0].skip == skip
    assert raw_after(document, "x") == raw


@pytest.mark.parametrize(
    ("translation", "raw"),
    [
        ("a\nb\n\nc", r"a\Nb\Nc"),
        (r"a\Nb", r"a\Nb"),
        ("a, b, c", "a, b, c"),
        ("a {b} c} {d", "a (b) c) (d"),
        (r"{\b1}a{\b0} {\i1}b", r"{\b1}a{\b0} (\i1)b"),
        ("10\u00a0€", r"10\h€"),
        ("Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,x", "Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,x"),
    ],
)
def test_a_translation_cannot_break_the_format(translation: str, raw: str) -> None:
    assert raw_after(event(r"one {\b1}two{\b0} three"), translation) == raw


@pytest.mark.parametrize(("line_end", "shown"), [("\r\n", ("Hello", "Bye")), ("\r", ("Hello", "Bye"))])
def test_line_ends_are_kept(line_end: str, shown: Tuple[str, ...]) -> None:
    head = "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,"
    source = f"[Events]{line_end}{head}Hello{line_end}{head}Bye{line_end}"
    document = parse(source.encode(), "film.ass")
    assert texts(document) == list(shown)
    assert written(document, {0: "a\nb"}) == source.replace("Hello", r"a\Nb")
