"""Jobs and whose files are whose, on real files and against the stand-in; Kodi's part of it is played."""

import itertools
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, List, Optional

import pytest
from kodi_fakes import FakeKodi, fake_kodi
from kodi_service_support import standin
from standin_faults import always, bad_key, failing
from support_server import closed_port
from waiting import until

from cli.standin import StandIn
from cli.standin.pace import Pace
from core.cancel import CancelToken
from core.config import PoolConfig
from core.errors import ConfigError, InputError, KeyRefusedError, ServerError
from core.profiles import DEBUG, PROFILES, Profile
from kodi import copies, jobs, pace, vfs
from kodi.copies import CopyHunt
from kodi.desk import Desk, Finished
from kodi.engine import Engine
from kodi.job_book import JobBook
from kodi.jobs import FilmJob
from kodi.settings import Settings
from kodi.tasks import Outcome, Task
from translate.film import OutputTakenError
from translate.languages import find
from translate.store import FILE

__all__ = ["fake_kodi", "standin"]

LINES = 60
PATIENT = 20.0


class Ears:
    """Hears of a job what the service would."""

    def __init__(self) -> None:
        self.writes: List[bytes] = []
        self.first = threading.Event()
        self.over = threading.Event()
        self.withdrawn = ""
        self.adopted = ("", 0)  # the path, and how often it had been written to

    def adopts(self, job: FilmJob) -> None:
        self.adopted = job.output, len(self.writes)

    def wrote(self, job: FilmJob) -> None:
        self.writes.append(Path(job.output).read_bytes())
        self.first.set()

    def withdraws(self, job: FilmJob) -> None:
        self.withdrawn = job.output

    def ended(self, job: FilmJob) -> None:
        self.over.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "films"
    path.mkdir()
    times = [
        f"00:{n // 2:02}:{n % 2 * 30:02},000 --> 00:{n // 2:02}:{n % 2 * 30 + 2:02},000" for n in range(1, LINES + 1)
    ]
    cues = [f"{n}\n{time}\nThis is line {n} of it\n\n" for n, time in enumerate(times, 1)]
    (path / "film.en.srt").write_text("".join(cues), encoding="utf-8")
    (path / "film.mkv").write_bytes(b"")
    return path


def settings_for(standin: StandIn, key: str = "") -> Settings:
    return Settings(
        consent=True, provider="compatible", key=key, base_url=standin.openai_base_url, model="m", target=find("es")
    )


@pytest.fixture
def engine(fake_kodi: FakeKodi, standin: StandIn, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(str(tmp_path / "profile"), settings_for(standin))
    yield made
    made.close()


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def task_for(desk: Desk, folder: Path) -> Task:
    return desk.task(str(folder / "film.en.srt"), str(folder / "film.mkv"))


def run(task: Task, engine: Engine, ears: Optional[Ears] = None) -> Outcome:
    ears = ears or Ears()
    job = FilmJob(task, engine, ears)
    job.start()
    assert ears.over.wait(PATIENT)
    assert job.outcome is not None
    return job.outcome


def test_a_film_is_translated_beside_it_and_the_file_is_ours(engine: Engine, desk: Desk, folder: Path) -> None:
    before = (folder / "film.en.srt").read_bytes()
    outcome = run(task_for(desk, folder), engine)
    output = folder / "film.es.srt"
    assert outcome == Outcome(LINES, LINES)
    assert output.read_text(encoding="utf-8").count("⟦") == LINES
    assert (folder / "film.en.srt").read_bytes() == before
    assert engine.ownership.figures(str(output)) == (LINES, LINES)
    found = desk.finished(str(folder / "film.mkv"))
    assert found is not None
    assert found.path == str(output)
    assert [one.name for one in desk.sources(str(folder / "film.mkv"))] == ["film.en.srt"]


def test_a_parked_film_goes_on_where_it_stopped(engine: Engine, desk: Desk, folder: Path, standin: StandIn) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=150)
    ears = Ears()
    job = FilmJob(task_for(desk, folder), engine, ears)
    job.start()
    end = time.monotonic() + PATIENT
    while job.lines.done < LINES // 3 and time.monotonic() < end:
        ears.over.wait(0.02)
    job.park()
    assert job.join(2.0)
    assert job.outcome is not None
    assert job.outcome.parked
    assert 0 < job.outcome.done < LINES
    assert engine.ownership.is_unfinished(str(folder / "film.es.srt"))
    standin.pace = Pace()
    offer = desk.offer(task_for(desk, folder))
    assert offer.known >= job.outcome.done
    assert offer.expected.cues == LINES - offer.known
    assert run(task_for(desk, folder), engine).done == LINES


