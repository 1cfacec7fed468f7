"""Files that were damaged at random: nothing crashes or hangs, no cue is lost, and what is not translated stays."""

import random
import re
import time
from typing import Callable, List, Optional

import pytest
from documents_support import text_of, times

from core.errors import InputError
from translate.documents import Document, parse

SRT = text_of(
    """
    1
    00:00:01,000 --> 00:00:02,500
    <i>Où êtes-vous ?</i>
    <i>Je vous cherche.</i>

    2
    00:00:03.000 --> 00:00:04,000  X1:100 X2:200
    {\\an8}One line

    and <b>another</b>, after a blank one

    00:00:05,000 --> 00:00:06,000

    4
    00:00:07,000 --> 00:00:08,000
    ♪
    5
    0:0:9 --> 0:0:10
    - Déjà vu?
    - 42
    """
)
VTT = text_of(
    """
    WEBVTT
    X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000

    STYLE
    ::cue(.loud) { color: red }

    NOTE
    nothing --- to see

    intro
    00:01.000 --> 00:02.000 line:0
    <v Ann>Où <c.loud>êtes</c>-vous &amp; moi</v>

    00:00:03.000 --> 00:00:04.000
    so<00:00:03.100><c> we</c><00:00:03.200><c> go</c>

    00:00:05.000 --> 00:00:06.000
    Déjà
    vu
    """
)
ASS = text_of(
    r"""
    [Script Info]
    ScriptType: v4.00+

    [V4+ Styles]
    Format: Name, Fontname
    Style: Default,Arial

    [Events]
    Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
    Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,a note
    Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\an8\i1}Où êtes-vous,\Nchérie?{\i0}
    Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\p1}m 0 0 l 9 9{\p0}and {\b1}words{\b0}
    Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\k20}la {\k30}la

    [Fonts]
    fontname: a.ttf
    M'#Q!RB>"8N)5D
    """
)
SUB = "{1}{1}25\n{25}{50}{y:i}Où|{y:i}êtes\n{60}{70}vous{c:$ff}!\n{80}{}Bye\n"
MPL2 = "[10][20]/Où|/êtes\n[30][]vous\n[40][50]Bye\n"
TMP = "00:00:01:Où|êtes\n00:00:02:<i>vous</i>\n00:00:03:Bye\n"
JSON = (
    '{"info": {}, "styles": {}, "events": [{"start": 1000, "end": 2000, "text": "{\\\\i1}O\u00f9"}, '
    '{"start": 3000, "end": 4000, "text": "Bye"}]}'
)

FILES = [
    ("film.srt", SRT.encode()),
    ("film.srt", SRT.replace("\n", "\r\n").encode("utf-8-sig")),
    ("film.srt", SRT.replace("\n", "\r").encode()),
    ("film.srt", SRT.replace("♪", "*").encode("cp1252")),
    ("film.srt", SRT.encode("utf-16")),
    ("film.vtt", VTT.encode()),
    ("film.vtt", VTT.replace("\n", "\r\n").encode()),
    ("film.ass", ASS.encode()),
    ("film.ass", ASS.replace("\n", "\r\n").encode("utf-8-sig")),
    ("film.sub", SUB.encode()),
    ("film.txt", MPL2.encode()),
    ("film.txt", TMP.encode()),
    ("film.json", JSON.encode()),
]

GARBAGE = [
    b"\0", b"\xff", b"\xc3", b"\xe2\x82", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b$B", b"\x1a", b"\xe2\x80\xa8", b"\r",
    b"\n", b"\n\n", b"\r\n", b" ", b"-->", b"<", b">", b"</", b"<i>", b"{", b"}", b"{\\p1}", b"{\\k1}", b"\\N", b"&lt;",
    b",", b"|", b"1\n", b"WEBVTT", b"NOTE x\n\n", b"Dialogue: ", b"Format: Text, Start, End\n", b"[1][2]", b"{1}{2}",
    b'"', b"\\u0000", b"00:00:01,000 --> 00:00:02,000\n",
]  # fmt: skip
TRANSLATIONS = [
    "x", "7", "-->", "{\\p1}", "{\\k1}x", "<i>", "</v>", "{", "}", "|", "a\r\n\r\nb", "1\n2\n3", "\ud800\0\x0b",
    "a\n\n00:00:01,000 --> 00:00:02,000\nb", "00:00:01 --> 00:00:02", "0:0:1,0 -> 0:0:2,0", "WEBVTT", "NOTE\n\nb",
    "Dialogue: 0,0:00:01.00,0:00:02.00,,,0,0,0,,x", "Format: Text, Start, End", "[1][2]x", "{1}{2}x", "&amp;<b>", "\\N",
    "a,b,c", "\u2028",
]  # fmt: skip


def flip(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def insert(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice(GARBAGE) + data[place:]


def remove(chance: random.Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place + chance.randrange(1, 12) :]


def cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))] if chance.random() < 0.3 else data


