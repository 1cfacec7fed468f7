"""``subai check`` and ``subai models``: what can be learnt from a provider without a film."""

import argparse

from cli import exits
from cli.connect import DEMO, DEMO_MODEL, connected
from cli.terminal import say
from core.cancel import CancelToken


def check(options: argparse.Namespace) -> int:
    """Ask the same small thing twice; the second answer shows what a kept connection saves."""
    with connected(options) as connection:
        model = options.model or (DEMO_MODEL if connection.name == DEMO else "")
        result = connection.provider.check(model, CancelToken())
        say(f"{connection.provider.label}: key, model {result.model} and connection are good.")
        say(f"First request {result.first_seconds:.2f} s, connecting included; second {result.second_seconds:.2f} s.")
    return exits.ALL_TRANSLATED


def models(options: argparse.Namespace) -> int:
    """List the models that can be named with ``--model``, one a line."""
    with connected(options) as connection:
        for name in connection.provider.list_models(CancelToken()):
            say(name)
    return exits.ALL_TRANSLATED
