"""Labelled photos on disk: the one way they are read, and work on many of them in parallel."""

import math
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from rich.progress import track

from ml_core.images import ImageError, decode
from training.options import RunError

Image = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Pair = tuple[Image, Labels]
Files = tuple[Path, Path]
"""A photo and its label picture."""

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class DataError(RunError):
    """A data set that cannot be trained on; the message names the file and the reason."""


def read_photo(path: Path) -> Image:
    """(H, W, 3) uint8 RGB, decoded as the service decodes it. Raises DataError."""
    try:
        return decode(path.read_bytes())
    except (OSError, ImageError) as error:
        raise DataError(f"{path}: {error}") from error


def read_labels(path: Path) -> Labels:
    """(H, W) uint8 label values of a grey, palette or 1-bit PNG; a palette's indices are the values.

    Raises DataError.
    """
    try:
        with PIL.Image.open(path) as picture:
            if picture.mode not in ("1", "L", "P"):
                raise DataError(f"{path}: not an 8-bit one-channel PNG of class ids, but {picture.mode}")
            return np.array(picture, np.uint8)
    except (OSError, SyntaxError) as error:  # Pillow reports broken PNG chunks as SyntaxError
        raise DataError(f"{path}: not an 8-bit one-channel PNG of class ids ({error})") from error


def read(files: Files) -> Pair:
    """A photo (H, W, 3) and its label values (H, W). Raises DataError, also when their sizes differ."""
    image, labels = read_photo(files[0]), read_labels(files[1])
    if labels.shape != image.shape[:2]:
        (height, width), (rows, columns) = image.shape[:2], labels.shape
        raise DataError(f"{files[1]}: {columns}x{rows} pixels, but its photo has {width}x{height}")
    return image, labels


def match(folder: Path) -> tuple[list[Files], list[Path]]:
    """The photos of `folder/images` with the PNG of the same name in `folder/labels`, and the photos without one.

    Both in the order of their names; the case of suffixes does not matter.
    """
    labels = {path.stem: path for path in (folder / "labels").glob("*") if path.suffix.lower() == ".png"}
    photos = sorted(path for path in (folder / "images").glob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    labelled = [(photo, labels[photo.stem]) for photo in photos if photo.stem in labels]
    return labelled, [photo for photo in photos if photo.stem not in labels]


def pairs(folder: Path) -> list[Files]:
    """The labelled photos of a folder. Raises DataError if any photo has no labels."""
    labelled, unlabelled = match(folder)
    if unlabelled:
        raise DataError(no_labels(unlabelled[0]))
    return labelled


def no_labels(photo: Path) -> str:
    """The problem of a photo without a label picture."""
    return f"{photo} has no labels: {photo.parent.parent / 'labels' / photo.stem}.png is not there"


@dataclass(frozen=True)
class PhotoSet:
    """The labelled photos of one data set as training samples: (photo, target codes), read when asked for.

    codes: (256,) uint8, the code of each label value in the run's target table.
    weight: how often this set is drawn, relative to the others of a run.
    """

    files: tuple[Files, ...]
    codes: NDArray[np.uint8]
    weight: float = 1.0

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Pair:
        image, labels = read(self.files[index])
        return image, self.codes[labels]


def each(
    function: Callable[[_Item], _Result], items: Collection[_Item], description: str
) -> Iterator[_Result]:
    """`function` of each item, in order, on one thread per core, with a progress bar."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            yield from track(pool.map(function, items), total=len(items), description=description)
        finally:
            pool.shutdown(cancel_futures=True)


def percent(value: float) -> float | None:
    """12.34 for 0.1234, as metrics.json holds it; None for NaN."""
    return None if math.isnan(value) else round(100 * float(value), 2)
