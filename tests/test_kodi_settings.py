import logging
import os
from pathlib import Path
from typing import List

import pytest
import xbmc
import xbmcaddon
from kodi_fakes import FakeKodi, FakeSettings, fake_kodi

from core.config import CONNECTION_POOL_CONFIG
from core.profiles import BALANCED, PROFILES
from kodi import log, proxy, settings, stored, windows
from kodi.settings import Reader, Settings

__all__ = ["fake_kodi"]


@pytest.fixture
def told() -> List[str]:
    return []


@pytest.fixture
def reader(told: List[str]) -> Reader:
    return Reader(told.append)


def test_a_fresh_installation_has_the_defaults_of_the_code(fake_kodi: FakeKodi, reader: Reader) -> None:
    assert reader.refresh() == Settings()
    assert reader.current.pool == CONNECTION_POOL_CONFIG


def test_a_file_that_is_being_written_is_read_again(
    fake_kodi: FakeKodi, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kodi then knows no type of any setting."""
    whole, halves = xbmcaddon.Addon.getSettings, [FakeSettings({}), FakeSettings({})]
    monkeypatch.setattr(stored, "READ_PAUSE", 0.001)
    monkeypatch.setattr(xbmcaddon.Addon, "getSettings", lambda addon: halves.pop() if halves else whole(addon))
    fake_kodi.settings["parallel_requests"] = 9
    assert reader.refresh().parallel == 9
    monkeypatch.setattr(xbmcaddon.Addon, "getSettings", lambda addon: FakeSettings({}))
    with pytest.raises(TypeError):
        reader.refresh()
    assert reader.current.parallel == 9


def test_nothing_may_be_sent_before_consent_and_a_key(fake_kodi: FakeKodi, reader: Reader) -> None:
    assert not reader.refresh().ready
    fake_kodi.settings["openai_api_key"] = "sk-1234567890"
    assert not reader.refresh().ready
    fake_kodi.settings["consent"] = True
    assert reader.refresh().ready
    fake_kodi.settings["openai_api_key"] = " "
    assert not reader.refresh().ready


def test_a_server_of_ones_own_needs_an_address_instead_of_a_key(fake_kodi: FakeKodi, reader: Reader) -> None:
    fake_kodi.settings.update(consent=True, provider="compatible")
    assert not reader.refresh().ready
    fake_kodi.settings["compatible_base_url"] = "http://localhost:1234/v1"
    assert reader.refresh().ready


@pytest.mark.parametrize("provider", ["ollama", "lmstudio"])
@pytest.mark.parametrize("what", ["base_url", "model"])
def test_a_server_at_home_needs_no_key_but_must_have_been_set_up(
    fake_kodi: FakeKodi, reader: Reader, provider: str, what: str
) -> None:
    fake_kodi.settings.update({"provider": provider, f"{provider}_{what}": "http://127.0.0.1:1"})
    assert not reader.refresh().may_ask
    fake_kodi.settings.update({"consent": True, f"{provider}_{what}": ""})
    assert reader.refresh().may_ask, "a button may look for its models"
    assert not reader.current.ready, "but nothing starts by itself"
    fake_kodi.settings[f"{provider}_{what}"] = "http://127.0.0.1:1"
    assert reader.refresh().ready


@pytest.mark.parametrize(("provider", "parallel"), [("ollama", 1), ("lmstudio", 4), ("anthropic", 4)])
def test_ollama_is_asked_one_thing_at_a_time_unless_told_otherwise(
    fake_kodi: FakeKodi, reader: Reader, provider: str, parallel: int
) -> None:
    fake_kodi.settings["provider"] = provider
    assert reader.refresh().parallel == parallel == PROFILES[BALANCED].parallel_for(provider)
    fake_kodi.settings["ollama_parallel_requests"] = 2
    assert reader.refresh().parallel == (2 if provider == "ollama" else 4)
    fake_kodi.settings["pool_profile"] = "fast"
    assert reader.refresh().parallel == (2 if provider == "ollama" else 8)


def test_key_model_and_address_are_those_of_the_chosen_provider(fake_kodi: FakeKodi, reader: Reader) -> None:
    fake_kodi.settings.update(
        provider="gemini", gemini_api_key=" AIza-1 ", gemini_model="m", gemini_base_url="https://g", openai_api_key="o"
    )
    current = reader.refresh()
    assert (current.key, current.model, current.base_url) == ("AIza-1", "m", "https://g")
    assert current.provider_name == "Gemini"
    assert "AIza" not in repr(current)


@pytest.mark.parametrize(
    ("wish", "menus", "expected"),
    [
        ("Spanish", "en", "es"),
        ("Portuguese (Brazil)", "en", "pt-BR"),
        ("original", "de", "de"),
        ("forced_only", "xx", "en"),
        (None, "pl", "pl"),
    ],
)
def test_the_target_is_what_kodi_prefers_until_one_is_chosen(
    fake_kodi: FakeKodi, reader: Reader, wish: str, menus: str, expected: str
) -> None:
    fake_kodi.kodi_settings["locale.subtitlelanguage"] = wish
    fake_kodi.language = menus
    assert reader.refresh().target.code == expected
    fake_kodi.settings["target_language"] = "nl"
    assert reader.refresh().target.code == "nl"


def test_another_language_is_one_we_know_by_name_or_any_text(fake_kodi: FakeKodi, reader: Reader) -> None:
    fake_kodi.settings.update(target_language="other", target_language_other="Catalan")
    assert reader.refresh().target.code == "ca"
    fake_kodi.settings["target_language_other"] = "Klingon"
    assert reader.refresh().target.name == "Klingon"


def test_an_unknown_language_is_told_once_and_the_last_one_stays(
    fake_kodi: FakeKodi, reader: Reader, told: List[str]
) -> None:
    fake_kodi.settings["target_language"] = "fr"
    reader.refresh()
    fake_kodi.settings["target_language"] = "qq"
    assert [reader.refresh().target.code for _ in range(3)] == ["fr", "fr", "fr"]
    assert len(told) == 1


def test_a_provider_that_does_not_exist_is_told_and_the_last_one_stays(
    fake_kodi: FakeKodi, reader: Reader, told: List[str]
) -> None:
    fake_kodi.settings["provider"] = "hal9000"
    assert reader.refresh().provider == "openai"
    assert "hal9000" in told[0]


def test_the_source_language_is_found_out_unless_it_is_set(fake_kodi: FakeKodi, reader: Reader) -> None:
    assert reader.refresh().source is None
    fake_kodi.settings["source_language"] = "ja"
    source = reader.refresh().source
    assert source is not None
    assert source.code == "ja"


def test_connection_settings_that_contradict_each_other_are_told_in_words_and_the_last_good_ones_stay(
    fake_kodi: FakeKodi, reader: Reader, told: List[str]
) -> None:
    fake_kodi.settings.update(pool_max_idle=40, pool_max_age=90)
    good = reader.refresh().pool
    fake_kodi.settings.update(pool_max_idle=120, parallel_requests=7)
    current = reader.refresh()
    assert current.pool == good
    assert current.parallel == 7
    assert len(told) == 1
    assert "120 s" in told[0]
    assert "90 s" in told[0]
    fake_kodi.settings["pool_max_age"] = 150
    assert reader.refresh().pool.max_idle == 120
    fake_kodi.settings["pool_max_age"] = 90
    reader.refresh()
    assert len(told) == 2


@pytest.mark.parametrize(
    ("kind", "port", "user", "expected"),
    [
        (0, 3128, "", "http://proxy.lan:3128"),
        (5, 443, "me", "https://me:p%40ss@proxy.lan:443"),
        (4, 1080, "", "socks5h://proxy.lan:1080"),
    ],
)
def test_kodis_own_proxy_is_used(
    fake_kodi: FakeKodi, reader: Reader, kind: int, port: int, user: str, expected: str
) -> None:
    fake_kodi.kodi_settings.update(
        {
            "network.usehttpproxy": True,
            "network.httpproxytype": kind,
            "network.httpproxyserver": "proxy.lan",
            "network.httpproxyport": port,
            "network.httpproxyusername": user,
            "network.httpproxypassword": "p@ss",
        }
    )
    assert reader.refresh().proxy == expected
    assert expected in reader.secrets()
    fake_kodi.settings["pool_proxy"] = "none"
    assert reader.refresh().proxy is None
    fake_kodi.settings.update(pool_proxy="own", pool_proxy_url=" http://other:1 ")
    assert reader.refresh().proxy == "http://other:1"


def test_kodis_proxy_counts_only_when_it_is_on_and_has_a_server(fake_kodi: FakeKodi) -> None:
    assert proxy.kodi_proxy() is None
    fake_kodi.kodi_settings.update({"network.usehttpproxy": True, "network.httpproxyserver": ""})
    assert proxy.kodi_proxy() is None
    fake_kodi.kodi_settings["network.httpproxyserver"] = "fd00::1"
    assert proxy.kodi_proxy() == "http://[fd00::1]:8080"


def test_a_socks4_proxy_is_told_instead_of_going_round_it_in_silence(
    fake_kodi: FakeKodi, reader: Reader, told: List[str]
) -> None:
    fake_kodi.kodi_settings.update(
        {"network.usehttpproxy": True, "network.httpproxyserver": "p", "network.httpproxytype": 1}
    )
    reader.refresh()
    assert len(told) == 1
    assert "proxy" in told[0]


def test_a_certificate_file_that_only_kodi_can_open_is_copied_to_the_profile(
    fake_kodi: FakeKodi, reader: Reader, tmp_path: Path
) -> None:
    (tmp_path / "nas.pem").write_text("certificate", encoding="utf-8")
    fake_kodi.settings["pool_ca_file"] = "special://temp/nas.pem"
    assert reader.refresh().ca_file == str(tmp_path / "nas.pem")
    fake_kodi.settings["pool_ca_file"] = f"smb:/{tmp_path}/nas.pem"
    copy = reader.refresh().ca_file
    assert copy == str(tmp_path / "profile" / "ca.pem")
    assert Path(str(copy)).read_text(encoding="utf-8") == "certificate"


def test_resetting_touches_the_connections_and_nothing_else(fake_kodi: FakeKodi, reader: Reader) -> None:
    before = dict(fake_kodi.settings)
    for name, value in before.items():
        if name.startswith(("pool_", "parallel")) and isinstance(value, int):
            fake_kodi.settings[name] = value + 1
    fake_kodi.settings.update(pool_proxy="own", pool_proxy_url="http://p:1", pool_ca_file="/x", style_hint="formal")
    fake_kodi.settings.update(status_server=True, status_port=9000)
    settings.reset_connections()
    assert fake_kodi.settings == {**before, "style_hint": "formal"}


def test_the_status_server_is_off_until_it_is_wanted_and_may_have_any_port(fake_kodi: FakeKodi, reader: Reader) -> None:
    assert reader.refresh().status_port is None
    fake_kodi.settings["status_server"] = True
    assert reader.refresh().status_port == 0
    fake_kodi.settings["status_port"] = 9000
    assert reader.refresh().status_port == 9000


def test_no_key_of_any_provider_and_no_password_of_a_share_gets_into_kodis_log(
    fake_kodi: FakeKodi, reader: Reader
) -> None:
    fake_kodi.settings.update(openai_api_key="sk-secret-0, sk-secret-1", gemini_api_key="AIza-secret-2")
    fake_kodi.settings.update(anthropic_api_key="sk-ant-secret-3", lmstudio_api_key="lm-secret-4")
    assert {"sk-ant-secret-3", "lm-secret-4"} < set(reader.secrets())
    reader.refresh()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log.install()
        log.hide(reader.secrets())
        logging.getLogger("subai.test").warning("asked with %s", "sk-secret-1")
        logging.getLogger("subai.test").warning("smb://me:secret-3@nas/film.mkv and ftp://you@home: opened")
        windows.notice("smb://me:secret-3@nas/film.mkv is not there")
        try:
            raise ValueError("AIza-secret-2 is bad")
        except ValueError:
            logging.getLogger("subai.test").exception("it failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = "\n".join(text for text, _ in fake_kodi.logged)
    assert [level for _, level in fake_kodi.logged if level != xbmc.LOGDEBUG] == [
        xbmc.LOGWARNING,
        xbmc.LOGWARNING,
        xbmc.LOGERROR,
    ]
    assert "smb://[login]@nas/film.mkv and ftp://[login]@home: opened" in lines
    assert "asked with [key]" in lines
    assert "ValueError: [key] is bad" in lines
    assert "secret" not in lines.replace(os.sep, "")
