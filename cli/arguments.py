"""The flags of each command."""

import argparse
import re
import sys
from typing import Any, List, Tuple

from cli.connect import DEMO, KEY_VARIABLES, PROVIDER_NAMES
from core.endpoint_group import BALANCES, STICKY
from core.errors import ConfigError
from core.profiles import BALANCED, PROFILES, Profile

MOST_PARALLEL = 64
_TIME = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5}(?:\.\d+)?)")


class _Parser(argparse.ArgumentParser):
    """Bad usage is one line, like every other error; a flag is only known by its whole name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> "NoReturn":  # type: ignore[name-defined]  # noqa: F821
        raise ConfigError(f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.")


class _Joined(argparse.Action):
    """A flag that may be given several times: its values, with commas between."""

    def __call__(self, _parser: Any, options: argparse.Namespace, value: Any, _flag: Any = None) -> None:
        before = getattr(options, self.dest)
        setattr(options, self.dest, f"{before},{value}" if before else value)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = _Parser(prog="subai", description="Translate subtitles with the language model of your choice.")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_translate(commands.add_parser("translate", help="translate subtitle files"))
    check = commands.add_parser("check", help="see that key, model and connection are good")
    check.add_argument("--model", type=_text, metavar="M", default="", help="the provider's usual one if left out")
    check.add_argument(
        "--local",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="look for Ollama, LM Studio and llama.cpp on this machine, or at ADDRESS, and ask nobody else",
    )
    _add_connection(check)
    _add_connection(commands.add_parser("models", help="list the provider's models"))
    _add_memory(commands.add_parser("memory", help="what was translated before: stats, clear, export, import"))
    _add_status(commands)
    return root


def parse(arguments: List[str]) -> argparse.Namespace:
    """:raises ConfigError: for anything that is not a valid call."""
    options, unknown = parser().parse_known_args(arguments)
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is not understood. See subai {options.command} --help.")
    if "profile" in options:
        options.profile = _profile(options)
    return options


def _profile(options: argparse.Namespace) -> Profile:
    profile = PROFILES[options.profile]
    return profile if options.parallel is None else profile.with_parallel(options.parallel)


def _add_translate(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="subtitles: SRT, WebVTT, ASS/SSA and others")
    command.add_argument(
        "--to", required=True, metavar="LANG", help="code (es, pt-BR), name (Spanish, Español) or other:TEXT"
    )
    command.add_argument("--from", dest="source", metavar="LANG", help="language of the files; found out if left out")
    command.add_argument("--model", type=_text, metavar="M", default="", help="the provider's usual one if left out")
    command.add_argument("--style", metavar="TEXT", default="", help='a wish, such as "formal" or "for children"')
    command.add_argument(
        "-o", "--output", type=_file, metavar="OUT", help="where the translation goes (with one FILE only)"
    )
    command.add_argument(
        "--force", action="store_true", help="replace a translation that exists; what memory has is not paid again"
    )
    command.add_argument("--report", type=_file, metavar="FILE.json", help="write figures and untranslated lines there")
    command.add_argument("--estimate", action="store_true", help="say what it would take, and stop")
    _add_engine(command)
    _add_connection(command)


def _add_engine(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("order, money and memory")
    group.add_argument("--film", metavar='"TITLE (YEAR)"', default="", help="what the model is told of the film")
    group.add_argument(
        "--start-at", type=_position, default=0.0, metavar="TIME", help="begin there: 40:00, 1:02:03 or seconds"
    )
    group.add_argument(
        "--second-provider",
        type=_second,
        metavar="P[:MODEL]",
        help="takes over what the first one refuses, and all of it if need be",
    )
    group.add_argument(
        "--second-base-url", action=_Joined, metavar="URL", help="another root than the second provider's own API"
    )
    group.add_argument("--max-cost", type=_dollars, metavar="USD", help="stop before a file costs more than this")
    group.add_argument(
        "--budget-per-minute", type=_budget, default=(0, 0), metavar="REQUESTS[,TOKENS]", help="go no faster than this"
    )
    group.add_argument(
        "--budget-per-day", type=_count, default=0, metavar="REQUESTS", help="of a free tier; batches grow to fit"
    )
    group.add_argument("--no-memory", action="store_true", help="neither use nor keep what was translated before")


def _add_memory(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    actions.add_parser("stats", help="what is in it, and what was spent each month")
    actions.add_parser("clear", help="forget all translations")
    for name, words in (("export", "write it to a TMX file"), ("import", "take over a TMX file")):
        actions.add_parser(name, help=words).add_argument("file", metavar="FILE.tmx")


def _add_status(commands: Any) -> None:
    stats = commands.add_parser("stats", help="what the connections of the run under way do, or of the last one")
    stats.add_argument("--watch", action="store_true", help="again each second, until Ctrl-C")
    stats.add_argument("--json", action="store_true", help="all of it, for programs")
    events = commands.add_parser("events", help="what happened to them, with times")
    events.add_argument("--json", action="store_true", help="one object a line")
    serve = commands.add_parser("serve-status", help="show all that to browsers and Prometheus on this machine")
    serve.add_argument("--port", type=_port, default=0, metavar="N", help="any free one if left out")


def _add_connection(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("connection")
    group.add_argument(
        "--provider",
        choices=PROVIDER_NAMES,
        help=f"the first one there is a key for if left out; {DEMO} needs no key and does not translate",
    )
    group.add_argument(
        "--base-url",
        action=_Joined,
        metavar="URL",
        help="another root than the provider's own API; several go with commas, or each with its own --base-url",
    )
    group.add_argument(
        "--balance",
        choices=BALANCES,
        default=STICKY,
        help="which of several base URLs or keys is asked: the same for a whole film (sticky), each in turn, or the "
        "least busy one",
    )
    group.add_argument("--ca-file", metavar="PEM", help="certificates to trust besides the usual ones")
    group.add_argument("--proxy", metavar="URL", help="http://, https://, socks5:// or socks5h:// proxy")
    group.add_argument(
        "--profile", choices=tuple(PROFILES), default=BALANCED, help=f"settings that go together ({BALANCED})"
    )
    counts = ", ".join(f"{profile.parallel} {name}" for name, profile in PROFILES.items())
    group.add_argument("--parallel", type=_parallel, metavar="N", help=f"requests at once ({counts}; 1 with Ollama)")
    group.add_argument("-v", "--verbose", action="store_true", help="log each request")


def _text(text: str) -> str:
    if not text.isprintable():  # bytes of the command line that are no text are not, either
        raise argparse.ArgumentTypeError(f"{text!r} holds what is no text")
    return text


def _file(text: str) -> str:
    if text in ("", "-"):  # a variable that is not set; and the streams are for a person's eyes
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    return text


def _position(text: str) -> float:
    """Seconds of ``40:00``, ``1:02:03``, ``90`` or ``90.5``."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 40:00 or 1:02:03")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def _second(text: str) -> Tuple[str, str]:
    name, _, model = text.partition(":")
    if name not in KEY_VARIABLES:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(KEY_VARIABLES)}")
    return name, model


def _dollars(text: str) -> float:
    try:
        amount = float(text.strip().lstrip("$"))
    except ValueError:
        amount = -1.0
    if not 0 < amount < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars such as 0.50")
    return amount


def _count(text: str) -> int:
    return _whole(text, "of 1 or more", sys.maxsize)


def _budget(text: str) -> Tuple[int, int]:
    requests, _, tokens = text.partition(",")
    return _count(requests), _count(tokens) if tokens else 0


def _parallel(text: str) -> int:
    return _whole(text, f"from 1 to {MOST_PARALLEL}", MOST_PARALLEL)


def _port(text: str) -> int:
    return _whole(text, "from 1 to 65535", 65535)


def _whole(text: str, bounds: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number {bounds}")
    return int(text)
