"""Tests reach this machine and nothing beyond it."""

import socket
from typing import Any

import pytest
from pytest_httpserver import HTTPServer


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 443)),
        (socket.AF_INET, ("10.0.0.1", 80)),
        (socket.AF_INET, ("api.openai.com", 443)),
        (socket.AF_INET6, ("2001:db8::1", 443, 0, 0)),
    ],
)
def test_a_test_that_connects_to_elsewhere_fails(family: int, address: Any) -> None:
    with socket.socket(family) as sock:
        with pytest.raises(AssertionError, match="wants to connect"):
            sock.connect(address)
        with pytest.raises(AssertionError, match="wants to connect"):
            sock.connect_ex(address)


@pytest.mark.parametrize("name", ["api.openai.com", b"example.com", "localhost.example.com"])
def test_names_are_looked_up_as_without_dns(name: Any) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(name, 443)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_is_reached_by_name_and_address(httpserver: HTTPServer, host: str) -> None:
    with socket.create_connection((host, httpserver.port), timeout=5) as sock:
        assert sock.getpeername()[1] == httpserver.port


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets with a path")
def test_a_path_is_this_machine() -> None:
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(FileNotFoundError):
        sock.connect("/nowhere/at/all")
