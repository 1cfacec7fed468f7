"""Exit codes, and which error ends with which."""

from typing import Tuple, Type

from core.database_file import DatabaseError
from core.errors import CancelledError, ConfigError, InputError, SubAIError
from translate.film import OutputTakenError
from translate.purse import CostLimitError

ALL_TRANSLATED = 0
BAD_INPUT = 1
BAD_USAGE = 2
SOME_KEPT = 3
REFUSED = 4
CANCELLED = 130


_CODES: Tuple[Tuple[Tuple[Type[SubAIError], ...], int], ...] = (
    ((CancelledError,), CANCELLED),
    ((ConfigError, OutputTakenError), BAD_USAGE),
    ((InputError, DatabaseError), BAD_INPUT),
    ((CostLimitError,), SOME_KEPT),
)


def code_for(error: SubAIError) -> int:
    """The exit code of a run that ended with ``error``."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), REFUSED)
