"""The flags of each command."""

import argparse
from typing import List, Optional

from cli.connect import DEMO, PROVIDER_NAMES
from core.errors import ConfigError

PARALLEL = 4
MOST_PARALLEL = 64


class _Parser(argparse.ArgumentParser):
    """Bad usage is one line, like every other error."""

    def error(self, message: str) -> "NoReturn":  # type: ignore[name-defined]  # noqa: F821
        raise ConfigError(f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = _Parser(prog="subai", description="Translate subtitles with the language model of your choice.")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_translate(commands.add_parser("translate", help="translate subtitle files"))
    check = commands.add_parser("check", help="see that key, model and connection are good")
    check.add_argument("--model", metavar="M", default="", help="the model to ask; the provider's usual one if left out")
    _add_connection(check)
    _add_connection(commands.add_parser("models", help="list the provider's models"))
    return root


def parse(arguments: List[str]) -> argparse.Namespace:
    """:raises ConfigError: for anything that is not a valid call."""
    return parser().parse_args(arguments)


def _add_translate(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="subtitles: SRT, WebVTT, ASS/SSA and others")
    command.add_argument(
        "--to", required=True, metavar="LANG", help="code (es, pt-BR), name (Spanish, Español) or other:TEXT"
    )
    command.add_argument("--from", dest="source", metavar="LANG", help="language of the files; found out if left out")
    command.add_argument("--model", metavar="M", default="", help="the provider's usual one if left out")
    command.add_argument("--style", metavar="TEXT", default="", help='a wish, such as "formal" or "for children"')
    command.add_argument("-o", "--output", metavar="OUT", help="where the translation goes (with one FILE only)")
    command.add_argument("--force", action="store_true", help="replace a translation that exists")
    command.add_argument("--report", metavar="FILE.json", help="write figures and untranslated lines there")
    command.add_argument("--estimate", action="store_true", help="say what it would take, and stop")
    _add_connection(command)


def _add_connection(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("connection")
    group.add_argument(
        "--provider",
        choices=PROVIDER_NAMES,
        help=f"the first one there is a key for if left out; {DEMO} needs no key and does not translate",
    )
    group.add_argument("--base-url", metavar="URL", help="another root than the provider's own API")
    group.add_argument("--ca-file", metavar="PEM", help="certificates to trust besides the usual ones")
    group.add_argument("--proxy", metavar="URL", help="http://, https://, socks5:// or socks5h:// proxy")
    group.add_argument(
        "--parallel", type=_parallel, default=PARALLEL, metavar="N", help=f"requests at once ({PARALLEL})"
    )
    group.add_argument("-v", "--verbose", action="store_true", help="log each request")


def _parallel(text: str) -> int:
    number: Optional[int] = int(text) if text.isdigit() else None
    if number is None or not 1 <= number <= MOST_PARALLEL:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_PARALLEL}")
    return number
