"""Exit codes, and which error ends with which."""

from core.errors import CancelledError, ConfigError, InputError, SubAIError

ALL_TRANSLATED = 0
BAD_INPUT = 1
BAD_USAGE = 2
SOME_KEPT = 3
REFUSED = 4
CANCELLED = 130


def code_for(error: SubAIError) -> int:
    """The exit code of a run that ended with ``error``."""
    if isinstance(error, CancelledError):
        return CANCELLED
    if isinstance(error, InputError):
        return BAD_INPUT
    if isinstance(error, ConfigError):
        return BAD_USAGE
    return REFUSED
