"""The work on one photo: bytes in, results and a row out. Processes, actors and jobs share it."""

import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import cv2
import numpy as np

from ml_core.bundle import Bundle
from ml_core.image_errors import BrokenImage, DecodingStopped, ImageTooLarge, TooComplex, UnsupportedImage
from ml_core.outputs import Format, OutputOptions
from ml_core.runtime import CPU
from ml_core.sandbox import Sandbox
from ml_core.segmentation import NoSuchFace, Segmentation
from ml_core.segmenter import Segmenter
from segmentation_api.bulk.collected import COLLECTED
from segmentation_api.bulk.places import Item, Place

STATUS: dict[type[Exception], str] = {
    ImageTooLarge: "image_too_large",
    UnsupportedImage: "unsupported_image",
    BrokenImage: "broken_image",
    TooComplex: "too_complex",
    DecodingStopped: "decoding_stopped",
    NoSuchFace: "no_such_face",
}
"""As the API calls them."""
NAMES = errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL
"""What is wrong with the name of one result alone: a folder is called so, it is too long, no text, not in DST."""
BYTES_A_PIXEL, BYTES_BESIDE = 16, 16 << 20
"""Of a file at most: uncompressed pixels of any type that is read, and metadata. More would only fill the memory."""
Row = dict[str, Any]
Made = TypeVar("Made")
DEFAULTS = OutputOptions()


class BulkError(Exception):
    """What ends a run; `str()` is a sentence for the person who started it."""


@dataclass(frozen=True)
class Record:
    """What became of a photo.

    row     of the manifest
    staged  path of each result -> what Place.publish wants of it
    notes   by the name of a collected output, this photo's part of it
    before  whether its results were there, of a part of the run that was killed
    """

    row: Row
    staged: Mapping[str, str]
    notes: Mapping[str, Any]
    before: bool = False


@dataclass(frozen=True)
class Work:
    """What is done with each photo; can be sent to other processes and machines.

    endings    what each output's files end with, after the photo's base
    collected  outputs that make one file of all photos
    keep       class ids, the others become background; None: all
    decode_seconds  of CPU that decoding a photo may take, unless it is a plain JPEG or PNG
    face       the number of the one that is wanted; None: all
    settings   tells rows apart that were made in another way
    run        as State has it
    """

    source: Place
    sink: Place
    bundle: Path
    name: str
    endings: tuple[tuple[Format, str], ...]
    collected: tuple[str, ...] = ()
    options: OutputOptions = DEFAULTS
    keep: tuple[int, ...] | None = None
    faces: Literal["auto", "whole"] | None = None
    face: int | None = None
    max_pixels: int = 50_000_000
    decode_seconds: float = 4
    providers: Sequence[str] = CPU
    threads: int = 1
    settings: str = ""
    run: str = ""

    @property
    def at_once(self) -> int:
        """Photos that one process has in hand."""
        return max(self.source.threads, self.sink.threads)

    @property
    def most_bytes(self) -> int:
        """That a photo's file may have."""
        return BYTES_A_PIXEL * self.max_pixels + BYTES_BESIDE

    def results(self, item: Item) -> list[str]:
        """Paths of a photo's results."""
        return [f"{item.base}{ending}" for _, ending in self.endings]

    def finished(self, item: Item, row: Row, noted: bool) -> bool:
        """Whether a row is of this photo, all its results, and its part of what is collected (`noted`)."""
        return (
            (row["path"], row["status"], row["settings"]) == (item.path, "ok", self.settings)
            and set(self.results(item)) <= set(row["results"])
            and (noted or not self.collected)
        )


