"""Whom a run asks, in which order, and how fast it may."""

import argparse
from typing import List, Optional

from api.exchange import HTTPProvider
from cli.connect import DEMO, DEMO_MODEL, Connection, with_key
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
    if options.second_provider is None:
        return [first]
    name, model = options.second_provider
    own_url = options.base_url if name == connection.name else None
    if name == "compatible" and not (options.second_base_url or own_url):
        raise ConfigError("Say with --second-base-url where the second provider is, such as http://localhost:1234/v1")
    provider = with_key(name, options.second_base_url or own_url, connection.transport)
    return [first, Route(provider, _pick(provider, model, options))]


def set_budgets(
    connection: Connection, route: Route, store: Optional[Store], options: argparse.Namespace
) -> Optional[int]:
    """Hold the first provider to the flags' budgets; how many requests a film may plan with, if they are scarce."""
    requests, tokens = options.budget_per_minute
    limits = Limits(requests, tokens, options.budget_per_day, _DAY_BEGINS.get(connection.name, 0.0))
    counter = store.ledger.day_counter(f"{connection.provider.base_url} {route.model}") if store else None
    limiter = connection.provider.limiter
    limiter.configure(limits, counter)
    left = limiter.left_today()
    return None if left is None else requests_for_film(options.budget_per_day, left)


def _model(connection: Connection, options: argparse.Namespace) -> str:
    return _pick(connection.provider, options.model or (DEMO_MODEL if connection.name == DEMO else ""), options)


def _pick(provider: HTTPProvider, wanted: str, options: argparse.Namespace) -> str:
    if options.estimate:
        return wanted or provider.default_model  # an estimate sends nothing, not even to ask which models there are
    return provider.pick_model(wanted, CancelToken())
