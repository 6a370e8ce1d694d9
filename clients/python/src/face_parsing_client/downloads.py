"""A model's ONNX file on its way to a path: fetched only if it changed, and checked by its sha256."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO, Self

import httpx

from face_parsing_client.calls import ONNX, Call, media_type_of, model
from face_parsing_client.errors import ConnectionFailed

FilePath = str | os.PathLike[str]


class Download:
    """A file beside `path` that takes its name once it is whole; gone after `with` otherwise."""

    def __init__(self, name: str, path: FilePath) -> None:
        self.name, self.path = name, Path(path)
        self._file: IO[bytes] | None = None
        self._sum = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)

    def call(self) -> Call[bool]:
        """The request; with the sum of the file at `path`, if there is one, as If-None-Match."""
        headers = {}
        if self.path.exists():
            with self.path.open("rb") as file:
                headers["If-None-Match"] = f'"{hashlib.file_digest(file, "sha256").hexdigest()}"'
        return Call("GET", f"{model(self.name).path}model.onnx", self.finish, headers=headers)

    def begin(self) -> None:
        """Start anew, as each attempt does."""
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115  # __exit__ closes it
                dir=self.path.parent, prefix=f".{self.path.name}-", delete=False
            )
        self._file.seek(0)
        self._file.truncate()
        self._sum = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """The next piece."""
        assert self._file is not None
        self._file.write(chunk)
        self._sum.update(chunk)

    def finish(self, response: httpx.Response) -> bool:
        """Whether a file was written, now at `path`."""
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return False
        assert self._file is not None
        media_type_of(response, ONNX)
        expected = response.headers.get("ETag", "").removeprefix("W/").strip('"')
        if expected and expected != self._sum.hexdigest():
            raise ConnectionFailed(f"The file of {self.name} came with another sha256 than {expected}.")
        self._file.close()
        Path(self._file.name).chmod(0o644)  # a temporary file is for its owner alone
        Path(self._file.name).replace(self.path)
        return True