def test_the_line_at_the_playhead_is_in_the_first_file(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=40)
    ears = Ears()
    job = FilmJob(task_for(desk, folder), engine, ears, position=1200.0)
    job.start()
    assert ears.first.wait(PATIENT)
    job.park()
    assert job.join(2.0)
    assert "T-This is line 40" in ears.writes[0].decode("utf-8")


def test_what_someone_else_made_is_not_replaced_without_a_yes(engine: Engine, desk: Desk, folder: Path) -> None:
    foreign = folder / "film.es.srt"
    foreign.write_text("from another hand", encoding="utf-8")
    outcome = run(task_for(desk, folder), engine)
    assert isinstance(outcome.error, OutputTakenError)
    assert foreign.read_text(encoding="utf-8") == "from another hand"
    engine.ownership.make_room(str(foreign), agreed=True)
    assert (folder / "film.es.bak.srt").read_text(encoding="utf-8") == "from another hand"
    foreign.write_text("and another", encoding="utf-8")
    assert engine.ownership.set_aside(str(foreign)) == str(folder / "film.es.2.bak.srt")


def test_what_someone_changes_meanwhile_is_kept(engine: Engine, desk: Desk, folder: Path, standin: StandIn) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=40)
    ears = Ears()
    job = FilmJob(task_for(desk, folder), engine, ears)
    job.start()
    assert ears.first.wait(PATIENT)
    (folder / "film.es.srt").write_text("mine now", encoding="utf-8")
    assert ears.over.wait(PATIENT)
    assert job.outcome is not None
    assert isinstance(job.outcome.error, OutputTakenError)
    assert (folder / "film.es.srt").read_text(encoding="utf-8") == "mine now"


@pytest.mark.skipif(os.name == "nt", reason="a folder in the way of a file, as on POSIX")
def test_where_it_cannot_be_written_beside_the_film_our_own_folder_takes_it(
    engine: Engine, desk: Desk, folder: Path
) -> None:
    (folder / "film.es.srt").mkdir()
    outcome = run(task_for(desk, folder), engine)
    assert outcome.error is None
    found = desk.finished(str(folder / "film.mkv"))
    assert found is not None
    assert found.path.startswith(engine.folder)


@pytest.fixture
def locked(fake_kodi: FakeKodi, tmp_path: Path) -> Iterator[Engine]:
    """Its key is a dead one."""
    with StandIn(keys={"the-only-good-one"}) as standin:
        made = Engine(str(tmp_path / "profile"), settings_for(standin, "a-dead-one"))
        yield made
        made.close()


def test_a_dead_key_leaves_no_file(locked: Engine, folder: Path) -> None:
    outcome = run(task_for(Desk(locked), folder), locked)
    assert isinstance(outcome.error, KeyRefusedError)
    assert not (folder / "film.es.srt").exists()


@pytest.mark.parametrize("model", ["m", ""], ids=["asked for lines", "asked for the name of its model"])
def test_a_dead_key_takes_away_the_copy_that_kodi_made_of_our_answer(locked: Engine, folder: Path, model: str) -> None:
    locked.apply(Settings(**{**vars(locked.settings), "model": model}))
    copy = folder / "film.es.srt"
    ears = Ears()
    job = FilmJob(task_for(Desk(locked), folder), locked, ears)
    content = (folder / "film.en.srt").read_bytes()
    job.expect_copy(CopyHunt(str(folder / "film.mkv"), copy.name), content, 20, None)
    copy.write_bytes(content)
    job.start()
    assert ears.over.wait(PATIENT)
    assert job.outcome is not None
    assert isinstance(job.outcome.error, KeyRefusedError)
    assert ears.withdrawn == str(copy)
    assert sorted(os.listdir(folder)) == ["film.en.srt", "film.mkv"]


