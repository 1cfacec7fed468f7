"""What every fault must come to: an answer or one clear error. That nothing is left behind is ``nothing_leaks``'s."""

import time
from typing import Tuple, Type, Union

from core.errors import SubAIError
from core.messages import Request
from core.transport import Transport

#: Longer than anything here may take, on a machine that has other things to do as well.
HANGING = 20.0

Expected = Union[bytes, Tuple[Type[SubAIError], str]]


def outcome(transport: Transport, request: Request) -> Expected:
    """What came of it: the answer's body, or the kind of the error and its words."""
    began = time.monotonic()
    try:
        return transport.send(request).body
    except SubAIError as error:
        message = error.user_message
        assert "\n" not in message
        assert message.isprintable()
        assert message.endswith(".")
        assert len(message) < 200
        assert not any(word in message for word in ("object at", "Error(", "_ssl", "errno", "Errno", "None"))
        return type(error), message
    finally:
        assert time.monotonic() - began < HANGING
        assert [seen.active for seen in transport.pool.stats().values() if seen.active] == [], "a permit is missing"


def check(found: Expected, expected: Expected) -> None:
    """The same answer, or an error of just this kind that holds these words."""
    if isinstance(found, bytes) or isinstance(expected, bytes):
        assert found == expected
    else:
        assert found[0] is expected[0], found
        assert expected[1] in found[1]
