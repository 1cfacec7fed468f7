"""However a run goes wrong, no part of a key is in anything that a person, a file or a server's log may see.

The network's own words are looked through in ``test_secrets_core``.
"""

import base64
import json
import logging
from pathlib import Path
from typing import Any, Callable, Dict, List
from urllib.parse import quote

import pytest
import standin_faults as faults
from cli_support import Run, film, write

import api
from api.base import ChatRequest, Message
from cli.standin import Exchange, Fault, StandIn
from core.config import BackoffConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.transport import Transport

pytest_plugins = ("cli_fixtures",)

SHORTEST = 8  # characters in a row that give something away
PASSWORD = "hunter2-correct-horse"


def parts(secret: str) -> List[str]:
    return [secret[at : at + SHORTEST] for at in range(len(secret) - SHORTEST + 1)]


def echoing(words: Callable[[str], str], status: int) -> Fault:
    """A refusal that repeats the key in its words."""

    def fault(exchange: Exchange) -> None:
        key = exchange.dialect.key_in(exchange.request)
        faults.refusing(status, words(key))(exchange)

    return fault


def echoing_in_the_answer(exchange: Exchange) -> None:
    """A page with the key in it, as some gateways show what they were sent."""
    faults.saying(lambda text: f"You sent: {exchange.request.headers}")(exchange)


def leading_elsewhere(exchange: Exchange) -> None:
    key = exchange.dialect.key_in(exchange.request)
    faults.redirecting(f"https://{key}.example/v1?key={key}")(exchange)


WAYS: Dict[str, Fault] = {
    "bad key": faults.bad_key,
    "bad key as 400": faults.bad_key_as_400,
    "key told whole": echoing(lambda key: f"Incorrect API key provided: {key}.", 401),
    "key told in a 400": echoing(lambda key: f"Consumer 'api_key:{key}' has been suspended.", 400),
    "key told in halves": echoing(lambda key: f"{key[:16]} {key[16:]} is over its limit", 429),
    "key told in quotes": echoing(lambda key: json.dumps({"authorization": f"Bearer {key}"}), 403),
    "key told in a 500": echoing(lambda key: f"Traceback: header={quote(key)}", 500),
    "key told as a model": echoing(lambda key: f"The model `{key}` does not exist", 404),
    "key in a redirect": leading_elsewhere,
    "key in the answer": echoing_in_the_answer,
    "no credit": faults.no_credit,
    "quota": faults.quota_spent,
    "no model": faults.no_such_model,
    "too many": faults.too_many(),
    "unavailable": faults.unavailable,
    "html": faults.html_page,
    "empty": faults.empty_body,
    "cut": faults.cut_body,
    "cut headers": faults.cut_headers,
    "closed": faults.close_before_answer,
    "reset": faults.reset_connection,
    "error inside": faults.error_inside_200(),
    "error in the middle": faults.error_in_mid_stream,
    "blocked": faults.blocked_prompt,
    "null": faults.null_content,
    "unsupported": faults.unsupported("temperature"),
    "none": lambda exchange: exchange.send(exchange.reply()),
}


@pytest.fixture
def everything(
    run: Run, folder: Path, home: Path, tls_standin: StandIn, caplog: pytest.LogCaptureFixture
) -> Callable[..., str]:
    """All that a call of the command line has left anywhere."""

    def call(*words: str) -> str:
        with caplog.at_level(logging.DEBUG):
            done = run(*words)
        written = [path.read_bytes() for place in (folder, home) for path in place.rglob("*") if path.is_file()]
        targets = [record.target for record in tls_standin.log]
        return "\n".join([done.out, done.err, caplog.text, *targets, *(data.decode("latin-1") for data in written)])

    return call


@pytest.mark.parametrize(
    ("way", "provider"),
    [
        *((way, "openai") for way in WAYS),
        *((way, provider) for provider in ("gemini", "anthropic", "ollama") for way in WAYS if "key" in way),
    ],
)
def test_however_a_film_fails(
    everything: Callable[..., str],
    folder: Path,
    tls_standin: StandIn,
    ca_file: str,
    key: str,
    way: str,
    provider: str,
    monkeypatch: pytest.MonkeyPatch,
    no_pauses: None,
) -> None:
    monkeypatch.setenv(api.PROVIDERS[provider].key_name, key)
    source = write(folder / "film.srt", film(6))
    tls_standin.script = faults.always(WAYS[way])
    where = ("--base-url", getattr(tls_standin, f"{provider}_base_url"), "--ca-file", ca_file, "--model", "m")
    said = everything("translate", source, "--to", "es", "-v", "--report", str(folder / "r.json"), *where)
    assert key in str(tls_standin.log[0].headers)
    assert f"{provider} " in said  # each request has its line in the log
    for secret in (*parts(key), base64.b64encode(key.encode()).decode(), quote(key)):
        assert secret not in said


