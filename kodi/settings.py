"""The settings screen as values for the engine. What does not go together is told, and the last good set stays."""

from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, Optional, TypeVar

import xbmc
import xbmcaddon

from core.config import PoolConfig
from core.errors import ConfigError
from core.profiles import BALANCED, PROFILES, Profile
from kodi import addon, proxy, stored, strings, vfs
from kodi.strings import localised
from translate import languages
from translate.languages import OTHER, Language

OPENAI, OLLAMA, LMSTUDIO, COMPATIBLE = "openai", "ollama", "lmstudio", "compatible"
PROVIDERS = {
    OPENAI: "OpenAI",
    "gemini": "Gemini",
    "openrouter": "OpenRouter",
    "anthropic": "Anthropic",
    OLLAMA: "Ollama",
    LMSTUDIO: "LM Studio",
}
#: Those that need no key, and where they usually are.
AT_HOME = {OLLAMA: "http://127.0.0.1:11434", LMSTUDIO: "http://127.0.0.1:1234/v1"}
OFF, ASK, ON = "off", "ask", "on"
CUSTOM = "custom"  # the profile that consists of the sliders
CA_COPY = "ca.pem"
#: Which of the pool's tunables have a setting, each ``pool_`` and its name.
POOL_FIELDS = ("num_pools", "maxsize", "connect_timeout", "read_timeout", "max_idle", "max_age")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """One consistent set.

    :ivar key: of the chosen provider, or ``""``; ``model`` and ``base_url`` too, where ``""`` means the usual one. Of
        keys and base URLs there may be several, with commas between.
    :ivar source: None: to be found out for each file.
    :ivar auto_translate: ``OFF``, ``ASK`` or ``ON``.
    :ivar monthly_limit: US dollars that a month's unasked translations may cost.
    :ivar profile: the balanced one with the values of the sliders, unless another was chosen.
    :ivar proxy: URL, or None for a direct connection.
    :ivar ca_file: path of the operating system, or None.
    :ivar status_port: of the status server; 0: any, None: there is none.
    """

    consent: bool = False
    provider: str = OPENAI
    key: str = field(default="", repr=False)
    model: str = ""
    base_url: str = ""
    target: Language = field(default_factory=lambda: languages.find("en"))
    source: Optional[Language] = None
    style: str = ""
    auto_translate: str = ASK
    next_episode: bool = True
    monthly_limit: float = 2.0
    profile: Profile = field(default_factory=lambda: replace(PROFILES[BALANCED], name=CUSTOM))
    proxy: Optional[str] = field(default=None, repr=False)  # may hold a password
    ca_file: Optional[str] = None
    status_port: Optional[int] = None

    @property
    def may_ask(self) -> bool:
        """Whether a button may ask the provider something: the person agreed, and whom to ask is known."""
        known = self.provider in AT_HOME or bool(self.base_url if self.provider == COMPATIBLE else self.key)
        return self.consent and known

    @property
    def ready(self) -> bool:
        """Whether it is set up, so that anything may begin: a server at home needs no key, but has to be named."""
        return self.may_ask and (self.provider not in AT_HOME or bool(self.base_url or self.model))

    @property
    def pool(self) -> PoolConfig:
        return self.profile.pool

    @property
    def parallel(self) -> int:
        """Requests at once."""
        return self.profile.parallel

    @property
    def provider_name(self) -> str:
        """What a person calls the provider."""
        return PROVIDERS.get(self.provider) or localised(strings.OWN_SERVER)


class Reader:
    """Reads the settings anew whenever Kodi says that they changed.

    :param tell: called with one line for each part that cannot be used, once until that part changes.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: Dict[str, str] = {}
        self.current = Settings()

    def refresh(self) -> Settings:
        """The settings as they are now, and ``current`` from here on; a part that cannot be used stays as it was."""
        values, last = stored.values(), self.current
        provider = self._part("provider", lambda: _provider(values.getString("provider")), last.provider)
        self.current = Settings(
            consent=values.getBool("consent"),
            provider=provider,
            key=values.getString(f"{provider}_api_key").strip(),
            model=values.getString(f"{provider}_model").strip(),
            base_url=values.getString(f"{provider}_base_url").strip(),
            target=self._part("target", lambda: _target(values), last.target),
            source=self._part("source", lambda: _source(values), last.source),
            style=" ".join(values.getString("style_hint").split()),
            auto_translate=values.getString("auto_translate"),
            next_episode=values.getBool("next_episode"),
            monthly_limit=values.getNumber("monthly_limit"),
            profile=self._profile(values, provider),
            proxy=self._part("proxy", lambda: _proxy(values), last.proxy),
            ca_file=self._part("ca_file", lambda: _ca_file(values.getString("pool_ca_file")), last.ca_file),
            status_port=values.getInt("status_port") if values.getBool("status_server") else None,
        )
        return self.current

    def secrets(self) -> List[str]:
        """Every key that is stored, of whichever provider, and the proxy's address, which may hold a password."""
        values = stored.values()
        fields = [values.getString(f"{provider}_api_key") for provider in (*PROVIDERS, COMPATIBLE)]
        keys = [key.strip() for field in fields for key in field.split(",")]
        return [secret for secret in (*keys, self.current.proxy) if secret]

    def _profile(self, values: xbmcaddon.Settings, provider: str) -> Profile:
        name, last = values.getString("pool_profile"), self.current.profile
        if name == CUSTOM:
            pool = self._part("pool", lambda: _pool(values), last.pool)
            profile = replace(PROFILES[BALANCED], name=CUSTOM, pool=pool, parallel=1)
            parallel = values.getInt("parallel_requests")
        else:
            profile = self._part("profile", lambda: _named_profile(name), last)
            parallel = profile.parallel
        if provider == OLLAMA:
            parallel = values.getInt("ollama_parallel_requests")
        # A request without a connection only waits.
        return replace(profile, parallel=min(parallel, profile.pool.maxsize))

    def _part(self, name: str, read: Callable[[], _T], last: _T) -> _T:
        try:
            value = read()
        except ConfigError as error:
            if self._told.get(name) != error.user_message:
                self._told[name] = error.user_message
                self._tell(error.user_message)
            return last
        self._told.pop(name, None)
        return value


