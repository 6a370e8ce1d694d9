"""Where photos come from and results go: what folders and buckets have in common."""

import re
from collections.abc import Callable, Iterable, Iterator
from posixpath import basename, splitext
from typing import NamedTuple, Protocol

from ml_core.image_errors import ImageTooLarge
from ml_core.images import FORMATS, MAGIC

SCRATCH = ".segment_images"
"""How the folder of a run's own files under DST ends; it is gone when the run ends."""
HEAD = 32
"""Bytes that tell a photo."""
NAMED = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}
"""Suffixes of photos: such a file that is none is reported as broken, others are left out."""
TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")
HEIC = re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)
HEIC_NAMED = {".heic", ".heif"}

LeftOut = Callable[[str, str], None]
"""Told of a path and why it is not taken."""


class Item(NamedTuple):
    """A photo to parse.

    path    in SRC, with slashes
    base    its results' path in DST, without what distinguishes them
    there   whether objects of its results' names are in DST: `Place.about` says whether they are this run's
    """

    path: str
    base: str
    there: bool = False


class Place(Protocol):
    """A folder or a bucket's prefix; paths are relative to it. Can be sent to other processes and machines.

    `stage` writes a file whole, or not at all; it is there for others once `publish` got what `stage` returned. What
    `stage` shows at once, as a bucket does, `about` tells of: what `stage` was given with it. `read`, `stage` and
    `about` raise OSError, and `read` ImageTooLarge for more than `most` bytes.
    """

    @property
    def address(self) -> str:
        """What absolute paths begin with; ends with a slash."""

    @property
    def scratch(self) -> str:
        """Where a run has its own files."""

    @property
    def threads(self) -> int:
        """Photos that one process has in hand at once, so that it computes while it waits for others."""

    def photos(self, left_out: LeftOut, skip: str | None) -> Iterator[str]: ...

    def read(self, path: str, most: int) -> bytes: ...

    def stage(self, path: str, data: bytes, about: str = "") -> str: ...

    def about(self, path: str) -> str: ...

    def publish(self, path: str, staged: str) -> None: ...


def why_left_out(path: str, head: Callable[[], bytes]) -> str | None:
    """Why a file is no photo, or None. By its content: the name only spares the look. Raises OSError as `head`."""
    suffix = splitext(path)[1].lower()
    if basename(path).startswith("._"):
        return "metadata of macOS (._*)"
    if suffix in NAMED:
        return None
    content = head()
    if suffix in HEIC_NAMED or HEIC.match(content):
        return None if "HEIF" in FORMATS else "HEIC (pip install -r requirements-heif.txt)"
    return None if MAGIC.match(content) or TIFF.match(content) else "not a photo"


def check_bytes(size: int, most: int) -> None:
    """Before a file is read into memory. Raises ImageTooLarge."""
    if size > most:
        raise ImageTooLarge(
            f"The file has {size:,} bytes; an image of the allowed size has {most:,} at most."
        )


def shown(path: str) -> str:
    """The path for a line on a terminal or in a log, which no name may break or colour."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in path)


def named(paths: Iterable[str]) -> Iterator[Item]:
    """Each photo with its base: its path without the suffix, or with it where an earlier photo has that base.

    Of paths in the order of `Place.photos`, in which a base is followed by all paths that begin with it: those that
    the present path does not begin with need not be remembered.
    """
    used: list[str] = []
    for path in paths:
        used = [base for base in used if path.startswith(base)]
        base = splitext(path)[0]
        if base in used:
            base = path
        used.append(base)
        yield Item(path, base)
