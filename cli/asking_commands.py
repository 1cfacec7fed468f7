"""``subai check`` and ``subai models``: what can be learnt from a provider without a film."""

import argparse

from api.http_provider import HTTPProvider
from cli import exits
from cli.connect import DEMO, DEMO_MODEL, connected, say_that_it_is_a_demo
from cli.local_command import check_local
from cli.terminal import say, say_error
from core.cancel import CancelToken
from core.errors import SubAIError


def check(options: argparse.Namespace) -> int:
    """Ask the same small thing twice; the second answer shows what a kept connection saves. Each endpoint is asked."""
    if options.local is not None:
        return check_local(options)
    with connected(options) as connection:
        demo = connection.name == DEMO
        if demo:
            say_that_it_is_a_demo()
        model = DEMO_MODEL if demo else options.model
        each = connection.provider.each()
        if len(each) == 1:
            _check_one(connection.provider, model, "")
            return exits.ALL_TRANSLATED
        codes = [_code_of_check(provider, model, label) for label, provider in each.items()]
    return max(codes)


def _code_of_check(provider: HTTPProvider, model: str, label: str) -> int:
    try:
        _check_one(provider, model, f"{label}: ")
    except SubAIError as error:
        say_error(f"{label}: {error.user_message}")
        return exits.code_for(error)
    return exits.ALL_TRANSLATED


def _check_one(provider: HTTPProvider, model: str, before: str) -> None:
    result = provider.check(model, CancelToken())
    label = before + provider.label[:1].upper() + provider.label[1:]
    key = "key, " if provider.has_key else ""
    say(f"{label}: {key}model {result.model} and connection are good.")
    say(f"First request {result.first_seconds:.2f} s, connecting included; second {result.second_seconds:.2f} s.")


def models(options: argparse.Namespace) -> int:
    """List the models that can be named with ``--model``, one a line."""
    with connected(options) as connection:
        for name in connection.provider.list_models(CancelToken()):
            say(name)
    return exits.ALL_TRANSLATED
