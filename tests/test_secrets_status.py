"""Nothing that the status server serves, and nothing that is written for it, holds a key, a path or a line of dialogue.

Not even when a provider repeats all of them in its refusals.
"""

import json
from pathlib import Path
from typing import Dict, List

import pytest
import standin_faults as faults
from cli_support import SMALL, Run
from kodi_fakes import FakeKodi, fake_kodi
from kodi_service_support import standin
from status_support import TOKEN, get
from test_secrets import WAYS, parts

from cli import run_record
from cli.run_record import RecordedRun
from cli.standin import Exchange, Fault, StandIn
from core.events import EVENTS
from kodi.desk import Desk
from kodi.engine import Engine
from kodi.jobs import FilmJob
from kodi.settings import Settings
from status.answers import PATHS
from status.server import StatusServer
from status.token import token_in
from translate.languages import find

pytest_plugins = ("cli_fixtures",)
__all__ = ["fake_kodi", "standin"]

DIALOGUE = ("Hello there", "Marta", "Where are you", "19:47", "Not tonight", "captain")
PATIENT = 30.0


def everything_echoed(status: int) -> Fault:
    """A refusal with the key, the model's path and the dialogue in it, as its words, its code and a header."""

    def fault(exchange: Exchange) -> None:
        words = f"{exchange.dialect.key_in(exchange.request)} {exchange.request.body.decode()}"
        header = "".join(filter(str.isalnum, words))[:500]
        faults.refusing(status, words, code=words[:200], x_request_id=header)(exchange)

    return fault


def echoed_in_the_answer(exchange: Exchange) -> None:
    faults.saying(lambda text: f"{exchange.dialect.key_in(exchange.request)} {exchange.request.body.decode()}")(
        exchange
    )


def echoed_as_a_place(exchange: Exchange) -> None:
    key = exchange.dialect.key_in(exchange.request)
    faults.redirecting(f"https://{key}.example/home/Marta/captain?key={key}")(exchange)


ECHOES: Dict[str, Fault] = {
    **{f"all in a {status}": everything_echoed(status) for status in (400, 401, 404, 429, 500)},
    "all in the answer": echoed_in_the_answer,
    "all in a redirect": echoed_as_a_place,
    **{way: fault for way, fault in WAYS.items() if "key" in way or way in ("reset", "cut", "html", "none")},
}


def everything_served(server: StatusServer, token: str) -> str:
    """The answers of every address; what they must hold is there, too."""
    served = {path: get(server, path, token) for path in PATHS}
    text = "\n".join(body.decode() for _, _, body in served.values())
    assert {status for status, _, _ in served.values()} <= {200, 503}
    assert "subai_requests_total{" in text
    assert "subai_breaker_state{" in text
    assert json.loads(served["/debug/pool"][2])["events"] != []
    return text


def assert_holds_nothing(told: str, key: str, paths: List[str]) -> None:
    assert [secret for secret in (*parts(key), *DIALOGUE, *paths) if secret in told] == []


@pytest.mark.parametrize("way", ECHOES)
def test_of_a_run_of_the_command_line(
    run: Run,
    there: List[str],
    folder: Path,
    data: Path,
    key: str,
    tls_standin: StandIn,
    way: str,
    no_pauses: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = folder / "private-film.en.srt"
    source.write_text(SMALL, encoding="utf-8")
    model = folder / "private-models" / "model.gguf"
    tls_standin.script = faults.always(ECHOES[way])
    run("translate", str(source), "--to", "es", "--model", str(model), *there)
    assert key in str(tls_standin.log[0].headers)
    assert b"captain" in tls_standin.log[0].body
    monkeypatch.setattr(run_record, "is_under_way", lambda _: True)  # else what is of the moment would be left out
    with StatusServer(RecordedRun(), TOKEN) as server:
        told = everything_served(server, TOKEN)
    assert 'model="model.gguf"' in told
    written = [path.read_text(encoding="utf-8") for path in (data / "runs").iterdir()]
    listed = [run("events").out, run("events", "--json").out, run("stats").out, run("stats", "--json").out]
    assert all(listed)
    paths = ["private-", str(folder), str(data), str(data.parent.parent)]
    assert_holds_nothing("\n".join([told, *written, *listed]), key, paths)


class Ears:
    """Hears of a job what the service would; nothing here wants to know."""

    def adopts(self, job: FilmJob) -> None: ...

    def wrote(self, job: FilmJob) -> None: ...

    def withdraws(self, job: FilmJob) -> None: ...

    def ended(self, job: FilmJob) -> None: ...


@pytest.mark.parametrize("way", ECHOES)
def test_of_kodis_engine(
    fake_kodi: FakeKodi, standin: StandIn, tmp_path: Path, key: str, way: str, no_pauses: None
) -> None:
    for room in EVENTS._latest.values():
        room.clear()  # what others left there is not to be found here
    films, profile = tmp_path / "private-films", tmp_path / "private-profile"
    films.mkdir()
    source = films / "film.en.srt"
    source.write_text(SMALL, encoding="utf-8")
    settings = Settings(
        consent=True,
        provider="compatible",
        key=key,
        base_url=standin.openai_base_url,
        model=str(films / "model.gguf"),
        target=find("es"),
        status_port=0,
    )
    standin.script = faults.always(ECHOES[way])
    engine = Engine(str(profile), settings)
    try:
        engine.serve_status()
        job = FilmJob(Desk(engine).task(str(source), str(films / "film.mkv")), engine, Ears())
        job.start()
        assert job.join(PATIENT)
        engine.watch.tick()
        assert engine._server is not None
        told = everything_served(engine._server, token_in(str(profile)))
    finally:
        engine.close()
    assert key in str(standin.log[0].headers)
    assert b"captain" in standin.log[0].body
    assert 'model="model.gguf"' in told
    assert_holds_nothing(told, key, ["private-", str(tmp_path)])
