"""The providers of the soak, in a process of their own: what they keep must not be taken for what the client keeps.

``python -m tests_soak.server CERT KEY`` prints a line of JSON with their addresses, then answers each line of standard
input with one, until that ends. ``{"rate": 0.3, "seed": 7}``: how often to fail from now on; ``{}``: counts.
"""

import json
import random
import select
import ssl
import sys
from contextlib import ExitStack
from typing import Any, Dict, List, Optional, Tuple

import standin_faults as faults

from cli.standin import Exchange, Fault, Pace, StandIn
from cli.standin.exchange import Script
from tests_soak import KEY, NUMBER

#: Quick, and slow enough for a cancel to find requests in every phase.
PACE = Pace(round_trip=0.002, first_token=0.004, tokens_per_second=60_000)


def stall(exchange: Exchange) -> None:
    """Nothing comes, until the client has had enough of it."""
    exchange.close()
    while not select.select([exchange.connection._socket], [], [], 0)[0]:
        exchange.wait(0.02)


def stall_in_mid_answer(exchange: Exchange) -> None:
    data = exchange.reply().encode()
    exchange.write(data[: len(data) // 2])
    stall(exchange)


CONTENT: Tuple[Fault, ...] = (
    *faults.FILM_FAULTS,
    faults.blank_value,
    faults.untranslated,
    faults.refusal,
    faults.blocked_prompt,
    faults.at_the_limit,
    faults.gzipped,
    faults.gzip_bomb(40 * 1024 * 1024),
    faults.error_inside_200(),
    faults.error_inside_200(429, "Rate limit reached."),
    faults.error_in_mid_stream,
)
CONNECTION: Tuple[Fault, ...] = (
    faults.close_before_answer,
    faults.close_after_answer,
    faults.reset_connection,
    faults.cut_headers,
    faults.cut_body,
    stall,
    stall_in_mid_answer,
    faults.trickle(256, 0.002),
    faults.early_hints,
    faults.redirecting("https://127.0.0.1/elsewhere"),
)
REFUSALS: Tuple[Fault, ...] = (
    faults.too_many("retry-after-ms", 0.01),
    faults.too_many("retry-info", 0.01),
    faults.failing,
    faults.unavailable,
    faults.overloaded,
    faults.unsupported("temperature"),
    faults.unsupported("response_format"),
)
#: After these nobody asks again, until a person has done something.
FINAL: Tuple[Fault, ...] = (
    faults.bad_key,
    faults.forbidden,
    faults.no_credit,
    faults.quota_spent,
    faults.no_such_model,
)


def mixed(rate: float, seed: int) -> Script:
    """A fault of every kind for this share of the requests; one in a hundred of them is final."""

    def script(exchange: Exchange) -> Optional[Fault]:
        chance = random.Random(f"{seed}/{exchange.number}")
        if chance.random() >= rate:
            return None
        return chance.choice(chance.choices((CONTENT, CONNECTION, REFUSALS, FINAL), (45, 40, 14, 1))[0])

    return script


def seen(standins: List[StandIn]) -> Dict[str, Any]:
    """Counts of both together."""
    stats = [standin.stats() for standin in standins]
    return {
        "connections": sum(each.connections for each in stats),
        "open": sum(each.open for each in stats),
        "in_flight": sum(each.in_flight for each in stats),
        "requests": sum(each.requests for each in stats),
    }


def numbers(standins: List[StandIn]) -> List[str]:
    """Of every request since this was last called."""
    found = [record.headers.get(NUMBER, "") for standin in standins for record in standin.log]
    for standin in standins:
        standin.reset()
    return found


def main(certificate: str, key: str) -> None:
    """Run until standard input ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ExitStack() as stack:
        standins = [stack.enter_context(StandIn(keys={KEY}, pace=PACE, ssl_context=tls)) for tls in (None, context)]
        addresses = [
            {"openai": each.openai_base_url, "openrouter": each.openrouter_base_url, "gemini": each.gemini_base_url}
            for each in standins
        ]
        print(json.dumps(addresses), flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)
            answer: Dict[str, Any] = {}
            if "rate" in wanted:
                for standin in standins:
                    standin.script = mixed(wanted["rate"], wanted["seed"])
            elif "drop" in wanted:
                for standin in standins:
                    standin.drop_connections()
            else:
                answer = seen(standins)
            if "forget" in wanted:
                answer["numbers"] = numbers(standins)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
