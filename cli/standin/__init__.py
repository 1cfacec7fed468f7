"""The bundled stand-in provider: speaks the providers' protocols on loopback, and pretends to translate.

It answers ``--provider demo``, the tests and the benchmarks. How it misbehaves is a ``script`` that its owner gives it;
it knows none of its own.
"""

from cli.standin.dialect import Answer, Chat, Refused
from cli.standin.exchange import Exchange, Fault
from cli.standin.ledger import Record, Stats
from cli.standin.pace import Pace, count_tokens
from cli.standin.pseudo import pseudo_translate
from cli.standin.server import StandIn
from cli.standin.wire import Reply, Request

__all__ = [
    "Answer",
    "Chat",
    "Exchange",
    "Fault",
    "Pace",
    "Record",
    "Refused",
    "Reply",
    "Request",
    "StandIn",
    "Stats",
    "count_tokens",
    "pseudo_translate",
]
