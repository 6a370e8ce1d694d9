"""The result of a job as a zip, made while it is sent: no second copy on disk, one image in memory."""

import io
import zipfile
from collections.abc import Iterator

from segmentation_api.jobs.models import Job
from segmentation_api.jobs.stores import open_store


class Window(io.RawIOBase):
    """A file of which the last part alone is in memory; zipfile goes back no further than the entry it writes."""

    def __init__(self) -> None:
        super().__init__()
        self._base, self._part = 0, io.BytesIO()

    def seekable(self) -> bool:
        """Within the part."""
        return True

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """To the part."""
        return self._part.write(data)

    def tell(self) -> int:
        """From the start of the file."""
        return self._base + self._part.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """From the start of the file."""
        return self._base + self._part.seek(offset - self._base, whence)

    def take(self) -> bytes:
        """The part, which then begins anew."""
        data = self._part.getvalue()
        self._base, self._part = self._base + len(data), io.BytesIO()
        return data


def zipped(job: Job) -> Iterator[bytes]:
    """The zip in pieces. Raises OSError if the job is removed meanwhile, which breaks the connection off."""
    window = Window()
    with zipfile.ZipFile(window, "w", zipfile.ZIP_STORED) as archive:
        for path, body in open_store(job).results():
            archive.writestr(path, body)
            yield window.take()
    yield window.take()
