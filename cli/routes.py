"""Whom a run asks, in which order, and how fast it may."""

import argparse
from typing import List, Optional

from cli.connect import DEMO, DEMO_MODEL, PROVIDER_NAMES, Connection, with_key
from core.cancel import CancelToken
from core.errors import ConfigError
from core.rate_limit import Limits
from translate.asking import Route
from translate.plan import requests_for_film
from translate.store import Store

# Google counts a day from midnight Pacific time: 8 hours after UTC, and in summer an hour later than it needs to be.
_DAY_BEGINS = {"gemini": 8.0}


def routes(connection: Connection, options: argparse.Namespace) -> List[Route]:
    """The provider of the flags, and the second one where they name it.

    :raises ConfigError: a model has to be named, or the second provider cannot be used.
    """
    first = Route(connection.provider, _model(connection, options))
    if not options.second_provider:
        return [first]
    name, _, model = options.second_provider.partition(":")
    if name not in PROVIDER_NAMES or name == DEMO:
        raise ConfigError(f"--second-provider {name!r} is none of {', '.join(PROVIDER_NAMES[:-1])}.")
    base_url = options.base_url if name == "compatible" and connection.name != "compatible" else None
    provider = with_key(name, base_url, connection.transport)
    return [first, Route(provider, provider.pick_model(model, CancelToken()))]


def set_budgets(
    connection: Connection, route: Route, store: Optional[Store], options: argparse.Namespace
) -> Optional[int]:
    """Hold the first provider to the budgets of the flags; how many requests a film may plan with, if they are scarce."""
    requests, tokens = options.budget_per_minute
    limits = Limits(requests, tokens, options.budget_per_day, _DAY_BEGINS.get(connection.name, 0.0))
    counter = store.ledger.day_counter(f"{connection.provider.base_url} {route.model}") if store else None
    limiter = connection.provider.limiter
    limiter.configure(limits, counter)
    left = limiter.left_today()
    return None if left is None else requests_for_film(options.budget_per_day, left)


def _model(connection: Connection, options: argparse.Namespace) -> str:
    wanted = options.model or (DEMO_MODEL if connection.name == DEMO else "")
    return connection.provider.pick_model(wanted, CancelToken())
