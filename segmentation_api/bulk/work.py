"""The work on one photo: bytes in, results and a row out. Processes, actors and jobs share it."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from ml_core.image_errors import (
    BrokenImage,
    ImageTooLarge,
    TooComplex,
    UnsupportedImage,
)
from ml_core.outputs import Format, OutputOptions
from ml_core.regions import class_pixels
from ml_core.runtime import CPU
from ml_core.segmentation import NoSuchFace, Segmentation
from ml_core.segmenter import Segmenter
from segmentation_api.bulk.collected import COLLECTED
from segmentation_api.bulk.places import Item, Place

STATUS: dict[type[Exception], str] = {
    ImageTooLarge: "image_too_large",
    UnsupportedImage: "unsupported_image",
    BrokenImage: "broken_image",
    TooComplex: "too_complex",
    NoSuchFace: "no_such_face",
}
"""As the API calls them."""
Row = dict[str, Any]
DEFAULTS = OutputOptions()


class BulkError(Exception):
    """What ends a run; `str()` is a sentence for the person who started it."""


@dataclass(frozen=True)
class Record:
    """What became of a photo.

    row     of the manifest
    staged  path of each result -> what Place.publish wants of it
    notes   by the name of a collected output, this photo's part of it
    """

    row: Row
    staged: Mapping[str, str]
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What is done with each photo; can be sent to other processes and machines.

    endings    what each output's files end with, after the photo's base
    collected  outputs that make one file of all photos
    keep       class ids, the others become background; None: all
    face       the number of the one that is wanted; None: all
    settings   tells rows apart that were made in another way
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
    providers: Sequence[str] = CPU
    threads: int = 1
    settings: str = ""

    @property
    def at_once(self) -> int:
        """Photos that one process has in hand."""
        return max(self.source.threads, self.sink.threads)

    def results(self, item: Item) -> list[str]:
        """Paths of a photo's results."""
        return [f"{item.base}{ending}" for _, ending in self.endings]


class Worker:
    """A model in memory, and the work on one photo after another; may be called by several threads."""

    def __init__(self, work: Work) -> None:
        """Raises BundleError or ProviderUnavailable."""
        cv2.setNumThreads(work.threads)
        self.work = work
        self._segmenter = Segmenter.load(work.bundle, providers=work.providers, threads=work.threads)

    def __call__(self, item: Item) -> Record:
        """Parse a photo and stage its results. A photo that fails is a row too. Raises BulkError: DST is at fault."""
        digest = None
        try:
            data = self.work.source.read(item.path)
            digest = hashlib.sha256(data).hexdigest()
            start = time.perf_counter()
            found = self._parse(data)
            results = {
                path: written.encode(found, self.work.options)
                for path, (written, _) in zip(self.work.results(item), self.work.endings, strict=True)
            }
            notes = {name: COLLECTED[name].note(found, self.work.options) for name in self.work.collected}
            row = described(found) | {"milliseconds": round(1000 * (time.perf_counter() - start), 1)}
        except Exception as error:  # a photo must not end the run
            return self.failed(item, error, digest)
        try:
            staged = {path: self.work.sink.stage(path, result) for path, result in results.items()}
        except OSError as error:
            raise BulkError(f"results cannot be written: {error}") from None
        known = {"path": item.path, "sha256": digest, "status": "ok", "error": None, "results": list(staged)}
        return Record({**known, **row, "settings": self.work.settings}, staged, notes)

    def failed(self, item: Item, error: Exception, digest: str | None = None) -> Record:
        """The row of a photo that could not be parsed."""
        return failure(item, *problem(error), self.work.settings, digest)

    def _parse(self, data: bytes) -> Segmentation:
        """Without its timing, which is in the row: results of the same photo are the same bytes."""
        found = self._segmenter.predict(data, faces=self.work.faces, max_pixels=self.work.max_pixels)
        found = replace(found, timing_ms={})
        if self.work.face is not None:
            found = found.face(self.work.face)
        return found if self.work.keep is None else found.only(self.work.keep)


def described(found: Segmentation) -> Row:
    """What a row says of a parsed photo: size, faces, warnings, and of each class present its share and confidence."""
    names, (height, width) = found.bundle.labels.names, found.labels.shape
    pixels = class_pixels(found.labels, len(names))
    present = np.flatnonzero(pixels).tolist()
    return {
        "width": width,
        "height": height,
        "faces": len(found.faces),
        "warnings": list(found.warnings),
        "share": {names[index]: int(pixels[index]) / found.labels.size for index in present},
        "confidence": {names[index]: found.confidence[index] for index in present},
    }


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
