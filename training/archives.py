"""Zip and tar archives, unpacked once per content, inside of their folder and within a limit of size."""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import track

from ml_core.bundle import sha256_of
from training.photos import DataError
from training.staging import making

AFTER = 64
"""MiB that may follow the end of a tar archive; some writers fill up their last block."""

ZIPPED = b"PK\x03\x04"

DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    NotImplementedError,  # a method of compression that zipfile lacks
    RuntimeError,  # zipfile on a password
    OSError,  # bzip2 and checksums; a full disk, too
)
"""What reading an archive raises."""


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, or the beginning of one."""
    try:
        return _is_zip(path) or tarfile.is_tarfile(path)
    except DAMAGED:  # it is compressed, and ends too soon
        return True


def _is_zip(path: Path) -> bool:
    """Whether a file is a zip archive, or begins as one."""
    with path.open("rb") as file:
        return file.read(len(ZIPPED)) == ZIPPED or zipfile.is_zipfile(path)


def unpack(archive: Path, cache: Path, limit: float) -> Path:
    """The folder in `cache` with the archive's files. Raises DataError.

    An archive of more than `limit` bytes, unpacked, is refused before anything is written.
    """
    root = cache / f"{archive.name.partition('.')[0]}-{sha256_of(archive)[:12]}"
    if root.exists():
        return root
    try:
        with _opened(archive, limit) as (members, size, extract), making(root) as part:
            free = shutil.disk_usage(part).free
            if size > free:
                raise DataError(f"{archive}: unpacks to {size} bytes, but {cache} has {free} free")
            for member in track(members, description=f"unpacking {archive.name}"):
                extract(member, part)
    except DAMAGED as error:
        raise DataError(f"{archive}: {error}") from error
    return root


@contextmanager
def _opened(
    archive: Path, limit: float
) -> Iterator[tuple[Sequence[Any], int, Callable[[Any, Path], object]]]:
    """Members, unpacked size in bytes, and a function (member, folder) that extracts inside the folder only."""
    if not is_archive(archive):
        with archive.open("rb") as file:
            start = file.read(40)
        raise DataError(f"{archive}: neither a zip nor a tar archive, it begins with {start!r}")
    if _is_zip(archive):
        if not zipfile.is_zipfile(archive):  # its list of files is at its end
            raise DataError(f"{archive}: damaged or cut short")
        with zipfile.ZipFile(archive) as zipped:  # extract() drops drive letters, roots and ".."
            members = zipped.infolist()
            yield members, _total(archive, members, "file_size", limit), zipped.extract
        return
    with tarfile.open(archive) as tarred:
        total = _total(archive, tarred, "size", limit)  # read member by member: a bomb ends at the limit
        _check_end(archive, tarred)
        yield (
            tarred.getmembers(),
            total,
            lambda member, folder: tarred.extract(member, folder, filter="data"),
        )


def _check_end(archive: Path, tarred: tarfile.TarFile) -> None:
    """Read on to the end, where the checksums are: tarfile takes damage for the end, and would leave files out.

    Raises DataError, or one of DAMAGED.
    """
    stream = tarred.fileobj
    assert stream is not None
    stream.seek(tarred.offset)
    mark = stream.read(tarfile.BLOCKSIZE)
    if len(mark) < tarfile.BLOCKSIZE or any(mark):
        raise DataError(f"{archive}: damaged or cut short")
    for _ in range(AFTER):
        if not stream.read(2**20):
            return
    raise DataError(f"{archive}: more than {AFTER} MiB follow its end")


def _total(archive: Path, members: Any, size: str, limit: float) -> int:
    total = 0
    for member in members:
        total += getattr(member, size)
        if total > limit:
            raise DataError(
                f"{archive}: unpacks to more than {limit / 1e9:g} GB, unpack_limit_gb of config.yaml; raise it "
                "there if the archive is to be trusted"
            )
    return total
