"""The stand-in in a process of its own, for benchmarks: ``python -m cli.standin --help``.

Prints one line of JSON with its addresses, then runs until standard input ends or a signal says so.
"""

import argparse
import json
import signal
import ssl
import sys
from typing import List, Optional

from cli.standin import Pace, StandIn


def main(arguments: Optional[List[str]] = None) -> None:
    """Run until standard input ends."""
    options = _parser().parse_args(arguments)
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    pace = Pace(options.round_trip, options.first_token, options.tokens_per_second)
    with StandIn(pace=pace, ssl_context=context, port=options.port) as standin:
        urls = {
            "url": standin.url,
            "openai_base_url": standin.openai_base_url,
            "openrouter_base_url": standin.openrouter_base_url,
            "gemini_base_url": standin.gemini_base_url,
            "anthropic_base_url": standin.anthropic_base_url,
            "ollama_base_url": standin.ollama_base_url,
        }
        print(json.dumps(urls), flush=True)
        sys.stdin.read()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cli.standin", description="A provider on loopback, for benchmarks."
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files")
    parser.add_argument("--round-trip", type=float, default=0.0, metavar="SECONDS", help="on top of every answer")
    parser.add_argument("--first-token", type=float, default=0.0, metavar="SECONDS", help="until an answer begins")
    parser.add_argument("--tokens-per-second", type=float, metavar="N", help="all at once if left out")
    return parser


def _quit(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _quit)
    main()
