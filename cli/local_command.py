"""``subai check --local``: which servers of language models run here, and how to use them."""

import argparse
import os
import shlex
from typing import List

import api
from api.local_servers import LocalServer, find
from cli import exits
from cli.connect import OLLAMA_HOST
from cli.terminal import counted, say, say_error
from core.cancel import CancelToken

#: Models that are named where none is loaded.
SOME = 5


def check_local(options: argparse.Namespace) -> int:
    """Look for servers on this machine, or at the address that was given; no key and no text is sent."""
    servers = find(options.local, CancelToken(), ollama=os.environ.get(OLLAMA_HOST, ""))
    for server in servers:
        for line in _words(server):
            say(line)
    if any(server.models is not None for server in servers):
        return exits.ALL_TRANSLATED
    say_error("No server was found. Start one, or name the machine it runs on: subai check --local ADDRESS")
    return exits.REFUSED


def _words(server: LocalServer) -> List[str]:
    if server.models is None:
        return [f"{server.label}: not found at {server.base_url}"]
    runs = f"{server.label} runs at {server.base_url} with {counted(len(server.models), 'model')}"
    if not server.models:
        return [f"{runs}. Get one there first."]
    if server.loaded:
        which = f"loaded: {', '.join(server.loaded)}"
    else:
        names = list(server.models)
        more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
        which = f"none is loaded: {', '.join(names[:SOME])}{more}"
    return [f"{runs}; {which}.", f"  {_command(server)}"]


def _command(server: LocalServer) -> str:
    """What to type to translate with the first of its models."""
    words = ["./subai", "translate", "FILE", "--to", "LANG", "--provider", server.provider]
    if server.base_url != api.PROVIDERS[server.provider].default_base_url:
        words += ["--base-url", server.base_url]
    return " ".join(shlex.quote(word) for word in [*words, "--model", next(iter(server.models or ()))])