@pytest.mark.parametrize(("for_good", "stays"), [(True, False), (False, True)])
def test_a_job_that_is_stopped_before_its_first_line_keeps_its_copy_if_it_is_to_go_on(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn, for_good: bool, stays: bool
) -> None:
    standin.pace = Pace(first_token=600.0)
    copy, ears = folder / "film.es.srt", Ears()
    content = (folder / "film.en.srt").read_bytes()
    job = FilmJob(task_for(desk, folder), engine, ears)
    job.expect_copy(CopyHunt(str(folder / "film.mkv"), copy.name), content, 20, None)
    copy.write_bytes(content)
    job.start()
    end = time.monotonic() + PATIENT
    while not standin.stats().in_flight and time.monotonic() < end:
        ears.over.wait(0.02)
    job.park(for_good=for_good)
    assert ears.over.wait(PATIENT)
    assert copy.exists() is stays
    assert desk.finished(str(folder / "film.mkv")) == (Finished(str(copy), 0, LINES) if stays else None)


def test_a_copy_that_someone_has_changed_by_then_is_not_taken_away(locked: Engine, folder: Path) -> None:
    class Busy(Ears):
        def withdraws(self, job: FilmJob) -> None:
            copy.write_text("mine now", encoding="utf-8")

    copy, ears = folder / "film.es.srt", Busy()
    content = (folder / "film.en.srt").read_bytes()
    job = FilmJob(task_for(Desk(locked), folder), locked, ears)
    job.expect_copy(CopyHunt(str(folder / "film.mkv"), copy.name), content, 20, None)
    copy.write_bytes(content)
    job.start()
    assert ears.over.wait(PATIENT)
    assert copy.read_text(encoding="utf-8") == "mine now"


def test_a_copy_that_nobody_lived_to_adopt_is_known_as_ours_with_nothing_done(
    engine: Engine, desk: Desk, folder: Path
) -> None:
    copy, video = folder / "film.es.srt", str(folder / "film.mkv")
    content = (folder / "film.en.srt").read_bytes()
    engine.ownership.expect(str(copy), content, done=0, total=LINES)
    copy.write_bytes(content)
    assert desk.finished(video) == Finished(str(copy), 0, LINES)
    assert not desk.is_served(video)
    assert desk.in_the_way(video, copy.name) is None
    assert [one.name for one in desk.sources(video)] == ["film.en.srt"]
    assert run(task_for(desk, folder), engine).done == LINES
    assert desk.is_served(video)


def test_a_share_that_fails_now_and_then_does_not_end_the_job(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=400)
    monkeypatch.setattr(pace, "OFTEN", 0.05)
    monkeypatch.setattr(pace, "SELDOM", 0.05)
    whole, calls = vfs.write, itertools.count()

    def write(path: str, data: bytes) -> None:
        if next(calls) % 3:
            raise InputError("The share is gone.")
        whole(path, data)

    monkeypatch.setattr(vfs, "write", write)
    monkeypatch.setattr(jobs, "_NEXT_TRY", 0.05)
    assert run(task_for(desk, folder), engine) == Outcome(LINES, LINES)
    assert next(calls) > 3
    assert (folder / "film.es.srt").read_text(encoding="utf-8").count("⟦") == LINES


def test_a_share_that_is_gone_for_good_ends_it_and_that_is_said(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=40)
    monkeypatch.setattr(pace, "OFTEN", 0.05)
    monkeypatch.setattr(pace, "SELDOM", 0.05)
    whole, calls = vfs.write, itertools.count()

    def write(path: str, data: bytes) -> None:
        if next(calls):
            raise InputError("The share is gone.")
        whole(path, data)

    monkeypatch.setattr(vfs, "write", write)
    outcome = run(task_for(desk, folder), engine)
    assert isinstance(outcome.error, InputError)
    assert not outcome.parked
    assert next(calls) < 10


