"""``subai check`` and ``subai models``: what can be learnt from a provider without a film."""

import argparse

from cli import exits
from cli.connect import DEMO, DEMO_MODEL, connected, key_of, say_that_it_is_a_demo
from cli.local_command import check_local
from cli.terminal import say
from core.cancel import CancelToken


def check(options: argparse.Namespace) -> int:
    """Ask the same small thing twice; the second answer shows what a kept connection saves."""
    if options.local is not None:
        return check_local(options)
    with connected(options) as connection:
        demo = connection.name == DEMO
        if demo:
            say_that_it_is_a_demo()
        result = connection.provider.check(DEMO_MODEL if demo else options.model, CancelToken())
        label = connection.provider.label
        key = "key, " if key_of(connection.name) else ""
        say(f"{label[:1].upper()}{label[1:]}: {key}model {result.model} and connection are good.")
        say(f"First request {result.first_seconds:.2f} s, connecting included; second {result.second_seconds:.2f} s.")
    return exits.ALL_TRANSLATED


def models(options: argparse.Namespace) -> int:
    """List the models that can be named with ``--model``, one a line."""
    with connected(options) as connection:
        for name in connection.provider.list_models(CancelToken()):
            say(name)
    return exits.ALL_TRANSLATED
