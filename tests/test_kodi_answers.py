"""What the service answers to the buttons that ask somebody: nobody is asked before the person agreed."""

import threading
from types import SimpleNamespace
from typing import Any, Dict, Iterator

import pytest
from kodi_fakes import FakeKodi, fake_kodi
from local_servers_support import OLLAMA, Serving, serving

from api import local_servers
from cli.standin import StandIn
from core import config
from kodi.answers import Answers
from kodi.engine import Engine
from kodi.messages import Message
from kodi.settings import Reader

__all__ = ["fake_kodi", "serving"]


class Asking:
    """The part of the service that answers such questions, with the settings of ``fake_kodi``."""

    def __init__(self, folder: str) -> None:
        self._reader = Reader(print)
        self.engine = Engine(folder, self._reader.refresh())
        service: Any = SimpleNamespace(engine=self.engine, ending=threading.Event())
        self._answers = Answers(service)

    def ask(self, action: str, **data: Any) -> Dict[str, Any]:
        self.engine.apply(self._reader.refresh())
        return self._answers.to(Message("0" * 16, action, data, 0.0))


@pytest.fixture
def asking(fake_kodi: FakeKodi, tmp_path: Any) -> Iterator[Asking]:
    made = Asking(str(tmp_path / "profile"))
    yield made
    made.engine.close()


def test_nothing_is_looked_for_before_consent(
    fake_kodi: FakeKodi, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_servers, "find", None)
    answer = asking.ask("find_servers", address="")
    assert not answer["ok"]
    assert "before you agree" in answer["text"]


def test_what_is_found_at_an_address_is_told_with_its_models(
    fake_kodi: FakeKodi, asking: Asking, serving: Serving
) -> None:
    fake_kodi.settings["consent"] = True
    server = serving(OLLAMA)
    assert asking.ask("find_servers", address=server.address) == {
        "ok": True,
        "servers": [
            {
                "provider": "ollama",
                "label": "Ollama",
                "base_url": f"http://{server.address}",
                "models": {"llama3.2": True, "qwen3:8b": False},
            }
        ],
        "text": "",
    }


def test_where_there_is_nobody_the_person_is_told(fake_kodi: FakeKodi, asking: Asking, serving: Serving) -> None:
    fake_kodi.settings["consent"] = True
    assert "No server was found" in asking.ask("find_servers", address=serving({}).address)["text"]
    assert "base URL for Ollama" in asking.ask("find_servers", address="two words")["text"]


@pytest.mark.parametrize("action", ["models", "test_connection"])
def test_a_server_at_home_may_be_asked_once_the_person_agreed(fake_kodi: FakeKodi, asking: Asking, action: str) -> None:
    with StandIn() as standin:
        fake_kodi.settings.update(provider="ollama", ollama_base_url=standin.ollama_base_url)
        answer = asking.ask(action)
        assert (answer["ok"], standin.stats().connections) == (False, 0)
        assert answer["text"] == "Sub-AI Translator is not set up yet."
        fake_kodi.settings["consent"] = True
        answer = asking.ask(action)
        assert answer["ok"]
        assert answer.get("models", ["stand-in"]) == ["stand-in"]


def test_no_proxy_is_asked_for_a_server_on_this_device(
    fake_kodi: FakeKodi, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "BACKOFF", {"ollama": config.BackoffConfig(retries=0)})
    fake_kodi.settings.update(consent=True, pool_proxy="own", pool_proxy_url="http://127.0.0.1:9")
    with StandIn() as standin:
        fake_kodi.settings.update(provider="ollama", ollama_base_url=standin.ollama_base_url)
        assert asking.ask("models")["models"] == ["stand-in"]
    fake_kodi.settings["ollama_base_url"] = "http://10.0.0.1:11434"
    assert not asking.ask("models")["ok"]
