"""The WSGI input of a body in chunks, as gunicorn reads it."""

from collections.abc import Iterator
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import ChunkedReader

FREE_CHUNKS, LEAST_MEAN = 8192, 256
"""Chunks of any size; what those beyond must have on average, in bytes."""


class ChunkedBody:
    """gunicorn's errors for a broken body become OSError, as Django expects; so does one in too many small chunks."""

    def __init__(self, body: Any) -> None:
        self.stream, self.readline = body, body.readline
        if isinstance(body.reader, ChunkedReader):
            body.reader.parser = bounded(body.reader.parser)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; empty at the end."""
        try:
            return bytes(self.stream.read(size))
        except errors.ParseException as error:
            raise OSError("broken chunked body") from error


def bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a body. Raises InvalidChunkSize for many small ones: each byte of them costs microseconds."""
    size = 0
    for count, piece in enumerate(pieces):
        size += len(piece)
        if count >= FREE_CHUNKS + size // LEAST_MEAN:
            raise errors.InvalidChunkSize(b"too small")
        yield piece
