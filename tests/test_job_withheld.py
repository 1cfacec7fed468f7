"""What a provider withholds, and what it cannot say in one piece: found, asked for in parts, and only the rest kept."""

import math
from typing import Callable, Optional

import pytest
from job_support import SPANISH, Heard, batches, check, cues_of, lines, route, saying, texts, where
from standin_faults import blocked_prompt, refusal, refusing

from cli.standin import Answer, Exchange, Fault, StandIn
from cli.standin.dialect import BLOCKED, LENGTH
from cli.standin.pseudo import reply_to
from core.transport import Transport
from translate.asking import Route
from translate.job import LEAST_BATCH, TranslationJob
from translate.report import KEPT

pytest_plugins = ("job_fixtures",)

FILM = saying(lines(160), {137: "Something unspeakable, 137 times."})


def anywhere(word: str, fault: Fault) -> Callable[[Exchange], Optional[Fault]]:
    """A script: ``fault`` for every request in which ``word`` occurs, if only among the lines around."""
    return lambda exchange: fault if exchange.chat and any(word in text for text in exchange.chat.texts) else None


# --- withheld ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compatible", "gemini"])
@pytest.mark.parametrize("fault", [blocked_prompt, refusal])
@pytest.mark.parametrize("script", [where, anywhere])
def test_a_cue_that_is_withheld_is_kept_and_all_others_are_translated(
    name: str,
    fault: Fault,
    script: Callable[[str, Fault], Callable[[Exchange], Optional[Fault]]],
    standin: StandIn,
    key: str,
    transport: Transport,
    heard: Heard,
) -> None:
    standin.script = script("unspeakable", fault)
    way = route(standin, key, transport, name)
    check(FILM, TranslationJob(FILM, SPANISH, [way], on_event=heard).run(), kept=[137])
    (kept,) = [event for event in heard.events if event.state == KEPT]
    assert kept.index == 137
    # Gemini has no word for it: there a model declines in prose.
    assert kept.reason == "blocked" if fault is blocked_prompt else kept.reason in ("refusal", "prose")


@pytest.mark.parametrize("at", [0, 3, 4, 20, 60, 137, 159])
def test_it_is_found_in_log2_n_plus_2_requests(at: int, way: Route, standin: StandIn) -> None:
    cues = saying(FILM, {137: "Silence.", at: "Something unspeakable."})
    standin.script = anywhere("unspeakable", blocked_prompt)
    check(cues, TranslationJob(cues, SPANISH, [way], parallel=1).run(), kept=[at])
    asked = [list(batch.values()) for batch in batches(standin)]
    hit = next(batch for batch in asked if cues[at].text in batch)
    search = [batch for batch in asked if set(batch) < set(hit)]
    assert len(search) <= math.ceil(math.log2(len(hit))) + 2


def test_what_came_before_a_stream_was_withheld_is_accepted(way: Route, standin: StandIn) -> None:
    """A filter on the answer lets the beginning of it through."""

    def withhold(exchange: Exchange) -> None:
        text = reply_to(cues_of(exchange))
        exchange.send(exchange.reply(Answer(text[: text.index("unspeakable")], BLOCKED)))

    standin.script = where("unspeakable", withhold)
    check(FILM, TranslationJob(FILM, SPANISH, [way], parallel=1).run(), kept=[137])
    assert texts(standin).count(FILM[120].text) == 1, "it came, and was asked for again"


def test_several_withheld_cues_of_one_batch_are_all_found(way: Route, standin: StandIn) -> None:
    culprits = [100, 101, 137, 150]
    cues = saying(FILM, {at: f"Unspeakable {at}." for at in culprits})
    standin.script = anywhere("Unspeakable", blocked_prompt)
    check(cues, TranslationJob(cues, SPANISH, [way]).run(), kept=culprits)


def test_a_lone_cue_is_not_condemned_for_the_lines_around_it(way: Route, standin: StandIn) -> None:
    """As when all but one are known from an earlier run."""
    standin.script = anywhere("unspeakable", blocked_prompt)
    known = {cue.index: "known" for cue in FILM if cue.index != 138}
    report = TranslationJob(FILM, SPANISH, [way], known=known).run()
    assert report.kept == {}
    assert len(report.translated) == len(FILM)


# --- too long for one answer ------------------------------------------------------------------------------------------


def limited_to(most: int) -> Callable[[Exchange], Optional[Fault]]:
    """A script: no answer holds more than so many cues."""

    def cut(exchange: Exchange) -> None:
        cues = cues_of(exchange)
        whole = reply_to(cues)
        end = whole.index(f'"{list(cues)[most]}":')
        exchange.send(exchange.reply(Answer(whole[:end], LENGTH)))

    return lambda exchange: cut if len(cues_of(exchange)) > most else None


@pytest.mark.parametrize("most", [30, 5, 1])
def test_a_model_that_says_little_at_once_still_says_it_all(most: int, way: Route, standin: StandIn) -> None:
    standin.script = limited_to(most)
    check(FILM, TranslationJob(FILM, SPANISH, [way]).run())


def test_what_a_cut_answer_brought_is_not_asked_again_and_batches_become_smaller(way: Route, standin: StandIn) -> None:
    standin.script = limited_to(30)
    TranslationJob(FILM, SPANISH, [way], parallel=1).run()
    sizes = [len(batch) for batch in batches(standin)]
    cut = next(at for at, size in enumerate(sizes) if size > 30)
    # The last two texts of a cut answer may have slipped, for all that is known.
    rest = sizes[cut + 1 : cut + 3]
    assert sum(rest) <= sizes[cut] - 30 + 8
    assert abs(rest[0] - rest[1]) <= 1
    assert max(sizes[cut + 3 :]) <= sizes[cut] // 2
    assert texts(standin).count(FILM[20].text) == 1


def test_one_cut_answer_to_a_small_batch_does_not_make_all_others_tiny(way: Route, standin: StandIn) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.send(exchange.reply(Answer('{"1', LENGTH)))

    standin.script = lambda exchange: cut if exchange.number == 1 else None
    check(FILM, TranslationJob(FILM, SPANISH, [way], parallel=1).run())
    assert standin.stats().requests <= 3 + math.ceil(len(FILM) / LEAST_BATCH)


def test_a_model_with_a_small_context_is_asked_for_less_at_once(way: Route, standin: StandIn) -> None:
    """As llama.cpp says it: a 400 for a question that is too long, and nothing is billed."""
    too_long = refusing(400, "the request exceeds the available context size, try increasing it")
    standin.script = lambda exchange: too_long if len(cues_of(exchange)) > 30 else None
    check(FILM, TranslationJob(FILM, SPANISH, [way], parallel=1).run())
    sizes = [len(batch) for batch in batches(standin)]
    assert sum(size > 30 for size in sizes) == 1
    assert len(texts(standin)) == len(FILM) + next(size for size in sizes if size > 30)
