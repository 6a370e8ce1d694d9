"""A photo as the body of a request, sent in chunks and as often as it is tried."""

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

CHUNK = 256 * 1024

Photo = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO
"""Its bytes, a path, or a binary file, which is sent from where it stands and stays open."""


class Upload:
    """The bytes of one photo, yielded from the start for each attempt.

    Neither a path nor a seekable file is read as a whole, and buffers are not copied.
    """

    def __init__(self, photo: Photo) -> None:
        self.path: Path | None = None
        self.file: BinaryIO | None = None
        self.start = 0
        self.buffer = memoryview(b"")
        if isinstance(photo, bytes | bytearray | memoryview):
            self._hold(photo)
        elif isinstance(photo, str | os.PathLike):
            self.path = Path(photo)
            self.size = self.path.stat().st_size
        else:
            self._take(photo)
        if not self.size:
            raise ValueError("The photo is empty.")

    def _hold(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        self.buffer = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        self.size = self.buffer.nbytes

    def _take(self, file: Any) -> None:
        if isinstance(file, io.TextIOBase) or not callable(getattr(file, "read", None)):
            kind = "a text file" if isinstance(file, io.TextIOBase) else type(file).__name__
            raise TypeError(f"A photo is bytes, a path or a binary file, not {kind}.")
        seekable = getattr(file, "seekable", None)
        if seekable is None or not seekable():
            self._hold(file.read())  # it could not be sent twice
            return
        self.file, self.start = file, file.tell()
        self.size = file.seek(0, os.SEEK_END) - self.start
        file.seek(self.start)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO | None]:
        if self.path is not None:
            with self.path.open("rb") as file:
                yield file
        else:
            if self.file is not None:
                self.file.seek(self.start)
            yield self.file

    def _slices(self) -> Iterator[memoryview]:
        for start in range(0, self.size, CHUNK):
            yield self.buffer[start : start + CHUNK]

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The photo's bytes."""
        with self._opened() as file:
            if file is None:
                yield from self._slices()
                return
            while chunk := file.read(CHUNK):
                yield chunk

    async def async_chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The photo's bytes, read in a thread."""
        with self._opened() as file:
            if file is None:
                for part in self._slices():
                    yield part
                return
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
