"""Server-sent events: from the lines of a stream to the data of each event (WHATWG HTML, section 9.2)."""

from itertools import chain
from typing import Iterable, Iterator, List

DONE = "[DONE]"  # how the OpenAI family marks the end


def events(lines: Iterable[str]) -> Iterator[str]:
    """The data of each event as soon as it is whole; comments and the other fields are passed over.

    ``lines`` are without their ends. Against the standard, an event that the stream's end cuts off counts too: some
    servers leave the last blank line out, and one that was really cut is no JSON.
    """
    data: List[str] = []
    for line in chain(_without_mark(lines), [""]):
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value[1:] if value.startswith(" ") else value)
        elif not line and data:
            text = "\n".join(data)
            data = []
            if text:  # without any, it is no event: some servers keep the connection awake that way
                yield text


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.lstrip("\ufeff")
