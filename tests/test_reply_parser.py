"""What models send is read as it streams, whatever stands around the object and wherever it is cut."""

import json
import random
import time
from typing import List, Optional, Tuple

import pytest

from translate.reply import Ending, Pair, ReplyParser

CUES = {str(n): f'Line {n}, with "quotes",\na break, a tab\t, 😀 and é' for n in range(1, 13)}


def read(reply: str, size: Optional[int] = None) -> Tuple[List[Pair], Ending]:
    parser = ReplyParser()
    step = size or max(1, len(reply))
    pairs = [pair for start in range(0, len(reply), step) for pair in parser.feed(reply[start : start + step])]
    return pairs, parser.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, None])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_the_object_is_read_in_chunks_of_any_size(size: Optional[int], ascii_only: bool, indent: Optional[int]) -> None:
    reply = json.dumps(CUES, ensure_ascii=ascii_only, indent=indent)
    assert read(reply, size) == (list(CUES.items()), Ending("whole"))


A, B = ("1", "a"), ("2", "b")


@pytest.mark.parametrize(
    ("reply", "pairs"),
    [
        ('Sure, here it is:\n```json\n{"1": "a", "2": "b"}\n```\nAnything else? {1}', [A, B]),
        ('<think>{"1": "draft"} hm</think>{"1": "a", "2": "b"}', [A, B]),
        ('<reasoning>a < b {</reasoning>\n{"1": "a"}', [A]),
        ('A {brace} and <b> before: {"1": "a"}', [A]),
        ('{"translations": {"1": "a", "2": "b"}}', [A, B]),
        ('{"cues": [{"1": "a"}, {"2": "b"}], "note": "done"}', [A, B, ("note", "done")]),
        ('[{"1": "a"},\n {"2": "b"}]', [A, B]),
        ('{"1": "a"}\n{"2": "b"}', [A, B]),
        ('{"1": "a", "2": "b",}', [A, B]),
        ('{ "1" : "a" , "2"\n:\t"b" }', [A, B]),
        ('{"0": 1, // a comment\n "1": "a"}', [("0", None), A]),
        ("{}", []),
        ('{"1": "a", "1": "again"}', [A, ("1", "again")]),
    ],
)
@pytest.mark.parametrize("size", [1, 4, None])
def test_what_stands_around_the_texts_is_read_over(reply: str, pairs: List[Pair], size: Optional[int]) -> None:
    assert read(reply, size) == (pairs, Ending("whole"))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"lone \ud83d half", "lone � half"),
        (r"\u00e9\n\t\"\\\/", 'é\n\t"\\/'),
        ("raw\nbreak", "raw\nbreak"),
        (r"it\'s \x41 wrong \u00e9scape", "it's x41 wrong éscape"),
        (r"broken \u12", "broken u12"),
        (r"unfinished \'\n \t\r\b\f", "unfinished '\n \t\r\b\f"),
        ('He said "no" to me', 'He said "no" to me'),
        ('"No", he said', '"No", he said'),
        ('all "quoted"', 'all "quoted"'),
    ],
)
@pytest.mark.parametrize("size", [1, 3, None])
def test_escapes_and_bare_quotes_in_a_text(written: str, text: str, size: Optional[int]) -> None:
    assert read(f'{{"1": "{written}", "2": "b"}}', size) == ([("1", text), B], Ending("whole"))


@pytest.mark.parametrize("value", ["null", "12", "-0.5e3", "true", '["x", "y"]', "[1, 2]", "[[]]"])
@pytest.mark.parametrize("size", [1, None])
def test_a_value_that_is_no_text_is_reported_for_its_key(value: str, size: Optional[int]) -> None:
    pairs, ending = read(f'{{"1": {value}, "2": "b"}}', size)
    assert pairs[-1] == B
    assert pairs[:-1] in ([("1", None)], [])
    assert ending.kind == "whole"


def test_a_number_or_null_names_its_key() -> None:
    assert read('{"1": null, "2": 5, "3": ["x"]}')[0] == [("1", None), ("2", None), ("3", None)]


def test_a_text_is_given_as_soon_as_the_next_key_begins() -> None:
    parser = ReplyParser()
    assert parser.feed('{"1": "a"') == []
    assert parser.feed(', "') == [A]


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        ("", Ending("empty")),
        (" \n", Ending("empty")),
        ("I'm sorry, I can't do that.", Ending("prose")),
        ("A {brace}, no object", Ending("prose")),
        ("\n<!DOCTYPE html><html><body>502 Bad Gateway", Ending("html")),
        ("<html>", Ending("html")),
        ("<think>still thinking {", Ending("prose")),
        ('{"1": "a", "2": "b', Ending("cut", "2")),
        ('{"1": "a", "2": ', Ending("cut", "2")),
        ('{"1": "a", "2', Ending("cut")),
        ('{"1": "a"', Ending("cut", "1")),
        ('{"1": "a",', Ending("cut", "1")),
        ('{"cues": [{"1": "a"}', Ending("cut")),
        ('{"1": nul', Ending("cut")),
        ('{"1": "a"}', Ending("whole")),
        ('{"1": "a"}}}', Ending("whole")),
    ],
)
@pytest.mark.parametrize("size", [1, None])
def test_how_a_reply_ended(reply: str, ending: Ending, size: Optional[int]) -> None:
    assert read(reply, size)[1] == ending


def test_a_reply_cut_at_any_character_gives_what_was_whole() -> None:
    reply = json.dumps(CUES)
    texts = list(CUES.items())
    for cut in range(len(reply)):
        pairs, ending = read(reply[:cut], 11)
        assert pairs == texts[: len(pairs)]
        assert ending.kind in ("empty", "cut", "prose")


def test_no_garbage_raises() -> None:
    rng = random.Random(5)
    pieces = [
        '{"',
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "1",
        "a",
        " ",
        "\n",
        "\\u",
        "\\ud8",
        "null",
        "<think>",
        "</",
    ]
    for _ in range(2000):
        reply = "".join(rng.choice(pieces) for _ in range(rng.randrange(40)))
        whole, ending = read(reply)
        assert (whole, ending) == read(reply, 1)
        assert (whole, ending) == read(reply, 3)


@pytest.mark.parametrize(
    "unit", ['{"', "{", "[", '"', "\\", '{"1": ', '{"1":"a" ', '{"1":"a", ', '{"1":"a" b" ', "<think", '{"1":"\\u00']
)
def test_a_hostile_reply_costs_linear_time(unit: str) -> None:
    reply = unit * (200_000 // len(unit))
    start = time.perf_counter()
    read(reply, 1)
    assert time.perf_counter() - start < 5.0
