"""No key, and no part of one, in anything that a person or a log may see."""

import hashlib
import json
import logging
import traceback
from typing import Any, List

import pytest
from support_server import Connect, Serve, closed_port, keep_alive, post, proxying, raw, saying, server_tls

from core.backoff import rate_limited_backoff_on_429
from core.circuit_breaker import breaker_for
from core.endpoints import endpoint_id
from core.errors import KeyRefusedError, SubAIError
from core.transport import Transport

pytest_plugins = ("network_fixtures",)

KEY = "sk-live-0123456789abcdefghijklmnop"
PASSWORD = "hunter2hunter2"
HEADERS = {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "x-goog-api-key": KEY}


def parts(secret: str) -> List[str]:
    return [secret[at : at + 8] for at in range(len(secret) - 7)]


def everything_said(transport: Transport, error: BaseException, log: pytest.LogCaptureFixture) -> str:
    return "\n".join(
        [
            str(error),
            repr(error),
            "".join(traceback.format_exception(type(error), error, error.__traceback__)),
            log.text,
            repr(transport),
            repr(transport.pool),
            json.dumps({origin: repr(figures) for origin, figures in transport.pool.stats().items()}),
        ]
    )


def failing(serve: Serve, connect: Connect, trusted: str, how: str) -> Any:
    """A transport, and a request that fails in this way."""
    transport, headers, server = connect(ca_file=trusted), dict(HEADERS), serve(keep_alive)
    if how == "refused":
        return transport, post(url=f"http://127.0.0.1:{closed_port()}/", headers=headers)
    if how == "cut":
        return transport, post(serve(saying(raw(b"12", length=9))), headers=headers)
    if how == "nonsense":
        return transport, post(serve(saying(b"nonsense\r\n\r\n")), headers=headers)
    if how == "certificate":
        return connect(), post(serve(keep_alive, tls=server_tls()), headers=headers)
    if how == "curly":
        return transport, post(server, headers={"authorization": f"Bearer \u201c{KEY}\u201d"})
    if how == "line break":
        return transport, post(server, headers={"authorization": f"Bearer {KEY}\n"})
    proxy = serve(proxying("me:other"))
    return connect(proxy=proxy.origin.replace("//", f"//me:{PASSWORD}@")), post(server, headers=headers)


WAYS = ["refused", "cut", "nonsense", "certificate", "curly", "line break", "proxy"]


@pytest.mark.parametrize("route", ["pool", "fallback"])
@pytest.mark.parametrize("how", WAYS)
def test_no_failure_tells_the_key(
    serve: Serve,
    connect: Connect,
    trusted: str,
    how: str,
    route: str,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    if route == "fallback":
        request.getfixturevalue("no_urllib3")
    transport, message = failing(serve, connect, trusted, how)
    with caplog.at_level(logging.DEBUG), pytest.raises(SubAIError) as caught:
        transport.send(message)
    said = everything_said(transport, caught.value, caplog) + repr(message)
    for part in parts(KEY) + parts(PASSWORD):
        assert part not in said


def test_a_good_request_leaves_no_trace_of_its_key(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server, transport = serve(keep_alive), connect()
    message = post(server, headers=HEADERS, endpoint=endpoint_id(server.url, KEY))
    with caplog.at_level(logging.DEBUG):
        answer = rate_limited_backoff_on_429()(transport.send)(message)
    assert KEY.encode() in server.requests[0]
    said = everything_said(transport, SubAIError("nothing"), caplog) + repr(message) + repr(answer)
    for part in parts(KEY):
        assert part not in said
    assert server.url in repr(message)


def test_what_is_remembered_of_a_refusal_holds_on_to_nothing() -> None:
    """An exception keeps its frames, and they the request and its headers."""
    endpoint = endpoint_id("https://a.example", KEY)

    @rate_limited_backoff_on_429()
    def refused(_request: Any) -> None:
        raise KeyRefusedError("The key was refused.", status=401)

    message = post(url="https://a.example", headers=HEADERS, endpoint=endpoint)
    with pytest.raises(KeyRefusedError):
        refused(message)
    denial = breaker_for(endpoint)._known.denials._of_all
    assert denial is not None
    assert denial.__traceback__ is None
    assert denial.user_message == "The key was refused."


def test_an_endpoints_name_cannot_be_guessed_back() -> None:
    """Not even by who knows the address and tries keys: it is salted for each run of the program."""
    name = endpoint_id("https://a.example", KEY)
    assert name != hashlib.blake2b(f"https://a.example\n{KEY}".encode(), digest_size=16).hexdigest()
    assert all(part not in name for part in parts(KEY))
