from typing import Tuple

import pytest
from documents_support import read, text_of, texts, times, written

from translate.documents import Document, parse

EVERYTHING = """
    WEBVTT - a title, and --> in it
    X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000

    STYLE
    ::cue(.loud) { color: red }

    REGION
    id:left
    width:40%

    NOTE
    A note of several lines,
    not for translation.

    intro
    00:01.000 --> 00:02.500 line:0 position:20%,line-left region:left
    <v Roger Bingham>We are in <c.loud>New York</c>.</v>

    NOTE one line

    1:00:03.000 --> 1:00:04.000
    - Where?
    - AT&amp;T &lt;there&gt;&nbsp;now
    """


def cue(raw: str) -> Document:
    return parse(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{raw}\n".encode(), "film.vtt")


def raw_after(document: Document, translation: str) -> str:
    return written(document, {0: translation}).split("\n", 3)[3].rstrip("\n")


def test_header_styles_regions_notes_ids_and_settings_are_no_text_and_stay() -> None:
    document = read(EVERYTHING, "film.vtt")
    assert document.format == "vtt"
    assert times(document) == [(1.0, 2.5), (3603.0, 3604.0)]
    assert texts(document) == ["We are in <c.loud>New York</c>.", "- Where?\n- AT&T <there>\u00a0now"]
    assert written(document, {}) == text_of(EVERYTHING)
    assert written(document, {1: "¿Dónde?"}) == text_of(EVERYTHING).replace(
        "- Where?\n- AT&amp;T &lt;there&gt;&nbsp;now", "¿Dónde?"
    )


@pytest.mark.parametrize(
    ("raw", "text", "tags"),
    [
        ("<v Roger>Hello", "Hello", ()),
        ("<v.loud Roger>Hello</v>", "Hello", ()),
        ("<v A>Hello\n<v B>Bye", "Hello\n<v B>Bye", ("<v B>",)),
        ("<c.x>Hello</c>\n<c.x>there</c>", "Hello\nthere", ()),
        ("<lang en><i>Hello</i></lang>", "Hello", ()),
        ("<ruby>漢<rt>kan</rt></ruby> x", "<ruby>漢<rt>kan</rt></ruby> x", ("<ruby>", "<rt>", "</rt>", "</ruby>")),
        ("<00:01.200>Hello <00:01.500>you", "Hello <00:01.500>you", ("<00:01.500>",)),
        ("Hello</>", "Hello", ()),
        ("1 < 2 and <3", "1 < 2 and <3", ()),
    ],
)
def test_tags_around_the_whole_are_set_aside_and_come_back(raw: str, text: str, tags: Tuple[str, ...]) -> None:
    document = cue(raw)
    assert (document.cues[0].text, document.cues[0].tags) == (text, tags)
    assert raw_after(document, text).replace("&lt;", "<") == raw


def test_tags_that_are_tangled_past_all_sense_stay_inside() -> None:
    """Each opening tag is closed two places off, so that taking any one away parts the next."""
    names = "abcdefghijklmnopqrstuvwx"
    closing = [names[1], *(names[index + (2 if index % 2 else -2)] for index in range(1, len(names) - 1)), names[-2]]
    raw = "".join(f"<x{name}>" for name in names) + f"one</x{names[-2]}>two"
    raw += "".join(f"</x{name}>" for name in reversed(closing))
    document = cue(raw)
    assert document.cues[0].text == raw
    assert raw_after(document, raw) == raw


def test_times_of_single_words_are_left_out() -> None:
    """The words of a translation are others and stand elsewhere."""
    document = cue("so<00:00:01.100><c> we</c><00:00:01.200><c.white> <i>go</i></c>\n<00:00:01.300><c> now</c>")
    assert (document.cues[0].text, document.cues[0].tags) == ("so we <i>go</i>\nnow", ("<i>", "</i>"))
    assert raw_after(document, "pues <i>vamos</i>\nya") == "pues <i>vamos</i>\nya"


@pytest.mark.parametrize(
    ("translation", "raw"),
    [
        ("Tom & Jerry <3", "Tom &amp; Jerry &lt;3"),
        ("a --> b", "a --&gt; b"),
        ("a\n\n\nb", "a\nb"),
        ("<i>a</i> <b>b", "<i>a</i> <b>b"),
        ("<c.x>a</c> <script>b", "<c.x>a</c> &lt;script&gt;b"),
        ("NOTE\n\nSTYLE", "NOTE\nSTYLE"),
    ],
)
def test_a_translation_cannot_break_the_format(translation: str, raw: str) -> None:
    assert raw_after(cue("one <c.x>two</c> three"), translation) == raw


def test_a_blank_line_ends_a_cue_and_what_follows_stays() -> None:
    source = """
        WEBVTT

        00:01.000 --> 00:02.000
        Shown

        Never shown

        00:03.000 --> 00:04.000

        00:05.000 --> 00:06.000
        Last
        """
    document = read(source, "film.vtt")
    assert [(cue.text, cue.skip) for cue in document.cues] == [("Shown", ""), ("", "empty"), ("Last", "")]
    assert written(document, {0: "A", 2: "B"}) == text_of(source).replace("Shown", "A").replace("Last", "B")


def test_line_ends_are_kept_and_used() -> None:
    source = text_of(EVERYTHING).replace("\n", "\r\n").encode()
    document = parse(source, "film.vtt")
    assert document.render({}) == source
    assert document.render({1: "a\nb"}).endswith(b"\r\na\r\nb\r\n")


def test_a_file_of_the_name_may_lack_the_header() -> None:
    assert read("00:01.000 --> 00:02.000\nHello\n\nnot shown", "FILM.VTT").format == "vtt"
    assert texts(read("00:01.000 --> 00:02.000\nHello\n\nthere", "film.srt")) == ["Hello\nthere"]
    assert read("WEBVTTX\n\n00:01.000 --> 00:02.000\nHello", "film.srt").format == "srt"
