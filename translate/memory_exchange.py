"""The translation memory as a TMX file, for translators' tools and other machines, and back."""

from itertools import islice
from typing import Dict, Iterator, List

from core.errors import ConfigError, InputError
from translate import documents, tmx
from translate.languages import find
from translate.memory import Entry, Memory, MemoryKey

_MODEL, _STYLE, _GLOSSARY = "x-subai-model", "x-subai-style", "x-subai-glossary"
_BEFORE, _AFTER = "x-subai-before", "x-subai-after"
_IN_ONE_TRANSACTION = 1000  # entries


def export_memory(memory: Memory, path: str, now: int) -> int:
    """Write all entries to the TMX file ``path``, from which they come back as they were; returns their number.

    :raises InputError: the file can't be written.
    :raises DatabaseError: the memory can't be read.
    """
    with documents.replacing(path) as stream:
        return tmx.write(stream, map(_unit, memory.entries()), now)


def import_memory(memory: Memory, path: str, now: int) -> int:
    """Take over the entries of a TMX file, all or (where the file is bad) none; returns their number.

    They replace what is known of the same keys, so that a translator can correct an export and give it back. Units of
    other tools are taken for a line wherever it stands.

    :raises InputError: the file can't be read or is no TMX.
    :raises DatabaseError: the memory can't be written to.
    """
    count = 0
    try:
        with open(path, "rb") as stream:
            for _ in tmx.read(stream, path):
                pass  # the whole file is looked at before its first entry is kept
            stream.seek(0)
            entries = (_entry(unit, now) for unit in tmx.read(stream, path))
            for some in _chunks(entries):
                memory.add(some)
                count += len(some)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Choose another file.") from error
    return count


def _chunks(entries: Iterator[Entry]) -> Iterator[List[Entry]]:
    return iter(lambda: list(islice(entries, _IN_ONE_TRANSACTION)), [])


def _unit(entry: Entry) -> tmx.Unit:
    key, translation, created, last_used, uses = entry
    props: Dict[str, str] = {}
    if key.before is not None:
        props = {_MODEL: key.model, _STYLE: key.style, _GLOSSARY: key.glossary}
        props.update({_BEFORE: key.before, _AFTER: key.after or ""})
    return tmx.Unit(key.text, translation, key.source, key.target, props, created, last_used, uses)


def _entry(unit: tmx.Unit, now: int) -> Entry:
    props = unit.props
    if _MODEL in props:  # one of ours; a tool that keeps what it doesn't know may still drop what is empty
        key = MemoryKey(
            unit.text,
            props.get(_BEFORE, ""),
            props.get(_AFTER, ""),
            unit.source,
            unit.target,
            props[_MODEL],
            props.get(_STYLE, ""),
            props.get(_GLOSSARY, ""),
        )
    else:
        key = MemoryKey(unit.text, None, None, _code(unit.source), _code(unit.target), "")
    return Entry(key, unit.translation, unit.created or now, unit.last_used or now, unit.uses)


def _code(language: str) -> str:
    """The code under which a film in this language looks for entries: ``en`` for another tool's ``EN-us``."""
    try:
        return find(language).code
    except ConfigError:
        return language
