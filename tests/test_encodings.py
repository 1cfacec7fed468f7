"""Any encoding in, UTF-8 out."""

import codecs
import json
import sys
import unicodedata
from pathlib import Path
from typing import List, Tuple

import pytest
from documents_support import texts

from core.errors import InputError
from translate.documents import Document, parse
from translate.languages import find

DIALOGUE = json.loads((Path(__file__).parent / "data" / "dialogue.json").read_text(encoding="utf-8"))
#: Languages that are not among those twelve lines, for code pages that would not be tested otherwise.
DIALOGUE.update(
    lv=["Kur tu biji? Es tev zvanīju visu nakti.", "Tā nav atruna. Viņi man visu paņēma.", "Kas viņi bija, sakiet?"],
    lt=["Kur tu buvai? Visą naktį tau skambinau.", "Jų buvo trys. Vienas vilkėjo raudoną striukę.", "Žinau, ačiū."],
    sk=["Kde si bol? Volala som ti celú noc.", "Vždy máš nejakú výhovorku, však?", "To nie je ono. Všetko mi zobrali."],
)
#: Latin alphabets whose code pages differ in letters only: without the language, chardet 5 has nothing to go by.
NOT_TOLD_FROM_THE_TEXT = ("lv", "lt")
#: Any of these gives the same text.
SAME_LETTERS = {"ro": ("cp1250", "iso8859_2", "iso8859_16")}


