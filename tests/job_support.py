"""A job against the stand-in over real sockets: what the tests of the engine share."""

import json
import threading
import time
from dataclasses import replace
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import api
from cli.standin import Answer, Exchange, Fault, StandIn, pseudo_translate
from cli.standin.pseudo import dump
from core.transport import Transport
from translate.asking import Route
from translate.documents import Cue
from translate.job import TranslationJob
from translate.languages import find
from translate.prompt import Brief
from translate.report import CueEvent, JobReport

SPANISH = Brief(find("es"), find("en"))


class Heard:
    """What a job told of its cues, in order; give it as ``on_event``."""

    def __init__(self) -> None:
        self.events: List[CueEvent] = []
        self._changed = threading.Condition()

    def __call__(self, event: CueEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def states(self, index: int) -> List[str]:
        return [event.state for event in self.events if event.index == index]

    def texts(self, state: str) -> Dict[int, str]:
        return {event.index: event.text for event in self.events if event.state == state}

    def wait_for(self, state: str, count: int = 1, seconds: float = 10.0) -> None:
        """Until ``count`` events of this state were told."""
        with self._changed:
            told = self._changed.wait_for(lambda: sum(e.state == state for e in self.events) >= count, seconds)
        assert told, f"not {count} times {state!r} in {seconds} s"


class Running:
    """A job on a thread of its own."""

    def __init__(self, job: TranslationJob) -> None:
        self.job = job
        self._reports: List[JobReport] = []
        self._thread = threading.Thread(target=lambda: self._reports.append(job.run()), name="test-job", daemon=True)
        self._thread.start()

    def report(self, seconds: float = 20.0) -> JobReport:
        """Wait for its end."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the job did not end within {seconds} s"
        return self._reports[0]

    def cancel(self) -> Tuple[JobReport, float]:
        """The report, and the seconds that passed until it was there."""
        began = time.perf_counter()
        self.job.cancel()
        report = self.report()
        return report, time.perf_counter() - began


def lines(count: int) -> List[Cue]:
    """Cues that are easily told apart, one each 3 seconds, without a change of scene."""
    return [line(index, f"Line {index} of the captain's log, {index * 7} words.") for index in range(count)]


def line(index: int, text: str, start: Optional[float] = None, *, tags: Sequence[str] = (), skip: str = "") -> Cue:
    start = index * 3.0 if start is None else start
    return Cue(index=index, start=start, end=start + 2.0, text=text, tags=tuple(tags), skip=skip)


def saying(cues: Sequence[Cue], texts: Mapping[int, str]) -> List[Cue]:
    """``cues`` with other words at these indices."""
    return [replace(cue, text=texts.get(cue.index, cue.text)) for cue in cues]


def route(standin: StandIn, key: str, transport: Transport, name: str = "compatible", model: str = "m") -> Route:
    """A way to ``standin``, as if nobody had ever asked it."""
    base_url = getattr(standin, f"{name}_base_url", standin.openai_base_url)
    provider = api.create(name, api_key=key, base_url=base_url, transport=transport)
    provider.forget_refusals()  # ports come again, and with them what another test learnt of an endpoint
    return Route(provider, model)


# --- what came out ----------------------------------------------------------------------------------------------------


def check(cues: Iterable[Cue], report: JobReport, *, kept: Iterable[int] = ()) -> None:
    """Every cue has its own translation, but for those that keep their source."""
    wanted = {cue.index: pseudo_translate(cue.text) for cue in cues if not cue.skip}
    assert set(report.kept) == set(kept), report.kept
    for index in report.kept:
        del wanted[index]
    assert report.translated == wanted
    assert report.stopped_by is None


def wrong(cues: Iterable[Cue], report: JobReport) -> List[int]:
    """Cues whose accepted translation is not their own."""
    texts = {cue.index: cue.text for cue in cues}
    return [index for index, text in report.translated.items() if text != pseudo_translate(texts[index])]


def workers() -> List[str]:
    """The threads of jobs that are still there."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("subai-worker")]


# --- what was asked ---------------------------------------------------------------------------------------------------


def messages(standin: StandIn) -> List[List[Dict[str, str]]]:
    """Of every request so far, in the order in which they came."""
    return [json.loads(record.body)["messages"] for record in standin.log]


def batches(standin: StandIn) -> List[Dict[str, str]]:
    """The cues of every request so far, under their keys."""
    return [json.loads(asked[-1]["content"]) for asked in messages(standin)]


def texts(standin: StandIn) -> List[str]:
    """Every cue that was asked for so far, as often as it was."""
    return [text for batch in batches(standin) for text in batch.values()]


# --- how it goes wrong ------------------------------------------------------------------------------------------------


def cues_of(exchange: Exchange) -> Dict[str, str]:
    return dict(exchange.chat.cues or {}) if exchange.chat else {}


def where(word: str, fault: Fault) -> Callable[[Exchange], Optional[Fault]]:
    """A script: ``fault`` for every batch in which ``word`` occurs."""
    return lambda exchange: fault if any(word in text for text in cues_of(exchange).values()) else None


def leaving_blank(word: str) -> Fault:
    """Every cue in which ``word`` occurs has an empty translation, whenever it is asked for."""

    def fault(exchange: Exchange) -> None:
        reply = {key: "" if word in text else pseudo_translate(text) for key, text in cues_of(exchange).items()}
        exchange.send(exchange.reply(Answer(dump(reply))))

    return fault
