"""What a model costs: the bundled table of list prices, and a table of the person's own that goes before it.

Prices are US dollars for a million tokens. How many tokens a job takes is costs.py's.
"""

import fnmatch
import json
import math
import os
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from api.base import Usage
from core.errors import ConfigError

BUNDLED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "resources", "prices.json")

# What names the edition of a model and not another model: dates, build numbers, "latest", "preview".
_EDITION = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{3,4}|latest|preview|exp))+$")


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens of prompt (``input``) and of answer (``output``)."""

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """US dollars."""
        return (usage.prompt_tokens * self.input + usage.completion_tokens * self.output) / 1_000_000


@dataclass(frozen=True)
class _Table:
    models: Mapping[str, Mapping[str, Price]]  # provider -> name or pattern -> price
    same_as: Mapping[str, Mapping[str, str]]  # provider -> vendor prefix -> provider whose prices it passes on
    as_of: str

    def find(self, provider: str, model: str) -> Optional[Price]:
        """By exact name, else without the edition, else by the longest pattern, else as the vendor's own."""
        prices = self.models.get(provider, {})
        wanted = _plain(model)
        for name in (wanted, _EDITION.sub("", wanted)):
            if name in prices:
                return prices[name]
        fitting = [pattern for pattern in prices if "*" in pattern and fnmatch.fnmatchcase(wanted, pattern)]
        if fitting:
            return prices[max(fitting, key=len)]
        for prefix, vendor in self.same_as.get(provider, {}).items():
            if wanted.startswith(prefix):
                passed_on = self.find(vendor, wanted[len(prefix) :])
                # What the vendor gives away, others charge for.
                return passed_on if passed_on is not None and passed_on.input + passed_on.output > 0 else None
        return None


class Prices:
    """The tables in the order in which they are asked."""

    def __init__(self, tables: Tuple[_Table, ...]) -> None:
        self._tables = tables

    @classmethod
    def load(cls, user_path: Optional[str] = None) -> "Prices":
        """The bundled table, and before it the one at ``user_path`` if there is such a file.

        :raises ConfigError: the person's table cannot be used; the message names the entry.
        """
        paths = [user_path] if user_path and os.path.exists(user_path) else []
        return cls(tuple(_read(path) for path in [*paths, BUNDLED]))

    @property
    def as_of(self) -> str:
        """The date of the bundled table, as ``2026-11-21``."""
        return self._tables[-1].as_of

    def price(self, provider: str, model: str) -> Optional[Price]:
        """The price of a model by its name at the provider, or None where no table knows it."""
        for table in self._tables:
            found = table.find(provider, model)
            if found is not None:
                return found
        return None

    def cost(self, provider: str, model: str, usage: Usage) -> Optional[float]:
        """US dollars for ``usage``, or None where no table knows the price."""
        price = self.price(provider, model)
        return None if price is None else price.cost(usage)


def _plain(name: str) -> str:
    # Some write claude-sonnet-4.5, some claude-sonnet-4-5; Gemini's own list has "models/" before each name.
    plain = name.strip().lower().replace(".", "-")
    return plain[len("models/") :] if plain.startswith("models/") else plain


def _read(path: str) -> _Table:
    try:
        with open(path, encoding="utf-8-sig") as file:
            document = json.load(file)
    except OSError as error:
        raise ConfigError(f"The prices in {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"The prices in {path} are not valid JSON{where}: mend or delete the file.") from error
    return _Reader(path).table(document)


class _Reader:
    """Checks a decoded table; each complaint names the file and the entry."""

    def __init__(self, path: str) -> None:
        self._path = path

    def table(self, document: Any) -> _Table:
        providers = self._mapping(self._mapping(document, []).get("providers", {}), ["providers"])
        models: Dict[str, Dict[str, Price]] = {}
        same_as: Dict[str, Dict[str, str]] = {}
        for provider, entry in providers.items():
            fields = self._mapping(entry, [provider])
            rows = self._mapping(fields.get("models", {}), [provider, "models"])
            models[provider] = {_plain(name): self._price(row, [provider, name]) for name, row in rows.items()}
            same_as[provider] = self._vendors(fields.get("same_as", {}), [provider, "same_as"])
        return _Table(models, same_as, str(document.get("as_of", "")))

    def _vendors(self, value: Any, where: List[str]) -> Dict[str, str]:
        for prefix, vendor in self._mapping(value, where).items():
            if not prefix or not isinstance(vendor, str):
                raise self._complaint(
                    [*where, prefix], 'must name a provider for a prefix, such as "openai/": "openai"'
                )
        return dict(value)

    def _price(self, row: Any, where: List[str]) -> Price:
        fields = self._mapping(row, where)
        return Price(*(self._dollars(fields.get(name), [*where, name]) for name in ("input", "output")))

    def _dollars(self, value: Any, where: List[str]) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise self._complaint(where, "must be US dollars for a million tokens, such as 0.25")
        return float(value)

    def _mapping(self, value: Any, where: List[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._complaint(where, 'must be a JSON object, such as {"input": 0.25, "output": 2}')
        return value

    def _complaint(self, where: List[str], what: str) -> ConfigError:
        entry = " / ".join(where) or "the whole"
        return ConfigError(f"In the prices in {self._path}: {entry} {what}.")
