"""The first line of an answer: interim ones are passed over, and the attempt is told of the very first byte.

Shared by the pool and by the fallback, so it needs the standard library only.
"""

import http.client
from typing import Tuple

from core.attempt import current_attempt


class FinalResponse(http.client.HTTPResponse):
    """``http.client`` skips ``100 Continue`` by itself and takes any other interim answer for the final one.

    101 stays what it is: nobody asked for another protocol (RFC 9110, 15.2).
    """

    def _read_status(self) -> Tuple[str, int, str]:
        attempt = current_attempt()
        if self.fp.peek(1) and attempt is not None:
            attempt.answered = True
        while True:
            status: Tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 102 <= status[1] <= 199:
                return status
            http.client.parse_headers(self.fp)
