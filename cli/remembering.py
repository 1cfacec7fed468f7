"""The store of whoever runs the command line, and the table of prices that they may have edited."""

import os
from contextlib import contextmanager
from typing import Iterator

from cli.terminal import say_error
from core.paths import data_directory
from translate.prices import Prices
from translate.store import Store, open_store

PRICES = "prices.json"


@contextmanager
def remembering() -> Iterator[Store]:
    """The store, closed on the way out; what is wrong with it is told and is no reason to stop."""
    store = open_store(data_directory(), say_error)
    try:
        yield store
    finally:
        store.close()


def prices() -> Prices:
    """The bundled prices, and before them those in the data directory.

    :raises ConfigError: the person's table cannot be used.
    """
    return Prices.load(prices_path())


def prices_path() -> str:
    """Where a person may put prices of their own."""
    return os.path.join(data_directory(), PRICES)
