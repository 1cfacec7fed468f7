"""The journal of a job: what it is resumed from after any end, what it took, and the requests of a day."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import List

import pytest
from store_support import NOW, Clock
from waiting import until

from api.base import Usage
from core.database import Database
from core.day_budget import DayBudget
from core.errors import QuotaError
from translate.journal import FLUSH_AFTER, JOBS, JOBS_WITH_CUES, JobJournal, Journal, fingerprint
from translate.spending import Ledger, Spent
from translate.store import FILE, STEPS, Store, open_store

ROOT = str(Path(__file__).parent.parent)

pytest_plugins = ("store_fixtures",)


@pytest.fixture
def journal(store: Store, clock: Clock) -> Journal:
    return Journal(store.database, wall=clock)


def open_job(journal: Journal, job: str = "job") -> JobJournal:
    return journal.open_job(job, name="film.en.srt", total=3)


# --- a job ------------------------------------------------------------------------------------------------------------


def test_a_job_goes_on_where_it_ended(journal: Journal) -> None:
    job = open_job(journal)
    assert job.finished() == {}
    job.add(0, "uno")
    job.add(2, "tres")
    job.keep(1, "blocked")
    job.close()
    again = open_job(journal)
    assert again.finished() == {0: "uno", 2: "tres"}
    assert again.kept() == {1: "blocked"}
    assert open_job(journal, "another").finished() == {}


def test_the_last_word_about_a_cue_counts(journal: Journal) -> None:
    job = open_job(journal)
    job.keep(0, "blocked")
    job.add(1, "uno")
    job.flush()
    job.add(0, "cero")
    job.keep(1, "wrong")
    job.close()
    again = open_job(journal)
    assert (again.finished(), again.kept()) == ({0: "cero"}, {1: "wrong"}) == (job.finished(), job.kept())


def test_what_was_added_is_on_disk_within_a_second(journal: Journal) -> None:
    job = open_job(journal)
    began = time.monotonic()
    for index in range(20):
        job.add(index, "text")
    until(lambda: len(open_job(journal).finished()) == 20)
    assert FLUSH_AFTER <= time.monotonic() - began < 1.0
    until(lambda: not any(thread.name == "subai-journal" for thread in threading.enumerate()))
    job.add(20, "later")
    until(lambda: len(open_job(journal).finished()) == 21)


def test_closing_leaves_no_thread_behind(journal: Journal) -> None:
    job = open_job(journal)
    job.add(0, "text")
    threads = [thread for thread in threading.enumerate() if thread.name == "subai-journal"]
    job.close()
    for thread in threads:
        thread.join(timeout=5)
    assert len(threads) == 1
    assert not threads[0].is_alive()


def test_nothing_new_writes_nothing(store: Store, journal: Journal) -> None:
    job = open_job(journal)
    job.add(0, "text")
    assert job.flush() is True
    checkouts = store.database.stats().checkouts
    assert job.flush() is True
    job.close()
    assert store.database.stats().checkouts == checkouts


def test_workers_may_all_add_at_once(journal: Journal) -> None:
    job = open_job(journal)

    def work(first: int) -> None:
        for index in range(first, 400, 8):
            job.add(index, f"text {index}")
            job.spend(Usage(10, 5), 0.001)
            if index % 50 == 0:
                job.flush()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job.close()
    again = open_job(journal)
    assert again.finished() == {index: f"text {index}" for index in range(400)}
    assert again.spent() == Spent(400, 4000, 2000, 400_000)


def test_half_a_character_does_no_harm(journal: Journal, notices: List[str]) -> None:
    job = open_job(journal)
    job.add(0, "mitad \ud83d\x00")
    job.keep(1, "\udc00")
    assert job.flush() is True
    assert (open_job(journal).finished(), open_job(journal).kept()) == ({0: "mitad ?\x00"}, {1: "?"})
    assert notices == []


def test_a_job_is_told_by_its_cues_and_what_is_wanted() -> None:
    texts = ["Where is he?", "Right.", "half \ud83d"]
    same = fingerprint(texts, "es", "formal")
    assert fingerprint(iter(texts), "es", "formal") == same
    others = [(texts[:2], "es", "formal"), (texts, "fr", "formal"), (texts, "es"), ([*texts, "es"], "formal")]
    assert same not in {fingerprint(cues, *facts) for cues, *facts in others}  # type: ignore[arg-type]


# --- what becomes of jobs ---------------------------------------------------------------------------------------------


def test_a_finished_job_keeps_only_what_it_took(journal: Journal, clock: Clock) -> None:
    job = open_job(journal)
    for index in range(3):
        job.add(index, "text")
    job.spend(Usage(100, 50), 0.25)
    job.finish()
    job.close()
    assert open_job(journal).finished() == {}
    (record,) = journal.jobs()
    assert (record.name, record.done, record.total, record.touched) == ("film.en.srt", 3, 3, NOW)
    assert record.spent == Spent(1, 100, 50, 250_000)
    assert record.spent.dollars == 0.25


def test_a_forgotten_job_begins_anew_and_its_money_stays_spent(journal: Journal) -> None:
    job = open_job(journal)
    job.add(0, "text")
    job.spend(Usage(100, 50), 0.25)
    job.close()
    journal.forget("job")
    again = open_job(journal)
    assert again.finished() == {}
    assert again.spent().requests == 1


def test_only_the_latest_jobs_can_be_taken_up_again(journal: Journal, clock: Clock) -> None:
    for number in range(JOBS_WITH_CUES + 2):
        clock.now += 1
        job = open_job(journal, str(number))
        job.add(0, "text")
        job.close()
    taken_up = [number for number in range(JOBS_WITH_CUES + 2) if open_job(journal, str(number)).finished()]
    assert taken_up == list(range(2, JOBS_WITH_CUES + 2))
    assert len(journal.jobs()) == JOBS_WITH_CUES + 2


def test_records_of_jobs_do_not_pile_up(store: Store, journal: Journal, clock: Clock) -> None:
    with store.database.writing() as connection:
        connection.executemany(
            "INSERT INTO jobs (fingerprint, name, done, total, touched) VALUES (?, ?, 1, 2, ?)",
            [(f"old {number}", f"old {number}", number) for number in range(JOBS)],
        )
    job = open_job(journal)
    job.add(0, "text")
    job.close()
    names = [record.name for record in journal.jobs()]
    assert len(names) == JOBS
    assert (names[0], names[-1]) == ("film.en.srt", "old 1")


# --- when the database is not there -----------------------------------------------------------------------------------


def test_without_a_database_a_job_knows_what_it_did(tmp_path: Path, notices: List[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    opened = open_store(str(tmp_path / "file" / "data"), notices.append)
    job = open_job(opened.journal)
    job.add(0, "uno")
    job.spend(Usage(1, 1), 0.5)
    assert job.flush() is False
    job.finish()
    assert job.finished() == {0: "uno"}
    assert job.spent().dollars == 0.5
    assert opened.journal.jobs() == []
    assert opened.ledger.this_month() == Spent()
    opened.journal.forget("job")
    opened.close()
    assert len(notices) == 1


def test_what_could_not_be_written_is_written_later(tmp_path: Path, notices: List[str]) -> None:
    (tmp_path / "data").write_bytes(b"")
    opened = open_store(str(tmp_path / "data"), notices.append)
    job = open_job(opened.journal)
    job.add(0, "uno")
    job.spend(Usage(1, 1))
    assert job.flush() is False
    os.remove(tmp_path / "data")
    job.add(1, "dos")
    assert job.flush() is True
    again = open_job(opened.journal)
    assert again.finished() == {0: "uno", 1: "dos"}
    assert again.spent() == Spent(1, 1, 1, 0)
    opened.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove files that are open")
def test_a_database_that_is_lost_on_the_way_gets_everything_again(store: Store, journal: Journal) -> None:
    job = open_job(journal)
    job.add(0, "uno")
    job.keep(1, "blocked")
    job.flush()
    for part in ("", "-wal", "-shm"):
        os.remove(store.database.path + part)
    job.add(2, "tres")
    job.close()
    again = open_job(journal)
    assert (again.finished(), again.kept()) == ({0: "uno", 2: "tres"}, {1: "blocked"})


# --- killed -----------------------------------------------------------------------------------------------------------

WRITER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from api.base import Usage
from translate.store import open_store
store = open_store(sys.argv[2], print)
job = store.journal.open_job("job", name="film", total=10**6)
index = len(job.finished())
while True:
    for _ in range(7):
        job.add(index, f"text {index}")
        index += 1
    job.spend(Usage(7, 7))
    if job.flush():
        print(index, job.spent().requests, flush=True)
"""


