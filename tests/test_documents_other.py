"""The formats of one line a cue, and those that pysubs2 reads and writes."""

import pysubs2
import pytest
from documents_support import read, text_of, texts, times, written

from core.errors import InputError
from translate.documents import Document, parse

TTML = """
    <?xml version="1.0" encoding="utf-8"?>
    <tt xmlns="http://www.w3.org/ns/ttml"><body><div>
    <p begin="00:00:01.000" end="00:00:02.000">Hello<br/>you</p>
    <p begin="00:00:03.000" end="00:00:04.000">Bye</p>
    </div></body></tt>
    """
SAMI = "<SAMI><BODY><SYNC Start=1000><P>Hello<SYNC Start=2000><P>Bye</BODY></SAMI>"


def pysubs2_json(*events: pysubs2.SSAEvent) -> str:
    subtitles = pysubs2.SSAFile()
    subtitles.events.extend(events)
    text: str = subtitles.to_string("json")
    return text


def pysubs2_has(name: str) -> bool:
    return name in pysubs2.formats.FORMAT_IDENTIFIERS


def changed(document: Document, source: str, old: str, new: str) -> None:
    """The translation of the one cue that has ``old`` in its text changes this and nothing else."""
    index = next(index for index, text in enumerate(texts(document)) if text == old)
    assert written(document, {index: new}) == text_of(source).replace(old.replace("\n", "|"), new.replace("\n", "|"))


def test_microdvd_keeps_its_codes_frames_and_frame_rate() -> None:
    source = """
        {1}{1}25
        {25}{50}{c:$0000ff}{y:i}Hello, {y:b}you
        {100}{150}{y:i}One|{y:i}two
        {200}{}No end
        """
    document = read(source, "film.sub")
    assert document.format == "microdvd"
    assert texts(document) == ["25", "Hello, {y:b}you", "One\ntwo", "No end"]
    assert times(document)[1:3] == [(1.0, 2.0), (4.0, 6.0)]
    assert document.cues[3].start < document.cues[3].end < 12.0
    assert (document.cues[0].skip, document.cues[1].tags) == ("symbols", ("{y:b}",))
    changed(document, source, "No end", "Sin fin")
    assert written(document, {2: "Uno\ndos"}).splitlines()[2] == "{100}{150}{y:i}Uno|{y:i}dos"


def test_microdvd_without_a_frame_rate_is_read_as_film() -> None:
    document = read("{0}{24}Hello\n{48}{72}Bye\n", "film.sub")
    assert [round(cue.start, 2) for cue in document.cues] == [0.0, 2.0]
    assert [round(cue.start, 2) for cue in read("{1}{1}0\n{48}{72}Bye\n", "film.sub").cues] == [0.04, 2.0]


def test_mpl2_keeps_its_italics_and_tenths_of_a_second() -> None:
    source = """
        [10][25]/Hello|/you
        [30][]No end
        [40][50]Plain|/slanted
        """
    document = read(source, "film.txt")
    assert (document.format, texts(document)) == ("mpl2", ["Hello\nyou", "No end", "Plain\n/slanted"])
    assert times(document)[0] == (1.0, 2.5)
    assert document.cues[2].tags == ("/",)
    assert written(document, {0: "a\nb\nc"}) == text_of(source).replace("/Hello|/you", "/a|/b|/c")


def test_tmplayer_cues_end_when_they_are_read_or_the_next_begins() -> None:
    source = """
        00:00:01:Hello|you
        00:00:02:A long line that takes its time to be read
        00:00:03=<i>Bye</i>
        00:00:03:At once
        """
    document = read(source, "film.txt")
    assert document.format == "tmp"
    assert texts(document) == ["Hello\nyou", "A long line that takes its time to be read", "Bye", "At once"]
    assert [cue.start for cue in document.cues] == [1.0, 2.0, 3.0, 3.0]
    assert times(document)[1] == (2.0, 3.0)
    assert all(cue.start < cue.end for cue in document.cues)
    changed(document, source, "Hello\nyou", "Hola\ntú")


@pytest.mark.parametrize(
    "text",
    [
        "Dear diary,\nat {1}{2} we met.\n",
        "It was late.\n12:30:00: the bell.\nNobody came.\nThe end.\n",
        "<!DOCTYPE html><html><body>404</body></html>",
        '{"a": "subtitle?"}',
        "[Script Info]\nTitle: no events\n",
        "WEBVTT\n\nNOTE nothing\n",
        "1,2,3\n4,5,6\n",
    ],
)
def test_a_text_without_subtitles_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text.encode(), "notes.txt")
    assert caught.value.user_message.startswith("notes.txt ")
    assert "\n" not in caught.value.user_message


def test_pysubs2_json_is_read_and_written_through_pysubs2() -> None:
    source = pysubs2_json(
        pysubs2.SSAEvent(start=1000, end=2500, text=r"{\an8}{\i1}Hello,\Nyou{\i0}", name="Ann"),
        pysubs2.SSAEvent(start=3000, end=4000, text="a note", type="Comment"),
        pysubs2.SSAEvent(start=5000, end=6000, text="Bye"),
    )
    document = parse(source.encode(), "film.json")
    assert (document.format, times(document)) == ("json", [(1.0, 2.5), (3.0, 4.0), (5.0, 6.0)])
    assert [(cue.text, cue.skip) for cue in document.cues] == [("Hello,\nyou", ""), ("a note", "comment"), ("Bye", "")]
    assert written(document, {}) == source
    again = pysubs2.SSAFile.from_string(written(document, {0: "Hola,\ntú", 1: "x"}))
    assert [event.text for event in again] == [r"{\an8}{\i1}Hola,\Ntú{\i0}", "a note", "Bye"]
    assert again[0].name == "Ann"
    assert written(document, {2: "Adiós"}).count("Adi") == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"info": {}, "styles": {}, "events": [{"start": 1}',
        '{"info": {}, "styles": {}, "events": [{"when": 1}]}',
        '{"info": {}, "styles": {}, "events": [{"start": "soon", "end": 2, "text": "x"}]}',
        '{"info": {}, "styles": {}, "events": [{"start": 1, "end": 2, "text": 3}]}',
        '{"info": [], "styles": [], "events": 3}',
    ],
)
def test_what_pysubs2_fails_on_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(InputError, match=r"film\.json .*Convert it to SRT first\."):
        parse(text.encode(), "film.json")


@pytest.mark.skipif(not pysubs2_has("ttml"), reason="newer releases of pysubs2 only")
def test_ttml_is_read_and_written_through_pysubs2() -> None:
    document = read(TTML, "film.ttml")
    assert (document.format, texts(document)) == ("ttml", ["Hello\nyou", "Bye"])
    again = parse(document.render({0: "Hola\ntú"}), "film.es.ttml")
    assert (texts(again), times(again)) == (["Hola\ntú", "Bye"], times(document))


@pytest.mark.skipif(not pysubs2_has("sami"), reason="newer releases of pysubs2 only")
def test_what_pysubs2_reads_but_cannot_write_is_refused() -> None:
    with pytest.raises(InputError, match="not written again, as sami"):
        parse(SAMI.encode(), "film.smi")


def test_what_pysubs2_would_write_with_fewer_cues_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    source, fewer = pysubs2_json(pysubs2.SSAEvent(start=1000, end=2000, text="Hello")), pysubs2_json()
    monkeypatch.setattr(pysubs2.SSAFile, "to_string", lambda *_: fewer)
    with pytest.raises(InputError, match="would lose cues"):
        parse(source.encode(), "film.json")
