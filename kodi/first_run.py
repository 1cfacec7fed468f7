"""The guide through the first set-up: what leaves the house, provider, key, language. It sends nothing itself."""

from typing import Any, Dict, Optional

from core.errors import ConfigError, InputError
from kodi import key_file, settings, stored, strings, windows
from kodi.settings import AT_HOME, COMPATIBLE, PROVIDERS
from kodi.strings import localised
from translate import languages
from translate.languages import OTHER


def run() -> bool:
    """Ask for all that is needed and store it; False when the person left before the end, with nothing changed."""
    heading = localised(strings.SETUP)
    windows.show_text(heading, localised(strings.CONSENT_TEXT))  # a question's box would cut it off
    if not windows.confirm(localised(strings.ASK_AGREE), strings.AGREE, strings.NOT_NOW, heading=heading):
        return False
    provider = _ask_provider()
    if provider is None:
        return False
    values: Dict[str, Any] = {"provider": provider}
    if (provider == COMPATIBLE or provider in AT_HOME) and not _ask_url(provider, values):
        return False
    key = stored.text(f"{provider}_api_key") if provider in AT_HOME else ask_key(provider)
    language = _ask_language() if key is not None else None
    if key is None or language is None:
        return False
    stored.store({**values, f"{provider}_api_key": key, **language, "consent": True})
    return True


def ask_key(provider: str) -> Optional[str]:
    """The key for ``provider``, ``""`` where it needs none, or None when the person gives up."""
    name = provider_name(provider)
    known = stored.text(f"{provider}_api_key")
    ways = [strings.TYPE_KEY, strings.READ_KEY]
    if known:
        ways.insert(0, strings.KEEP_KEY)
    elif provider == COMPATIBLE:
        ways.insert(0, strings.NO_KEY)
    while True:
        chosen = windows.choose(localised(strings.KEY_FOR, provider=name), [localised(way) for way in ways])
        if chosen is None:
            return None
        if ways[chosen] in (strings.KEEP_KEY, strings.NO_KEY):
            return known
        key = _key_by(ways[chosen], provider, name)
        if key:
            return key


def provider_name(provider: str) -> str:
    return PROVIDERS.get(provider) or localised(strings.OWN_SERVER)


def _key_by(way: int, provider: str, name: str) -> Optional[str]:
    """A key, or None when there is none yet: the person was told why, if there is a reason."""
    if way == strings.TYPE_KEY:
        key = windows.ask_text(localised(strings.KEY_FOR, provider=name))
        if key and not key_file.is_key(key):
            windows.tell(localised(strings.KEY_UNUSABLE))
            return None
        return key
    try:
        return key_file.ask_and_read(provider)
    except InputError as error:
        windows.tell(error.user_message)
        return None


def _ask_provider() -> Optional[str]:
    names = (*PROVIDERS, COMPATIBLE)
    current = stored.text("provider")
    chosen = windows.choose(
        localised(strings.CHOOSE_PROVIDER),
        [provider_name(name) for name in names],
        names.index(current) if current in names else 0,
    )
    return None if chosen is None else names[chosen]


def _ask_url(provider: str, values: Dict[str, Any]) -> bool:
    name = f"{provider}_base_url"
    url = windows.ask_text(localised(strings.ENTER_URL), stored.text(name) or AT_HOME.get(provider, "http://"))
    values[name] = url
    return bool(url) and url != "http://"


def _ask_language() -> Optional[Dict[str, str]]:
    """What to store for the language that the person chose, or None. Kodi's own comes first, and is offered by name."""
    preferred = settings.preferred_language()
    known = sorted((strings.language_name(one.code, one.name), one.code) for one in languages.LANGUAGES)
    first = f"{strings.language_name(preferred.code, preferred.name)} ({localised(strings.AS_IN_KODI)})"
    names = [first, *(name for name, _ in known), localised(strings.OTHER_LANGUAGE)]
    chosen = windows.choose(localised(strings.CHOOSE_LANGUAGE), names, 0)
    if chosen is None:
        return None
    if chosen == 0:
        return {"target_language": "kodi"}
    if chosen <= len(known):
        return {"target_language": known[chosen - 1][1]}
    typed = windows.ask_text(localised(strings.ENTER_LANGUAGE))
    return {"target_language": "other", "target_language_other": typed} if _is_language(typed) else None


def _is_language(text: str) -> bool:
    try:
        return bool(text and languages.find(OTHER + text))
    except ConfigError:
        return False
