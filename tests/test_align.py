"""Which cues of a reply are kept: told while it streams, and never the translation of another cue."""

import json
import time
from typing import Callable, Dict, List, Mapping, Optional, Sequence

import pytest

from translate.align import ACCEPTED, FAILED, PROVISIONAL, Aligner, Judged
from translate.languages import find

SPANISH = find("es")
SOURCES = (
    "Where were you last night?",
    "At home.",
    "Martha called me 3 times, and nobody\nanswered the phone.",
    "I was asleep.",
    "- Since when do you sleep?\n- Since Tuesday.",
    "Listen to me, Oliver.",
    "The police found your car at the bottom of the river this morning.",
    "What?",
    "They will ask you where you were,",
    "and you'd better have a good answer!",
    "I told you...",
    "You told me nothing at all.",
)
TEXTS = (
    "¿Dónde estuviste anoche?",
    "En casa.",
    "Martha me llamó 3 veces y nadie\ncontestó al teléfono.",
    "Estaba dormido.",
    "- ¿Desde cuándo duermes tú?\n- Desde el martes.",
    "Escúchame, Oliver.",
    "La policía encontró tu coche en el fondo del río esta mañana.",
    "¿Qué?",
    "Te preguntarán dónde estabas,",
    "¡y más te vale tener una buena respuesta!",
    "Te dije...",
    "No me dijiste nada de nada.",
)


def numbered(texts: Sequence[str]) -> Dict[str, str]:
    return {str(number): text for number, text in enumerate(texts, 1)}


def written(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False)


def judge(reply: str, aligner: Optional[Aligner] = None, size: int = 9) -> List[Judged]:
    aligner = aligner or Aligner(SOURCES, target=SPANISH)
    events = [event for start in range(0, len(reply), size) for event in aligner.feed(reply[start : start + size])]
    return events + aligner.finish()


def failures(events: Sequence[Judged]) -> Dict[int, str]:
    return {event.position: event.reason for event in events if event.state == FAILED}


def accepted(events: Sequence[Judged]) -> Dict[int, str]:
    return {event.position: event.text for event in events if event.state == ACCEPTED}


def test_a_good_reply_is_accepted_whole() -> None:
    assert accepted(judge(written(numbered(TEXTS)))) == dict(enumerate(TEXTS))


def test_every_cue_is_shown_first_and_decided_once() -> None:
    events = judge(written(numbered(TEXTS)))
    for position in range(len(SOURCES)):
        assert [event.state for event in events if event.position == position] == [PROVISIONAL, ACCEPTED]


def test_a_whole_reply_may_come_at_once() -> None:
    aligner = Aligner(SOURCES, target=SPANISH)
    aligner.feed(written(numbered(TEXTS)))
    aligner.finish()
    assert accepted(judge(written(numbered(TEXTS)), size=10_000)) == dict(enumerate(TEXTS))


def test_cues_are_accepted_while_the_reply_still_streams() -> None:
    aligner = Aligner(SOURCES, target=SPANISH)
    reply = written(numbered(TEXTS))
    events = [event for char in reply[: len(reply) * 3 // 4] for event in aligner.feed(char)]
    assert set(accepted(events)) >= {0, 1, 2}
    events = aligner.finish()
    assert failures(events) == {8: "cut", 9: "cut", 10: "cut", 11: "cut"}


def test_the_order_of_keys_does_no_harm() -> None:
    values = dict(reversed(list(numbered(TEXTS).items())))
    assert accepted(judge(written(values))) == dict(enumerate(TEXTS))
    values = dict(sorted(numbered(TEXTS).items()))
    assert accepted(judge(written(values))) == dict(enumerate(TEXTS))


@pytest.mark.parametrize("at", [0, 3, 6, 9])
@pytest.mark.parametrize(
    "padding", [[], [""], ["..."], ["No me dijiste nada de nada."], ["Deja de mentirme de una vez."]]
)
def test_two_merged_lines_and_the_rest_renumbered(at: int, padding: List[str]) -> None:
    texts = [*TEXTS[:at], f"{TEXTS[at]} {TEXTS[at + 1]}", *TEXTS[at + 2 :], *padding]
    kept = accepted(judge(written(numbered(texts)), Aligner(SOURCES, after=["Stop lying to me."], target=SPANISH)))
    assert kept == {position: text for position, text in enumerate(TEXTS) if position in kept}
    assert not set(range(at + 1, len(SOURCES))) & set(kept)


@pytest.mark.parametrize("at", [0, 2, 4, 6])
@pytest.mark.parametrize("lost", [True, False])
def test_a_split_line_and_the_rest_renumbered(at: int, lost: bool) -> None:
    half = TEXTS[at].index(" ", len(TEXTS[at]) // 2 - 2)
    texts = [*TEXTS[:at], TEXTS[at][:half], TEXTS[at][half + 1 :], *TEXTS[at + 1 :]]
    kept = accepted(judge(written(numbered(texts[: len(SOURCES)] if lost else texts))))
    assert kept == {position: text for position, text in enumerate(TEXTS) if position in kept}
    assert not set(range(at + 1, len(SOURCES))) & set(kept)


def test_a_missing_line_that_shifts_nothing_costs_only_itself() -> None:
    values = numbered(TEXTS)
    del values["6"]
    assert failures(judge(written(values))) == {5: "missing"}


def test_a_line_beside_a_gap_that_took_the_other_in_fails_too() -> None:
    values = numbered(TEXTS)
    values["3"] = f"{TEXTS[2]} {TEXTS[3]}"
    values["4"] = ""
    assert failures(judge(written(values))) == {2: "merged", 3: "empty"}
    del values["4"]
    assert failures(judge(written(values))) == {2: "merged", 3: "missing"}


def test_one_text_for_two_cues() -> None:
    values = numbered(TEXTS)
    values["7"] = values["6"] = TEXTS[6]
    failed = failures(judge(written(values)))
    assert failed.get(5) in ("repeated", "shifted")
    assert set(failed) <= {4, 5, 6}


def test_two_short_cues_may_share_a_translation() -> None:
    sources = ["Are you coming with us?", "Yes.", "Yeah.", "Then get your coat, it's cold outside."]
    texts = ["¿Vienes con nosotros?", "Sí.", "Sí.", "Entonces coge el abrigo, que hace frío fuera."]
    assert not failures(judge(written(numbered(texts)), Aligner(sources, target=SPANISH)))


def test_refrains_may_share_a_translation() -> None:
    sources = ["Row, row, row your boat now", "Row, row, row your boat", "Life is but a dream"]
    texts = ["Rema, rema, rema en tu bote", "Rema, rema, rema en tu bote", "La vida es solo un sueño"]
    assert not failures(judge(written(numbered(texts)), Aligner(sources, target=SPANISH)))


def test_a_long_text_that_comes_back_later_is_a_repetition() -> None:
    values = numbered(TEXTS)
    values["12"] = TEXTS[2]
    assert failures(judge(written(values)))[11] == "repeated"


def test_an_unchanged_name_is_fine_and_an_unchanged_batch_is_not() -> None:
    values = numbered(TEXTS)
    values["8"] = SOURCES[7]
    assert not failures(judge(written(values)))
    assert set(failures(judge(written(numbered(SOURCES)))).values()) == {"untranslated"}


def test_names_that_are_called_several_times_may_stay() -> None:
    sources = ["Have you seen Scales?", "Scales!", "Scales?", "Scales...", "Sintel! Wait!"]
    texts = ["¿Has visto a Scales?", "Scales!", "Scales?", "Scales...", "¡Sintel! ¡Espera!"]
    assert not failures(judge(written(numbered(texts)), Aligner(sources, target=SPANISH)))
    sources, texts = ["Yes.", "No.", "Why?", "Go away, please."], ["Yes.", "No.", "Why?", "Vete, por favor."]
    assert failures(judge(written(numbered(texts)), Aligner(sources, target=SPANISH))) == dict.fromkeys(
        range(3), "untranslated"
    )


def test_a_value_that_is_no_text_fails() -> None:
    assert failures(judge(written({**numbered(TEXTS), "4": None, "5": 12}))) == {3: "not text", 4: "not text"}


def test_what_one_text_shows_by_itself_is_told_at_once() -> None:
    aligner = Aligner(SOURCES, target=SPANISH)
    events = aligner.feed('{"1": "I\'m sorry, I can\'t translate this.", "')
    assert events == [Judged(0, "I'm sorry, I can't translate this.", FAILED, "refusal")]


def test_lost_tags_fail_and_tags_written_differently_do_not() -> None:
    aligner = Aligner(["I <i>said</i> no.", "I <i>mean</i> it."], [("<i>", "</i>")] * 2, target=SPANISH)
    events = judge('{"1": "<I>Dije< /I> que no.", "2": "Lo digo en serio."}', aligner)
    assert accepted(events) == {0: "<i>Dije</i> que no."}
    assert failures(events) == {1: "tags"}


def test_a_key_given_twice() -> None:
    reply = written(numbered(TEXTS[:-1]))[:-1]
    again = f', "12": "{TEXTS[11]}", "12": "{TEXTS[11]}"}}'
    assert not failures(judge(reply + again))
    other = f', "12": "{TEXTS[11]}", "12": "Otra cosa."}}'
    assert failures(judge(reply + other)) == {11: "repeated"}
    null = f', "12": "{TEXTS[11]}", "12": null}}'
    assert failures(judge(reply + null)) == {11: "repeated"}


def test_what_nobody_asked_for_does_no_harm() -> None:
    values = {"0": "Título", "note": "listo", **numbered(TEXTS), "99999999": "x"}
    assert not failures(judge(written(values)))


@pytest.mark.parametrize("form", ["{:02d}", "cue {}", "#{}", "{}.", "Line {}"])
def test_keys_are_known_by_their_number(form: str) -> None:
    values = {form.format(number): text for number, text in enumerate(TEXTS, 1)}
    assert accepted(judge(written(values))) == dict(enumerate(TEXTS))


def test_anchored_keys_must_carry_their_own_words() -> None:
    keys = [f"{number} {' '.join(text.split()[:2])}" for number, text in enumerate(SOURCES, 1)]
    values = dict(zip(keys, TEXTS))
    assert accepted(judge(written(values), Aligner(SOURCES, keys=keys, target=SPANISH))) == dict(enumerate(TEXTS))
    shortened = {key.split()[0]: text for key, text in values.items()}
    assert not failures(judge(written(shortened), Aligner(SOURCES, keys=keys, target=SPANISH)))
    del values[keys[2]]
    values["3 The police"] = TEXTS[6]
    assert failures(judge(written(values), Aligner(SOURCES, keys=keys, target=SPANISH))) == {2: "missing"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("", "empty"), ("<html>502</html>", "html"), ("No puedo hacer eso.", "prose"), ("{}", "missing"), ("{", "cut")],
)
def test_a_reply_without_cues_fails_each_with_the_reason(reply: str, reason: str) -> None:
    assert failures(judge(reply)) == dict.fromkeys(range(len(SOURCES)), reason)


def test_a_reply_cut_anywhere_keeps_no_wrong_text() -> None:
    reply = written(numbered(TEXTS))
    for cut in range(len(reply)):
        events = judge(reply[:cut], size=200)
        kept = accepted(events)
        assert kept == {position: TEXTS[position] for position in kept}
        assert len(kept) + len(failures(events)) == len(SOURCES)


def test_names_are_known_by_their_sound_in_another_script() -> None:
    english = [
        f"I think it was only yesterday that I saw {name} by the river."
        for name in ("Martha", "Oliver", "Katya", "Bruno")
    ]
    russian = [
        f"Мне кажется, что я ещё вчера видел там у самой реки {name}." for name in ("Марту", "Оливера", "Катю", "Бруно")
    ]
    for sources, texts, code in ((english, russian, "ru"), (russian, english, "en")):
        assert not failures(judge(written(numbered(texts)), Aligner(sources, target=find(code))))
        shifted = [*texts[1:], texts[3].replace("Bruno", "him").replace("Бруно", "его")]
        assert set(failures(judge(written(numbered(shifted)), Aligner(sources, target=find(code))))) >= {0, 1, 2}


def test_capitals_mean_nothing_where_every_noun_has_one() -> None:
    german = [
        "Der Hund hat die Katze gesehen.",
        "Das Haus am Fluss hat einen Garten.",
        "Die Frau mit dem Hut hat Geld.",
    ]
    english = ["The dog has seen the cat.", "The house by the river has a garden.", "The woman in the hat has money."]
    assert not failures(judge(written(numbered(english)), Aligner(german, target=find("en"))))


@pytest.mark.parametrize("written_otherwise", [lambda text: f"{text} (x)", lambda text: text.rstrip(".?!") + " ka"])
def test_marks_that_a_language_does_not_use_are_no_sign_of_a_shift(written_otherwise: Callable[[str], str]) -> None:
    texts = [written_otherwise(text) for text in TEXTS]
    assert failures(judge(written(numbered(texts)))) == {}
    slipped = [*texts[:4], f"{texts[4]} {texts[5]}", *texts[6:], ""]
    assert set(range(6, 11)) <= set(failures(judge(written(numbered(slipped)))))


def test_a_batch_of_one() -> None:
    assert accepted(judge('{"1": "¿Dónde estuviste anoche?"}', Aligner(SOURCES[:1]))) == {0: TEXTS[0]}


def test_no_target_language_is_needed() -> None:
    assert not failures(judge(written(numbered(TEXTS)), Aligner(SOURCES)))


def test_a_batch_of_thousands_costs_linear_time() -> None:
    sources, texts = SOURCES * 200, TEXTS * 200
    reply = written(numbered(texts))
    start = time.perf_counter()
    events = judge(reply, Aligner(sources, target=SPANISH), size=60)
    assert time.perf_counter() - start < 5.0
    assert len(accepted(events)) == len(sources)