def as_srt(lines: List[str]) -> str:
    return "".join(f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{line}\n\n" for n, line in enumerate(lines, 1))


def encoded(text: str, page: str) -> bytes:
    """``text`` in a code page; the vowels of Vietnamese in two parts where cp1258 has them so."""
    if page != "cp1258":
        return text.encode(page)
    pieces = []
    for char in text:
        parts = unicodedata.normalize("NFD", char)
        base, marks = parts[0], list(parts[1:])
        for mark in [mark for mark in marks if mark in "\u0302\u0306\u031b"]:
            base = unicodedata.normalize("NFC", base + mark)
            marks.remove(mark)
        whole = unicodedata.normalize("NFC", base + "".join(marks))
        pieces.append(whole if can_encode(whole, page) else base + "".join(marks))
    return "".join(pieces).encode(page)


def can_encode(text: str, page: str) -> bool:
    try:
        text.encode(page)
    except UnicodeEncodeError:
        return False
    return True


def has_letters(page: str, language: str) -> bool:
    text = "".join(DIALOGUE[language])
    return page == "cp1258" or (can_encode(text, page) and not text.isascii())


#: Each language in each of its code pages that has all of its letters.
IN_CODE_PAGES = [
    (language, page) for language in DIALOGUE for page in find(language).code_pages if has_letters(page, language)
]


def reads_right(language: str, page: str, told: bool) -> bool:
    data = encoded(as_srt(DIALOGUE[language]), page)
    document = parse(data, "film.srt", source_language=language if told else None)
    return document.encoding in SAME_LETTERS.get(language, ()) or document.render({}).decode() == data.decode(page)


@pytest.mark.parametrize(("language", "page"), IN_CODE_PAGES)
def test_a_code_page_is_found_with_the_language_of_the_file(language: str, page: str) -> None:
    assert reads_right(language, page, told=True)


@pytest.mark.parametrize(
    ("language", "page"), [case for case in IN_CODE_PAGES if case[0] not in NOT_TOLD_FROM_THE_TEXT]
)
def test_a_code_page_is_found_from_the_text_alone(language: str, page: str) -> None:
    assert reads_right(language, page, told=False)


def test_without_chardet_the_language_and_the_letters_have_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chardet", None)
    assert all(reads_right(language, find(language).code_pages[0], told=True) for language in ("pl", "ru", "ja", "fr"))
    assert all(reads_right(language, find(language).code_pages[0], told=False) for language in ("cs", "ru", "ar", "fr"))


@pytest.mark.parametrize("language", ["x-klingon", "nonsense", "hi"])
def test_a_language_without_code_pages_is_no_hindrance(language: str) -> None:
    data = as_srt(DIALOGUE["fr"]).encode("cp1252")
    assert texts(parse(data, "film.srt", source_language=language)) == DIALOGUE["fr"]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
def test_a_byte_order_mark_tells_the_encoding_and_is_written_again(encoding: str, mark: bytes) -> None:
    source = as_srt(["Où êtes-vous ?", "你去哪儿了？"])
    document = parse(mark + source.encode(encoding), "film.srt")
    assert document.encoding == encoding
    assert document.render({}) == codecs.BOM_UTF8 + source.encode()
    assert document.render({0: "Hola"}).startswith(codecs.BOM_UTF8 + b"1\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_letters_whose_other_byte_is_zero_do_not_make_it_binary(encoding: str) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n给我一个苹果。\n\n2\n00:00:03,000 --> 00:00:04,000\n好\u3000的\n"
    assert texts(parse(text.encode(encoding), "film.srt")) == ["给我一个苹果。", "好\u3000的"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "utf-16-le", "utf-16-be"])
def test_no_byte_order_mark_comes_from_nowhere(encoding: str) -> None:
    source = as_srt(["Where were you?", "I called you all night."])
    assert parse(source.encode(encoding), "film.srt").render({}) == source.encode()


def test_stray_bytes_amid_utf8_are_read_in_the_code_page_of_the_language() -> None:
    """As when a site pasted its credit line into a file; the rest must not suffer."""
    source = as_srt(["Gdzie ty byłeś?", "Tłumaczenie: Żółw", "Dziękuję."]).encode()
    data = source.replace("Żółw".encode(), "Żółw".encode("cp1250"))
    for mark in (b"", codecs.BOM_UTF8):
        document = parse(mark + data, "film.srt", source_language="pl")
        assert (document.encoding, document.render({})) == ("utf-8", mark + source)
    assert texts(parse(data, "film.srt")) == ["Gdzie ty byłeś?", "Tłumaczenie: ¯ó³w", "Dziękuję."]


def test_stray_bytes_that_the_code_page_lacks_are_kept_as_controls() -> None:
    source = as_srt(["Où êtes-vous ? À la fête ?", "Damaged\x81."])
    for encoding in ("utf-8", "cp1252"):
        before, after = source.split("\x81")
        data = before.encode(encoding) + b"\x81" + after.encode(encoding)
        assert parse(data, "film.srt", source_language="fr").render({}) == source.encode()


def damaged(encoding: str, language: str) -> Tuple[bytes, int]:
    """A file in a wide encoding with a byte in it that belongs nowhere, and where that is."""
    data = as_srt(DIALOGUE[language]).encode(encoding)
    offset = data.index(DIALOGUE[language][1][3].encode(encoding))
    return data[:offset] + b"\xff\xff" + data[offset:], offset


def test_damaged_text_is_refused_with_the_byte_its_offset_and_what_was_tried() -> None:
    data, offset = damaged("gb18030", "zh-CN")
    with pytest.raises(InputError) as caught:
        parse(data, "film.srt", source_language="zh-CN")
    message = caught.value.user_message
    assert f"film.srt cannot be read: byte 0xFF at offset {offset} " in message
    assert "(utf-8, gb18030, " in message
    assert message.endswith("Save the file as UTF-8 and try again.")
    assert "\n" not in message


def test_the_offset_counts_from_the_start_of_the_file() -> None:
    data = codecs.BOM_UTF16_LE + "1\n".encode("utf-16-le") + b"\x00\xdc" + "a".encode("utf-16-le")
    with pytest.raises(InputError, match=r"byte 0x00 at offset 6 .*\(utf-16-le\)"):
        parse(data, "film.srt")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x1aE\xdf\xa3\x01\0\0\0", "Matroska"),
        (b"\0\0\0\x20ftypisom\0\0", "MP4"),
        (b"RIFF\x10\0\0\0AVI LIST", "AVI"),
        (b"\0\0\x01\xba\x44\0", "pictures"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"%PDF-1.7\n", "PDF"),
        (b"{\\rtf1\\ansi 1\\par", "plain text"),
        (b"00:00:01,000 --> 00:00:02,000\nHe\0llo, my dear old friend\n", "binary"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", "binary"),
        (codecs.BOM_UTF8 + b"1\0\0\0", "binary"),
        (codecs.BOM_UTF16_LE + "1\0".encode("utf-16-le"), "binary"),
    ],
)
def test_what_is_no_text_is_named(data: bytes, what: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(data, "film.srt")
    assert caught.value.user_message.startswith("film.srt is ")
    assert what in caught.value.user_message
    assert "\n" not in caught.value.user_message


def test_a_long_file_is_read_from_a_sample_of_it() -> None:
    lines = ["Nothing of note is said here.", *DIALOGUE["pl"]] * 250
    document: Document = parse("\n\n".join(as_srt([line]) for line in lines).encode("cp1250"), "film.srt")
    assert (document.encoding, texts(document)) == ("cp1250", lines)
