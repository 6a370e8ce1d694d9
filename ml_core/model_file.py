"""The ONNX file of a loaded model, for what is opened or sent long after it was loaded."""

import hashlib
import os
import weakref
from collections.abc import Iterator

from ml_core.bundle import MODEL, Bundle, BundleError

_BLOCK = 256 << 10


class ModelFile:
    """A bundle's model.onnx, held open.

    A deployment, a reload or the cache of a bucket may replace the file, and a worker that has not reloaded yet goes on
    with what it runs: further sessions are of this one, and clients are sent this one.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError if the file no longer has the bundle's sha256."""
        self.bundle = bundle
        self._file = (bundle.path / MODEL).open("rb")
        weakref.finalize(self, self._file.close)
        self._state = self._now()
        self.size = self._state[0]  # bytes
        if hashlib.file_digest(self._file, "sha256").hexdigest() != bundle.sha256:
            raise BundleError(f"{bundle.path / MODEL}: changed while it was loaded")

    def intact(self) -> bool:
        """False once the file was written into, rather than replaced."""
        return self._now() == self._state

    def blocks(self) -> Iterator[bytes]:
        """The file in blocks, for any number of clients at once. Raises OSError if it is cut short meanwhile."""
        start = 0
        while start < self.size:
            block = os.pread(self._file.fileno(), min(_BLOCK, self.size - start), start)
            if not block:
                raise OSError("the model's file was cut short")
            start += len(block)
            yield block

    def read(self) -> bytes:
        """All of it, for one caller at a time. Raises OSError if it was written into."""
        self._file.seek(0)
        content = self._file.read()
        if hashlib.sha256(content).hexdigest() != self.bundle.sha256:
            raise OSError("the model's file was written into")
        return content

    def _now(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns
