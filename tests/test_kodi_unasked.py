"""What begins, goes on or does not, without being asked for: resuming, the monthly limit, the next episode."""

from pathlib import Path
from typing import List

import pytest
from job_support import leaving_blank
from kodi_fakes import FakeKodi
from kodi_service_support import (
    LINES,
    PATIENT,
    fake_kodi,
    film,
    hold,
    play,
    rest,
    run,
    service,
    standin,
    stop,
    task_for,
    translate,
    until,
)
from standin_faults import always, bad_key

from api.base import Usage
from cli.standin import StandIn
from kodi import messages
from kodi.desk import Finished, with_limit
from kodi.jobs import FilmJob
from kodi.service import Service
from translate.purse import CostLimitError

__all__ = ["fake_kodi", "film", "service", "standin"]

PRICED = "gpt-4o-mini"


def change(service: Service, kodi: FakeKodi, **settings: object) -> None:
    kodi.settings.update(settings)
    service._take_settings()


def only_job(service: Service) -> FilmJob:
    until(service.book.running, "a job")
    (job,) = service.book.running()
    return job


def cut_short(service: Service, kodi: FakeKodi, standin: StandIn, job: FilmJob) -> None:
    """The film is stopped when some of it is translated."""
    until(lambda: job.output and service.desk.known(job.task), "the first lines")
    stop(service, kodi)
    assert job.join(PATIENT)
    rest(service)
    assert job.outcome is not None
    assert 0 < job.outcome.done < LINES
    standin.script = None


def begun_unasked(service: Service, kodi: FakeKodi, film: Path, standin: StandIn) -> None:
    change(service, kodi, auto_translate="on", openai_model=PRICED)
    hold(standin)
    play(service, kodi, film)
    cut_short(service, kodi, standin, only_job(service))
    standin.reset()


def begun_by_a_person(service: Service, kodi: FakeKodi, film: Path, standin: StandIn) -> None:
    hold(standin)
    play(service, kodi, film)
    cut_short(service, kodi, standin, service.begin(task_for(service, film)))
    standin.reset()


def begun_by(job: FilmJob) -> str:
    return "a person" if job.task.asked else "itself"


def is_whole(film: Path) -> bool:
    return film.with_suffix(".es.srt").read_text(encoding="utf-8").count("⟦") == LINES


def spend(service: Service, dollars: float) -> None:
    """Another film has cost so much this month."""
    journal = service.engine.store.journal.open_job("another", name="another", total=1)
    journal.spend(Usage(1000, 1000), dollars)
    journal.close()


# --- what is half done ----------------------------------------------------------------------------------------------