@pytest.mark.parametrize("copied", [False, True], ids=["our file", "Kodi's copy"])
def test_where_nothing_can_be_remembered_a_film_is_translated_to_its_end(
    fake_kodi: FakeKodi, standin: StandIn, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied: bool
) -> None:
    standin.pace = Pace(first_token=0.05, tokens_per_second=400)
    monkeypatch.setattr(pace, "OFTEN", 0.05)
    monkeypatch.setattr(pace, "SELDOM", 0.05)
    (tmp_path / "profile" / FILE).mkdir(parents=True)  # where the database should be
    engine = Engine(str(tmp_path / "profile"), settings_for(standin))
    desk, output, ears = Desk(engine), folder / "film.es.srt", Ears()
    job = FilmJob(task_for(desk, folder), engine, ears)
    if copied:
        content = (folder / "film.en.srt").read_bytes()
        job.expect_copy(CopyHunt(str(folder / "film.mkv"), output.name), content, PATIENT, None)
        output.write_bytes(content)
    job.start()
    assert ears.over.wait(PATIENT)
    assert job.outcome == Outcome(LINES, LINES)
    assert len(ears.writes) > 2
    assert desk.finished(str(folder / "film.mkv")) == Finished(str(output), LINES, LINES)
    engine.close()


@pytest.mark.parametrize("kept_before", [False, True])
def test_what_was_set_aside_is_put_back_as_it_was(engine: Engine, folder: Path, kept_before: bool) -> None:
    theirs, backup = folder / "film.es.srt", folder / "film.es.bak.srt"
    theirs.write_text("from another hand", encoding="utf-8")
    if kept_before:
        backup.write_text("from another hand", encoding="utf-8")
    engine.ownership.make_room(str(theirs), agreed=True)
    engine.ownership.put_back(str(theirs))  # nothing has taken its place
    assert backup.exists() is kept_before
    engine.ownership.make_room(str(theirs), agreed=True)
    theirs.unlink()
    engine.ownership.put_back(str(theirs))
    assert theirs.read_text(encoding="utf-8") == "from another hand"
    assert backup.exists() is kept_before


