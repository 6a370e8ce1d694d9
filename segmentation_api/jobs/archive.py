"""Whether an uploaded zip is one that a job takes: read, never unpacked.

Its directory is measured before Python's zipfile reads it, which makes an object of every entry it lists.
"""

import re
import stat
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings

from segmentation_api.errors import Problem
from segmentation_api.jobs.stores import is_hidden

END, END_BYTES = b"PK\x05\x06", 22
ZIP64_LOCATOR, LOCATOR_BYTES = b"PK\x06\x07", 20
LONGEST_COMMENT = 65535
ENTRY_BYTES = 1024
"""Of the directory, for each image that a job may have: 46 and the name, extra fields and comment."""
LONGEST_NAME = 512
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that can be read piece by piece in little memory."""
UNSAFE = re.compile(r"^[A-Za-z]:|[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""A drive, or control characters and what is no text; other spaces and joined emoji are in many a photo's name."""


def refused(detail: str) -> Problem:
    """A zip that is broken or not to be trusted."""
    return Problem(422, "archive_refused", detail)


def image_names(path: Path) -> list[str]:
    """The entries that are images to be, in order. Raises Problem (413, 415, 422)."""
    with path.open("rb") as file:
        check_directory(file)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError):
            raise refused("The zip is cut short or broken.") from None
    images = [entry for entry in entries if not is_hidden(entry.filename)]
    for entry in images:
        check_entry(entry)
    names = [entry.filename for entry in images]
    if not names:
        raise refused("There is no file in the zip.")
    if len(names) > settings.JOB_IMAGES:
        raise too_many()
    if len(set(names)) < len(names):
        raise refused("Two files in the zip have the same name.")
    return names


def too_many() -> Problem:
    """More images than a job may have."""
    return Problem(413, "too_many_images", f"There are more than {settings.JOB_IMAGES:,} images.")


def check_directory(file: BinaryIO) -> None:
    """Raises Problem unless the end record, found as zipfile finds it, has a directory of reasonable size."""
    length = file.seek(0, 2)
    file.seek(max(0, length - END_BYTES - LOCATOR_BYTES - LONGEST_COMMENT))
    tail = file.read()
    file.seek(0)
    start = len(tail) - END_BYTES
    if start < 0 or not tail.startswith(END, start):
        start = tail.rfind(END)
    if start < 0 or len(tail) - start < END_BYTES:
        if file.read(2) == END[:2]:
            raise refused("The zip is cut short or broken.")
        raise Problem(415, "unsupported_archive", "This is not a zip.")
    if tail.startswith(ZIP64_LOCATOR, max(0, start - LOCATOR_BYTES)):
        raise refused("The zip is in the format for more than 4 GiB (zip64).")
    (size,) = struct.unpack_from("<I", tail, start + 12)
    if size > settings.JOB_IMAGES * ENTRY_BYTES:
        raise too_many()


def check_entry(entry: zipfile.ZipInfo) -> None:
    """Raises Problem for what no archive of photos has: links, paths out of it, encryption, odd compression."""
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    shown = f"{name[:100]!r}"
    if kind not in (0, stat.S_IFREG):
        raise refused(f"{shown} is a link or a special file.")
    parts = PurePosixPath(name).parts
    bad = name.startswith("/") or ".." in parts or "\\" in name or UNSAFE.search(name)
    if bad or len(name) > LONGEST_NAME or name != "/".join(parts):
        raise refused(f"{shown} is not a plain relative path.")
    if entry.flag_bits & 1:
        raise refused(f"{shown} is encrypted.")
    if entry.compress_type not in METHODS:
        raise refused(f"{shown} is compressed in another way than deflate.")
