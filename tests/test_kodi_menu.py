"""The menu of the program entry with several jobs: which one is stopped, asked about, joined or parked."""

import shutil
import threading
from pathlib import Path
from typing import Any, Dict, List, Tuple

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
    until,
)
from standin_faults import always

from cli.standin import Exchange, StandIn
from kodi import actions, messages
from kodi.jobs import FilmJob
from kodi.service import Service

__all__ = ["fake_kodi", "film", "service", "standin"]


@pytest.fixture
def other(film: Path) -> Path:
    """Another film, with lines of its own."""
    folder = film.parent.parent / "others"
    folder.mkdir()
    source = film.with_suffix(".en.srt").read_text(encoding="utf-8")
    (folder / "other.en.srt").write_text(source.replace("line", "row"), encoding="utf-8")
    (folder / "other.mkv").write_bytes(b"")
    return folder / "other.mkv"


def begin(service: Service, film: Path) -> FilmJob:
    return service.begin(task_for(service, film))


def two_jobs(service: Service, standin: StandIn, film: Path, other: Path) -> Tuple[FilmJob, FilmJob]:
    hold(standin)
    return begin(service, film), begin(service, other)


def status() -> Dict[str, Any]:
    answer = messages.ask("status", {}, PATIENT)
    assert answer is not None
    return answer


def test_stop_in_the_menu_stops_the_job_that_it_names_and_no_other(
    service: Service, fake_kodi: FakeKodi, film: Path, other: Path, standin: StandIn
) -> None:
    first, second = two_jobs(service, standin, film, other)
    fake_kodi.answers = [1]
    actions.run_script([])
    names = [item.split(",")[0] for item in fake_kodi.shown[0].split(" | ")[1:3]]
    assert names == ["Stop translating: film.en.srt", "Stop translating: other.en.srt"]
    assert second.join(PATIENT)
    rest(service)
    assert (first.stopping, second.stopping) == (False, True)
    gone = messages.ask("cancel", {"place": second.task.places[0]}, PATIENT)
    assert gone == {"ok": False, "text": "Nothing is being translated."}
    assert not first.stopping
    actions.run_script(["cancel"])
    assert first.join(PATIENT)


def test_the_menu_is_about_the_film_that_plays_and_not_about_what_was_done_ahead_of_time(
    service: Service, fake_kodi: FakeKodi, film: Path, other: Path, standin: StandIn
) -> None:
    first, second = (film.with_name(f"Show.S01E0{number}.mkv") for number in (1, 2))
    for episode, source in ((first, film), (second, other)):
        episode.write_bytes(b"")
        episode.with_suffix(".en.srt").write_bytes(source.with_suffix(".en.srt").read_bytes())
    fake_kodi.settings["openai_model"] = "gpt-4o-mini"
    service._take_settings()
    standin.script = always(leaving_blank("line 7 of it"))
    play(service, fake_kodi, first)
    run(service, task_for(service, first))
    until(lambda: "The subtitle of the next episode is ready." in fake_kodi.shown, "the next episode")
    rest(service)
    assert [status()[name] for name in ("video", "left")] == [str(first), 1]
    stop(service, fake_kodi)
    assert [status()[name] for name in ("video", "left")] == [str(first), 1]
    why = messages.ask("why", {}, PATIENT)
    assert why is not None
    assert why["text"].endswith("This is line 7 of it")
    play(service, fake_kodi, second)
    assert [status()[name] for name in ("video", "left")] == [str(second), 0]
    stop(service, fake_kodi)
    standin.script = None
    assert messages.ask("retry", {}, PATIENT) == {"ok": True, "text": ""}
    until(lambda: first.with_suffix(".es.srt").read_text(encoding="utf-8").count("⟦") == LINES, "the last line")
    until(lambda: not service.book.running(), "the end")
    rest(service)
    assert [status()[name] for name in ("video", "left")] == [str(first), 0]


