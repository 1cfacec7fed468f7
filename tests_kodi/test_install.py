"""Installed and enabled as a person does it."""

from tests_kodi.driver.remote import Remote


def test_it_is_enabled_and_nothing_is_wrong_in_the_log(remote: Remote) -> None:
    remote.picture("home")
    assert remote.kodi.is_enabled()
    assert remote.message("status")["ok"]
    assert remote.kodi.complaints() == []
