"""``subai memory``: look into what was translated before, clear it, and exchange it with translators' tools."""

import argparse
import time
from typing import Callable, Dict

from cli import exits
from cli.remembering import remembering
from cli.terminal import counted, say
from translate.memory_exchange import export_memory, import_memory
from translate.spending import Spent
from translate.store import Store

#: Films that ``stats`` tells of.
LATEST = 10


def memory(options: argparse.Namespace) -> int:
    """Run one action on the memory of this user."""
    with remembering() as store:
        _ACTIONS[options.action](store, options)
    return exits.ALL_TRANSLATED


def _stats(store: Store, _: argparse.Namespace) -> None:
    known = store.memory.stats()
    used = f"used {counted(known.hits, 'time')} instead of a request"
    say(f"{counted(known.entries, 'translation').capitalize()}, {known.bytes / 1e6:.1f} MB; {used}.")
    for (source, target), count in sorted(known.languages.items()):
        say(f"  {source or '?'} to {target}: {count}")
    for month, spent in store.ledger.months().items():
        say(f"{month}: {_spent(spent)} where the price is known.")
    for job in store.journal.jobs()[:LATEST]:
        say(f"  {job.name}: {job.done} of {job.total} lines, {_spent(job.spent)}")


def _spent(spent: Spent) -> str:
    tokens = spent.prompt_tokens + spent.completion_tokens
    return f"{counted(spent.requests, 'request')}, {counted(tokens, 'token')}, ${spent.dollars:.4f}"


def _clear(store: Store, _: argparse.Namespace) -> None:
    store.journal.clear()
    say(f"{counted(store.memory.clear(), 'translation').capitalize()} forgotten.")


def _export(store: Store, options: argparse.Namespace) -> None:
    count = export_memory(store.memory, options.file, int(time.time()))
    say(f"{options.file}: {counted(count, 'translation')} written.")


def _import(store: Store, options: argparse.Namespace) -> None:
    count = import_memory(store.memory, options.file, int(time.time()))
    say(f"{options.file}: {counted(count, 'translation')} taken over.")


_ACTIONS: Dict[str, Callable[[Store, argparse.Namespace], None]] = {
    "stats": _stats,
    "clear": _clear,
    "export": _export,
    "import": _import,
}
