"""TMX files: what is written can be read by others, what others write can be read, and nothing in them does harm."""

import io
from contextlib import suppress
from typing import List
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from translate.tmx import Unit, legal, read, write

NOW = 1_795_250_000  # 2026-11-21 08:33:20 UTC


def written(*units: Unit) -> bytes:
    stream = io.BytesIO()
    assert write(stream, units, NOW) == len(units)
    return stream.getvalue()


def units_of(text: str, encoding: str = "utf-8") -> List[Unit]:
    return list(read(io.BytesIO(text.encode(encoding)), "film.tmx"))


def file_of(body: str, *, source: str = "en", prolog: str = "") -> str:
    return f'{prolog}<tmx version="1.4"><header srclang="{source}"/><body>{body}</body></tmx>'


def variant(language: str, text: str) -> str:
    return f'<tuv xml:lang="{language}"><seg>{text}</seg></tuv>'


def test_a_file_has_all_that_the_standard_asks_for() -> None:
    data = written(Unit("Right.", "Bien.", "en", "es", {"x-model": 'a "b" & <c>'}, created=NOW, last_used=NOW, uses=3))
    root = ElementTree.fromstring(data)
    assert (root.tag, root.get("version")) == ("tmx", "1.4")
    header, body = root
    for name in ("creationtool", "creationtoolversion", "segtype", "o-tmf", "adminlang", "srclang", "datatype"):
        assert header.get(name)
    assert header.get("creationdate") == "20261121T083320Z"
    (unit,) = body
    assert unit.attrib == {
        "srclang": "en",
        "creationdate": "20261121T083320Z",
        "lastusagedate": "20261121T083320Z",
        "usagecount": "3",
    }
    assert [element.tag for element in unit] == ["prop", "tuv", "tuv"]
    assert (unit[0].get("type"), unit[0].text) == ("x-model", 'a "b" & <c>')
    assert [tuv.get("{http://www.w3.org/XML/1998/namespace}lang") for tuv in unit[1:]] == ["en", "es"]
    assert [tuv[0].text for tuv in unit[1:]] == ["Right.", "Bien."]


TEXT = st.text(max_size=30).map(legal)
WORDS = TEXT.filter(lambda text: bool(text.strip()))


@given(WORDS, WORDS, TEXT, st.integers(0, 2**31), st.integers(0, 10**8))
def test_what_was_written_is_read_as_it_was(text: str, translation: str, prop: str, seconds: int, uses: int) -> None:
    unit = Unit(text, translation, "", "pt-BR", {"x-a": prop, "x-b": ""}, seconds, seconds, uses)
    assert list(read(io.BytesIO(written(unit, unit)), "film.tmx")) == [unit, unit]


@given(st.text())
def test_characters_that_xml_cannot_hold_are_left_out(text: str) -> None:
    (unit,) = read(io.BytesIO(written(Unit(f"a{text}\ud83d\x00\x0b\ufffe", "b", "en", "es"))), "film.tmx")
    assert unit.text == legal(f"a{text}")
    assert legal("tab\tline\nreturn\r\U0001f600\ud7ff\ue000") == "tab\tline\nreturn\r\U0001f600\ud7ff\ue000"


