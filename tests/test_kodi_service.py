"""The service as a whole, with Kodi's part of it played: films start and stop, jobs begin and end, messages come."""

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

import pytest
import xbmc
import xbmcgui
import xbmcvfs
from kodi_fakes import FakeKodi
from kodi_service_support import (
    LINES,
    PATIENT,
    fake_kodi,
    film,
    hold,
    look,
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
from standin_faults import always, bad_key, refusing

from cli.standin import Pace, StandIn
from core.errors import CancelledError
from kodi import choices, messages, vfs, windows, wording
from kodi.jobs import FilmJob
from kodi.service import Service
from kodi.settings import Settings
from kodi.tasks import Task
from translate.report import JobReport
from translate.session import Session

__all__ = ["fake_kodi", "film", "service", "standin"]


@pytest.mark.parametrize(("choice", "language"), [("film.en.srt", "eng"), ("", "")])
def test_who_chose_another_subtitle_the_last_time_gets_that_one_the_next(
    service: Service,
    fake_kodi: FakeKodi,
    film: Path,
    choice: str,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choices, "STEADY", 0.0)

    def shown() -> str:
        return "" if fake_kodi.shown_stream is None else str(fake_kodi.streams[fake_kodi.shown_stream]["language"])

    play(service, fake_kodi, film)
    translate(service, film)
    assert shown() == "spa"
    look(service)
    names = [stream["name"] for stream in fake_kodi.streams]
    fake_kodi.show_stream(names.index(choice) if choice else None)
    look(service)
    stop(service, fake_kodi)

    play(service, fake_kodi, film, subtitles=bool(choice))
    look(service)
    assert shown() == language

    fake_kodi.add_stream(str(film.with_name("film.es.srt")))
    look(service)
    stop(service, fake_kodi)
    play(service, fake_kodi, film)
    assert shown() == "spa"


def test_what_goes_on_by_itself_is_not_put_in_front_of_the_language_chosen_last(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    service.choices.note(str(film), "en")
    play(service, fake_kodi, film)
    translate(service, film)
    assert film.with_name("film.es.srt").exists()
    assert [stream["name"] for stream in fake_kodi.streams] == ["film.en.srt"]
    answer = messages.ask("start", {"source": str(film.with_name("film.en.srt")), "video": str(film)}, PATIENT)
    assert answer is not None
    until(lambda: len(fake_kodi.streams) == 2, "our subtitle in the player")


def test_what_a_power_cut_left_of_a_file_is_deleted_when_the_film_is_played_again(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    left, other = (film.with_name(f"{name}.es.srt{vfs.UNFINISHED}") for name in ("film", "other"))
    for path in (left, other):
        path.write_bytes(b"half")
    play(service, fake_kodi, film)
    assert (left.exists(), other.exists()) == (False, True)


# --- jobs -----------------------------------------------------------------------------------------------------------


def test_a_job_that_is_over_at_once_leaves_no_bar(
    service: Service, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = service.book.add

    def add_and_wait(job: FilmJob) -> FilmJob:
        added = add(job)
        assert added.join(PATIENT)
        return added

    monkeypatch.setattr(service.book, "add", add_and_wait)
    closed: List[object] = []
    monkeypatch.setattr(windows.Progress, "close", closed.append)
    translate(service, film)
    service._tick()
    service._bars.close_all()
    assert closed == []


def test_a_film_that_is_stopped_and_started_again_goes_on_though_its_job_has_not_ended_yet(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=200)
    play(service, fake_kodi, film)
    first = service.begin(task_for(service, film))
    until(lambda: first.lines.done, "the first lines")
    until(lambda: film.with_name("film.es.srt").exists(), "the file")
    finish = Session.finish

    def slowly(session: Session, report: JobReport) -> bool:
        threading.Event().wait(1.0)  # a share that takes its time
        return finish(session, report)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "finish", slowly)
        stop(service, fake_kodi)
        standin.pace = Pace()
        play(service, fake_kodi, film)
    assert not first.running
    until(lambda: film.with_name("film.es.srt").read_text(encoding="utf-8").count("⟦") == LINES, "the rest")


def test_where_a_job_writes_elsewhere_than_it_was_to_it_is_joined_all_the_same(
    service: Service, film: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=40)
    source = str(film.with_name("film.en.srt"))
    (film.parent / "film.es.srt").mkdir()  # so nothing can be written there
    job = service.begin(service.desk.task(source, str(film)))
    until(lambda: job.output, "its file")
    again = service.desk.task(source, str(film))
    assert again.places[0] == job.output != job.task.places[0]
    assert service.begin(again) is job


def test_when_it_has_ended_nothing_begins_any_more(service: Service, film: Path) -> None:
    task = task_for(service, film)
    service._close()
    with pytest.raises(CancelledError):
        service.begin(task)


def test_what_is_remembered_costs_nothing_is_said_so_and_begins_by_itself(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    translate(service, film)
    film.with_name("film.es.srt").unlink()
    fake_kodi.settings["auto_translate"] = "on"
    service._take_settings()
    offer = service.desk.offers(str(film))[0]
    assert wording.offer_row(offer).endswith("to Spanish: nothing to pay, all 30 lines are remembered")
    assert wording.question(offer).splitlines()[1] == "Nothing to pay: all 30 lines are remembered."
    play(service, fake_kodi, film)
    until(lambda: film.with_name("film.es.srt").exists(), "the translation")


@pytest.mark.parametrize("ends", ["the film", "the add-on"])
def test_the_question_about_a_film_goes_with_the_film_and_with_the_add_on(
    service: Service, fake_kodi: FakeKodi, film: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    asked = threading.Event()

    def yesno(*_: object, **more: object) -> bool:
        asked.set()
        until(lambda: "Dialog.Close(yesnodialog,true)" in fake_kodi.builtins, "the question to be taken back")
        return False

    monkeypatch.setattr(xbmcgui.Dialog, "yesno", yesno)
    fake_kodi.settings["auto_translate"] = "ask"
    service._take_settings()
    fake_kodi.playing = str(film)
    service._film_started()
    assert fake_kodi.builtins == []
    assert asked.wait(PATIENT)
    if ends == "the film":
        stop(service, fake_kodi)
    else:
        service._close()
    rest(service)
    assert not service.book.running()


def test_a_setting_that_was_changed_a_moment_ago_holds_for_the_film_that_begins(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    fake_kodi.answers = [False]
    fake_kodi.settings["auto_translate"] = "ask"
    service.onSettingsChanged()
    play(service, fake_kodi, film)
    assert any("There is no subtitle in Spanish" in text for text in fake_kodi.shown)


def test_the_question_about_a_film_waits_until_kodi_shows_the_film(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    """Kodi closes every dialog when it switches to full screen."""
    fake_kodi.answers = [False]
    fake_kodi.untrue.add("Window.IsActive(fullscreenvideo)")
    fake_kodi.settings["auto_translate"] = "ask"
    service._take_settings()
    fake_kodi.playing = str(film)
    fake_kodi.add_stream(str(film.with_name("film.en.srt")))
    service._film_started()
    threading.Event().wait(0.5)
    assert fake_kodi.answers == [False]
    fake_kodi.untrue.clear()
    rest(service)
    assert fake_kodi.answers == []


def test_in_a_film_that_another_program_plays_nothing_is_asked_or_shown_and_the_dialog_says_why(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    fake_kodi.settings["auto_translate"] = "on"
    service._take_settings()
    fake_kodi.plays_elsewhere = True
    play(service, fake_kodi, film)
    assert not service.book.running()
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    assert rows["text"].startswith("This film plays in another program")
    shown = fake_kodi.shown_stream
    translate(service, film)
    assert film.with_name("film.es.srt").exists()
    assert fake_kodi.shown_stream == shown


def test_a_copy_that_kodi_made_of_nothing_leaves_the_screen_to_what_was_there_before(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    standin.script = always(bad_key)
    fake_kodi.answers = [False]  # the settings are offered
    play(service, fake_kodi, film)
    before = fake_kodi.shown_stream
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    answer = messages.ask("start", {"row": rows["rows"][1]["row"], "dialog": True}, PATIENT)
    assert answer is not None
    (job,) = service.book.running()
    copy = film.with_suffix(".es.srt")
    fake_kodi.add_stream(str(copy))
    copy.write_bytes(Path(answer["path"]).read_bytes())
    assert job.join(PATIENT)
    assert (fake_kodi.shown_stream, copy.exists()) == (before, False)


# --- messages -------------------------------------------------------------------------------------------------------


def test_only_a_subtitle_of_the_film_itself_is_translated_for_it(service: Service, film: Path, tmp_path: Path) -> None:
    other = tmp_path / "diary.txt"
    other.write_bytes(film.with_name("film.en.srt").read_bytes())
    answer = messages.ask("start", {"source": str(other), "video": str(film)}, PATIENT)
    assert answer is not None
    assert not answer["ok"]
    assert not service.book.running()
    answer = messages.ask("start", {"source": str(film.with_name("film.en.srt")), "video": str(film)}, PATIENT)
    assert answer == {"ok": True, "text": ""}


def test_whoever_asks_gets_an_answer_even_when_something_is_broken(
    service: Service, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Kodi is not playing any media file")

    monkeypatch.setattr(service.desk, "offers", broken)
    began = time.monotonic()
    answer = messages.ask("estimate", {"path": str(film)}, PATIENT)
    assert time.monotonic() - began < PATIENT / 2
    assert answer == {"ok": False, "text": "Something went wrong inside; Kodi's log says what."}


def test_who_gives_up_a_connection_test_ends_its_request_at_once(
    service: Service, fake_kodi: FakeKodi, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=600.0)
    began = time.monotonic()
    asked = messages.ask("test_connection", {}, 120.0, lambda: standin.stats().in_flight > 0)
    assert asked is None
    assert time.monotonic() - began < PATIENT
    rest(service)
    assert [one.active for one in service.engine.pool.stats().values()] == [0]
    assert fake_kodi.properties == {}


def test_a_connection_test_does_not_outlive_the_service(service: Service, standin: StandIn) -> None:
    standin.script = always(refusing(429, "Slow down.", Retry_After="60"))
    xbmc.executeJSONRPC(messages._notification("test_connection", "0123456789abcdef", {}, 60.0))
    until(lambda: standin.stats().requests, "the first request")
    service._close()
    rest(service)


# --- trouble --------------------------------------------------------------------------------------------------------


def test_a_fault_in_one_look_at_the_player_does_not_end_the_service(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([False, False, True])

    def broken() -> None:
        raise RuntimeError("Kodi is not playing any media file")

    monkeypatch.setattr(service, "waitForAbort", lambda seconds: next(looks))
    monkeypatch.setattr(service, "_tick", broken)
    service.run()
    assert service.ending.is_set()


def test_of_settings_that_change_twice_the_last_ones_hold(
    service: Service, fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, slow = service.engine.apply, threading.Event()

    def slowly(settings: Settings) -> None:
        if settings.parallel == 5:
            slow.set()
            threading.Event().wait(0.3)
        apply(settings)

    monkeypatch.setattr(service.engine, "apply", slowly)
    fake_kodi.settings["parallel_requests"] = 5
    service.onSettingsChanged()
    assert slow.wait(PATIENT)
    fake_kodi.settings["parallel_requests"] = 6
    service.onSettingsChanged()
    rest(service)
    assert service.engine.settings.parallel == 6


def test_a_row_of_the_subtitle_dialog_says_nothing_of_where_its_file_lies(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    """Kodi logs what a row stands for, and the path of a share may hold a password."""
    fake_kodi.playing = f"smb:/{film}"  # a share, as in kodi_fakes
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    assert [row["action"] for row in rows["rows"]] == ["show", "start"]
    assert str(film.parent) not in str(rows)
    show, start = [messages.ask(row["action"], {"row": row["row"], "dialog": True}, PATIENT) for row in rows["rows"]]
    assert show == {"ok": True, "text": ""}
    assert start is not None
    handed = Path(start["path"])
    assert handed.read_bytes() == film.with_name("film.en.srt").read_bytes()
    assert [job.task.film.path for job in service.book.running()] == [f"smb:/{film.with_name('film.en.srt')}"]
    fake_kodi.playing = ""
    service._close()
    Service()._close()
    assert not handed.exists()


# --- the subtitle dialog ----------------------------------------------------------------------------------------------


def choose(action: str, text: str) -> Dict[str, Any]:
    """What Kodi's dialog gets for the row with ``text`` in it."""
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    (row,) = [one["row"] for one in rows["rows"] if one["action"] == action and text in one["text"]]
    answer = messages.ask(action, {"row": row, "dialog": True}, PATIENT)
    assert answer is not None
    return answer


def test_a_row_that_shows_a_file_hands_kodi_nothing_that_it_could_put_in_the_place_of_another(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    """Kodi would copy it to film.en.srt, which is another one's."""
    other = film.with_name("film.English.srt")
    other.write_text(film.with_name("film.en.srt").read_text(encoding="utf-8") + "\n", encoding="utf-8")
    play(service, fake_kodi, film, subtitles=False)
    assert choose("show", "film.English.srt as it is") == {"ok": True, "text": ""}
    assert fake_kodi.streams[fake_kodi.shown_stream or 0]["name"] == "film.English.srt"


def test_a_row_that_shows_our_translation_shows_it_and_its_next_lines_too(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    play(service, fake_kodi, film)
    translate(service, film)
    ours = str(film.with_name("film.es.srt"))
    for index in (0, 1):
        fake_kodi.show_stream(index)
        assert choose("show", "translated") == {"ok": True, "text": ""}
        assert fake_kodi.shown_stream == 1
        assert service.screen.refresh(ours)
    service.screen.take_back(ours)
    assert fake_kodi.shown_stream == 0


@pytest.mark.parametrize("code", ["pt-BR", "zh-TW", "es-419", "other"])
def test_where_kodis_copy_would_not_have_our_name_it_is_handed_nothing(
    service: Service, fake_kodi: FakeKodi, film: Path, code: str
) -> None:
    fake_kodi.settings.update(target_language=code, target_language_other="Klingon")
    service._take_settings()
    play(service, fake_kodi, film)
    assert choose("start", "Translate film.en.srt") == {"ok": True, "text": ""}
    until(lambda: not service.book.running(), "the translation")
    rest(service)
    name = "film.x-klingon.srt" if code == "other" else f"film.{code}.srt"
    assert sorted(path.name for path in film.parent.iterdir()) == sorted(["film.en.srt", "film.mkv", name])
    assert fake_kodi.streams[fake_kodi.shown_stream or 0]["name"] == name
    theirs = film.with_name("theirs.mkv")
    theirs.write_bytes(b"")
    theirs.with_name(f"theirs{name[4:]}").write_text("from another hand", encoding="utf-8")
    theirs.with_name("theirs.en.srt").write_bytes(film.with_name("film.en.srt").read_bytes())
    play(service, fake_kodi, theirs)
    assert choose("start", "Translate theirs.en.srt")["taken"] == str(theirs.with_name(f"theirs{name[4:]}"))


@pytest.mark.parametrize("choice", [None, 0])
def test_what_the_person_chooses_before_the_first_line_is_there_stays(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn, choice: Optional[int]
) -> None:
    standin.pace = Pace(first_token=600.0)
    play(service, fake_kodi, film)
    answer = choose("start", "Translate film.en.srt")
    copy = film.with_name("film.es.srt")
    copy.write_bytes(Path(answer["path"]).read_bytes())
    fake_kodi.add_stream(str(copy))  # as Kodi does
    (job,) = service.book.running()
    until(lambda: service.screen.is_shown(str(copy)), "the copy to be ours")
    fake_kodi.show_stream(choice)
    service.wrote(job)
    assert fake_kodi.shown_stream == choice
    fake_kodi.show_stream(1)
    assert service.screen.refresh(str(copy))


def test_a_copy_that_kodi_has_not_opened_yet_is_waited_for_and_not_put_on_the_screen(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=600.0)
    play(service, fake_kodi, film)
    answer = choose("start", "Translate film.en.srt")
    copy = film.with_name("film.es.srt")
    copy.write_bytes(Path(answer["path"]).read_bytes())
    (job,) = service.book.running()
    until(lambda: job.adopted, "the copy to be ours")
    service.wrote(job)
    assert [one["name"] for one in fake_kodi.streams] == ["film.en.srt"]
    fake_kodi.add_stream(str(copy))
    service.wrote(job)
    assert service.screen.refresh(str(copy))


def test_a_job_that_began_while_the_dialog_was_answered_is_told_of_kodis_copy_too(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pace = Pace(first_token=600.0)
    play(service, fake_kodi, film)
    begun = []

    def found(task: Task) -> None:
        begun.append(service.begin(task))  # just after somebody looked whether there is one

    monkeypatch.setattr(service.book, "find", found)
    answer = choose("start", "Translate film.en.srt")
    copy = film.with_name("film.es.srt")
    copy.write_bytes(Path(answer["path"]).read_bytes())
    until(lambda: begun[0].adopted, "the copy to be ours")


def test_a_dead_key_gives_back_the_file_that_made_room_for_ours(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=1.0)
    standin.script = always(bad_key)
    fake_kodi.answers = [False]
    theirs = film.with_name("film.es.srt")
    theirs.write_text("from another hand", encoding="utf-8")
    play(service, fake_kodi, film)
    start = {"source": str(film.with_name("film.en.srt")), "dialog": True}
    taken = messages.ask("start", start, PATIENT)
    assert taken is not None
    assert taken["taken"] == str(theirs)
    answer = messages.ask("start", {**start, "replace": True}, PATIENT)
    assert answer is not None
    theirs.write_bytes(Path(answer["path"]).read_bytes())  # as Kodi does
    until(lambda: not service.book.running(), "the job's end")
    rest(service)
    assert fake_kodi.shown == ["OpenAI refused the key."]
    assert theirs.read_text(encoding="utf-8") == "from another hand"
    assert sorted(path.name for path in film.parent.iterdir()) == ["film.en.srt", "film.es.srt", "film.mkv"]


# --- telling --------------------------------------------------------------------------------------------------------


def test_a_dead_key_is_told_once_and_the_settings_are_offered_where_keys_are(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    standin.script = always(bad_key)
    fake_kodi.answers = [True]
    run(service, task_for(service, film))
    assert fake_kodi.shown == ["OpenAI refused the key."]
    assert fake_kodi.builtins == ["Addon.OpenSettings(service.subtitles.sub-ai-translator)", "SetFocus(-99)"]
    run(service, replace(task_for(service, film), by_itself=True))
    assert len(fake_kodi.shown) == 1
    fake_kodi.answers = [False]
    run(service, task_for(service, film))  # the person asks again
    assert len(fake_kodi.shown) == 2
    assert standin.stats().requests == 2


def test_what_two_threads_tell_at_once_is_told_once(
    service: Service, fake_kodi: FakeKodi, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Set[str]):
        def __contains__(self, text: object) -> bool:
            found = super().__contains__(text)
            threading.Event().wait(0.2)
            return found

    monkeypatch.setattr(service.teller, "_told", Slow())
    for _ in range(2):
        service.spawn(lambda: service.teller.once("News."))
    rest(service)
    assert fake_kodi.shown == ["News."]


@pytest.mark.long
def test_a_provider_that_cannot_be_reached_is_told_in_a_notice(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        fake_kodi.settings["openai_base_url"] = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
    service._take_settings()
    run(service, task_for(service, film))
    assert fake_kodi.shown == ["OpenAI cannot be reached. Is the network working?"]


def test_what_breaks_inside_a_job_is_told_and_the_next_one_works(
    service: Service, fake_kodi: FakeKodi, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody thought of that")

    with monkeypatch.context() as patched:
        patched.setattr(service.engine, "route", broken)
        run(service, task_for(service, film))
    assert fake_kodi.shown == ["Something went wrong inside; Kodi's log says what."]
    translate(service, film)
    assert fake_kodi.shown[1:] == [f"All {LINES} lines translated."]


def test_who_stops_a_job_is_told_how_far_it_came(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=100)
    job = service.begin(task_for(service, film))
    until(lambda: job.lines.done, "the first lines")
    assert messages.ask("cancel", {}, PATIENT) == {"ok": True, "text": ""}
    assert job.join(PATIENT)
    rest(service)
    assert job.outcome is not None
    assert fake_kodi.shown == [f"Stopped: {job.outcome.done} of {LINES} lines are translated."]


# --- the next episode -----------------------------------------------------------------------------------------------


def test_the_next_episode_is_prepared_even_where_it_was_begun_before_and_not_where_it_is_done(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    first, second = (film.with_name(f"Show.S01E0{number}.mkv") for number in (1, 2))
    for episode in (first, second):
        episode.write_bytes(b"")
        episode.with_suffix(".en.srt").write_bytes(film.with_name("film.en.srt").read_bytes())
    fake_kodi.playing = str(first)
    ours = second.with_suffix(".es.srt")
    service.engine.ownership.write(str(ours), b"begun", done=1, total=LINES)
    translate(service, film)  # so that the lines of an episode cost nothing
    service._unasked.prepare_next(str(first))
    until(lambda: ours.read_text(encoding="utf-8").count("⟦") == LINES, "the next episode")
    until(lambda: not service.book.running(), "its end")
    rest(service)
    assert "The subtitle of the next episode is ready." in fake_kodi.shown
    fake_kodi.shown.clear()
    service._unasked.prepare_next(str(first))
    assert not service.book.running()
    assert fake_kodi.shown == []


def test_a_translation_is_removed_while_it_is_made_and_only_ours(
    service: Service, film: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = film.with_name("film.de.srt")
    theirs.write_text("from another hand", encoding="utf-8")
    answer = messages.ask("remove", {"path": str(theirs)}, PATIENT)
    assert answer is not None
    assert not answer["ok"]
    standin.pace = Pace(first_token=0.05, tokens_per_second=100)
    job = service.begin(task_for(service, film))
    until(lambda: job.output, "its file")
    with monkeypatch.context() as patched:
        patched.setattr(xbmcvfs, "delete", lambda path: False)
        answer = messages.ask("remove", {"path": str(film)}, PATIENT)
    assert answer == {"ok": False, "text": "film.es.srt cannot be deleted there."}
    assert messages.ask("remove", {"path": str(film)}, PATIENT) == {"ok": True, "text": "The translation is removed."}
    assert not film.with_name("film.es.srt").exists()
    assert theirs.exists()


def test_a_translation_that_is_removed_does_not_come_back_with_the_last_word_of_its_job(
    service: Service, film: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=100)
    job, removed = service.begin(task_for(service, film)), threading.Event()
    until(lambda: job.lines.done > LINES // 2, "more than its first batch")
    finish = Session.finish

    def slowly(session: Session, report: JobReport) -> bool:
        assert removed.wait(PATIENT)  # a share that takes its time
        return finish(session, report)

    monkeypatch.setattr(Session, "finish", slowly)
    assert messages.ask("remove", {"path": str(film)}, PATIENT) == {"ok": True, "text": "The translation is removed."}
    assert not film.with_name("film.es.srt").exists()
    removed.set()
    assert job.join(PATIENT)
    rest(service)
    assert not film.with_name("film.es.srt").exists()


def test_a_translation_that_is_removed_leaves_the_screen_to_what_was_there_before(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    play(service, fake_kodi, film)
    before = fake_kodi.shown_stream
    translate(service, film)
    rest(service)
    assert fake_kodi.shown_stream != before
    assert messages.ask("remove", {"path": str(film)}, PATIENT) == {"ok": True, "text": "The translation is removed."}
    assert fake_kodi.shown_stream == before


def test_what_is_removed_before_its_next_job_has_written_anything_stays_away(
    service: Service, film: Path, standin: StandIn
) -> None:
    translate(service, film)
    go_on = hold(standin, answered=0)
    job = service.begin(replace(task_for(service, film), anew=True))
    until(lambda: standin.log, "its first request")
    answer = messages.ask("remove", {"path": str(film.with_suffix(".es.srt"))}, PATIENT)
    assert answer == {"ok": True, "text": "The translation is removed."}
    go_on.set()
    assert job.join(PATIENT)
    rest(service)
    assert not film.with_suffix(".es.srt").exists()


def test_trying_again_in_another_language_leaves_the_first_translation_alone(
    service: Service, fake_kodi: FakeKodi, film: Path
) -> None:
    translate(service, film)
    spanish = film.with_suffix(".es.srt").read_bytes()
    fake_kodi.settings["target_language"] = "de"
    service._take_settings()
    assert messages.ask("retry", {}, PATIENT) == {"ok": True, "text": ""}
    until(lambda: not service.book.running(), "the second job")
    assert film.with_suffix(".es.srt").read_bytes() == spanish
    assert film.with_suffix(".de.srt").exists()


def test_a_job_for_a_subtitle_alone_goes_on_when_a_film_starts(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    go_on = hold(standin)
    job = service.begin(service.desk.task(str(film.with_suffix(".en.srt")), ""))
    until(lambda: standin.log, "its first request")
    fake_kodi.playing = str(film.with_name("another.mkv"))
    service._film_started()
    go_on.set()
    assert job.join(PATIENT)
    assert job.outcome is not None
    assert job.outcome.done == LINES
