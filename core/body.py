"""Reading an answer's body with a cap: decoding that cannot be made to swell, and lines cut out of a stream."""

import codecs
import zlib
from typing import Iterator, List

from core.errors import BodyTooLargeError, ProtocolError

CHUNK = 65536
LONGEST_LINE = 4 * 1024 * 1024


def decoded(chunks: Iterator[bytes], encoding: str, cap: int) -> Iterator[bytes]:
    """``chunks`` with their content encoding undone, never more than ``cap`` bytes in all.

    :param encoding: the ``Content-Encoding`` header: empty, ``identity``, ``gzip`` or ``deflate``.
    :raises BodyTooLargeError: more than ``cap`` bytes would come out.
    :raises ProtocolError: an encoding we did not ask for, or data that does not decode.
    """
    if encoding not in ("", "identity"):
        chunks = _inflated(chunks, encoding)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > cap:
            words = f"The answer is larger than {cap // 1024} KB, which no translation is. Check the base URL."
            raise BodyTooLargeError(words)
        yield chunk


def _inflated(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ProtocolError(f"The answer is encoded as {encoding!r}, which was not asked for.")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: recognise gzip and zlib by their headers
    begun = False
    try:
        for chunk in chunks:
            begun = True
            packed = chunk
            while packed:  # in steps of bounded size: 194 KB can hold 200 MB
                yield inflate.decompress(packed, CHUNK)
                packed = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error as error:
        raise ProtocolError("The answer's compression is damaged.") from error
    if begun and not inflate.eof:
        raise ProtocolError("The answer's compression breaks off.")


def lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """The text lines of a stream, without their ends, each as soon as it is whole; damaged UTF-8 becomes U+FFFD.

    :raises ProtocolError: a line passes 4 MiB.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    parts: List[str] = []  # of the line that is not whole yet
    length = 0
    for chunk in chunks:
        *whole, rest = decoder.decode(chunk).split("\n")
        for line in whole:
            yield _without_return("".join((*parts, line)))
            parts.clear()
            length = 0
        parts.append(rest)
        length += len(rest)
        if length > LONGEST_LINE:
            raise ProtocolError("The answer is one endless line, which no translation is. Check the base URL.")
    last = "".join((*parts, decoder.decode(b"", final=True)))
    if last:
        yield last


def _without_return(line: str) -> str:
    return line[:-1] if line.endswith("\r") else line
