"""``subai check`` and ``subai models``: what can be learnt from a provider without a film."""

from typing import Any, List

import pytest
from cli_support import Run
from standin_faults import always, bad_key, failing, forbidden, html_page, no_such_model, quota_spent

import api
from cli.standin import StandIn

pytest_plugins = ("cli_fixtures",)


def test_a_check_that_passes_tells_what_a_kept_connection_saves(
    run: Run, there: List[str], tls_standin: StandIn
) -> None:
    done = run("check", *there)
    assert (done.code, done.err) == (0, "")
    good, times = done.out.splitlines()
    assert good == "OpenAI: key, model gpt-4.1-mini and connection are good."
    assert times.startswith("First request 0.")
    assert (tls_standin.stats().requests, tls_standin.stats().connections) == (2, 1)


def test_a_server_is_checked_with_the_model_that_it_has(run: Run) -> None:
    with StandIn() as standin:
        done = run("check", "--base-url", standin.openai_base_url)
    assert done.code == 0
    assert done.out.startswith("The server: model stand-in and connection are good.\n")


def test_the_key_of_a_server_is_checked_too(
    run: Run, tls_standin: StandIn, ca_file: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("--base-url", tls_standin.openai_base_url, "--ca-file", ca_file)
    assert run("check", *where).code == 4
    monkeypatch.setenv("SUBAI_API_KEY", key)
    assert run("check", *where).out.startswith("The server: key, model stand-in and connection are good.\n")


def test_without_a_key_the_check_says_that_it_is_none(run: Run) -> None:
    done = run("check")
    assert (done.code, done.err) == (0, "")
    assert "The bundled stand-in answers." in done.out
    assert "set a key" in done.out


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (bad_key, "OpenAI refused the key (401). Check OPENAI_API_KEY or make a new key at https://"),
        (forbidden, "OpenAI refused the request (403). Check OPENAI_API_KEY or make a new key at https://"),
        (quota_spent, "The quota or the credit at OpenAI is used up (429)."),
        (no_such_model, "OpenAI has no model 'gpt-4.1-mini' (404). See what it has: ./subai models --provider openai"),
        (failing, "OpenAI failed (500). Try again later."),
        (html_page, "OpenAI"),
    ],
)
def test_a_check_that_fails_says_why(
    run: Run, there: List[str], tls_standin: StandIn, fault: Any, line: str, no_pauses: None
) -> None:
    tls_standin.script = always(fault)
    done = run("check", *there)
    assert (done.code, done.out) == (4, "")
    assert line in done.complaint


def test_a_certificate_that_nobody_vouches_for_is_told_apart(run: Run, there: List[str]) -> None:
    done = run("check", *there[:2])
    assert done.code == 4
    assert "The certificate of 127.0.0.1 is not trusted" in done.complaint


@pytest.mark.parametrize("provider", [name for name in api.PROVIDERS if name != "compatible"])
def test_models_are_listed_one_a_line(
    run: Run, tls_standin: StandIn, ca_file: str, key: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(api.PROVIDERS[provider].key_name, key)
    where = ("--base-url", getattr(tls_standin, f"{provider}_base_url"), "--ca-file", ca_file)
    assert run("models", "--provider", provider, *where) == (0, "stand-in\n", "")


def test_models_of_a_dead_key_are_refused(run: Run, there: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody-knows-this")
    done = run("models", *there)
    assert (done.code, done.out) == (4, "")
    assert done.complaint.startswith("OpenAI refused the key (401).")


@pytest.mark.parametrize("command", ["translate", "check", "models", "memory"])
def test_every_command_explains_itself(run: Run, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run(command, "--help")
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: subai {command} ")