def preferred_language() -> Language:
    """The language that Kodi is to show subtitles in; where that is none in particular, the one of its menus."""
    for wish in (kodi_subtitle_language(), xbmc.getLanguage(xbmc.ISO_639_1), xbmc.getLanguage(xbmc.ENGLISH_NAME)):
        try:
            return languages.find(wish)
        except ConfigError:  # "original", "forced_only", or one that we have no name for
            continue
    return languages.find("en")


def kodi_subtitle_language() -> str:
    """Kodi's own setting: an English name, or a word such as ``original``."""
    return str(addon.kodi_setting("locale.subtitlelanguage") or "")


def reset_connections() -> None:
    """Put the Connections page back to what it was when the add-on was installed."""
    usual = Settings()
    stored.store({f"pool_{name}": int(getattr(usual.pool, name)) for name in POOL_FIELDS})
    stored.store({"pool_profile": CUSTOM, "parallel_requests": usual.parallel})
    stored.store({"pool_proxy": "kodi", "pool_proxy_url": "", "pool_ca_file": ""})
    stored.store({"status_server": False, "status_port": 0})


def _provider(name: str) -> str:
    if name not in (*PROVIDERS, COMPATIBLE):
        raise _clash(f"There is no provider {name!r}.")
    return name


def _named_profile(name: str) -> Profile:
    if name not in PROFILES:
        raise _clash(f"There is no profile {name!r}.")
    return PROFILES[name]


def _target(values: xbmcaddon.Settings) -> Language:
    code = values.getString("target_language")
    if code in ("", "kodi"):
        return preferred_language()
    return _language(OTHER + values.getString("target_language_other") if code == "other" else code)


def _source(values: xbmcaddon.Settings) -> Optional[Language]:
    code = values.getString("source_language")
    return None if code in ("", "auto") else _language(code)


def _language(text: str) -> Language:
    """A name typed under "another language" may be one that we know, with its code and all."""
    try:
        return languages.find(text[len(OTHER) :] if text.startswith(OTHER) else text)
    except ConfigError:
        if not text.startswith(OTHER):
            raise
        return languages.find(text)


def _pool(values: xbmcaddon.Settings) -> PoolConfig:
    wanted = {name: values.getInt(f"pool_{name}") for name in POOL_FIELDS}
    if wanted["max_idle"] > wanted["max_age"]:
        raise ConfigError(localised(strings.IDLE_OVER_AGE, idle=wanted["max_idle"], age=wanted["max_age"]))
    return _told(lambda: PoolConfig(**wanted))


def _proxy(values: xbmcaddon.Settings) -> Optional[str]:
    kind = values.getString("pool_proxy")
    if kind == "own":
        return values.getString("pool_proxy_url").strip() or None
    return _told(proxy.kodi_proxy) if kind == "kodi" else None


def _ca_file(path: str) -> Optional[str]:
    """A path that ``ssl`` can open: what only Kodi can is copied into the profile."""
    if not path:
        return None
    path = vfs.local(path)
    if not vfs.is_remote(path):
        return path
    copy = vfs.join(addon.profile(), CA_COPY)
    if not vfs.make_folder(addon.profile()) or not vfs.copy(path, copy):
        raise _clash(vfs.base_name(path))
    return copy


def _told(make: Callable[[], _T]) -> _T:
    try:
        return make()
    except ConfigError as error:
        raise _clash(error.user_message) from error


def _clash(reason: str) -> ConfigError:
    return ConfigError(localised(strings.CLASH, reason=reason))
