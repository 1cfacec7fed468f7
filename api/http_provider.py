"""A provider over HTTP: its keys and addresses, and every request to it with the tries that it deserves."""

import abc
from contextlib import suppress
from typing import ClassVar, Dict, Iterator, List, Optional

from api.answer import Answer, Piece
from api.base import ChatRequest, ChatResult, ChatStream
from api.endpoint import endpoints_of, labels_of, parts_of
from api.errors_map import Source
from api.exchange import ChatExchange, Opened, settle
from core import events
from core.backoff import rate_limited_backoff_on_429
from core.cancel import CancelToken
from core.config import BackoffConfig
from core.connection_pool import connection_pool_manager
from core.endpoint_group import STICKY, EndpointGroup
from core.endpoints import Target, endpoint_id
from core.errors import ConfigError, SubAIError, TransportError
from core.transport import Request, Transport


class HTTPProvider(ChatExchange):
    """What every provider over HTTP shares.

    :cvar key_name: the environment variable that holds the key, for messages.
    :cvar key_page: where a person makes a key; ``""`` when there is no such page.
    :cvar needs_key: False for a server that may run without.
    :cvar model_hint: what to do about a model that the provider does not have.

    :param api_key: or several, with commas between; ``base_url`` likewise (see ``api.endpoint.endpoints_of``).
    :param transport: how to reach it; over the shared pool if None.
    :param balance: how requests are spread over several endpoints.
    :param backoff: how to ask again; the provider's usual way if None.
    :raises ConfigError: for a key or a base URL that cannot be used.
    """

    default_base_url: ClassVar[str] = ""
    key_name: ClassVar[str]
    key_page: ClassVar[str] = ""
    needs_key: ClassVar[bool] = True
    model_hint: ClassVar[str] = "See what it has: ./subai models --provider {name}"

    def __init__(
        self,
        *,
        api_key: str = "",
        base_url: Optional[str] = None,
        transport: Optional[Transport] = None,
        balance: str = STICKY,
        backoff: Optional[BackoffConfig] = None,
    ) -> None:
        if not (base_url or self.default_base_url):
            raise ConfigError(
                f"There is no base URL for {self.label}. Enter one like http://localhost:1234/v1", provider=self.name
            )
        roots = ",".join(map(self._root, parts_of(base_url or self.default_base_url)))
        self._endpoints = endpoints_of(self.label, roots, api_key)
        if self.needs_key and not all(endpoint.key for endpoint in self._endpoints):
            raise ConfigError(
                f"There is no key for {self.label}. Set {self.key_name}; make one{self._at_page()}.", provider=self.name
            )
        targets = [
            Target(endpoint_id(one.base_url, one.key), one.base_url, self._auth(one.key) if one.key else {}, label)
            for one, label in zip(self._endpoints, labels_of(self._endpoints))
        ]
        self.group = EndpointGroup(targets, balance)
        self._sources = {
            target.id: Source(self.name, self.label, self._key_hint(), one.key, self.model_hint)
            for target, one in zip(targets, self._endpoints)
        }
        self._transport = transport or Transport(connection_pool_manager)
        self._backoff = backoff
        persistent = rate_limited_backoff_on_429(provider=self.name, settings=backoff)
        self._fetch = persistent(self._fetch_once)
        self._answer = persistent(self._answer_once)
        self._open = rate_limited_backoff_on_429(provider=self.name, settings=backoff, goes_on=True)(self._open_once)

    def __repr__(self) -> str:
        return f"<{self.label} at {', '.join(dict.fromkeys(endpoint.host for endpoint in self._endpoints))}>"

    @property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end; of several the first."""
        return self._endpoints[0].base_url

    @property
    def has_key(self) -> bool:
        """Whether requests carry one."""
        return any(endpoint.key for endpoint in self._endpoints)

    def each(self) -> Dict[str, "HTTPProvider"]:
        """What each endpoint is called -> the same provider with no other one."""
        return {
            label: type(self)(api_key=one.key, base_url=one.base_url, transport=self._transport, backoff=self._backoff)
            for one, label in zip(self._endpoints, labels_of(self._endpoints))
        }

    def close(self) -> None:
        """Nobody is going to ask it any more. What is in flight goes on; the connections are the pool's and stay."""
        events.record(events.PROVIDER_CLOSED, {"provider": self.name})

    def warm_up(self) -> None:
        """Have a connection open before the first request; sends nothing on it.

        :raises TransportError: it could not be opened, nor to any other base URL.
        """
        *others, last = dict.fromkeys(endpoint.base_url for endpoint in self._endpoints)
        for url in others:
            with suppress(TransportError):
                self._transport.warm_up(url, provider=self.name)
                return
        self._transport.warm_up(last, provider=self.name)

    def forget_refusals(self) -> None:
        self.group.enable()

    def take_notices(self) -> List[str]:
        return self.group.take_notices()

    def complete(self, request: ChatRequest) -> ChatResult:
        return self._answer(self._chat_request(request, streaming=False), request)

    def stream(self, request: ChatRequest) -> ChatStream:
        opened = self._open(self._chat_request(request, streaming=True), request)
        answer = Answer(self.name, self.label, request.model)
        deltas = (delta for delta in map(answer.add, _watched(opened)) if delta)

        def close() -> None:
            opened.response.close()
            if opened.request.turn is not None:
                opened.request.turn.over()
            settle(opened.request, answer.usage)

        return ChatStream(deltas, finish=answer.result, usage=lambda: answer.usage, close=close)

    # --- what a provider's module says --------------------------------------------------------------------------------

    @abc.abstractmethod
    def _auth(self, key: str) -> Dict[str, str]:
        """The headers that carry the key."""

    def _root(self, base_url: str) -> str:
        """What a person may have entered as the base URL, as this provider's requests need it."""
        return base_url

    # --- requests -----------------------------------------------------------------------------------------------------

    def _chat_request(self, chat: ChatRequest, *, streaming: bool) -> Request:
        accept = self.stream_type if streaming else "application/json"
        request = self._request("POST", "", chat.cancel, accept)
        headers = {**request.headers, "content-type": "application/json"}
        return request.but(
            headers=headers,
            model=chat.model,
            deadline=chat.deadline,
            tokens=chat.tokens,
            affinity=chat.affinity,
        )

    def _request(self, method: str, path: str, cancel: CancelToken, accept: str = "application/json") -> Request:
        """``path`` follows the base URL."""
        return Request(method, path, {"accept": accept}, provider=self.name, cancel=cancel, group=self.group)

    def _key_hint(self) -> str:
        return f"Check {self.key_name} or make a new key{self._at_page()}."

    def _at_page(self) -> str:
        return f" at {self.key_page}" if self.key_page else ""


def _watched(opened: Opened) -> Iterator[Piece]:
    """The pieces; one that does not come in full speaks against the endpoint, though it began well."""
    try:
        yield from opened.pieces
    except SubAIError as error:
        if opened.request.turn is not None:
            opened.request.turn.failed(error)
        raise
