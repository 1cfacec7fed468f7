"""What the add-on decides without looking at Kodi: pace, seeks, starting unasked, who comes next, what is read."""

import json
import time
from typing import Any, Dict, List, Optional

import pytest

from kodi import automatic, messages
from kodi.addon import ID
from kodi.episodes import after, following
from kodi.facts import MOST_PLOT, film_words
from kodi.pace import OFTEN, SELDOM, SETTLE, Pace
from kodi.player import Playhead


def test_the_first_write_comes_at_once_and_later_ones_when_it_matters() -> None:
    pace = Pace()
    assert pace.due(0.0, changed=False, near=False) is None
    assert pace.due(10.0, changed=True, near=True) == pytest.approx(SETTLE)
    assert pace.due(10.0 + SETTLE, changed=True, near=True) == 0.0
    pace.written(10.2)
    assert pace.due(10.3, changed=False, near=False) is None
    assert pace.due(10.3, changed=True, near=True) == pytest.approx(OFTEN - 0.1)
    assert pace.due(10.3, changed=True, near=False) == pytest.approx(SELDOM - 0.1)
    assert pace.due(40.0, changed=True, near=False) == 0.0


@pytest.mark.parametrize(
    ("position", "passed", "jumped"),
    [(100.5, 0.5, False), (100.0, 60.0, False), (101.0, 0.5, False), (110.0, 0.5, True), (90.0, 0.5, True)],
)
def test_playing_pausing_and_playing_faster_are_no_seek(position: float, passed: float, jumped: bool) -> None:
    playhead = Playhead()
    assert not playhead.moved(100.0, 0.0)
    assert playhead.moved(position, passed) is jumped


@pytest.mark.parametrize(
    ("mode", "cost", "left", "wish"),
    [
        ("off", 0.0, 5.0, automatic.NOTHING),
        ("ask", 0.0, 0.0, automatic.ASK_FIRST),
        ("on", 0.02, 2.0, automatic.START),
        ("on", 0.0, -1.0, automatic.START),
        ("on", 0.02, 0.01, automatic.OVER_LIMIT),
        ("on", None, 2.0, automatic.ASK_FIRST),
        ("resume", None, 0.0, automatic.START),
    ],
)
def test_nothing_starts_unasked_beyond_the_limit_or_without_a_price(
    mode: str, cost: Optional[float], left: float, wish: str
) -> None:
    assert automatic.decide(mode, cost, left) == wish


def test_the_next_episode_is_in_another_file_and_may_be_of_another_season() -> None:
    known = [
        {"season": 1, "episode": 1, "file": "/a.mkv"},
        {"season": 1, "episode": 2, "file": "/a.mkv"},
        {"season": 2, "episode": 1, "file": "/c.mkv"},
        {"season": 1, "episode": 3, "file": ""},
    ]
    assert after("/a.mkv", 1, 1, known) == known[2]
    assert after("/c.mkv", 2, 1, known) is None


@pytest.mark.parametrize(
    ("name", "others", "comes"),
    [
        ("Show.S01E02.mkv", ["Show.S01E01.mkv", "show.s01e04.mkv", "Show.S01E03.720p.mkv"], "Show.S01E03.720p.mkv"),
        ("Show S01E10.mkv", ["Show S02E01.mkv", "Other S01E11.mkv"], "Show S02E01.mkv"),
        ("Show S01E10.mkv", ["Show S01E10.mkv"], ""),
        ("Film (2020).mkv", ["Film 2 (2022).mkv"], ""),
    ],
)
def test_without_a_library_the_names_of_files_tell_the_next_episode(name: str, others: List[str], comes: str) -> None:
    assert following(name, others) == comes


def test_the_brief_of_a_film_names_what_helps_a_translator() -> None:
    facts = {
        "title": "The Keeper",
        "year": 2020,
        "plot": "word " * 500,
        "cast": [{"name": "A. Actor", "role": "Mrs Gale"}, {"name": "B", "role": ""}, "odd"],
    }
    words = film_words(facts)
    assert words.startswith("The Keeper (2020). word")
    assert words.endswith("word … Characters: Mrs Gale (A. Actor).")
    assert len(words) < MOST_PLOT + 100


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, ""),
        ({"title": "Film", "year": 0}, "Film."),
        ({"showtitle": "Show", "season": 1, "episode": 2, "title": "Pilot"}, "Show, season 1, episode 2: Pilot."),
        ({"showtitle": "Show", "season": -1, "episode": -1, "title": ""}, "Show."),
    ],
)
def test_a_brief_says_no_more_than_is_known(facts: Dict[str, Any], words: str) -> None:
    assert film_words(facts) == words


def message(**changed: Any) -> str:
    return json.dumps({"id": "0123456789abcdef", "expires": time.time() + 2, "data": {"path": "/a"}, **changed})


def test_a_message_of_ours_is_read() -> None:
    found = messages.read(ID, "Other.start", message())
    assert found is not None
    assert (found.action, dict(found.data)) == ("start", {"path": "/a"})


@pytest.mark.parametrize(
    ("sender", "method", "changed"),
    [
        ("someone", "Other.start", {}),
        (ID, "Player.OnPlay", {}),
        (ID, "Other.format_disk", {}),
        (ID, "Other.start", "no json"),
        (ID, "Other.start", "[]"),
        (ID, "Other.start", "[" * 10_000),
        (ID, "Other.start", {"id": "../../etc"}),
        (ID, "Other.start", {"id": 7}),
        (ID, "Other.start", {"data": []}),
        (ID, "Other.start", {"data": {"path": {"deep": 1}}}),
        (ID, "Other.start", {"expires": "soon"}),
        (ID, "Other.start", {"expires": True}),
        (ID, "Other.start", {"expires": float("inf")}),
        (ID, "Other.start", {"expires": 10**400}),
        (ID, "Other.start", {"data": {"path": "x" * messages.MAX_DATA}}),
    ],
)
def test_anything_else_is_not(sender: str, method: str, changed: Any) -> None:
    data = changed if isinstance(changed, str) else message(**changed)
    assert messages.read(sender, method, data) is None


def test_a_message_that_is_asked_again_is_answered_once() -> None:
    heard = messages.Heard()
    found = messages.read(ID, "Other.start", message())
    assert found is not None
    assert heard.is_new(found)
    assert not heard.is_new(found)
