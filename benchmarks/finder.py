"""Scenes made from labelled portraits, each with faces of one difficult kind: how many are found, and at what cost.

python -m benchmarks.finder --photos data/faces-5k/test [--bundle ml_core/bundles/lite-int8]

The folder holds images/*.jpg and labels/*.png, aligned portraits in LaPa's labels, taken in the order of their names.
A face counts as found if `predict` names one whose centre lies in it and whose height is 0.4 to 2.5 times its own.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.photos import ROOT
from ml_core.segmenter import Segmenter
from training.lapa import LAPA
from training.mosaics import Box, match
from training.photos import Image, pairs, read

GREY = (128, 128, 128)
PORTRAITS = 36  # that the scenes are made of


@dataclass(frozen=True)
class Portrait:
    """A square photo of one face, and the x, y, width, height of its skin and features."""

    image: Image
    box: Box

    def turned(self, degrees: float) -> "Portrait":
        """Anticlockwise about its centre, its corners cut off or grey."""
        side = len(self.image)
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
        image = cv2.warpAffine(self.image, matrix, (side, side), borderValue=GREY)
        x, y, width, height = self.box
        corners = np.array([(x + i * width, y + j * height, 1) for i in (0, 1) for j in (0, 1)]) @ matrix.T
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0)
        return Portrait(np.asarray(image, np.uint8), (left, top, right - left, bottom - top))

    def sized(self, side: int) -> "Portrait":
        """Of another side in pixels."""
        factor = side / len(self.image)
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        x, y, width, height = (factor * value for value in self.box)
        return Portrait(
            np.asarray(cv2.resize(self.image, (side, side), interpolation=how), np.uint8),
            (x, y, width, height),
        )

    def cropped(self, left: float, top: float, right: float, bottom: float) -> "Scene":
        """The part between these pixels, as a scene of its own."""
        x, y, width, height = self.box
        left, top, right, bottom = (round(edge) for edge in (left, top, right, bottom))
        image = np.ascontiguousarray(self.image[top:bottom, left:right])
        return Scene(image, ((x - left, y - top, width, height),))


@dataclass(frozen=True)
class Scene:
    """A photo and the boxes of its faces."""

    image: Image
    faces: tuple[Box, ...]


def scene(size: tuple[int, int], placed: Sequence[tuple[Portrait, int, int]]) -> Scene:
    """Portraits at (left, top) on a grey (height, width) wall."""
    wall = np.full((*size, 3), 160, np.uint8)
    faces = []
    for portrait, left, top in placed:
        side = len(portrait.image)
        wall[top : top + side, left : left + side] = portrait.image
        x, y, width, height = portrait.box
        faces.append((left + x, top + y, width, height))
    return Scene(wall, tuple(faces))


def panoramas(portraits: Sequence[Portrait]) -> Iterator[Scene]:
    """4096 x 512, eight faces each."""
    for first in range(0, 16, 8):
        eight = [portrait.sized(512) for portrait in portraits[first : first + 8]]
        yield scene((512, 4096), [(portrait, 512 * i, 0) for i, portrait in enumerate(eight)])


def tall_screenshots(portraits: Sequence[Portrait]) -> Iterator[Scene]:
    """512 x 6000, one face each."""
    for index, portrait in enumerate(portraits[:4]):
        yield scene((6000, 512), [(portrait.sized(512), 0, 1200 * (index + 1))])


def small_in_large(portraits: Sequence[Portrait], *, height: int) -> Iterator[Scene]:
    """4000 x 3000, one face of that height each."""
    for index, portrait in enumerate(portraits[:18]):
        small = portrait.sized(round(len(portrait.image) * height / portrait.box[3]))
        yield scene((3000, 4000), [(small, 200 * index, 150 * index)])


def turned_beside_upright(portraits: Sequence[Portrait], *, degrees: float) -> Iterator[Scene]:
    """Two people, one of them turned."""
    for upright, turned in zip(portraits[:18], portraits[18:36], strict=True):
        placed = [(upright.sized(512), 0, 0), (turned.sized(512).turned(degrees), 512, 0)]
        yield scene((512, 1024), placed)


def filling_the_frame(portraits: Sequence[Portrait]) -> Iterator[Scene]:
    """Crops to 0.9, 0.8 and 0.7 of the face's own box."""
    for portrait in portraits[:18]:
        x, y, width, height = portrait.sized(1024).box
        for share in (0.9, 0.8, 0.7):
            across, down = (1 - share) / 2 * width, (1 - share) / 2 * height
            yield portrait.sized(1024).cropped(x + across, y + down, x + width - across, y + height - down)


def half_at_the_border(portraits: Sequence[Portrait]) -> Iterator[Scene]:
    """The left, right, upper and lower half of a face, at the border of the photo."""
    for portrait in portraits[:4]:
        x, y, width, height = portrait.box
        side = len(portrait.image)
        yield portrait.cropped(x + width / 2, 0, side, side)
        yield portrait.cropped(0, 0, x + width / 2, side)
        yield portrait.cropped(0, y + height / 2, side, side)
        yield portrait.cropped(0, 0, side, y + height / 2)


def crowd(portraits: Sequence[Portrait]) -> Iterator[Scene]:
    """24 tilted faces, six in a row."""
    tilts = np.random.default_rng(0).uniform(-45, 45, 24)
    tilted = [
        portrait.sized(200).turned(degrees) for portrait, degrees in zip(portraits, tilts, strict=False)
    ]
    yield scene((840, 1260), [(p, 210 * (i % 6), 210 * (i // 6)) for i, p in enumerate(tilted)])


Kind = Callable[[Sequence[Portrait]], Iterator[Scene]]

KINDS: dict[str, Kind] = {
    "panoramas": panoramas,
    "tall screenshots": tall_screenshots,
    **{f"{height} pixels in 4000 x 3000": partial(small_in_large, height=height) for height in (110, 48, 24)},
    **{
        f"turned by {degrees} beside upright": partial(turned_beside_upright, degrees=degrees)
        for degrees in (90, 120, 180, 270)
    },
    "filling the frame": filling_the_frame,
    "half at the border": half_at_the_border,
    "crowd of 24, tilted": crowd,
}


def portraits_in(folder: Path, count: int) -> list[Portrait]:
    """The first portraits of a folder of labelled photos."""
    found = []
    for files in pairs(folder)[:count]:
        image, labels = read(files)
        x, y, width, height = cv2.boundingRect(np.isin(labels, LAPA.face).view(np.uint8))
        found.append(Portrait(image, (x, y, width, height)))
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    segmenter = Segmenter.load(options.bundle, threads=1)
    portraits = portraits_in(options.photos, PORTRAITS)
    if len(portraits) < PORTRAITS:
        parser.error(f"{options.photos} has {len(portraits)} labelled photos; {PORTRAITS} are needed")
    table = Table(title="Faces found in made scenes")
    for column in ("scenes", "faces", "found", "too many", "CPU ms, median"):
        table.add_column(column, justify="left" if column == "scenes" else "right")
    for kind, make in KINDS.items():
        wanted = hits = false = 0
        spent = []
        for one in make(portraits):
            start = time.process_time()
            found = segmenter.predict(one.image)
            spent.append(1000 * (time.process_time() - start))
            matched, wrong = match(one.faces, [face.box for face in found.faces])
            wanted, hits, false = wanted + len(one.faces), hits + len(matched), false + wrong
        table.add_row(kind, str(wanted), str(hits), str(false), f"{np.median(spent):.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
