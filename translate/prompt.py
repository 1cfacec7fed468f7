"""What the model is told: rules, film, glossary, the lines around, and last of all the cues as one JSON object.

The system message goes from what never changes to what changes with each batch, so that providers can reuse their
cached prefix. What comes back is read by ``translate.align``.
"""

import json
import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence, Tuple

from api.base import Message
from translate.languages import Language

_RULES = (
    "You translate film subtitles{source} into {target}. The user sends one JSON object; each value is one subtitle, "
    "in the order of the film. Reply with one JSON object that has exactly the same keys, each with the translation of "
    "that one subtitle. Never merge, split, move, drop or add any, even where a sentence runs on into the next. Write "
    "natural spoken {target}, short enough to be read in time. Keep tags such as <i> or {{\\i1}}, names, numbers, ♪ "
    "and the line breaks. Translate songs, signs and sounds in brackets too. Reply with the JSON object alone."
)
_ANCHORS = "Each key repeats the first words of its subtitle, so that none can slip: copy the keys as they are."
_TAG = re.compile(r"<[^>]*>|\{[^}]*\}")
_NOT_WORD = re.compile(r"[^\w]+")
ANCHOR_WORDS = 3
ANCHOR_CHARS = 24


@dataclass(frozen=True)
class Brief:
    """What stays the same for a whole film.

    :ivar source: the source language, or None where it is not known.
    :ivar style: a wish of the person's ("formal", "for children"), or ``""``.
    :ivar film: title, year, plot, cast: free text, or ``""``.
    :ivar glossary: source term -> target term.
    """

    target: Language
    source: Optional[Language] = None
    style: str = ""
    film: str = ""
    glossary: Tuple[Tuple[str, str], ...] = ()

    def system_text(self) -> str:
        """The part of the system message that no batch changes."""
        source = f" from {self.source.name}" if self.source else ""
        parts = [_RULES.format(source=source, target=self.target.name)]
        if self.style:
            parts.append(f"Style: {self.style}")
        if self.film:
            parts.append(f"The film: {self.film}")
        if self.glossary:
            parts.append("Always translate: " + "; ".join(f"{source} = {target}" for source, target in self.glossary))
        return "\n".join(parts)


def plain_keys(count: int) -> Tuple[str, ...]:
    """``("1", ..., "count")``: the batch's own numbering."""
    return tuple(str(number) for number in range(1, count + 1))


def anchored_keys(texts: Sequence[str]) -> Tuple[str, ...]:
    """Keys like ``"7 Where are"``: the number and the first words, for a batch that went wrong once."""
    return tuple(f"{number} {_first_words(text)}".rstrip() for number, text in enumerate(texts, 1))


def messages(
    brief: Brief, keys: Sequence[str], texts: Sequence[str], before: Sequence[str] = (), after: Sequence[str] = ()
) -> Tuple[Message, ...]:
    """The messages of one batch: ``texts`` under ``keys``; ``before`` and ``after`` are the lines around it."""
    system = [brief.system_text()]
    if any(not key.isdigit() for key in keys):
        system.append(_ANCHORS)
    if before:
        system.append("The lines before, for context only: " + _one_line_each(before))
    if after:
        system.append("The lines after, for context only: " + _one_line_each(after))
    cues: Mapping[str, str] = dict(zip(keys, texts))
    return Message("system", "\n".join(system)), Message("user", _dump(cues))


def _dump(cues: Mapping[str, str]) -> str:
    return json.dumps(cues, ensure_ascii=False, separators=(",", ":"))


def _one_line_each(texts: Sequence[str]) -> str:
    return " / ".join(" ".join(_TAG.sub("", text).split()) for text in texts)


def _first_words(text: str) -> str:
    words = _NOT_WORD.sub(" ", _TAG.sub("", text)).split()
    return " ".join(words[:ANCHOR_WORDS])[:ANCHOR_CHARS].rstrip()
