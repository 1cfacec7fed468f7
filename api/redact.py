"""A provider's own words, made fit to show: one line, short, and without any echo of the key."""

import re

MAX_WORDS = 300
SHORTEST_ECHO = 8  # shorter parts of a key are ordinary text ("sk-proj")
_READ_AT_MOST = 4000
_MIDDLE_LEFT_OUT = re.compile(r"\*\*|\.\.\.|\u2026")


def words_of(text: str, key: str) -> str:
    """``text`` as one line of at most ``MAX_WORDS`` characters, with every part of ``key`` taken out of it.

    Providers echo keys whole ("Consumer 'api_key:AIza...' has been suspended") and masked ("sk-ab***xyz").
    """
    text = "".join(char if char.isprintable() else " " for char in text[:_READ_AT_MOST])
    text = _without_echoes(text, key)
    text = " ".join("[key]" if _is_masked(token, key) else token for token in text.split())
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 3].rstrip() + "..."


def _without_echoes(text: str, key: str) -> str:
    shortest = min(SHORTEST_ECHO, max(len(key), 4))
    kept, at = [], 0
    while at < len(text):
        end = at + shortest
        if end <= len(text) and text[at:end] in key:
            while end < len(text) and text[at : end + 1] in key:
                end += 1
            kept.append("[key]")
            at = end
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _is_masked(token: str, key: str) -> bool:
    """Whether ``token`` looks like the key with its middle left out."""
    if len(key) < SHORTEST_ECHO or not _MIDDLE_LEFT_OUT.search(token):
        return False
    return "**" in token or key[:3] in token or key[-3:] in token
