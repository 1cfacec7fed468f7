"""What the buttons on the settings screen do. Kodi has closed and stored the screen by then; it is opened again."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from core.errors import InputError
from kodi import addon, first_run, key_file, settings, status_window, stored, strings, windows
from kodi.messages import ask
from kodi.strings import localised

#: Seconds: two requests, each with its own connection timeout and retries, or a long list of models.
TEST_PATIENCE = 120.0


def run(action: str) -> bool:
    """Do what the button called ``action`` says; False if there is no such button."""
    if action not in _ACTIONS:
        return False
    act, page = _ACTIONS[action]
    act()
    addon.open_settings(page)
    return True


def guide() -> None:
    """The first-run guide, and the test at its end if the person wants one."""
    if not first_run.run():
        return
    provider = stored.text("provider")
    if provider in settings.AT_HOME and not stored.text(f"{provider}_model"):
        _choose_model()
    provider = first_run.provider_name(provider)
    wanted = windows.confirm(localised(strings.ASK_TEST, provider=provider), strings.TEST, strings.LATER)
    if not wanted or _test_passed():
        windows.tell(localised(strings.READY))


def _test_passed() -> bool:
    """Test and show what came of it."""
    answer = _asked("test_connection")
    if answer is None:
        return False
    windows.show_text(addon.name(), str(answer.get("text", "")))
    return bool(answer.get("ok"))


def _test() -> None:
    _test_passed()


def _show_status() -> None:
    def fetch() -> Optional[Mapping[str, Any]]:
        answer = ask("connections")
        if answer is None:
            windows.tell(localised(strings.NO_SERVICE))
        return answer

    status_window.show(fetch)


def _reset() -> None:
    settings.reset_connections()
    windows.notice(localised(strings.RESET_DONE))


def _read_key() -> None:
    provider = stored.text("provider")
    try:
        key = key_file.ask_and_read(provider)
    except InputError as error:
        windows.tell(error.user_message)
        return
    if key:
        stored.store({f"{provider}_api_key": key})
        windows.notice(localised(strings.KEY_STORED, provider=first_run.provider_name(provider)))


def _choose_model() -> None:
    provider = stored.text("provider")
    setting = f"{provider}_model"
    current = stored.text(setting)
    answer = _asked("models")
    if answer is None:
        return
    if not answer.get("ok"):
        windows.tell(str(answer.get("text", "")))
    models = [str(model) for model in answer.get("models", ())]
    items = [localised(strings.USUAL_MODEL), localised(strings.TYPE_MODEL), *models]
    heading = localised(strings.MODEL_OF, provider=first_run.provider_name(provider))
    chosen = windows.choose(heading, items, items.index(current) if current in models else 0)
    if chosen is None:
        return
    model = "" if chosen == 0 else items[chosen]
    if chosen == 1:
        model = windows.ask_text(localised(strings.TYPE_MODEL), current) or current
    stored.store({setting: model})


def _find_servers() -> None:
    heading = localised(strings.FIND_SERVERS)
    where = windows.choose(heading, [localised(strings.ON_THIS_DEVICE), localised(strings.AT_ADDRESS)])
    address = windows.ask_text(localised(strings.SERVER_ADDRESS)) if where == 1 else ""
    if where is None or (where == 1 and not address):
        return
    answer = _asked("find_servers", localised(strings.SEARCHING), {"address": address})
    if answer is None:
        return
    servers: List[Dict[str, Any]] = answer.get("servers", [])
    choices = [(server, model) for server in servers for model in server["models"]]
    if not choices:
        empty = localised(strings.SERVER_EMPTY, server=servers[0]["label"]) if servers else ""
        windows.tell(empty or str(answer.get("text", "")))
        return
    chosen = windows.choose(heading, [_server_row(server, model) for server, model in choices], 0)
    if chosen is not None:
        server, model = choices[chosen]
        provider = server["provider"]
        address = server["base_url"]
        stored.store({"provider": provider, f"{provider}_base_url": address, f"{provider}_model": model})
        windows.notice(localised(strings.SERVER_STORED, server=server["label"], model=model))


def _server_row(server: Mapping[str, Any], model: str) -> str:
    text = strings.SERVER_LOADED if server["models"][model] else strings.SERVER_MODEL
    return localised(text, server=server["label"], model=model)


def _asked(action: str, doing: str = "", data: Optional[Dict[str, Any]] = None) -> Optional[Dict[str, Any]]:
    """What the service answers to something that takes it a while; None when the person gave up, or was told.

    :param doing: what the person sees meanwhile; that the provider is asked, if ``""``.
    """
    doing = doing or localised(strings.ASKING, provider=first_run.provider_name(stored.text("provider")))
    answer = ask("status")  # it answers at once, or is not there; what follows may take its time
    if answer is None:
        windows.tell(localised(strings.NO_SERVICE))
        return None
    with windows.working(doing) as given_up:
        answer = ask(action, data, TEST_PATIENCE, given_up=given_up)
        silent = answer is None and not given_up()
    if silent:
        windows.tell(localised(strings.NO_SERVICE))
    return answer


#: Each button and the page that it is on.
_ACTIONS: Dict[str, Tuple[Callable[[], None], int]] = {
    "test_connection": (_test, addon.CONNECTIONS),
    "status": (_show_status, addon.CONNECTIONS),
    "reset_connections": (_reset, addon.CONNECTIONS),
    "choose_model": (_choose_model, addon.PROVIDERS),
    "read_key": (_read_key, addon.PROVIDERS),
    "find_servers": (_find_servers, addon.PROVIDERS),
    "first_run": (guide, addon.PROVIDERS),
}
