"""A folder as a place of photos or results.

Without pathlib, whose paths cost more than reading and writing the files.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from segmentation_api.bulk.places import HEAD, SCRATCH, LeftOut, check_bytes, why_left_out


@dataclass(frozen=True)
class Folder:
    """A local folder, or one that all machines of a cluster share."""

    root: str
    scratch: str = SCRATCH
    threads: int = 1

    @property
    def address(self) -> str:
        """Without links, so that addresses can be compared."""
        return f"{os.path.realpath(self.root).rstrip('/')}/"

    def photos(self, left_out: LeftOut, skip: str | None) -> Iterator[str]:
        """Photos, each folder's before those of its subfolders, by name; no more than one folder's names are held.

        `skip` is a folder that is left alone, with a slash at its end: results, where they lie among the photos.
        """
        waiting = [iter([""])]
        while waiting:
            folder = next(waiting[-1], None)
            if folder is None:
                waiting.pop()
                continue
            folders = []
            try:
                entries = sorted(os.scandir(os.path.join(self.root, folder)), key=lambda entry: entry.name)
            except OSError as error:
                left_out(f"{folder or '.'}/", error.strerror or str(error))
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.endswith(SCRATCH) and f"{os.path.realpath(entry.path)}/" != skip:
                        folders.append(path)
                elif reason := _why_left_out(path, entry):
                    left_out(path, reason)
                else:
                    yield path
            waiting.append(iter(folders))

    def read(self, path: str, most: int) -> bytes:
        """The file's bytes. Raises ImageTooLarge for more than `most`, unread."""
        with open(os.path.join(self.root, path), "rb", buffering=0) as file:
            check_bytes(os.fstat(file.fileno()).st_size, most)
            return file.read()

    def stage(self, path: str, data: bytes, about: str = "") -> str:
        """Written under a name of its own in the scratch folder, which is on the same file system."""
        name = os.urandom(16).hex()
        staged = os.path.join(self.root, self.scratch, name)
        try:
            _write(staged, data)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(staged), exist_ok=True)
            _write(staged, data)
        return name

    def about(self, path: str) -> str:
        """Nothing: the journal has all rows whose results are in place."""
        return ""

    def publish(self, path: str, staged: str) -> None:
        """Renamed: whoever looks sees the file whole, or not at all. Raises OSError, for a path out of here too."""
        if not set(path.split("/")).isdisjoint(("", ".", "..")) or "\0" in path:  # keys of S3 may be so
            raise OSError(errno.EINVAL, "a file in DST cannot have this name", path)
        source, target = os.path.join(self.root, self.scratch, staged), os.path.join(self.root, path)
        try:
            os.replace(source, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(source, target)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def _why_left_out(path: str, entry: "os.DirEntry[str]") -> str | None:
    def head() -> bytes:
        with open(entry.path, "rb") as file:
            return file.read(HEAD)

    try:
        if entry.is_symlink():
            return "link"
        if not stat.S_ISREG(entry.stat().st_mode):
            return "not a file"
        return why_left_out(path, head)
    except OSError as error:
        return error.strerror or str(error)