def test_what_began_by_itself_goes_on_as_the_settings_say_by_then(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    begun_unasked(service, fake_kodi, film, standin)
    change(service, fake_kodi, auto_translate="off")
    play(service, fake_kodi, film)
    stop(service, fake_kodi)
    assert fake_kodi.shown == []
    change(service, fake_kodi, auto_translate="ask")
    fake_kodi.answers = [False]
    play(service, fake_kodi, film)
    stop(service, fake_kodi)
    assert len(fake_kodi.shown) == 1
    change(service, fake_kodi, auto_translate="on", monthly_limit=0.0)
    play(service, fake_kodi, film)
    stop(service, fake_kodi)
    assert fake_kodi.shown[1:] == ["The monthly limit of $0.00 is reached."]
    assert standin.stats().requests == 0
    change(service, fake_kodi, monthly_limit=2.0)
    play(service, fake_kodi, film)
    until(lambda: is_whole(film), "the rest")


def test_what_a_person_began_goes_on_whatever_the_settings_say_in_another_session_too(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    begun_by_a_person(service, fake_kodi, film, standin)
    change(service, fake_kodi, monthly_limit=0.0)
    service._close()
    another = fake_kodi.service = Service()
    play(another, fake_kodi, film)
    until(lambda: is_whole(film), "the rest")
    another._close()


def test_what_a_person_began_stays_theirs_though_it_went_on_by_itself(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    begun_by_a_person(service, fake_kodi, film, standin)
    change(service, fake_kodi, monthly_limit=0.0)  # which is for what nobody asked for
    begun_unasked(service, fake_kodi, film, standin)
    change(service, fake_kodi, auto_translate="off")
    play(service, fake_kodi, film)
    until(lambda: is_whole(film), "the rest")


def test_what_a_person_asked_for_while_it_ran_by_itself_is_theirs(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    change(service, fake_kodi, auto_translate="on", openai_model=PRICED)
    hold(standin)
    play(service, fake_kodi, film)
    job = only_job(service)
    assert begun_by(job) == "itself"
    asked = messages.ask("start", {"source": str(film.with_suffix(".en.srt")), "video": str(film)}, PATIENT)
    assert asked == {"ok": True, "text": "This subtitle is being translated already."}
    assert service.book.running() == [job]
    assert begun_by(job) == "a person"
    cut_short(service, fake_kodi, standin, job)
    change(service, fake_kodi, auto_translate="off")
    play(service, fake_kodi, film)
    until(lambda: is_whole(film), "the rest")


def test_a_key_that_was_refused_is_not_tried_again_by_what_goes_on_by_itself(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    begun_by_a_person(service, fake_kodi, film, standin)
    standin.script = always(bad_key)
    fake_kodi.answers = [False]  # the settings are offered
    for _ in range(3):
        play(service, fake_kodi, film)
        until(lambda: not service.book.running(), "the end")
        rest(service)
        stop(service, fake_kodi)
    assert standin.stats().requests == 1
    assert fake_kodi.shown == ["OpenAI refused the key."]


def test_a_yes_to_our_question_is_a_wish_and_what_comes_of_it_goes_on_in_this_session(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    change(service, fake_kodi, auto_translate="ask")
    fake_kodi.answers = [True]
    hold(standin)
    play(service, fake_kodi, film)
    cut_short(service, fake_kodi, standin, only_job(service))
    play(service, fake_kodi, film)
    until(lambda: is_whole(film), "the rest")


def test_what_only_misses_lines_that_are_remembered_is_made_whole(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    """As after a power cut between the last answer and the last write."""
    translate(service, film)
    service.engine.ownership.write(str(film.with_suffix(".es.srt")), b"half", done=1, total=LINES)
    change(service, fake_kodi, auto_translate="on", openai_model="")
    play(service, fake_kodi, film)
    until(lambda: is_whole(film), "the rest")


def test_whoever_stops_or_removes_a_translation_does_not_get_it_again_at_the_next_start_of_the_film(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    ours = film.with_suffix(".es.srt")
    translate(service, film)
    change(service, fake_kodi, auto_translate="on")
    for path in (str(film), str(ours)):
        play(service, fake_kodi, film)
        assert messages.ask("remove", {"path": path}, PATIENT) == {"ok": True, "text": "The translation is removed."}
        stop(service, fake_kodi)
        play(service, fake_kodi, film)
        assert not service.book.running()
        assert not ours.exists()
        translate(service, film)  # a person asks for it
    ours.unlink()
    play(service, fake_kodi, film)
    until(ours.exists, "what is wanted again")


def test_a_film_that_was_stopped_before_its_question_was_shown_is_asked_about_the_next_time(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    change(service, fake_kodi, auto_translate="ask")
    fake_kodi.untrue.add("Window.IsActive(fullscreenvideo)")
    fake_kodi.playing = str(film)
    fake_kodi.add_stream(str(film.with_suffix(".en.srt")))
    service._film_started()
    stop(service, fake_kodi)
    rest(service)
    fake_kodi.untrue.clear()
    fake_kodi.answers = [True]
    play(service, fake_kodi, film)
    until(lambda: film.with_suffix(".es.srt").exists() and is_whole(film), "the translation")


def test_a_job_for_a_film_that_is_not_playing_any_more_does_not_begin_by_itself(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    """It was stopped while the job before it was still ending."""
    play(service, fake_kodi, film)
    task = with_limit(task_for(service, film), 1.0)
    stop(service, fake_kodi)
    job = service.begin(task)
    assert job.join(PATIENT)
    assert job.outcome is not None
    assert job.outcome.parked


# --- the monthly limit ----------------------------------------------------------------------------------------------


def test_once_a_month_has_cost_its_limit_nothing_begins_by_itself_and_that_is_told_once(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    change(service, fake_kodi, auto_translate="on", openai_model=PRICED, monthly_limit=0.5)
    spend(service, 0.4999)
    assert service.engine.left_this_month() == pytest.approx(0.0001)
    for _ in range(2):
        play(service, fake_kodi, film)
        stop(service, fake_kodi)
    assert fake_kodi.shown == ["The monthly limit of $0.50 is reached."]
    assert standin.stats().requests == 0
    change(service, fake_kodi, monthly_limit=1.0)
    play(service, fake_kodi, film)
    until(lambda: film.with_suffix(".es.srt").exists() and is_whole(film), "the translation")
    assert service.engine.left_this_month() < 0.5001


def test_what_began_by_itself_never_costs_more_than_was_left(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    limit = 0.0002
    play(service, fake_kodi, film)
    job = service.begin(with_limit(task_for(service, film), limit))
    assert job.join(PATIENT)
    rest(service)
    assert job.outcome is not None
    assert isinstance(job.outcome.error, CostLimitError)
    assert job.outcome.done < LINES
    assert service.engine.store.ledger.this_month().dollars <= limit
    assert fake_kodi.shown == ["This would cost more than the limit that is set."]


# --- which films ----------------------------------------------------------------------------------------------------


def test_a_forced_subtitle_is_neither_one_in_my_language_nor_one_to_translate_unasked(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    change(service, fake_kodi, auto_translate="on", openai_model=PRICED)
    whole, forced = film.with_suffix(".en.srt"), film.with_suffix(".en.forced.srt")
    content = whole.read_bytes()
    whole.rename(forced)
    film.with_suffix(".es.forced.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHola\n", encoding="utf-8")
    play(service, fake_kodi, film)
    assert not service.book.running()
    assert standin.stats().connections == 0
    stop(service, fake_kodi)
    whole.write_bytes(b"\0" * 100)  # found, and no subtitle
    play(service, fake_kodi, film)
    assert not service.book.running()
    stop(service, fake_kodi)
    whole.write_bytes(content)
    play(service, fake_kodi, film)
    until(lambda: film.with_suffix(".es.srt").exists(), "the translation of the whole one")
    stop(service, fake_kodi)


def test_our_translation_of_a_forced_subtitle_is_not_that_of_the_film(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    film.with_suffix(".en.forced.srt").write_bytes(film.with_suffix(".en.srt").read_bytes())
    run(service, service.desk.task(str(film.with_suffix(".en.forced.srt")), str(film)))
    assert film.with_suffix(".es.forced.srt").exists()
    assert service.desk.finished(str(film)) is None
    fake_kodi.playing = str(film)
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    assert [row["action"] for row in rows["rows"]] == ["show", "start", "start"]
    translate(service, film)
    finished = service.desk.finished(str(film))
    assert finished is not None
    assert finished.path == str(film.with_suffix(".es.srt"))


def test_a_film_with_a_subtitle_in_my_language_is_left_alone(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    change(service, fake_kodi, auto_translate="on", openai_model=PRICED)
    film.with_suffix(".es.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHola\n", encoding="utf-8")
    play(service, fake_kodi, film)
    assert not service.book.running()
    assert standin.stats().connections == 0


def test_when_a_film_with_a_foreign_subtitle_begins_a_connection_is_opened_before_anything_is_asked(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    play(service, fake_kodi, film)
    until(lambda: standin.stats().connections == 1, "the connection")
    assert standin.stats().requests == 0


# --- the next episode -----------------------------------------------------------------------------------------------


@pytest.fixture
def episodes(film: Path) -> List[Path]:
    """Three of a show, each with an English subtitle of its own."""
    made = [film.with_name(f"Show.S01E0{number}.mkv") for number in (1, 2, 3)]
    source = film.with_suffix(".en.srt").read_text(encoding="utf-8")
    for number, episode in enumerate(made, 1):
        episode.write_bytes(b"")
        episode.with_suffix(".en.srt").write_text(source.replace("line", f"row {number},"), encoding="utf-8")
    return made


def has_come(episode: Path) -> bool:
    return episode.with_suffix(".es.srt").exists() and is_whole(episode)


def translate_episode(service: Service, episode: Path) -> None:
    run(service, task_for(service, episode))
    assert has_come(episode)


def all_over(service: Service) -> None:
    until(lambda: not service.book.running(), "the end of all jobs")
    rest(service)


def test_of_a_season_that_is_watched_every_next_episode_is_prepared(
    service: Service, fake_kodi: FakeKodi, episodes: List[Path]
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    first, second, third = episodes
    play(service, fake_kodi, first)
    translate_episode(service, first)
    until(lambda: has_come(second), "the second")
    all_over(service)
    assert not third.with_suffix(".es.srt").exists()
    stop(service, fake_kodi)
    play(service, fake_kodi, second)
    until(lambda: has_come(third), "the third")
    all_over(service)
    assert fake_kodi.shown == ["All 30 lines translated.", *["The subtitle of the next episode is ready."] * 2]


def test_an_episode_that_begins_while_it_is_prepared_is_one_that_is_watched_from_then_on(
    service: Service, fake_kodi: FakeKodi, episodes: List[Path], standin: StandIn
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    first, second, third = episodes
    play(service, fake_kodi, first)
    translate_episode(service, first)
    all_over(service)
    second.with_suffix(".es.srt").unlink()
    second.with_suffix(".en.srt").write_text(
        second.with_suffix(".en.srt").read_text(encoding="utf-8").replace("row", "phrase"), encoding="utf-8"
    )
    fake_kodi.shown.clear()
    go_on = hold(standin)
    service._unasked.prepare_next(str(first))
    job = only_job(service)
    play(service, fake_kodi, second)
    assert service.book.running() == [job]
    go_on.set()
    until(lambda: has_come(third), "the third")
    all_over(service)
    assert fake_kodi.shown == ["All 30 lines translated.", "The subtitle of the next episode is ready."]


def test_a_forced_subtitle_of_the_next_episode_is_not_prepared(
    service: Service, fake_kodi: FakeKodi, episodes: List[Path]
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    episodes[1].with_suffix(".en.srt").rename(episodes[1].with_suffix(".en.forced.srt"))
    play(service, fake_kodi, episodes[0])
    service._unasked.prepare_next(str(episodes[0]))
    assert not service.book.running()


def test_an_episode_whose_preparation_the_person_stopped_is_not_prepared_again(
    service: Service, fake_kodi: FakeKodi, episodes: List[Path], standin: StandIn
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    play(service, fake_kodi, episodes[0])
    hold(standin)
    service._unasked.prepare_next(str(episodes[0]))
    assert only_job(service).task.ahead_of_time
    assert messages.ask("cancel", {}, PATIENT) == {"ok": True, "text": ""}
    all_over(service)
    standin.script = None
    service._unasked.prepare_next(str(episodes[0]))
    assert not service.book.running()


def test_lines_of_the_next_episode_that_were_tried_in_vain_are_not_tried_at_each_start_of_this_one(
    service: Service, fake_kodi: FakeKodi, episodes: List[Path], standin: StandIn
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    standin.script = always(leaving_blank("row 2, 7 of it"))
    first, second, third = episodes
    play(service, fake_kodi, first)
    translate_episode(service, first)
    all_over(service)
    finished = service.desk.finished(str(second))
    assert finished == Finished(str(second.with_suffix(".es.srt")), LINES - 1, LINES)
    standin.reset()
    play(service, fake_kodi, first)
    all_over(service)
    assert standin.stats().requests == 0
    play(service, fake_kodi, second)  # which is as done as it will be
    until(lambda: has_come(third), "the third")


def test_an_episode_that_was_prepared_and_cut_short_is_held_to_the_settings(
    service: Service, fake_kodi: FakeKodi, episodes: List[Path], standin: StandIn
) -> None:
    change(service, fake_kodi, openai_model=PRICED)
    first, second, _ = episodes
    play(service, fake_kodi, first)
    hold(standin)
    service._unasked.prepare_next(str(first))
    job = only_job(service)
    assert begun_by(job) == "itself"
    play(service, fake_kodi, second)
    cut_short(service, fake_kodi, standin, job)
    standin.reset()
    play(service, fake_kodi, second)
    all_over(service)
    assert standin.stats().requests == 0