def check_after_kill(folder: Path, rounds: int, seed: int) -> None:
    """Kill a writer again and again at random moments; each goes on where the one before ended."""
    chance = random.Random(seed)
    reached = 0
    for number in range(rounds):
        command = [sys.executable, "-c", WRITER, ROOT, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline() if number == rounds - 1 else ""
            time.sleep(chance.uniform(0.05, 0.4))  # from before the file is made to the middle of writing
            writer.kill()
            told = (first + writer.stdout.read()).split("\n")[:-1]  # without a line that was cut
        done, requests = map(int, told[-1].split()) if told else (0, 0)
        store = open_store(str(folder), pytest.fail)
        job = store.journal.open_job("job", name="film", total=10**6)
        finished, spent = job.finished(), job.spent()
        with store.database.reading() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        month = store.ledger.this_month()
        store.close()
        assert finished == {index: f"text {index}" for index in range(len(finished))}
        assert len(finished) >= max(done, reached)
        assert month == spent == Spent(len(finished) // 7, len(finished), len(finished), 0)
        assert spent.requests >= requests
        reached = len(finished)
    assert reached > 0


def test_a_killed_job_has_all_that_was_reported_flushed(tmp_path: Path) -> None:
    check_after_kill(tmp_path, rounds=3, seed=4)


@pytest.mark.long
def test_a_job_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    check_after_kill(tmp_path, rounds=40, seed=1)


# --- months and days --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cues", [0, 3])
def test_whether_a_person_asked_for_a_job_is_known_after_any_end(
    store: Store, journal: Journal, tmp_path: Path, cues: int
) -> None:
    assert not open_job(journal).asked
    opened = open_job(journal)
    opened.begin(asked=True)  # on disk at once, whatever comes of it
    for index in range(cues):
        opened.add(index, "texto")
    opened.flush()
    another_process = open_store(str(tmp_path / "data"), pytest.fail)
    assert open_job(another_process.journal).asked
    another_process.close()
    again = open_job(journal)
    again.begin(asked=False)
    assert not open_job(journal).asked
    assert again.finished() == dict.fromkeys(range(cues), "texto")


def test_a_database_from_before_that_was_known_is_taken_over_and_nobody_asked(tmp_path: Path) -> None:
    path = str(tmp_path / FILE)
    before = Database(path, STEPS[:1])
    with before.writing() as connection:
        connection.execute("INSERT INTO jobs VALUES (1, 'one', 'film', 1, 2, 3, 4, 5, 6, 7000000)")
        connection.execute("INSERT INTO cues VALUES (1, 0, 'texto', NULL)")
    before.close()
    store = open_store(str(tmp_path), pytest.fail)
    job = store.journal.open_job("one", name="film", total=2)
    assert (job.asked, job.finished(), job.spent()) == (False, {0: "texto"}, Spent(4, 5, 6, 7_000_000))
    job.begin(asked=True)
    assert store.journal.open_job("one", name="film", total=2).asked
    store.close()


def test_months_are_added_up_over_all_jobs(store: Store, journal: Journal, clock: Clock) -> None:
    ledger = Ledger(store.database, wall=clock)
    assert ledger.this_month() == Spent()
    for job in ("one", "two"):
        opened = open_job(journal, job)
        opened.spend(Usage(1000, 200), 0.0123)
        opened.spend(Usage(0, 0), 0.0, requests=2)
        opened.close()
    assert ledger.this_month() == Spent(6, 2000, 400, 24_600)
    clock.now += 10 * 86400
    assert ledger.this_month() == Spent()
    assert list(ledger.months()) == ["2026-11"]


def test_requests_of_a_day_are_counted_for_each_endpoint(store: Store, tmp_path: Path) -> None:
    counter = store.ledger.day_counter("gemini")
    assert counter.add("2026-11-21", 0) == 0
    assert [counter.add("2026-11-21", 1) for _ in range(3)] == [1, 2, 3]
    assert counter.add("2026-11-21", -1) == 2
    assert counter.add("2026-11-22", 1) == 1
    assert store.ledger.day_counter("other").add("2026-11-21", 0) == 0
    another_process = open_store(str(tmp_path / "data"), pytest.fail)
    assert another_process.ledger.day_counter("gemini").add("2026-11-21", 1) == 3
    another_process.close()


def test_days_that_are_over_are_dropped(store: Store) -> None:
    counter = store.ledger.day_counter("gemini")
    for day in ("2026-11-01", "2026-11-20", "2026-11-21"):
        counter.add(day, 1)
    with store.database.reading() as connection:
        days = [day for (day,) in connection.execute("SELECT day FROM days")]
    assert days == ["2026-11-20", "2026-11-21"]


def test_a_budget_of_a_day_holds_over_runs_and_begins_anew(tmp_path: Path, clock: Clock) -> None:
    taken = []
    for _ in range(2):
        opened = open_store(str(tmp_path), pytest.fail)
        # The day of Gemini's free tier begins at midnight in California.
        budget = DayBudget(3, 8.0, opened.ledger.day_counter("gemini"), clock)
        taken += [budget.take(), budget.take()] if budget.left() > 1 else [budget.take()]
        opened.close()
    assert taken == ["2026-11-21"] * 3
    opened = open_store(str(tmp_path), pytest.fail)
    budget = DayBudget(3, 8.0, opened.ledger.day_counter("gemini"), clock)
    with pytest.raises(QuotaError):
        budget.take()
    assert budget.left() == 0
    clock.now += 86400
    assert budget.left() == 3
    opened.close()


def test_without_a_database_a_day_is_counted_here(tmp_path: Path, notices: List[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    opened = open_store(str(tmp_path / "file" / "data"), notices.append)
    counter = opened.ledger.day_counter("gemini")
    assert [counter.add("2026-11-21", 1) for _ in range(3)] == [1, 2, 3]
    opened.close()