def drop_line(chance: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def repeat_line(chance: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    place = chance.randrange(len(lines))
    return b"".join([*lines[:place], lines[place], *lines[place:]])


WAYS: List[Callable[[random.Random, bytes], bytes]] = [flip, insert, remove, cut, drop_line, repeat_line]


def damaged(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.randint(1, 5)):
        if data:
            data = chance.choice(WAYS)(chance, data)
    return data


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def read_or_refused(name: str, data: bytes) -> Optional[Document]:
    try:
        return parse(data, name)
    except InputError as error:
        return None if "\n" not in error.user_message else pytest.fail(f"two lines: {error}")


def check(chance: random.Random, name: str, data: bytes) -> bool:
    """Whether the file can be read; if so, it must be written well."""
    document = read_or_refused(name, data)
    if document is None:
        return False
    untouched = document.render({})
    if document.encoding == "utf-8" and is_utf8(data):
        assert untouched == data
    translated = {cue.index: chance.choice(TRANSLATIONS) for cue in document.cues if chance.random() < 0.6}
    same_cues(document, parse(untouched, name), translated={})
    same_cues(document, parse(document.render(translated), name), translated)
    return True


def same_cues(document: Document, again: Document, translated: "dict[int, str]") -> None:
    """All cues are there, in the same format; those without a translation are as they were."""
    assert again.format == document.format
    assert len(again.cues) == len(document.cues)
    if document.format in (
        "srt",
        "vtt",
        "ass",
        "json",
    ):  # the times of the others depend on texts: on length, on a frame rate
        assert times(again) == times(document)
    for before, after in zip(document.cues, again.cues):
        if before.skip or before.index not in translated:
            assert (after.text, after.tags, after.skip) == (before.text, before.tags, before.skip)


def damage_and_check(seeds: range) -> None:
    readable = 0
    for seed in seeds:
        chance = random.Random(seed)
        name, data = FILES[seed % len(FILES)]
        data = damaged(chance, data)
        began = time.process_time()
        try:
            readable += check(chance, name, data)
        except BaseException:
            print(f"seed {seed}, {name}: {data!r}")
            raise
        assert time.process_time() - began < 5.0
    assert readable > len(seeds) / 2


def test_a_damaged_file_is_read_and_written_whole_or_refused() -> None:
    damage_and_check(range(400))


@pytest.mark.long
def test_ten_thousand_damaged_files_are_read_and_written_whole_or_refused() -> None:
    damage_and_check(range(1000, 11_000))


@pytest.mark.parametrize(("name", "text"), [("film.srt", SRT), ("film.vtt", VTT), ("film.ass", ASS)])
def test_no_cue_is_lost_as_long_as_its_times_are_intact(name: str, text: str) -> None:
    """Everything but the timing lines and the fields of events is damaged."""
    intact = times(parse(text.encode(), name))
    changes_the_whole = (b"\0", b"\xff\xfe", b"\r", b"\n")
    harmless = [piece for piece in GARBAGE if not any(part in piece for part in changes_the_whole)]
    for seed in range(150):
        chance = random.Random(seed)
        lines = text.encode().split(b"\n")
        for place, line in enumerate(lines):
            fixed = re.match(rb".*-->.*|(?:Dialogue|Comment):(?:[^,]*,){9}|Format:.*|\[.*\]|WEBVTT", line)
            begin = fixed.end() if fixed else 0
            if begin < len(line) and chance.random() < 0.3:
                at = chance.randrange(begin, len(line))
                lines[place] = line[:at] + chance.choice(harmless) + line[at + chance.randrange(3) :]
        assert times(parse(b"\n".join(lines), name)) == intact, seed


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "cue"),
    [
        (
            "film.srt",
            "{n}\n00:{m:02}:{s:02},000 --> 00:{m:02}:{s:02},900\n<i>Hello {n},</i>\n<i>how <b>are</b> you?</i>\n\n",
        ),
        ("film.vtt", "00:{m:02}:{s:02}.000 --> 00:{m:02}:{s:02}.900\n<v Ann>Hello &amp; <i>bye</i> {n}\n\n"),
        (
            "film.ass",
            "Dialogue: 0,0:{m:02}:{s:02}.00,0:{m:02}:{s:02}.90,A,,0,0,0,,{{\\an8}}Hello {{\\b1}}you{{\\b0}}\\N{n}\n",
        ),
    ],
)
def test_twenty_thousand_cues_take_no_time_to_speak_of(name: str, cue: str) -> None:
    head = {"film.srt": "", "film.vtt": "WEBVTT\n\n", "film.ass": "[Events]\n"}[name]
    cues = "".join(cue.format(n=n, m=n // 60 % 60, s=n % 60) for n in range(20_000))
    began = time.process_time()
    document = parse((head + cues).encode(), name)
    document.render({cue.index: cue.text for cue in document.cues})
    assert len(document.cues) == 20_000
    assert time.process_time() - began < 10.0


HUGE = 20_000  # where the square of it would take minutes


@pytest.mark.parametrize(
    "text",
    [
        "<i" * HUGE,
        "<i>" * HUGE + "x",
        "<i><b>" * HUGE + "x" + "</i></b>" * HUGE,
        "<v><b>x</v>" * HUGE,
        "</" * HUGE,
        "&" * HUGE,
        " " * HUGE + "x",
        "\n" * HUGE + "x",
        "1" * HUGE,
        "1:" * HUGE,
        "12:12:12 " * HUGE,
        "00:00:01,000" + " " * HUGE + "x",
        "{" * HUGE,
        "{}" * HUGE + "x",
        "{\\p1}" * HUGE,
        "{\\pos(" * HUGE,
        "{a:" * HUGE,
        "/" * HUGE,
        "," * HUGE,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_no_text_takes_long_to_read(text: str) -> None:
    began = time.process_time()
    for name, head in (
        ("film.srt", "00:00:01,000 --> 00:00:02,000\n"),
        ("film.vtt", "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n"),
        ("film.ass", "Dialogue: 0,0:00:01.00,0:00:02.00,A,,0,0,0,,"),
        ("film.sub", "{1}{2}"),
        ("film.txt", "[1][2]"),
    ):
        document = parse((head + text).encode(), name)
        document.render({0: text})
    assert time.process_time() - began < 5.0
