"""Which servers of language models run on this machine, or at an address: Ollama, LM Studio, llama.cpp.

Each is known by something that only it says, since they copy each other's APIs. No key is sent to anyone.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from api.compatible import Compatible
from api.endpoint import Endpoint, root_of
from api.lmstudio import CATALOGUES, LMStudio, catalogue
from api.ollama import PORT, Ollama, models_in
from api.shape import dig, list_at, load, text_at
from core.cancel import CancelToken
from core.config import PoolConfig
from core.connection_pool import ConnectionPoolManager
from core.errors import SubAIError
from core.transport import Request, Transport

HERE = "127.0.0.1"

#: Seconds for all that one server is asked. It is near, and a name in a home network takes a second or two.
PATIENCE = 3.0

#: Name -> whether it is in memory, of the models that can chat.
Models = Mapping[str, bool]
#: The body of what is at a path of the server, or None.
Get = Callable[[str], Optional[bytes]]


@dataclass(frozen=True)
class Kind:
    """One sort of server.

    :ivar provider: which of ours speaks to it, at ``path`` below its root; ``label`` is what a person calls it.
    :ivar port: where it listens unless it is told otherwise.
    :ivar look: what models it has; None if this is no such server.
    """

    provider: str
    label: str
    port: int
    path: str
    look: Callable[[Get], Optional[Models]]


@dataclass(frozen=True)
class LocalServer:
    """One that was found, or (``models`` is None) not.

    :ivar models: name -> whether it is in memory; those that are come first.
    """

    provider: str
    label: str
    base_url: str
    models: Optional[Models]

    @property
    def loaded(self) -> List[str]:
        """The models in memory."""
        return [name for name, loaded in (self.models or {}).items() if loaded]


def find(address: str, cancel: CancelToken, *, ollama: str = "") -> List[LocalServer]:
    """Ask for all kinds at once; takes ``PATIENCE`` seconds at most.

    :param address: of the machine, as ``root_of`` takes it; ``""``: this one. A port in it is the only one asked.
    :param ollama: where Ollama is on this machine, if not in its usual place.
    :raises ConfigError: for what is no address.
    :raises CancelledError: as soon as ``cancel`` is set.
    """
    roots = [root_of(address or (ollama if kind.label == Ollama.label else "") or HERE, kind.port) for kind in KINDS]
    roots = [Endpoint.of(kind.label, root, "").base_url for kind, root in zip(KINDS, roots)]
    found: Dict[str, Optional[Models]] = {}
    deadline = time.monotonic() + PATIENCE

    def probe(kind: Kind, root: str) -> None:
        found[kind.label] = kind.look(lambda path: _get(transport, root + path, cancel, deadline))

    with ConnectionPoolManager(PoolConfig(connect_timeout=PATIENCE)) as pool:
        transport = Transport(pool)
        threads = [
            threading.Thread(target=probe, args=each, name="subai-probe", daemon=True) for each in zip(KINDS, roots)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    cancel.raise_if_cancelled()
    return [
        LocalServer(kind.provider, kind.label, root + kind.path, _ordered(found.get(kind.label)))
        for kind, root in zip(KINDS, roots)
    ]


def _get(transport: Transport, url: str, cancel: CancelToken, deadline: float) -> Optional[bytes]:
    try:
        response = transport.send(Request("GET", url, {"accept": "*/*"}, cancel=cancel, deadline=deadline))
    except SubAIError:  # nobody there, something else there, or no address
        return None
    return response.body if response.status == 200 else None


def _ordered(models: Optional[Models]) -> Optional[Models]:
    return None if models is None else dict(sorted(models.items(), key=lambda item: (not item[1], item[0])))


# --- how each is known ------------------------------------------------------------------------------------------------


def _ollama(get: Get) -> Optional[Models]:
    if (get("/") or b"").strip() != b"Ollama is running":  # server/routes.go; llama.cpp has its paths, but not this
        return None
    names = models_in(_json(get("/api/tags")))
    return {**dict.fromkeys(names, False), **dict.fromkeys(models_in(_json(get("/api/ps"))), True)}


def _lm_studio(get: Get) -> Optional[Models]:
    for path in CATALOGUES:
        models = catalogue(_json(get(path)))
        if models is not None:
            return models
    return None


def _llama_cpp(get: Get) -> Optional[Models]:
    models = [model for model in list_at(_json(get("/v1/models")), "data") if dig(model, "owned_by") == "llamacpp"]
    # One that serves several models says which of them is not loaded.
    return {text_at(one, "id"): dig(one, "status", "value") != "unloaded" for one in models} or None


def _json(body: Optional[bytes]) -> Any:
    return load(body or b"") or {}


KINDS: Sequence[Kind] = (
    Kind(Ollama.name, Ollama.label, PORT, "", _ollama),
    Kind(LMStudio.name, LMStudio.label, 1234, "/v1", _lm_studio),
    Kind(Compatible.name, "llama.cpp", 8080, "/v1", _llama_cpp),
)
