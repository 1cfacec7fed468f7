"""A job on a provider that works: every cue, what the model is told, and what a face hears cue by cue."""

import threading
from typing import List

from job_support import (
    SPANISH,
    Heard,
    Running,
    batches,
    check,
    leaving_blank,
    line,
    lines,
    messages,
    route,
    saying,
    texts,
)
from standin_faults import always, drop_key, in_turn, merge_and_renumber
from waiting import until

from cli.standin import Exchange, Pace, StandIn, pseudo_translate
from cli.standin.pseudo import cues_in
from core.transport import Transport
from translate import documents
from translate.asking import Route
from translate.job import TranslationJob
from translate.languages import find
from translate.prompt import Brief
from translate.report import KEPT, PENDING, PROVISIONAL, TRANSLATED

pytest_plugins = ("job_fixtures",)

SRT = """1
00:00:01,000 --> 00:00:02,000
Where are <i>you</i> going?
At this hour?

2
00:00:03,000 --> 00:00:04,000
♪

3
00:00:05,000 --> 00:00:06,000
...

4
00:00:07,000 --> 00:00:08,000


5
00:00:09,000 --> 00:00:10,000
<i>To the harbour.</i>
"""


# --- every cue --------------------------------------------------------------------------------------------------------


def test_every_cue_has_a_translation_of_its_own(way: Route, standin: StandIn) -> None:
    cues = lines(200)
    report = TranslationJob(cues, SPANISH, [way], parallel=4).run()
    check(cues, report)
    assert sorted(texts(standin)) == sorted(cue.text for cue in cues), "a cue was asked for more than once"
    assert report.cues == 200
    assert report.notices == ()


def test_the_report_counts_what_the_provider_counted(way: Route, standin: StandIn) -> None:
    cues = lines(60)
    report = TranslationJob(cues, SPANISH, [way]).run()
    replies = [{key: pseudo_translate(text) for key, text in batch.items()} for batch in batches(standin)]
    spoken = sum(len(text) for reply in replies for text in reply.values())
    assert report.usage.prompt_tokens > spoken / 4
    assert spoken / 4 < report.usage.completion_tokens < spoken
    assert report.first_cue_seconds is not None
    assert 0 < report.first_cue_seconds <= report.total_seconds


def test_the_clock_of_a_job_stops_with_it(way: Route) -> None:
    job = TranslationJob(lines(4), SPANISH, [way])
    ended = job.run()
    threading.Event().wait(0.01)
    assert job.report() == ended


def test_what_has_nothing_to_translate_is_never_sent_and_never_reported(way: Route, standin: StandIn) -> None:
    cues = documents.parse(SRT.encode(), "film.srt").cues
    assert [bool(cue.skip) for cue in cues] == [False, True, True, True, False]
    check(cues, TranslationJob(cues, SPANISH, [way]).run())
    sent = [message["content"] for asked in messages(standin) for message in asked]
    assert texts(standin) == ["Where are <i>you</i> going?\nAt this hour?", "To the harbour."]
    assert not any("♪" in content.replace("names, numbers, ♪", "") for content in sent)


def test_cues_of_symbols_alone_make_no_request(way: Route, standin: StandIn) -> None:
    cues = [line(0, "♪", skip="symbols"), line(1, "...", skip="symbols")]
    report = TranslationJob(cues, SPANISH, [way]).run()
    assert (report.translated, report.kept, report.stopped_by) == ({}, {}, None)
    assert standin.stats().requests == 0


def test_what_is_known_is_not_asked_again_and_stands_in_the_report(way: Route, standin: StandIn) -> None:
    cues = lines(40)
    known = {cue.index: pseudo_translate(cue.text) for cue in cues if cue.index % 3}
    report = TranslationJob(cues, SPANISH, [way], known=known).run()
    check(cues, report)
    assert sorted(texts(standin)) == sorted(cue.text for cue in cues if not cue.index % 3)
    assert report.remembered == len(known)


def test_a_film_that_is_known_makes_no_request(way: Route, standin: StandIn, heard: Heard) -> None:
    cues = lines(40)
    known = {cue.index: pseudo_translate(cue.text) for cue in cues}
    check(cues, TranslationJob(cues, SPANISH, [way], known=known, on_event=heard).run())
    assert standin.stats().requests == 0
    assert heard.events == []


def test_cues_out_of_the_order_of_time_keep_their_own_translation(way: Route) -> None:
    cues = [line(index, f"Line {index} of {index * 7}.", start=(index * 37 % 100) * 3.0) for index in range(100)]
    check(cues, TranslationJob(cues, SPANISH, [way]).run())


def test_gemini_is_asked_in_its_own_words(standin: StandIn, key: str, transport: Transport) -> None:
    cues = saying(lines(30), {3: "Say <i>that</i> again.\nSlowly."})
    check(cues, TranslationJob(cues, SPANISH, [route(standin, key, transport, "gemini")]).run())


# --- what the model is told -------------------------------------------------------------------------------------------


