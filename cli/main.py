"""From the words of the command line to a command and its exit code; errors become one line each."""

import logging
from typing import Callable, Dict, List

from cli import arguments, exits
from cli.asking_commands import check, models
from cli.memory_command import memory
from cli.status_commands import events, serve_status, stats
from cli.terminal import LogLines, prepare_streams, say_error
from cli.translate_command import translate
from core.errors import SubAIError

COMMANDS: Dict[str, Callable[..., int]] = {
    "translate": translate,
    "check": check,
    "models": models,
    "memory": memory,
    "stats": stats,
    "events": events,
    "serve-status": serve_status,
}


def main(words: List[str]) -> int:
    """Run one command; the exit code is one of ``cli.exits``."""
    prepare_streams()
    try:
        options = arguments.parse(words)
        _log_to_terminal(verbose=getattr(options, "verbose", False))
        return COMMANDS[options.command](options)
    except SubAIError as error:
        say_error(error.user_message)
        return exits.code_for(error)
    except KeyboardInterrupt:
        say_error("Cancelled.")
        return exits.CANCELLED


def _log_to_terminal(*, verbose: bool) -> None:
    log = logging.getLogger("subai")
    log.handlers = [LogLines()]
    log.setLevel(logging.DEBUG if verbose else logging.WARNING)