@pytest.mark.parametrize("command", ["check", "models"])
@pytest.mark.parametrize("way", ["bad key", "key told whole", "key told in a 400", "html", "none"])
def test_however_a_check_fails(
    everything: Callable[..., str], there: List[str], tls_standin: StandIn, key: str, way: str, command: str
) -> None:
    tls_standin.script = faults.always(WAYS[way])
    said = everything(command, "-v", *there)
    assert [part for part in parts(key) if part in said] == []


def test_when_nothing_is_sent(
    everything: Callable[..., str], there: List[str], folder: Path, key: str, no_pauses: None
) -> None:
    """Nobody listens, nobody vouches for the certificate, or there is no such proxy."""
    source = write(folder / "film.srt", film(3))
    proxy = f"http://someone:{PASSWORD}@127.0.0.1:9"
    for flags in (
        [*there[:1], "https://127.0.0.1:9/v1"],
        there[:2],
        [*there, "--proxy", proxy],
        [*there, "--proxy", f"ftp://someone:{PASSWORD}@127.0.0.1"],
        [*there[:1], f"https://127.0.0.1/{key}/v1"],
        [*there[:1], f"https://{key}@127.0.0.1/v1"],
        [*there[:1], f"https://127.0.0.1/v1?key={key}"],
    ):
        said = everything("translate", source, "--to", "es", "-v", *flags)
        assert [part for part in (*parts(key), *parts(PASSWORD)) if part in said] == []


@pytest.mark.parametrize("around", ["\u201c{}\u201d", "'{}'", "{}\nsecond line", "{} with a space", "{}\u0449"])
def test_a_key_that_cannot_be_one_is_not_shown(
    everything: Callable[..., str],
    there: List[str],
    folder: Path,
    key: str,
    around: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", around.format(key))
    source = write(folder / "film.srt", film(3))
    said = everything("translate", source, "--to", "es", "-v", *there)
    assert "The key for OpenAI has " in said
    assert [part for part in parts(key) if part in said] == []


def test_no_object_shows_the_key(tls_standin: StandIn, ca_file: str, key: str) -> None:
    """Not by itself and not with what hangs on it, as in a traceback that shows local variables."""
    shown: List[str] = []
    with ConnectionPoolManager() as pool:
        transport = Transport(pool, ca_file=ca_file)
        for name, base_url in (
            ("openai", tls_standin.openai_base_url),
            ("gemini", tls_standin.gemini_base_url),
            ("openrouter", tls_standin.openrouter_base_url),
            ("anthropic", tls_standin.anthropic_base_url),
            ("ollama", tls_standin.ollama_base_url),
            ("lmstudio", tls_standin.lmstudio_base_url),
            ("compatible", tls_standin.openai_base_url),
        ):
            provider = api.create(name, api_key=key, base_url=base_url, transport=transport)
            chat = ChatRequest("m", (Message("user", "Hello"),))
            admission = provider.group.admit(provider._chat_request(chat, streaming=False), BackoffConfig())
            admission.turn.over()
            request = admission.request
            assert key in str(dict(request.headers))
            shown += [repr(provider), repr(request), repr(chat), repr(provider._endpoints)]
            shown += [repr(admission), repr(provider._sources)]
            shown += [repr(provider.complete(chat)), repr(provider.group)]
            tls_standin.script = faults.always(WAYS["key told whole"])
            with pytest.raises(SubAIError) as caught:
                provider.complete(chat)
            tls_standin.script = None
            provider.forget_refusals()
            shown += [repr(caught.value), str(caught.value), repr(caught.value.__cause__), repr(vars(caught.value))]
        shown += [repr(transport), repr(pool), repr(pool.stats())]
    everything: Any = "\n".join(shown)
    assert [part for part in parts(key) if part in everything] == []
