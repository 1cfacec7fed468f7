"""What the films say, and what a provider that knows Spanish makes of it: each line tells when it is spoken."""

import json
import re
from pathlib import Path
from typing import Callable, List, Mapping, Optional

from cli.standin import Answer, Exchange, Fault, Record
from cli.standin.pseudo import cues_in, dump, pseudo_translate
from translate import documents

_SPOKEN = re.compile(r"This is what was said at (\d+) minutes and (\d+) seconds\.")


def spanish(text: str) -> str:
    """Any other text gets the stand-in's brackets."""
    found = _SPOKEN.fullmatch(text)
    if found is None:
        return pseudo_translate(text)
    return "Esto es lo que se dijo a los {} minutos y {} segundos.".format(*found.groups())


def in_spanish(exchange: Exchange) -> None:
    """A fault that is none: the right answer, in better words than the stand-in's own."""
    _answer(exchange, spanish)


def speaks_chinese(exchange: Exchange) -> Optional[Fault]:
    """A script: every request is answered in traditional Chinese."""
    return lambda exchange: _answer(exchange, lambda text: "這是在{}分{}秒說的話。".format(*_SPOKEN.findall(text)[0]))


def _answer(exchange: Exchange, translate: Callable[[str], str]) -> None:
    cues = exchange.chat.cues if exchange.chat else None
    answer = None if cues is None else Answer(dump({key: translate(text) for key, text in cues.items()}))
    exchange.send(exchange.reply(answer))


def speaks_spanish(exchange: Exchange) -> Optional[Fault]:
    """A script: every request is answered in Spanish."""
    return in_spanish


def left_alone(words: str) -> Callable[[Exchange], Optional[Fault]]:
    """A script: lines with ``words`` in them come back as they are, the others in Spanish."""

    def translate(text: str) -> str:
        return text if words in text else spanish(text)

    def script(exchange: Exchange) -> Optional[Fault]:
        return lambda exchange: _answer(exchange, translate)

    return script


def asked(record: Record) -> List[int]:
    """When the lines of a request's batch are spoken, in seconds."""
    return [
        int(found.group(1)) * 60 + int(found.group(2)) for text in _texts(record) for found in _SPOKEN.finditer(text)
    ]


def translated(path: Path) -> List[int]:
    """When those lines of a subtitle file are spoken that are translated by now, in seconds."""
    data = path.read_bytes()
    if not data:  # it is just being written
        return []
    return [int(cue.start) for cue in documents.parse(data, path.name).cues if cue.text.startswith(("Esto es", "這是"))]


def _texts(record: Record) -> List[str]:
    body: Mapping[str, List[Mapping[str, str]]] = json.loads(record.body)
    cues = cues_in(body["messages"][-1]["content"]) if body.get("messages") else None
    return list((cues or {}).values())
