"""Translation memory: what is found again and what is not, its bounds, and its way to other tools and back."""

import os
import threading
from pathlib import Path
from typing import Callable, Iterator, List

import pytest
from store_support import NOW, Clock

from core.errors import InputError
from translate.memory import Entry, Memory, MemoryKey, MemoryStats, keys_for
from translate.memory_exchange import export_memory, import_memory
from translate.store import Store, open_store

pytest_plugins = ("store_fixtures",)


@pytest.fixture
def memory(store: Store, clock: Clock) -> Memory:
    return Memory(store.database, wall=clock)


def keys(*texts: str, model: str = "openai/gpt", source: str = "en", target: str = "es") -> List[MemoryKey]:
    return keys_for(texts, source=source, target=target, model=model)


def remember(memory: Memory, some: List[MemoryKey], mark: str = "T") -> None:
    memory.store((key, f"{mark}:{key.text}") for key in some)


# --- finding ----------------------------------------------------------------------------------------------------------


def test_a_film_is_found_again_whole(memory: Memory) -> None:
    film = keys("Where is he?", "Right.", "Gone\nfor good.", "Right.")
    remember(memory, film)
    assert memory.lookup(film) == {key: f"T:{key.text}" for key in film}
    assert memory.lookup([]) == {}


def test_a_line_is_not_found_in_another_place(memory: Memory) -> None:
    remember(memory, keys("Is it left?", "Right.", "Then go."))
    assert memory.lookup(keys("Am I wrong?", "Right.", "Good.")) == {}
    longer = keys("Is it left?", "Right.", "Then go.", "Now.")
    assert list(memory.lookup(longer)) == longer[:2]


@pytest.mark.parametrize(
    "change",
    [{"source": "fr"}, {"target": "es-MX"}, {"model": "other"}, {"style": "formal"}, {"glossary": "2"}, {"text": "A"}],
)
def test_what_changes_the_translation_changes_the_key(memory: Memory, change: dict) -> None:  # type: ignore[type-arg]
    (key,) = keys("a")
    remember(memory, [key])
    assert memory.lookup([key._replace(**change)]) == {}


def test_white_space_and_forms_of_accents_make_no_difference(memory: Memory) -> None:
    remember(memory, keys("Un  caf\u00e9 ,\nmerci", "Oui"))
    found = memory.lookup(keys(" Un cafe\u0301 , \r\n merci\x00", "Oui "))
    assert list(found.values()) == ["T:Un  caf\u00e9 ,\nmerci", "T:Oui"]
    assert memory.lookup(keys("Un caf\u00e9, merci", "Oui")) == {}


def test_a_newer_translation_takes_the_older_ones_place(memory: Memory) -> None:
    film = keys("a", "b")
    remember(memory, film)
    remember(memory, film[:1], "new")
    assert list(memory.lookup(film).values()) == ["new:a", "T:b"]
    assert memory.stats().entries == 2


def test_halves_of_characters_do_no_harm(memory: Memory) -> None:
    film = keys("half \ud83d of it", "b")
    memory.store([(film[0], "mitad \ud83d"), (film[1], "\x00b")])
    assert list(memory.lookup(film).values()) == ["mitad ", "b"]


def test_a_long_film_takes_few_queries(store: Store, memory: Memory) -> None:
    film = keys(*(f"line {number}" for number in range(1300)))
    remember(memory, film)
    before = store.database.stats().checkouts
    assert len(memory.lookup(film)) == 1300
    assert store.database.stats().checkouts == before + 1


def test_two_threads_and_another_store_share_it(store: Store, memory: Memory, tmp_path: Path) -> None:
    films = [keys(*(f"{film} {number}" for number in range(50))) for film in range(8)]
    threads = [threading.Thread(target=remember, args=(memory, film)) for film in films]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other = open_store(str(tmp_path / "data"), pytest.fail)
    assert all(len(other.memory.lookup(film)) == 50 for film in films)
    other.close()


# --- without a place --------------------------------------------------------------------------------------------------


def free(text: str, source: str = "en", target: str = "es") -> MemoryKey:
    return MemoryKey(text, None, None, source, target, "")


