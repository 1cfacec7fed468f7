"""Fixtures of the provider tests; a test module takes them by naming this one in ``pytest_plugins``."""

from typing import Iterator

import pytest
from api_support import Script
from pytest_httpserver import HTTPServer

import api
from core import config
from core.cancel import CancelToken
from core.connection_pool import ConnectionPoolManager
from core.transport import Transport


@pytest.fixture
def api_transport() -> Iterator[Transport]:
    with ConnectionPoolManager() as pool:
        yield Transport(pool)


@pytest.fixture
def script(httpserver: HTTPServer, api_transport: Transport) -> Script:
    return Script(httpserver, api_transport)


@pytest.fixture
def cancel() -> CancelToken:
    return CancelToken()


@pytest.fixture
def one_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider is asked once more, at once, and refused twice at most."""
    settings = config.BackoffConfig(retries=1, base_delay=0.0, max_delay=0.0, max_refusals=2)
    monkeypatch.setattr(config, "BACKOFF", dict.fromkeys(api.PROVIDERS, settings))