def test_what_is_asked_for_twice_in_the_dialog_and_in_the_menu_is_one_job(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    go_on = hold(standin)
    play(service, fake_kodi, film)
    source = str(film.with_suffix(".en.srt"))
    assert messages.ask("start", {"source": source, "video": str(film)}, PATIENT) == {"ok": True, "text": ""}
    (job,) = service.book.running()
    rows = messages.ask("rows", {}, PATIENT)
    assert rows is not None
    row = next(row for row in rows["rows"] if row["action"] == "start")
    answer = messages.ask("start", {"row": row["row"], "dialog": True}, PATIENT)
    assert answer is not None
    shutil.copyfile(answer["path"], film.with_suffix(".es.srt"))  # as Kodi does
    again = messages.ask("start", {"source": source, "video": str(film)}, PATIENT)
    assert again == {"ok": True, "text": "This subtitle is being translated already."}
    assert service.book.running() == [job]
    assert len(status()["jobs"]) == 1
    go_on.set()
    assert job.join(PATIENT)
    rest(service)
    assert job.output == str(film.with_suffix(".es.srt"))
    assert len(standin.log) == len({record.body for record in standin.log})


def test_the_next_film_parks_the_job_of_the_one_before_though_that_was_never_stopped(
    service: Service, fake_kodi: FakeKodi, film: Path, other: Path, standin: StandIn
) -> None:
    play(service, fake_kodi, film)
    first, second = two_jobs(service, standin, film, other)
    play(service, fake_kodi, film)  # Kodi tells so after each jump between chapters too
    assert not first.stopping
    play(service, fake_kodi, other)
    assert first.join(PATIENT)
    rest(service)
    assert first.outcome is not None
    assert first.outcome.parked
    assert not second.stopping
    assert fake_kodi.shown == []


def test_a_running_job_follows_the_number_of_requests_at_once(
    service: Service, fake_kodi: FakeKodi, film: Path, standin: StandIn
) -> None:
    answers = threading.Semaphore(0)

    def held(exchange: Exchange) -> None:
        answers.acquire(timeout=PATIENT)
        exchange.send(exchange.reply())

    def change(parallel: int) -> None:
        fake_kodi.settings["parallel_requests"] = parallel
        service._take_settings()

    source = film.with_suffix(".en.srt")
    cues = source.read_text(encoding="utf-8").count("-->")
    text = source.read_text(encoding="utf-8")
    source.write_text(text + text.replace("00:", "01:").replace("line", "row"), encoding="utf-8")
    change(1)
    standin.script = always(held)
    provider = service.engine.provider()
    job = begin(service, film)
    answers.release()
    until(lambda: standin.stats().requests == 2, "a second request")
    change(3)
    until(lambda: standin.stats().in_flight == 3, "three requests at once")
    assert service.engine.provider() is provider  # with all that it knows of its endpoints
    change(1)
    for _ in range(2):
        answers.release()
    until(lambda: standin.stats().in_flight == 1, "one request at once")
    standin.reset()
    for _ in range(1000):
        answers.release()
    assert job.join(PATIENT)
    rest(service)
    assert job.outcome is not None
    assert (job.outcome.done, standin.stats().max_in_flight) == (2 * cues, 1)


def test_only_so_many_jobs_that_have_ended_are_kept(service: Service, film: Path) -> None:
    made: List[Path] = []
    for number in range(6):
        made.append(film.with_name(f"film {number}.mkv"))
        made[-1].with_suffix(".en.srt").write_bytes(film.with_suffix(".en.srt").read_bytes())
        for _ in range(2):
            run(service, task_for(service, made[-1]))

    def meant(playing: Path) -> str:
        job = service.book.last(str(playing))
        return job.task.video if job is not None else ""

    assert [meant(one) for one in made[-4:]] == [str(one) for one in made[-4:]]
    assert meant(made[0]) == str(made[-1])
