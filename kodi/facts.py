"""What Kodi knows of a film, as the few words that help a model to translate it: names, places, who speaks."""

from typing import Any, Mapping

MOST_PLOT = 400  # characters
MOST_CAST = 12  # people: the rest says a line or two


def film_words(facts: Mapping[str, Any]) -> str:
    """One line from the fields of Kodi's ``Player.GetItem``; ``""`` where nothing is known."""
    parts = [part for part in (_title(facts), _plot(facts), _cast(facts)) if part]
    return " ".join(" ".join(part if part.endswith("…") else part + "." for part in parts).split())


def _title(facts: Mapping[str, Any]) -> str:
    title, show = _text(facts, "title"), _text(facts, "showtitle")
    year = facts.get("year")
    if show:
        season, episode = facts.get("season"), facts.get("episode")
        numbered = isinstance(season, int) and isinstance(episode, int) and season >= 0 and episode >= 0
        number = f", season {season}, episode {episode}" if numbered else ""
        return f"{show}{number}{': ' + title if title else ''}"
    return f"{title} ({year})" if title and isinstance(year, int) and year > 0 else title


def _plot(facts: Mapping[str, Any]) -> str:
    plot = _text(facts, "plot") or _text(facts, "plotoutline")
    return plot if len(plot) <= MOST_PLOT else plot[:MOST_PLOT].rsplit(" ", 1)[0] + " …"


def _cast(facts: Mapping[str, Any]) -> str:
    cast = facts.get("cast")
    known = [person for person in (cast if isinstance(cast, list) else [])[:MOST_CAST] if isinstance(person, dict)]
    people = [f"{_text(person, 'role')} ({_text(person, 'name')})" for person in known if _text(person, "role")]
    return "Characters: " + ", ".join(people) if people else ""


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return value.strip().rstrip(".") if isinstance(value, str) else ""