def test_what_cannot_be_put_back_stays_where_it_is(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = folder / "film.es.srt"
    theirs.write_text("from another hand", encoding="utf-8")
    engine.ownership.set_aside(str(theirs))
    theirs.unlink()

    def write(path: str, data: bytes) -> None:
        raise InputError("The share is gone.")

    monkeypatch.setattr(vfs, "write", write)
    engine.ownership.put_back(str(theirs))
    assert (folder / "film.es.bak.srt").read_text(encoding="utf-8") == "from another hand"


def test_the_source_is_never_an_output(desk: Desk, folder: Path) -> None:
    (folder / "film.es.srt").write_bytes((folder / "film.en.srt").read_bytes())
    with pytest.raises(InputError):
        desk.task(str(folder / "film.es.srt"), str(folder / "film.mkv"))


def test_what_is_no_subtitle_is_not_read(desk: Desk, folder: Path) -> None:
    with pytest.raises(InputError):
        desk.task(str(folder / "film.mkv"), str(folder / "film.mkv"))


def test_kodis_copy_is_adopted_and_the_source_never_taken_for_it(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn
) -> None:
    source, copy = folder / "film.en.srt", folder / "film.es.srt"
    content = source.read_bytes()
    ears = Ears()
    job = FilmJob(task_for(desk, folder), engine, ears)
    hunt = CopyHunt(str(folder / "film.mkv"), copy.name)
    assert hunt.find(content) is None
    job.expect_copy(hunt, content, PATIENT, None)
    job.start()
    assert not ears.first.wait(0.5)
    copy.write_bytes(content)
    assert ears.over.wait(PATIENT)
    assert (job.adopted, job.output) == (True, str(copy))
    assert copy.read_text(encoding="utf-8").count("⟦") == LINES
    assert source.read_bytes() == content
    assert ears.adopted == (str(copy), 0)


def test_a_copy_in_kodis_temporary_folder_is_on_its_way_from_there_unless_it_stays(
    fake_kodi: FakeKodi, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hunt, first, last = (
        CopyHunt(str(folder / "film.mkv"), "film.es.srt"),
        tmp_path / "film.es.srt",
        folder / "film.es.srt",
    )
    first.write_bytes(b"copied")
    assert hunt.find(b"copied") is None
    last.write_bytes(b"copied")
    assert hunt.find(b"copied") == str(last)
    assert hunt.lasts(str(last))
    last.unlink()
    monkeypatch.setattr(copies, "_STAYS", 0.0)
    assert hunt.find(b"copied") == str(first)
    assert not hunt.lasts(str(first))


def test_a_second_request_for_the_same_film_joins_the_first(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=0.2, tokens_per_second=40)
    book, ears = JobBook(), Ears()
    first = book.add(FilmJob(task_for(desk, folder), engine, ears))
    assert book.add(FilmJob(task_for(desk, folder), engine, ears)) is first
    assert book.of_video(str(folder / "film.mkv")) == [first]
    assert book.find(task_for(desk, folder)) is first
    assert book.stop_all(2.0)
    assert book.running() == []
    book.note_end(first)
    assert book.last("") is first


def test_a_profile_says_how_often_is_asked_again(engine: Engine, standin: StandIn) -> None:
    engine.apply(replace(settings_for(standin), profile=PROFILES[DEBUG]))
    standin.script = always(failing)
    provider = engine.provider()
    provider.forget_refusals()
    with pytest.raises(ServerError):
        provider.check("m", CancelToken())
    assert standin.stats().requests == 1


def test_new_settings_hold_without_a_new_pool(engine: Engine, desk: Desk, folder: Path, standin: StandIn) -> None:
    run(task_for(desk, folder), engine)
    pool = engine.pool
    engine.apply(replace(settings_for(standin), profile=Profile("mine", 1, PoolConfig(maxsize=2, num_pools=3))))
    assert engine.pool is pool
    assert pool.config.maxsize == 2
    (folder / "film.es.srt").unlink()
    (folder / "film.en.srt").write_text(
        (folder / "film.en.srt").read_text(encoding="utf-8").replace("line", "row"), encoding="utf-8"
    )
    created = sum(one.created for one in pool.stats().values())
    assert run(task_for(desk, folder), engine).done == LINES
    assert sum(one.created for one in pool.stats().values()) == created


def test_a_key_that_was_refused_while_another_went_on_is_told_in_the_end(
    fake_kodi: FakeKodi, folder: Path, tmp_path: Path, key: str
) -> None:
    with StandIn(keys={key}) as standin:
        engine = Engine(str(tmp_path / "profile"), settings_for(standin, f"a-dead-key-0123, {key}"))
        outcome = run(task_for(Desk(engine), folder), engine)
        engine.close()
    assert (outcome.done, outcome.error) == (LINES, None)
    assert [line.split(": ")[0].rpartition(", ")[2] for line in outcome.notices] == ["key 1 of 2"]


@pytest.mark.parametrize(
    ("urls", "free"),
    [
        ("http://nas:1234/v1, http://192.168.1.9/v1", True),
        ("http://nas:1234/v1,https://example.com/v1", False),
    ],
)
def test_only_servers_at_home_cost_nothing(fake_kodi: FakeKodi, tmp_path: Path, urls: str, *, free: bool) -> None:
    engine = Engine(str(tmp_path / "profile"), Settings(consent=True, provider="compatible", base_url=urls))
    assert (engine.price("some-model") is not None) is free
    engine.close()


# --- the status server ----------------------------------------------------------------------------------------------


def test_the_status_server_runs_while_the_settings_say_so(engine: Engine, standin: StandIn, tmp_path: Path) -> None:
    engine.serve_status()
    assert engine.status_address == ""
    engine.apply(replace(settings_for(standin), status_port=0))
    engine.serve_status()
    first = engine.status_address
    assert fetched(first, tmp_path)["endpoints"] == {}
    engine.serve_status()
    assert engine.status_address == first
    port = closed_port()
    engine.apply(replace(settings_for(standin), status_port=port))
    engine.serve_status()
    assert engine.status_address == f"http://127.0.0.1:{port}/"
    assert fetched(engine.status_address, tmp_path)["endpoints"] == {}
    with pytest.raises(urllib.error.URLError):
        fetched(first, tmp_path)
    engine.close()
    with pytest.raises(urllib.error.URLError):
        fetched(f"http://127.0.0.1:{port}/", tmp_path)
    engine.serve_status()  # an errand that comes late
    until(lambda: [one.name for one in threading.enumerate() if one.name.startswith("subai-status")] == [])


def test_what_another_provider_said_is_over_with_it(engine: Engine, desk: Desk, folder: Path, standin: StandIn) -> None:
    """A refused key would be an alarm until Kodi ends, and nobody could end it."""
    settings = settings_for(standin, "sk-refused-1234")
    engine.apply(settings)
    standin.script = always(bad_key)
    assert isinstance(run(task_for(desk, folder), engine).error, KeyRefusedError)
    (told,) = engine.watch.snapshot()["breakers"]
    assert (told["endpoint"], told["state"]) == (settings.base_url, "disabled")
    assert engine.watch.snapshot()["limits"] != []
    engine.apply(replace(settings, key="sk-another-1234"))
    assert (engine.watch.snapshot()["breakers"], engine.watch.snapshot()["limits"]) == ([], [])
    standin.script = None
    run(task_for(desk, folder), engine)
    (told,) = engine.watch.snapshot()["breakers"]
    assert (told["endpoint"], told["state"]) == (settings.base_url, "closed")


def test_a_port_that_cannot_be_had_leaves_no_server_and_may_be_tried_again(engine: Engine, standin: StandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        engine.apply(replace(settings_for(standin), status_port=taken.getsockname()[1]))
        with pytest.raises(ConfigError, match="cannot have port"):
            engine.serve_status()
    assert engine.status_address == ""
    engine.serve_status()
    assert engine.status_address


def fetched(address: str, folder: Path) -> Any:
    token = (folder / "profile" / "status-token").read_text(encoding="ascii").strip()
    request = urllib.request.Request(
        address + "api/http-client/pool/stats", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


class Broken(Ears):
    """Fails in a way that nobody foresaw."""

    def wrote(self, job: FilmJob) -> None:
        raise RuntimeError("boom")


def test_a_job_that_fails_unexpectedly_asks_nobody_any_more(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn
) -> None:
    standin.pace = Pace(first_token=0.1, tokens_per_second=100)
    outcome = run(task_for(desk, folder), engine, Broken())
    assert outcome.error is not None
    asked = len(standin.log)
    threading.Event().wait(0.5)
    assert len(standin.log) == asked


def test_a_share_that_is_gone_for_good_ends_the_job(
    engine: Engine, desk: Desk, folder: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.pace = Pace(first_token=0.1, tokens_per_second=100)
    for name in ("OFTEN", "SELDOM"):
        monkeypatch.setattr(pace, name, 0.05)
    monkeypatch.setattr(jobs, "_NEXT_TRY", 0.05)
    write, ears = vfs.write, Ears()

    def gone(path: str, data: bytes) -> None:
        if ears.first.is_set():
            raise InputError("the share is gone")
        write(path, data)

    monkeypatch.setattr(vfs, "write", gone)
    outcome = run(task_for(desk, folder), engine, ears)
    assert isinstance(outcome.error, InputError)
    assert 0 < outcome.done < LINES


def test_a_proxy_is_asked_where_not_all_servers_are_on_this_device(engine: Engine) -> None:
    local, remote = "http://127.0.0.1:8080/v1", "https://example.com/v1"
    for urls, proxy in ((local, None), (f"{local},{remote}", "http://10.0.0.1:3128")):
        engine.apply(Settings(consent=True, provider="compatible", base_url=urls, proxy="http://10.0.0.1:3128"))
        assert engine.provider()._transport._proxy == proxy
