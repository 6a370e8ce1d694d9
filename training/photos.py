"""Labelled photos on disk: the one way they are read, and work on many of them in parallel."""

import math
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from rich.progress import track

from ml_core.image_errors import ImageError
from ml_core.images import decode
from ml_core.labels import IGNORE
from training.options import RunError

Image = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Pair = tuple[Image, Labels]
Files = tuple[Path, Path]
"""A photo and its label picture."""

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")
IMAGES = ("images", "imgs", "jpegimages")
LABELS = ("labels", "masks", "annotations", "segmentationclass")
"""Names that the two folders may have, in any letter case; the first is LaPa's."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class DataError(RunError):
    """A data set that cannot be trained on; the message names the file and the reason."""


class UnusableFiles(DataError):
    """Several files that cannot be used; `problems` has a line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


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
    with opened_labels(path) as picture:
        values = np.array(picture)
        if picture.mode not in ("1", "L", "P", "I", "I;16"):
            raise DataError(f"{path}: not an 8-bit one-channel PNG of class ids, but {picture.mode}")
    if values.max() > IGNORE:
        raise DataError(f"{path}: label values up to {values.max()}, but class ids end at {IGNORE}")
    return values.astype(np.uint8)


@contextmanager
def opened_labels(path: Path) -> Iterator[PIL.Image.Image]:
    """A label picture. Raises DataError, also for what Pillow finds broken inside of the block."""
    try:
        with PIL.Image.open(path) as picture:
            yield picture
    except (OSError, SyntaxError) as error:  # Pillow reports broken PNG chunks as SyntaxError
        raise DataError(f"{path}: not an 8-bit one-channel PNG of class ids ({error})") from error


def read(files: Files) -> Pair:
    """A photo (H, W, 3) and its label values (H, W). Raises DataError, also when their sizes differ."""
    image, labels = read_photo(files[0]), read_labels(files[1])
    check_size(files, image, labels)
    return image, labels


def check_size(files: Files, image: Image, labels: Labels) -> None:
    """Raises DataError when a photo and its labels differ in size."""
    if labels.shape != image.shape[:2]:
        (height, width), (rows, columns) = image.shape[:2], labels.shape
        raise DataError(f"{files[1]}: {columns}x{rows} pixels, but its photo has {width}x{height}")


def child(folder: Path, *names: str) -> Path | None:
    """The folder of one of these lower-case names in `folder`, in any letter case; earlier names first."""
    found = {entry.name.casefold(): entry for entry in sorted(folder.glob("*")) if entry.is_dir()}
    return next((found[name] for name in names if name in found), None)


def pictures(folder: Path, suffixes: Sequence[str] = PHOTO_SUFFIXES, pattern: str = "*") -> list[Path]:
    """The files with one of these suffixes, in any letter case, without those that macOS hides beside each file."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )


def match(folder: Path) -> tuple[list[Files], list[Path]]:
    """The photos of `folder/images` with the PNG of the same name in `folder/labels`, and the photos without one.

    Both in the order of their names, whose case does not matter.
    """
    images, masks = child(folder, *IMAGES), child(folder, *LABELS)
    if not images:
        return [], []
    found = pictures(masks, (".png",)) if masks else []
    labels = {path.stem.casefold(): path for path in found} | {path.stem: path for path in found}
    photos = pictures(images)
    files = [(photo, labels.get(photo.stem) or labels.get(photo.stem.casefold())) for photo in photos]
    return [(photo, path) for photo, path in files if path], [photo for photo, path in files if not path]


def without_photo(folder: Path) -> list[Path]:
    """The label pictures of `folder/labels` that belong to no photo."""
    masks = child(folder, *LABELS)
    used = {labels for _, labels in match(folder)[0]}
    return [path for path in pictures(masks, (".png",)) if path not in used] if masks else []


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
    """`function` of each item, in order, on one thread per core, with a progress bar where there are any."""
    if not items:
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            yield from track(pool.map(function, items), total=len(items), description=description)
        finally:
            pool.shutdown(cancel_futures=True)


def percent(value: float) -> float | None:
    """12.34 for 0.1234, as figures.json holds it; None for NaN."""
    return None if math.isnan(value) else round(100 * float(value), 2)
