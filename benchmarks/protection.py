"""What protecting a request costs, without the network: choice of its endpoint, breaker, budgets and retry loop."""

import statistics
import time
from typing import Any, Callable

from core.backoff import rate_limited_backoff_on_429
from core.cancel import CancelToken
from core.endpoint_group import BALANCES, STICKY, EndpointGroup
from core.endpoints import Target
from core.limits import Limits
from core.messages import Request

ROUNDS = 15
REQUESTS = 1000  # in a round


def answered(request: Request) -> None:
    """An exchange that costs nothing."""
    if request.on_headers is not None:
        request.on_headers(200)


def microseconds(call: Callable[[Request], Any], request: Request) -> float:
    """Processor time of one call, the median over the rounds."""
    samples = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(REQUESTS):
            call(request)
        samples.append((time.process_time() - began) / REQUESTS * 1e6)
    return statistics.median(samples)


def group(name: str, count: int, balance: str) -> EndpointGroup:
    """``count`` endpoints that nobody else uses."""
    return EndpointGroup([Target(f"bench-{name}-{place}", f"http://{place}") for place in range(count)], balance)


def main() -> None:
    """Print a line for each number of endpoints and balance."""
    protected = rate_limited_backoff_on_429()(answered)
    deadline = time.monotonic() + 3600.0
    print("\nProtection of one request (endpoint, breaker, budgets, retry loop), without the network:")
    for count in (1, 3):
        for balance in BALANCES if count > 1 else (STICKY,):
            for limits in (Limits(), Limits(requests_per_minute=1_000_000, tokens_per_minute=1_000_000_000)):
                budgets = "with budgets" if limits.requests_per_minute else "no budgets"
                endpoints = group(f"{count} {balance} {budgets}", count, balance)
                endpoints.limit(limits, lambda place: None)
                request = Request(
                    "POST", "/chat", cancel=CancelToken(), deadline=deadline, group=endpoints, affinity="film"
                )
                took = microseconds(protected, request) - microseconds(answered, request)
                print(f"  {f'{count} endpoint' + 's' * (count > 1):13}{balance:14}{budgets:14}{took:7.1f} us")


if __name__ == "__main__":
    main()