def test_an_entry_without_a_place_counts_where_nothing_else_is_known(memory: Memory) -> None:
    film = keys("Right.", "Right.", "Left.")
    memory.store([(free("Right."), "Bien."), (film[1], "Derecha.")])
    assert memory.lookup(film) == {film[0]: "Bien.", film[1]: "Derecha."}
    assert memory.lookup(keys("Right.", model="another")) != {}
    assert memory.lookup(keys("Right.", target="fr")) == {}
    assert memory.lookup(keys("Right.", source="")) == {}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("es-ES", True), ("es", True), ("es-MX", False), ("pt", False)],
)
def test_the_country_that_other_tools_name_need_not_mean_anything(memory: Memory, wanted: str, found: bool) -> None:
    memory.store([(free("Right.", "en-GB", "es-ES"), "Bien.")])
    assert bool(memory.lookup(keys("Right.", source="en-US", target=wanted))) is found


def test_an_entry_with_a_place_is_not_taken_for_one_without(memory: Memory) -> None:
    remember(memory, keys("", "Right.", ""))
    assert memory.lookup([free("Right.")]) == {}


# --- figures and bounds -----------------------------------------------------------------------------------------------


def test_figures_tell_entries_languages_age_and_hits(memory: Memory, store: Store, clock: Clock) -> None:
    empty = memory.stats()
    assert empty == MemoryStats(entries=0, bytes=empty.bytes, languages={}, oldest=None, hits=0)
    remember(memory, keys("a", "b"))
    clock.now += 10
    remember(memory, keys("a", target="fr"))
    memory.lookup(keys("a", "b"))
    memory.lookup(keys("a", "c"))
    clock.now += 10
    memory.close()
    stats = memory.stats()
    assert (stats.entries, stats.hits, stats.oldest) == (3, 2, NOW + 10)
    assert stats.languages == {("en", "es"): 2, ("en", "fr"): 1}
    assert 4096 < stats.bytes < 200_000
    checkouts = store.database.stats().checkouts
    memory.close()
    assert store.database.stats().checkouts == checkouts


def test_what_was_not_used_for_longest_goes_first(store: Store, clock: Clock) -> None:
    memory = Memory(store.database, max_bytes=2_000_000, wall=clock)
    films = [keys(*(f"{film} {number} {'x' * 60}" for number in range(1000))) for film in range(9)]
    for number, film in enumerate(films):
        clock.now += 1
        remember(memory, film)
        assert memory.stats().bytes <= 2_000_000
        if number in (3, 5):
            memory.lookup(films[0])
    found = [len(memory.lookup(film)) for film in films]
    assert found[-1] == 1000
    assert found[0] > 0
    assert found[1] == 0
    assert sum(found) >= 3000


def test_a_bound_that_nothing_fits_in_leaves_it_empty(store: Store, clock: Clock) -> None:
    memory = Memory(store.database, max_bytes=1, wall=clock)
    remember(memory, keys("a", "b"))
    assert memory.stats().entries == 0


def test_clearing_forgets_all_and_gives_the_space_back(memory: Memory) -> None:
    before = memory.stats().bytes
    film = keys(*(f"line {number} {'x' * 100}" for number in range(2000)))
    remember(memory, film)
    assert memory.stats().bytes > before + 200_000
    assert memory.clear() == 2000
    assert memory.lookup(film) == {}
    assert memory.stats().bytes <= before + 4096
    assert memory.clear() == 0


# --- when the database is not there -----------------------------------------------------------------------------------


def test_without_a_folder_nothing_is_found_and_nothing_fails(tmp_path: Path, notices: List[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    opened = open_store(str(tmp_path / "file" / "data"), notices.append)
    film = keys("a", "b")
    remember(opened.memory, film)
    assert opened.memory.lookup(film) == {}
    opened.close()
    assert len(notices) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows does not rename files that are open")
def test_damage_costs_what_was_remembered_and_no_more(store: Store, memory: Memory, notices: List[str]) -> None:
    film = keys("a", "b")
    remember(memory, film)
    store.database.close()
    data = Path(store.database.path)
    data.write_bytes(b"\x00" * 100 + data.read_bytes()[100:])
    fresh = open_store(str(data.parent), notices.append)
    assert fresh.memory.lookup(film) == {}
    remember(fresh.memory, film)
    assert len(fresh.memory.lookup(film)) == 2
    assert len(notices) == 1
    fresh.close()


# --- TMX --------------------------------------------------------------------------------------------------------------


def all_rows(store: Store) -> List[object]:
    with store.database.reading() as connection:
        return connection.execute("SELECT * FROM memory ORDER BY digest").fetchall()


def without_ids(rows: List[object]) -> List[object]:
    return [row[1:] for row in rows]  # type: ignore[index]


@pytest.fixture
def second(tmp_path: Path, notices: List[str]) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "second"), notices.append)
    yield opened
    opened.close()