def test_files_of_other_tools_are_read() -> None:
    (unit,) = units_of(
        file_of(
            '<note>n</note><tu tuid="1" creationdate="20020101T163812Z" lastusagedate="yesterday" usagecount="many">'
            '<prop type="x-note">p</prop><tuv lang="EN-us"><prop type="x-inner">i</prop><seg>Hello <bpt i="1">&lt;b&gt;'
            '<sub>code</sub></bpt><hi>big</hi><ept i="1">&lt;/b&gt;</ept> <ph/>world</seg></tuv>'
            f"{variant('fr', 'Bonjour le <!-- x -->monde')}</tu>",
            prolog='<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd">',
        )
    )
    assert (unit.text, unit.translation) == ("Hello big world", "Bonjour le monde")
    assert (unit.source, unit.target) == ("EN-us", "fr")
    assert unit.props == {"x-note": "p"}
    assert (unit.created, unit.last_used, unit.uses) == (1009903092, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_of_the_format_are_read(encoding: str) -> None:
    declared = encoding if encoding != "utf-8-sig" else "utf-8"
    prolog = f'<?xml version="1.0" encoding="{declared}"?>'
    body = "<tu>" + variant("en", "caf\u00e9") + variant("fr", "le caf\u00e9") + "</tu>"
    assert [unit.translation for unit in units_of(file_of(body, prolog=prolog), encoding)] == ["le caf\u00e9"]


@pytest.mark.parametrize(
    ("header", "unit", "expected"),
    [
        ("en", "", [("en-GB", "de"), ("en-GB", "en-US")]),
        ("en-us", "", [("en-US", "de"), ("en-US", "en-GB")]),
        ("en", "DE", [("de", "en-GB"), ("de", "en-US")]),
        ("*all*", "", [("de", "en-GB"), ("de", "en-US")]),
        ("", "", [("de", "en-GB"), ("de", "en-US")]),
        ("fr", "", []),
    ],
)
def test_the_source_is_the_variant_in_the_source_language(header: str, unit: str, expected: List[object]) -> None:
    attribute = f' srclang="{unit}"' if unit else ""
    variants = variant("de", "Hallo") + variant("en-GB", "Hello") + variant("en-US", "Hi")
    found = units_of(file_of(f"<tu{attribute}>{variants}</tu>", source=header))
    assert [(one.source, one.target) for one in found] == expected


def test_units_without_a_text_are_left_out() -> None:
    empty = [variant("en", " ") + variant("de", "x"), variant("en", "x") + variant("de", ""), variant("en", "x"), ""]
    assert units_of(file_of("".join(f"<tu>{variants}</tu>" for variants in empty), source="*all*")) == []


def test_a_long_file_is_read_as_it_comes() -> None:
    count = 5000
    data = written(*(Unit(f"{number} {'x' * 50}", "y", "en", "es") for number in range(count)))
    stream = io.BytesIO(data)
    units = read(stream, "film.tmx")
    next(units)
    assert stream.tell() < len(data) / 4
    assert sum(1 for _ in units) == count - 1


BOMB = '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not well-formed XML: line 1, no element found."),
        ("plain text", "is not well-formed XML: line 1, syntax error."),
        ("<tmx>\n\n<body></tmx>", "is not well-formed XML: line 3, mismatched tag."),
        ("<tmx>\x01</tmx>", "is not well-formed XML: line 1, not well-formed (invalid token)."),
        ("<html/>", "is not a TMX file: it begins with <html>."),
        (file_of("", prolog='<?xml version="1.0" encoding="klingon"?>'), "unknown encoding"),
        (file_of("", prolog='<?xml version="1.0" encoding="shift_jis"?>'), "is in an encoding that can't be read"),
        (file_of(f"<tu>{variant('en', '&b;')}</tu>", prolog=BOMB), "declares or uses entities of its own"),
        (file_of("", prolog='<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "entities of its own"),
        (file_of("", prolog='<!DOCTYPE tmx [<!ENTITY % a "x">]>'), "entities of its own"),
        (file_of(variant("en", "&nbsp;"), prolog='<!DOCTYPE tmx SYSTEM "tmx14.dtd">'), "entities of its own"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        units_of(text)
    assert caught.value.user_message.startswith("film.tmx ")
    assert words in caught.value.user_message
    assert "\n" not in caught.value.user_message


@given(st.binary(max_size=60), st.integers(0, 1000))
def test_no_bytes_do_more_than_be_refused(junk: bytes, position: int) -> None:
    data = written(Unit("text", "translation", "en", "es"))
    position %= len(data)
    with suppress(InputError):
        assert all(unit.text for unit in read(io.BytesIO(data[:position] + junk + data[position:]), "film.tmx"))