def test_the_last_message_is_one_object_with_the_batch_under_its_own_numbers(way: Route, standin: StandIn) -> None:
    TranslationJob(lines(60), SPANISH, [way], parallel=1).run()
    for asked in messages(standin):
        assert [message["role"] for message in asked] == ["system", "user"]
        found = cues_in(asked[-1]["content"])
        assert found is not None
        assert list(found) == [str(number) for number in range(1, len(found) + 1)]


def test_the_lines_around_a_batch_are_told_but_not_asked_for(way: Route, standin: StandIn) -> None:
    cues = lines(40)
    TranslationJob(cues, SPANISH, [way], parallel=1).run()
    system = messages(standin)[1][0]["content"]  # of the second batch, cues 4 to 15
    assert batches(standin)[1]["1"] == cues[4].text
    last = list(batches(standin)[1].values())[-1]
    after = next(cue.index for cue in cues if cue.text == last) + 1
    assert "before, for context only: " + " / ".join(cue.text for cue in cues[:4]) in system
    assert "after, for context only: " + " / ".join(cue.text for cue in cues[after : after + 2]) in system


def test_all_requests_begin_with_the_same_words(way: Route, standin: StandIn) -> None:
    brief = Brief(find("es"), find("en"), "formal", "The Lighthouse (2019)", (("harbour", "puerto"),))
    TranslationJob(lines(120), brief, [way]).run()
    assert all(asked[0]["content"].startswith(brief.system_text()) for asked in messages(standin))


def test_a_cue_that_was_left_out_is_asked_for_with_an_anchor_and_its_neighbours(way: Route, standin: StandIn) -> None:
    cues = lines(12)
    standin.script = in_turn(None, drop_key)
    check(cues, TranslationJob(cues, SPANISH, [way], parallel=1).run())
    (repair,) = batches(standin)[2:]
    ((anchor, text),) = repair.items()
    missing = next(cue.index for cue in cues if cue.text == text)
    assert anchor == f"1 Line {missing} of"
    system = messages(standin)[2][0]["content"]
    assert "copy the keys as they are" in system
    assert f"before, for context only: {' / '.join(cue.text for cue in cues[missing - 4 : missing])}" in system


# --- events -----------------------------------------------------------------------------------------------------------


def test_each_cue_is_told_while_the_answer_still_comes(way: Route, standin: StandIn, heard: Heard) -> None:
    standin.pace = Pace(tokens_per_second=100.0)
    running = Running(TranslationJob(lines(20), SPANISH, [way], parallel=1, on_event=heard))
    heard.wait_for(PROVISIONAL)
    first = heard.events[0]
    assert (first.index, first.state, first.text) == (0, PROVISIONAL, pseudo_translate(lines(1)[0].text))
    assert standin.stats().in_flight == 1
    assert TRANSLATED not in heard.states(0), "it was accepted before anything was known of what follows"
    standin.pace = Pace()
    running.cancel()


def test_each_cue_is_provisional_first_and_translated_once(way: Route, heard: Heard) -> None:
    cues = lines(100)
    report = TranslationJob(cues, SPANISH, [way], on_event=heard).run()
    assert all(heard.states(cue.index) == [PROVISIONAL, TRANSLATED] for cue in cues)
    assert heard.texts(TRANSLATED) == report.translated


def test_what_was_shown_and_turns_out_wrong_is_taken_back(way: Route, standin: StandIn, heard: Heard) -> None:
    names = enumerate(["Ahab", "Bly", "Cook", "Drake"])
    cues = saying(lines(12), {n: f"Captain {name} has {n * 13} men." for n, name in names})
    standin.script = in_turn(merge_and_renumber)
    check(cues, TranslationJob(cues, SPANISH, [way], parallel=1, on_event=heard).run())
    taken_back = {event.index for event in heard.events if event.state == PENDING}
    assert taken_back
    for index in taken_back:
        states = heard.states(index)
        assert states[:2] == [PROVISIONAL, PENDING]
        assert states[-1] == TRANSLATED


def test_a_cue_that_never_comes_is_kept_with_the_reason(way: Route, standin: StandIn, heard: Heard) -> None:
    cues = lines(20)
    standin.script = always(leaving_blank("Line 7 "))
    report = TranslationJob(cues, SPANISH, [way], on_event=heard).run()
    check(cues, report, kept=[7])
    assert report.kept == {7: "empty"}
    assert heard.states(7) == [KEPT]
    assert next(event.reason for event in heard.events if event.state == KEPT) == "empty"


def test_how_things_stand_can_be_asked_at_any_time(way: Route, standin: StandIn) -> None:
    held = threading.Event()

    def hold(exchange: Exchange) -> None:
        held.wait(5)
        exchange.send(exchange.reply())

    standin.script = in_turn(None, hold)
    cues = lines(16)
    running = Running(TranslationJob(cues, SPANISH, [way], parallel=1))
    until(lambda: standin.stats().requests == 2)
    now = running.job.report()
    assert sorted(now.translated) == [0, 1, 2, 3]
    assert now.stopped_by is None
    held.set()
    check(cues, running.report())


def test_several_jobs_share_a_provider(way: Route) -> None:
    films: List[Running] = [Running(TranslationJob(lines(count), SPANISH, [way], parallel=3)) for count in (50, 80)]
    for count, running in zip((50, 80), films):
        check(lines(count), running.report())
