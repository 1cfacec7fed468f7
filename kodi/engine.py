"""What all jobs share while Kodi runs: the pool, what is remembered, prices, and the provider of the settings."""

import logging
import os
import threading
from typing import List, Optional, Tuple
from urllib.parse import urlsplit

import api
from api.endpoint import is_here, is_private, parts_of
from api.http_provider import HTTPProvider
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.endpoint_group import EndpointGroup
from core.errors import ConfigError, SubAIError
from core.transport import Transport
from kodi.ownership import Ownership
from kodi.settings import AT_HOME, COMPATIBLE, Settings
from status.server import StatusServer
from status.token import token_in
from status.watch import Watch
from translate.asking import Route
from translate.prices import Price, Prices
from translate.store import open_store

log = logging.getLogger("subai.kodi")

PRICES = "prices.json"


class Engine:
    """Thread-safe. ``close`` ends whatever is in flight.

    :param folder: where the add-on keeps its data; a path of the local disk.
    """

    def __init__(self, folder: str, settings: Settings) -> None:
        self.folder = folder
        self.pool = ConnectionPoolManager(settings.pool)
        self.store = open_store(folder, log.warning)
        self.ownership = Ownership(self.store.outputs)
        self.watch = Watch(self.pool, self.store.database, self._groups)
        self.prices = _prices(folder)
        self._lock = threading.Lock()
        self._settings = settings
        self._provider: Optional[Tuple[Tuple[object, ...], HTTPProvider]] = None
        self._transport: Optional[Transport] = None  # the provider's
        self._server_lock = threading.Lock()
        self._server: Optional[StatusServer] = None
        self._server_port: Optional[int] = None  # as the settings have it
        self._closed = False

    @property
    def settings(self) -> Settings:
        return self._settings

    def apply(self, settings: Settings) -> None:
        """Take changed settings over; connections and jobs go on."""
        with self._lock:
            before, self._settings = self._settings, settings
            if self._transport is not None:
                self._transport.allow(settings.parallel)
        if settings.profile.name != before.profile.name:
            log.info("Profile: %s, before %s", settings.profile.name, before.profile.name)
        if settings.pool != before.pool:
            self.pool.reconfigure(settings.pool)
            log.info("Connection settings: %s", _changes(before.pool, settings.pool))
        if settings.parallel != before.parallel:
            log.info("Requests at the same time: %d, before %d", settings.parallel, before.parallel)

    def provider(self) -> HTTPProvider:
        """The provider of the settings.

        :raises ConfigError: its key or its address cannot be used.
        """
        with self._lock:
            settings = self._settings
            traits = _traits(settings)
            if self._provider is None or self._provider[0] != traits:
                urls = parts_of(settings.base_url) or [AT_HOME.get(settings.provider, "")]
                here = all(is_here(_host(url)) for url in urls)
                proxy = None if here else settings.proxy  # no proxy leads to this device
                transport = Transport(self.pool, parallel=settings.parallel, proxy=proxy, ca_file=settings.ca_file)
                made = api.create(
                    settings.provider,
                    api_key=settings.key,
                    base_url=settings.base_url or None,
                    transport=transport,
                    backoff=settings.profile.backoff_for(settings.provider),
                )
                self._close_provider()
                self._provider, self._transport = (traits, made), transport
            return self._provider[1]

    def _groups(self) -> List[EndpointGroup]:
        """The endpoints of the provider of the settings, once it was asked for; what another one said is over."""
        made = self._provider
        return [made[1].group] if made is not None and made[0] == _traits(self._settings) else []

    def _close_provider(self) -> None:
        if self._provider is not None:
            self._provider[1].close()

    def route(self, cancel: CancelToken) -> Route:
        """Whom to ask; a server of one's own may have to be asked for the name of its model.

        :raises SubAIError: there is none, or it could not be asked.
        """
        provider = self.provider()
        model = provider.pick_model(self._settings.model, cancel)
        return Route(provider, model, self.price(model))

    @property
    def model(self) -> str:
        """The model as far as it is known without asking anyone."""
        kind = api.PROVIDERS.get(self._settings.provider)
        return self._settings.model or (kind.default_model if kind else "")

    def price(self, model: str) -> Optional[Price]:
        """The price of a model; nothing at a server at home, unless the person's table says otherwise."""
        known = self.prices.price(self._settings.provider, model)
        return Price(0.0, 0.0) if known is None and self._is_at_home() else known

    def _is_at_home(self) -> bool:
        hosts = [_host(url) for url in parts_of(self._settings.base_url)]
        return self._settings.provider == COMPATIBLE and all(map(is_private, hosts))

    def left_this_month(self) -> float:
        """US dollars that may still be spent without asking."""
        return self._settings.monthly_limit - self.store.ledger.this_month().dollars

    def warm_up(self) -> None:
        """Have a connection open before it is needed. Sends nothing; does nothing before the guide was agreed to."""
        if not self._settings.ready:
            return
        try:
            self.provider().warm_up()
        except SubAIError as error:
            log.info("Not warmed up: %s", error.user_message)

    def serve_status(self) -> None:
        """Have the status server run, or not, as the settings say.

        :raises ConfigError: its port cannot be had.
        """
        with self._server_lock:
            wanted = self._settings.status_port
            if wanted == self._server_port or self._closed:
                return
            if self._server is not None:
                self._server.close()
            self._server, self._server_port = None, None
            if wanted is not None:
                self._server = StatusServer(self.watch, token_in(self.folder), wanted)
                self._server_port = wanted

    @property
    def status_address(self) -> str:
        """Where the status server is, without its token; ``""`` where there is none."""
        server = self._server
        return f"http://127.0.0.1:{server.port}/" if server is not None else ""

    def close(self) -> None:
        """End what is in flight within a second, keep what is done."""
        with self._server_lock:
            self._closed = True
            if self._server is not None:
                self._server.close()
        self._close_provider()
        self.pool.close_all(0.5)
        self.store.close()


def _traits(settings: Settings) -> Tuple[object, ...]:
    """What makes a provider another one."""
    backoff = settings.profile.backoff_for(settings.provider)
    return settings.provider, settings.key, settings.base_url, backoff, settings.proxy, settings.ca_file


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:  # it is refused with the right words when it is used
        return ""


def _prices(folder: str) -> Prices:
    try:
        return Prices.load(os.path.join(folder, PRICES))
    except ConfigError as error:
        log.warning("%s", error.user_message)
        return Prices.load()


def _changes(before: PoolConfig, after: PoolConfig) -> str:
    return ", ".join(
        f"{name} {value} -> {getattr(after, name)}"
        for name, value in vars(before).items()
        if value != getattr(after, name)
    )
