"""Servers of language models are found where they are, told apart by what only they say, and nobody else is asked."""

import json
import socket
import threading
import time
from dataclasses import replace
from typing import Any, Dict

import pytest
from cli_support import Run
from local_servers_support import (
    EMBEDDING,
    LLAMA_CPP,
    LM_STUDIO,
    NOTHING_HERE,
    OLDER_LM_STUDIO,
    OLLAMA,
    Bodies,
    Serving,
    serving,
)
from support_server import closed_port

from api import local_servers
from api.lmstudio import LMStudio
from api.local_servers import LocalServer, find
from api.ollama import Ollama
from core.cancel import CancelToken
from core.errors import CancelledError, ConfigError

__all__ = ["serving"]

pytest_plugins = ("cli_fixtures",)


def found_at(address: str) -> Dict[str, LocalServer]:
    return {server.label: server for server in find(address, CancelToken()) if server.models is not None}


@pytest.fixture
def nobody_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual ports are such that nobody listens there, whatever runs on this machine."""
    kinds = [replace(kind, port=closed_port()) for kind in local_servers.KINDS]
    monkeypatch.setattr(local_servers, "KINDS", kinds)


# --- finding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bodies", "otherwise", "label", "provider", "path", "models"),
    [
        (OLLAMA, None, "Ollama", "ollama", "", {"llama3.2": True, "qwen3:8b": False}),
        (LM_STUDIO, NOTHING_HERE, "LM Studio", "lmstudio", "/v1", {"gemma": True, "a qwen": False}),
        (OLDER_LM_STUDIO, NOTHING_HERE, "LM Studio", "lmstudio", "/v1", {"gemma": False}),
        (LLAMA_CPP, None, "llama.cpp", "compatible", "/v1", {"x.gguf": True}),
    ],
)
def test_each_is_known_by_what_only_it_says(
    serving: Serving, bodies: Bodies, otherwise: Any, label: str, provider: str, path: str, models: Dict[str, bool]
) -> None:
    server = serving(bodies, otherwise)
    (found,) = found_at(server.address).values()
    assert found == LocalServer(provider, label, f"http://{server.address}{path}", models)
    assert list(found.models or ()) == list(models), "those in memory come first"


@pytest.mark.parametrize(
    "bodies",
    [
        {},
        {"/": "<html>Log in to the hotel</html>"},
        {"/v1/models": {"data": [{"id": "x", "owned_by": "vllm"}]}},
        {"/api/tags": {"models": [{"name": "x"}]}},
        {"/api/v1/models": {"data": [{"id": "stand-in"}]}, "/api/v0/models": "[" * 10_000},
    ],
)
@pytest.mark.parametrize("otherwise", [None, NOTHING_HERE, "<html>Log in to the hotel</html>"])
def test_nobody_else_is_taken_for_one(serving: Serving, bodies: Bodies, otherwise: Any) -> None:
    server = serving(bodies, otherwise)
    assert found_at(server.address) == {}


def test_a_server_without_models_is_one_all_the_same(serving: Serving) -> None:
    server = serving({**OLLAMA, "/api/tags": {"models": []}, "/api/ps": {"models": []}})
    assert found_at(server.address)["Ollama"].models == {}
    server = serving({"/api/v1/models": {"models": [EMBEDDING]}}, NOTHING_HERE)
    assert found_at(server.address)["LM Studio"].models == {}


def test_no_key_is_sent_to_whoever_answers(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OLLAMA_API_KEY", "LM_API_TOKEN"):
        monkeypatch.setenv(name, "sk-0123456789abcdef")
    server = serving(OLLAMA)
    found_at(server.address)
    assert server.asked
    for request in server.asked:
        assert "0123456789" not in str(request.headers)
        assert (request.method, request.get_data(), request.query_string) == ("GET", b"", b"")


def test_whoever_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_servers, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert found_at(f"127.0.0.1:{silent.getsockname()[1]}") == {}
        assert time.monotonic() - began < 5.0
    assert [thread.name for thread in threading.enumerate() if thread.name == "subai-probe"] == []


def test_a_cancel_ends_the_search_at_once() -> None:
    cancel = CancelToken()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Timer(0.1, cancel.cancel).start()
        began = time.monotonic()
        with pytest.raises(CancelledError):
            find(f"127.0.0.1:{silent.getsockname()[1]}", cancel)
        assert time.monotonic() - began < local_servers.PATIENCE


@pytest.mark.parametrize("address", ["two words", "ftp://nas", "nas:port", "http://user:secret@nas"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ConfigError) as raised:
        find(address, CancelToken())
    assert "secret" not in raised.value.user_message


def test_without_an_address_the_usual_places_on_this_machine_are_asked(nobody_home: None) -> None:
    servers = find("", CancelToken())
    assert [(server.label, server.models) for server in servers] == [
        ("Ollama", None), ("LM Studio", None), ("llama.cpp", None),
    ]  # fmt: skip
    assert all(server.base_url.startswith("http://127.0.0.1:") for server in servers)


def test_the_usual_places_are_those_of_the_providers() -> None:
    ollama, lm_studio, llama_cpp = local_servers.KINDS
    assert f"http://127.0.0.1:{ollama.port}{ollama.path}" == Ollama.default_base_url
    assert f"http://127.0.0.1:{lm_studio.port}{lm_studio.path}" == LMStudio.default_base_url
    assert (llama_cpp.port, llama_cpp.path) == (8080, "/v1")


# --- subai check --local ----------------------------------------------------------------------------------------------


def test_the_check_says_which_runs_what_is_loaded_and_how_to_use_it(serving: Serving, run: Run) -> None:
    server = serving(OLLAMA)
    done = run("check", "--local", server.address)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"Ollama runs at http://{server.address} with 2 models; loaded: llama3.2.",
        f"  ./subai translate FILE --to LANG --provider ollama --base-url http://{server.address} --model llama3.2",
        f"LM Studio: not found at http://{server.address}/v1",
        f"llama.cpp: not found at http://{server.address}/v1",
    ]


def test_the_command_that_the_check_names_is_one(serving: Serving, run: Run, small: str) -> None:
    server = serving(LM_STUDIO, NOTHING_HERE)
    lines = run("check", "--local", server.address).out.splitlines()
    (command,) = [line.split() for line in lines if line.startswith("  ./subai ")]
    words = [{"FILE": small, "LANG": "es"}.get(word, word) for word in command[1:]]
    run(*words, "--no-memory")
    assert server.path_of(server.asked[-1]) == "/v1/chat/completions"
    assert json.loads(server.asked[-1].get_data())["model"] == "gemma"


def test_where_nothing_is_loaded_some_of_the_models_are_named(serving: Serving, run: Run) -> None:
    names = [f"model {number}" for number in range(7)]
    tags = {"models": [{"name": name} for name in names]}
    server = serving({**OLLAMA, "/api/tags": tags, "/api/ps": {"models": []}})
    first, command, *_ = run("check", "--local", server.address).out.splitlines()
    assert first.endswith("with 7 models; none is loaded: model 0, model 1, model 2, model 3, model 4 and 2 more.")
    assert command.endswith("--model 'model 0'")


def test_a_server_without_models_says_so(serving: Serving, run: Run) -> None:
    server = serving({**OLLAMA, "/api/tags": {"models": []}, "/api/ps": {"models": []}})
    done = run("check", "--local", server.address)
    assert done.code == 0
    assert "with no models. Get one there first." in done.out


def test_where_there_is_none_the_check_says_what_to_do(run: Run, nobody_home: None) -> None:
    done = run("check", "--local")
    assert done.code == 4
    assert done.complaint.startswith("No server was found.")


def test_ollamas_own_variable_says_where_it_is(
    serving: Serving, run: Run, nobody_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serving(OLLAMA)
    monkeypatch.setenv("OLLAMA_HOST", server.address.replace("127.0.0.1", "0.0.0.0"))
    done = run("check", "--local")
    assert f"Ollama runs at http://127.0.0.1:{server.place} with 2 models" in done.out
    assert run("models", "--provider", "ollama").out == "llama3.2\nqwen3:8b\n"


def test_what_is_no_address_is_bad_usage(run: Run) -> None:
    done = run("check", "--local", "two words")
    assert done.code == 2
    assert "base URL for Ollama" in done.complaint