def test_an_export_is_imported_as_it_was(
    store: Store, memory: Memory, second: Store, tmp_path: Path, clock: Clock
) -> None:
    film = keys_for(
        ["<i>Caf\u00e9</i> & co\nline\r\nthree\tx ", "\U0001f600", *(f"line {number}" for number in range(2500))],
        source="en-GB",
        target="x-klingon",
        model="m",
        style="s",
        glossary="g",
    )
    remember(memory, film)
    clock.now += 7
    memory.lookup(film[:3])
    memory.store([(free("anywhere"), "donde sea"), *((key, "una") for key in keys("one", source=""))])
    path = str(tmp_path / "out.tmx")
    assert export_memory(memory, path, NOW) == 2504
    assert import_memory(second.memory, path, NOW + 99) == 2504
    assert without_ids(all_rows(second)) == without_ids(all_rows(store))
    assert second.memory.lookup(film) == memory.lookup(film)
    assert sorted(os.listdir(tmp_path)) == ["data", "out.tmx", "second"]


def test_a_correction_made_in_an_export_comes_back(memory: Memory, tmp_path: Path) -> None:
    film = keys("Right.", "Left.")
    remember(memory, film)
    path = tmp_path / "out.tmx"
    export_memory(memory, str(path), NOW)
    path.write_text(path.read_text("utf-8").replace("T:Right.", "Derecha."), "utf-8")
    assert import_memory(memory, str(path), NOW) == 2
    assert memory.lookup(film)[film[0]] == "Derecha."
    assert memory.stats().entries == 2


def test_a_tool_may_drop_properties_that_are_empty(memory: Memory, second: Store, tmp_path: Path) -> None:
    film = keys("first and only")
    remember(memory, film)
    path = tmp_path / "out.tmx"
    export_memory(memory, str(path), NOW)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if "></prop>" not in line), "utf-8")
    import_memory(second.memory, str(path), NOW)
    assert second.memory.lookup(film) == {film[0]: "T:first and only"}


FOREIGN = """<tmx version="1.1"><header srclang="EN-us"/><body><tu>
<tuv lang="EN-us"><seg>Right.</seg></tuv><tuv lang="es_ES"><seg>Bien.</seg></tuv><tuv lang="tlh"><seg>lugh</seg></tuv>
</tu></body></tmx>"""


def test_units_of_other_tools_count_wherever_the_line_stands(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "foreign.tmx"
    path.write_text(FOREIGN)
    assert import_memory(memory, str(path), NOW) == 2
    assert list(memory.lookup(keys("a", "Right.", "b")).values()) == ["Bien."]
    assert memory.stats().languages == {("en-US", "es-ES"): 1, ("en-US", "tlh"): 1}
    assert next(memory.entries()) == Entry(free("Right.", "en-US", "es-ES"), "Bien.", NOW, NOW, 0)


def test_a_bad_file_changes_nothing(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "bad.tmx"
    path.write_text(FOREIGN.replace("</body>", ""))
    with pytest.raises(InputError, match=r"bad.tmx is not well-formed XML: line 3"):
        import_memory(memory, str(path), NOW)
    assert memory.stats().entries == 0


def test_a_large_import_keeps_to_the_bound(store: Store, memory: Memory, tmp_path: Path) -> None:
    remember(memory, keys(*(f"line {number} {'x' * 100}" for number in range(6000))))
    path = str(tmp_path / "out.tmx")
    export_memory(memory, path, NOW)
    memory.clear()
    small = Memory(store.database, max_bytes=1_000_000)
    import_memory(small, path, NOW)
    assert 1000 < small.stats().entries < 6000
    assert small.stats().bytes <= 1_000_000


@pytest.mark.parametrize("work", [export_memory, import_memory])
def test_files_that_cannot_be_had_are_told(
    memory: Memory, tmp_path: Path, work: Callable[[Memory, str, int], int]
) -> None:
    with pytest.raises(InputError, match=r"cannot be (read|written) \(No such file or directory\)"):
        work(memory, str(tmp_path / "missing" / "file.tmx"), NOW)


def test_an_export_that_fails_leaves_the_old_file(memory: Memory, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "out.tmx"
    path.write_text("old")
    store.database.close()
    with pytest.raises(Exception, match="closed"):
        export_memory(memory, str(path), NOW)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.tmx"]
