"""Keys and base URLs are judged before anything is sent, and a key is never shown."""

from typing import List, Tuple

import pytest
from api_support import KEY, Script, chat, openai_reply

import api
from api.endpoint import endpoints_of, is_private
from api.http_provider import HTTPProvider
from core.errors import ConfigError

pytest_plugins = ("api_fixtures",)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("\u201csk-abcdefgh1234\u201d", "quotes"),
        ("'sk-abcdefgh1234'", "quotes"),
        ("sk-abcd efgh1234", "space or a line break"),
        ("sk-abcd\nefgh1234", "space or a line break"),
        ("sk-abcd\u00a0efgh1234", "space or a line break"),
        ("sk-abcd\x00efgh1234", "character"),
        ("sk-abcdefgh\u20141234", "character"),
        ("sk-abcdefgh\u200b1234", "character"),
        ("ключ-abcdefgh1234", "character"),
        ("", "no key"),
        ("  \n", "no key"),
    ],
)
def test_a_key_that_was_copied_badly_is_refused_without_showing_it(key: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        api.create("openai", api_key=key)
    assert words in raised.value.user_message
    assert raised.value.user_message.isprintable()
    assert not any(part in raised.value.user_message for part in ("abcd", "efgh", "1234", "\u201c"))


def test_white_space_around_a_key_is_taken_off(script: Script) -> None:
    script.says(openai_reply("Hola")).provider("openai", key=f" {KEY}\r\n").complete(chat())
    assert script.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/v1", "http:// or https://"),
        ("example.com/v1", "http:// or https://"),
        ("https://", "http:// or https://"),
        ("https:///v1", "http:// or https://"),
        ("https://example.com:0/v1", "http:// or https://"),
        ("https://ex_am!ple.com/v1", "http:// or https://"),
        ("https://example.com:port/v1", "not a URL"),
        ("https://[::1/v1", "not a URL"),
        ("https://user:secret@example.com/v1", "user name or password"),
        ("https://example.com/v1?key=secret", "before any ? or #"),
        ("https://example.com/v1#secret", "before any ? or #"),
        ("https://exam ple.com/v1", "space"),
        ("https://example.com\\@10.0.0.1/v1", "no URL has"),
        ("https://exämple.com/v1", "no URL has"),
        (f"https://example.com/{KEY}/v1", "holds the key"),
    ],
)
def test_a_base_url_that_cannot_be_one_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        api.create("compatible", api_key=KEY, base_url=url)
    assert words in raised.value.user_message
    assert "secret" not in raised.value.user_message
    assert KEY not in raised.value.user_message


@pytest.mark.parametrize("url", ["https://Example.com/v1/", " https://Example.com/v1// "])
def test_slashes_and_spaces_at_the_ends_do_not_matter(url: str) -> None:
    provider = api.create("compatible", api_key="", base_url=url)
    assert isinstance(provider, HTTPProvider)
    assert provider.base_url == "https://Example.com/v1"


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.5", True),
        ("169.254.1.1", True),
        ("8.8.8.8", False),
        ("192.0.2.1", False),
        ("::1", True),
        ("fe80::1", True),
        ("fd12::1", True),
        ("2001:db8::1", False),
        ("::ffff:192.168.1.5", True),
        ("::ffff:8.8.8.8", False),
        ("nas", True),
        ("nas.local", True),
        ("nas.local.", True),
        ("api.localhost", True),
        ("nas.local.example.com", False),
        ("example.com", False),
        ("134744072", False),
        ("0x08080808", False),
    ],
)
def test_only_this_machine_and_its_own_network_are_private(host: str, private: bool) -> None:
    assert is_private(host) is private


def test_a_made_up_key_may_be_like_a_part_of_the_address() -> None:
    api.create("compatible", api_key="local", base_url="http://nas.local/v1")


@pytest.mark.parametrize("name", api.PROVIDERS)
def test_a_key_does_not_cross_the_internet_in_the_clear(name: str) -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        api.create(name, api_key=KEY, base_url="http://example.com/v1")
    api.create(name, api_key=KEY, base_url="http://[fd12::1]:8080/v1")
    api.create(name, api_key=KEY, base_url="http://NAS:8080/v1")


@pytest.mark.parametrize(
    ("urls", "keys", "pairs"),
    [
        ("http://nas:1/v1", "one,two", [("http://nas:1/v1", "one"), ("http://nas:1/v1", "two")]),
        ("http://nas:1/v1, http://nas:2/v1/", "one", [("http://nas:1/v1", "one"), ("http://nas:2/v1", "one")]),
        ("http://nas:1/v1,http://nas:2/v1", "", [("http://nas:1/v1", ""), ("http://nas:2/v1", "")]),
        ("http://nas:1/v1,http://nas:2/v1", "one,two", [("http://nas:1/v1", "one"), ("http://nas:2/v1", "two")]),
        (",http://nas:1/v1,,", " one ,", [("http://nas:1/v1", "one")]),
        ("http://nas:1/v1,http://nas:1/v1", "one,one", [("http://nas:1/v1", "one")]),
    ],
)
def test_keys_and_base_urls_go_together(urls: str, keys: str, pairs: List[Tuple[str, str]]) -> None:
    assert [(each.base_url, each.key) for each in endpoints_of("the server", urls, keys)] == pairs


def test_keys_and_base_urls_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="There are 3 base URLs and 2 keys for the server"):
        api.create("compatible", api_key="one,two", base_url="http://a/v1,http://b/v1,http://c/v1")


def test_each_of_several_keys_and_urls_is_judged() -> None:
    with pytest.raises(ConfigError, match="quotes"):
        api.create("openai", api_key=f"{KEY},'{KEY}'")
    with pytest.raises(ConfigError, match="in the clear"):
        api.create("openai", api_key=KEY, base_url="https://example.com/v1,http://example.com/v1")


def test_several_endpoints_are_told_apart_without_their_keys() -> None:
    two_keys = api.create("openai", api_key=f"{KEY}1,{KEY}2")
    assert list(two_keys.each()) == [f"https://api.openai.com/v1, key {place} of 2" for place in (1, 2)]
    two_urls = api.create("compatible", api_key=KEY, base_url="http://nas:1/v1,http://nas:2/v1")
    assert list(two_urls.each()) == ["http://nas:1/v1", "http://nas:2/v1"]
    assert [each.base_url for each in two_urls.each().values()] == ["http://nas:1/v1", "http://nas:2/v1"]
    assert two_urls.base_url == "http://nas:1/v1"
    assert repr(two_urls) == "<the server at nas>"


@pytest.mark.parametrize("name", ["ollama", "lmstudio", "compatible"])
def test_where_there_is_no_key_there_is_none_to_lose(name: str) -> None:
    api.create(name, api_key="", base_url="http://example.com/v1")


@pytest.mark.parametrize("name", ["openai", "gemini", "openrouter", "anthropic"])
def test_a_provider_shows_its_name_and_host_but_not_its_key(name: str) -> None:
    provider = api.create(name, api_key=KEY)
    assert KEY not in f"{provider!r} {vars(provider)}"
    assert provider.label in repr(provider)
    assert "https" not in repr(provider)


def test_a_server_of_ones_own_has_to_be_named() -> None:
    with pytest.raises(ConfigError, match="no base URL"):
        api.create("compatible", api_key="")


def test_an_unknown_provider_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="openai, gemini, openrouter, anthropic, ollama, lmstudio, compatible"):
        api.create("gpt", api_key=KEY)
