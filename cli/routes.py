"""Whom a run asks, in which order, and how fast it may."""

import argparse
from typing import List, Optional

from api.http_provider import HTTPProvider
from cli.connect import COMPATIBLE, DEMO, DEMO_MODEL, Connection, provider_over
from cli.remembering import prices, prices_path
from core.cancel import CancelToken
from core.errors import ConfigError
from core.limits import Limits
from translate.asking import Route
from translate.plan import requests_for_film
from translate.store import Store

# Google counts a day from midnight Pacific time: 8 hours after UTC, and in summer an hour later than it needs to be.
_DAY_BEGINS = {"gemini": 8.0}


def routes(connection: Connection, options: argparse.Namespace) -> List[Route]:
    """The provider of the flags, and the second one where they name it.

    :raises ConfigError: a model has to be named, or the second provider cannot be used.
    """
    first = _route(connection.name, connection.provider, _wanted(connection, options), options)
    if options.second_provider is None:
        return [first]
    name, model = options.second_provider
    own_url = options.base_url if name == connection.name else None
    if name == COMPATIBLE and not (options.second_base_url or own_url):
        raise ConfigError("Say with --second-base-url where the second provider is, such as http://localhost:1234/v1")
    provider, transport = provider_over(connection.pool, name, options.second_base_url or own_url, options)
    connection.transports.append(transport)
    connection.groups.append(provider.group)
    return [first, _route(name, provider, model, options)]


def set_budgets(connection: Connection, route: Route, store: Optional[Store], options: argparse.Namespace) -> None:
    """Hold the first provider to the budgets of the flags: each of its endpoints and keys has them for itself."""
    requests, tokens = options.budget_per_minute
    limits = Limits(requests, tokens, options.budget_per_day, _DAY_BEGINS.get(connection.name, 0.0))
    group = connection.provider.group
    names = [f"{label} {route.model}" for label, _ in group.states()]
    group.limit(limits, lambda place: store.ledger.day_counter(names[place]) if store else None)


def requests_for_next(connection: Connection, options: argparse.Namespace) -> Optional[int]:
    """How many requests the next film may plan with; None where they are not scarce."""
    group = connection.provider.group
    left = group.left_today()
    return None if left is None else requests_for_film(options.budget_per_day * len(group), left)


def _wanted(connection: Connection, options: argparse.Namespace) -> str:
    return options.model or (DEMO_MODEL if connection.name == DEMO else "")


def _route(name: str, provider: HTTPProvider, wanted: str, options: argparse.Namespace) -> Route:
    # An estimate sends nothing, not even to ask which models there are.
    model = wanted or provider.default_model if options.estimate else provider.pick_model(wanted, CancelToken())
    price = prices().price(name, model)
    if options.max_cost is not None and price is None:
        raise ConfigError(
            f"The price of {model} is not known, so --max-cost cannot be kept. Put it into {prices_path()}"
        )
    return Route(provider, model, price)
