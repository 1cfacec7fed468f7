"""What the stand-in says instead of a translation, and the wire protocol of the batches it is asked for."""

import json
import re
import unicodedata
from typing import Any, Dict, Mapping, Optional, Sequence

_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")
_SPOKEN = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)
_LETTER = re.compile(r"[^\W\d_]")
SMALL_TALK = "OK"


def pseudo_translate(text: str) -> str:
    """Each line in brackets, its first letter twice: ``- Who are <i>you</i>?`` is ``- ⟦W-Who are <i>you⟧</i>?``.

    Plainly no translation, yet it passes for one into any language: different for each source, not the source again,
    no word that is not in the source, and names, numbers, tags, line breaks and final marks are where they were.
    """
    return "\n".join(_bracketed(line) for line in text.split("\n"))


def _bracketed(line: str) -> str:
    masked = _TAG.sub(lambda tag: " " * len(tag.group()), line)
    spoken = _SPOKEN.search(masked)
    if spoken is None:
        return f"⟦{line}⟧" if line.strip() else line
    start, end = spoken.span()
    while unicodedata.category(masked[end : end + 1] or " ").startswith("M"):
        end += 1  # vowel signs and accents belong to the last letter
    letter = _LETTER.search(masked, start, end)
    if letter is None:
        return f"{line[:start]}⟦{line[start:end]}⟧{line[end:]}"
    at = letter.start()
    return f"{line[:start]}⟦{line[start:at]}{letter.group()}-{line[at:end]}⟧{line[end:]}"


def cues_in(message: str) -> Optional[Dict[str, str]]:
    """The batch that ``message`` is, or None when it is something else: see "The wire protocol" in docs/design.md."""
    if not message.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(message)
    except ValueError:
        return None
    return found if all(isinstance(text, str) for text in found.values()) else None


def dump(cues: Mapping[str, str]) -> str:
    """A batch as the text of a message."""
    return json.dumps(cues, ensure_ascii=False, separators=(",", ":"))


def reply_to(cues: Optional[Mapping[str, str]]) -> str:
    """The model's text: the same object with every value translated, or a short answer to anything else."""
    if cues is None:
        return SMALL_TALK
    return dump({key: pseudo_translate(text) for key, text in cues.items()})


def schema_complaint(schema: Any, cues: Optional[Mapping[str, str]]) -> str:
    """What is wrong with ``schema`` for an answer to ``cues`` under OpenAI's strict rules, or ``""``.

    It must be an object whose properties are strings, all required, no others allowed, and these must be the keys of
    ``cues`` in their order. (Rules: OpenAI, "Structured model outputs", "Supported schemas".)
    """
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return "schema must be a JSON Schema of 'type: \"object\"'."
    properties, required = schema.get("properties"), schema.get("required")
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    if not isinstance(properties, dict) or not all(value == {"type": "string"} for value in properties.values()):
        return "every one of 'properties' is expected to be a string."
    if not isinstance(required, list) or required != list(properties):
        return "'required' is required to be an array of every key in 'properties', in their order."
    return _mismatch(required, list(cues or ()))


def _mismatch(required: Sequence[str], asked: Sequence[str]) -> str:
    if required == asked:
        return ""
    odd = next((key for pair in zip(required, asked) for key in pair if pair[0] != pair[1]), "their number")
    return f"the required keys are not those of the message, in its order; they differ at {odd!r}."
