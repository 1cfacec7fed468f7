"""What an answer says about when to ask again."""

import email.utils
import time
from typing import Any, Dict, Optional

import pytest

from core.hints import clock_of, retry_after, should_retry


def retry_info(delay: object) -> Dict[str, Any]:
    kind = "type.googleapis.com/google.rpc."
    return {
        "error": {"details": [{"@type": kind + "QuotaFailure"}, {"@type": kind + "RetryInfo", "retryDelay": delay}]}
    }


@pytest.mark.parametrize(
    ("headers", "document", "seconds"),
    [
        ({}, None, None),
        ({"retry-after-ms": "1500"}, None, 1.5),
        ({"retry-after-ms": "20", "retry-after": "1"}, None, 0.02),
        ({"retry-after": "7"}, None, 7.0),
        ({"retry-after": "0"}, None, 0.0),
        ({"retry-after": "0.5"}, None, 0.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None, 0.0),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "-3"}, None, None),
        ({"retry-after": "inf"}, None, None),
        ({"retry-after": "Mon, 99 Foo 99999 00:00:00 GMT"}, None, None),
        ({"retry-after-ms": "soon", "retry-after": "soon"}, retry_info("12s"), 12.0),
        ({}, retry_info("0.25s"), 0.25),
        ({}, [retry_info("12s")], 12.0),
        ({}, retry_info("12"), None),
        ({}, retry_info(12), None),
        ({}, {"error": {"details": ["odd"]}}, None),
        ({}, {"error": {"details": "odd"}}, None),
        ({}, {"error": "odd"}, None),
        ({}, [], None),
        ({}, "odd", None),
    ],
)
def test_the_first_usable_hint_counts(headers: Dict[str, str], document: object, seconds: Optional[float]) -> None:
    assert retry_after(headers, document) == seconds


def test_a_date_is_so_many_seconds_from_now() -> None:
    hint = retry_after({"retry-after": email.utils.formatdate(time.time() + 60, usegmt=True)})
    assert hint is not None
    assert 55 < hint <= 60


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_date_is_meant_by_the_clock_of_who_sent_it(hours: int) -> None:
    there = time.time() + hours * 3600
    headers = {
        "date": email.utils.formatdate(there, usegmt=True),
        "retry-after": email.utils.formatdate(there + 30, usegmt=True),
    }
    assert retry_after(headers) == pytest.approx(30.0, abs=1.5)


@pytest.mark.parametrize(
    ("date", "wall"),
    [
        ("", 1_000_000.0),
        ("soon", 1_000_000.0),
        (email.utils.formatdate(999_997, usegmt=True), 1_000_000.0),  # it was under way for so long
        (email.utils.formatdate(1_000_600, usegmt=True), 1_000_600.0),
    ],
)
def test_our_clock_is_taken_unless_it_is_wrong(date: str, wall: float) -> None:
    assert clock_of({"date": date}, 1_000_000.0) == wall


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"x-should-retry": "true"}, True),
        ({"x-should-retry": "False "}, False),
        ({"x-should-retry": "maybe"}, None),
        ({}, None),
    ],
)
def test_the_providers_own_word_on_retrying_is_read(headers: Dict[str, str], answer: Optional[bool]) -> None:
    assert should_retry(headers) is answer