class Worker:
    """A model in memory, and the work on one photo after another; may be called by several threads."""

    def __init__(self, work: Work) -> None:
        """Raises BundleError or ProviderUnavailable."""
        cv2.setNumThreads(work.threads)
        self.work = work
        sandbox = Sandbox(seconds=work.decode_seconds)
        self._segmenter = Segmenter(
            Bundle.load(work.bundle), providers=work.providers, threads=work.threads, read=sandbox.read
        )

    def __call__(self, item: Item) -> Record:
        """Parse a photo and stage its results. A photo that fails is a row too. Raises BulkError: DST is at fault."""
        digest = None
        try:
            if item.there and (record := self._before(item)):
                return record
            data = self.work.source.read(item.path, self.work.most_bytes)
            digest = hashlib.sha256(data).hexdigest()
            (results, notes), found = worked(data, self._parse, self._write)
        except Exception as error:  # a photo must not end the run
            return failure(item, *problem(error), self.work.settings, digest)
        named = dict(zip(self.work.results(item), results, strict=True))
        known = {"path": item.path, "sha256": digest, "status": "ok", "error": None, "results": list(named)}
        row = {**known, **found, "settings": self.work.settings}
        try:
            return Record(row, self._stage(item, named, row, notes), notes)
        except OSError as error:
            return unwritten(item.path, error, self.work.settings)

    def _write(self, found: Segmentation) -> tuple[list[bytes], dict[str, Any]]:
        """The results, and the parts of what is collected."""
        results = [written.encode(found, self.work.options) for written, _ in self.work.endings]
        return results, {name: COLLECTED[name].note(found, self.work.options) for name in self.work.collected}

    def _stage(
        self, item: Item, results: Mapping[str, bytes], row: Row, notes: Mapping[str, Any]
    ) -> dict[str, str]:
        """The last one tells of them all, where they tell; an empty one does where only notes are made."""
        sink, last = self.work.sink, self._last(item)
        about = json.dumps([self.work.run, row, notes]) if self.work.run else ""
        if about and not results:
            sink.stage(last, b"", about)
        return {path: sink.stage(path, data, about if path == last else "") for path, data in results.items()}

    def _last(self, item: Item) -> str:
        name = hashlib.sha256(os.fsencode(item.path)).hexdigest()
        return self.work.results(item)[-1] if self.work.endings else f"{self.work.sink.scratch}/done/{name}"

    def _before(self, item: Item) -> Record | None:
        """What the last result tells, if it was made by an earlier part of this run with the same options."""
        if about := self.work.sink.about(self._last(item)):
            run, row, notes = json.loads(about)
            if run == self.work.run and self.work.finished(item, row, bool(notes)):
                return Record(row, {}, notes, before=True)
        return None

    def _parse(self, data: bytes) -> Segmentation:
        """Without its timing, which is in the row: results of the same photo are the same bytes."""
        found = self._segmenter.predict(data, faces=self.work.faces, max_pixels=self.work.max_pixels)
        found = replace(found, timing_ms={})
        if self.work.face is not None:
            found = found.face(self.work.face)
        return found if self.work.keep is None else found.only(self.work.keep)


def worked(
    data: bytes, parse: Callable[[bytes], Segmentation], write: Callable[[Segmentation], Made]
) -> tuple[Made, Row]:
    """The work on the bytes of one photo, in jobs too: what `write` makes of it, and what its row says."""
    start = time.perf_counter()
    found = parse(data)
    made, row = write(found), described(found)
    return made, {**row, "milliseconds": round(1000 * (time.perf_counter() - start), 1)}


def described(found: Segmentation) -> Row:
    """What a row says of a parsed photo: size, faces, warnings, and of each class present its share and confidence."""
    names, (height, width) = found.bundle.labels.names, found.labels.shape
    pixels = found.pixels
    present = np.flatnonzero(pixels).tolist()
    return {
        "width": width,
        "height": height,
        "faces": len(found.faces),
        "warnings": list(found.warnings),
        "share": {names[index]: int(pixels[index]) / found.labels.size for index in present},
        "confidence": {names[index]: found.confidence[index] for index in present},
    }


def unwritten(path: str, error: OSError, settings: str) -> Record:
    """The row of a photo whose results' names cannot be. Raises BulkError where others' could not be written either."""
    if error.errno not in NAMES:
        raise BulkError(f"results cannot be written: {error}") from None
    return failure(Item(path, ""), "failed", f"Its result cannot be written: {error}", settings)


def problem(error: Exception) -> tuple[str, str]:
    """Status and a sentence."""
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return status, str(error)
    if isinstance(error, OSError):
        return "unreadable", error.strerror or str(error)
    return "failed", f"{type(error).__name__}: {error}"


def failure(item: Item, status: str, error: str, settings: str, digest: str | None = None) -> Record:
    """The row of a photo without results."""
    row: Row = {"path": item.path, "sha256": digest, "status": status, "error": error, "results": []}
    nothing: Row = {
        "width": None,
        "height": None,
        "faces": None,
        "warnings": [],
        "share": {},
        "confidence": {},
    }
    return Record({**row, **nothing, "milliseconds": None, "settings": settings}, {}, {})
