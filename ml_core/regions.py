"""What labels hold: pixels and boxes of the classes, run lengths, outlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

Ring = NDArray[np.int32]
"""(n, 2) x, y of a closed outline."""


@dataclass(frozen=True)
class Region:
    """One class in an image: how many pixels, and the x, y, width, height that hold them all."""

    id: int
    pixels: int
    box: tuple[int, int, int, int]


class Rle(TypedDict):
    """COCO's compressed run lengths; `size` is [height, width]."""

    size: list[int]
    counts: str


def class_pixels(labels: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """How many pixels of (H, W) labels each of the ids 0 to `classes` - 1 has."""
    # A tenth of the time of np.bincount. It counts in float32, exactly up to 2 ** 24
    parts = np.array_split(labels.ravel(), 1 + (labels.size >> 23))
    found = sum(np.asarray(cv2.calcHist([part], [0], None, [256], [0, 256]), np.int64) for part in parts)
    return np.asarray(found).ravel()[:classes]


def region_stats(labels: NDArray[np.uint8], classes: int) -> list[Region]:
    """The classes present among ids 0 to `classes` - 1 of (H, W) labels, in id order."""
    pixels = class_pixels(labels, classes)
    left, top, width, height = cv2.boundingRect(labels)
    part = labels[top : top + height, left : left + width]  # holds all but background
    regions = []
    for index in np.flatnonzero(pixels).tolist():  # a NumPy integer would widen the labels to its own type
        area, x0, y0 = (part, left, top) if index else (labels, 0, 0)
        x, y, width, height = cv2.boundingRect((area == index).view(np.uint8))
        regions.append(Region(index, int(pixels[index]), (x0 + x, y0 + y, width, height)))
    return regions


def rle(mask: NDArray[np.bool_]) -> Rle:
    """Compressed run lengths of an (H, W) mask, as pycocotools and COCO's annotations write them."""
    found = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in found["size"]], "counts": found["counts"].decode("ascii")}


def polygons(mask: NDArray[np.bool_]) -> list[list[float]]:
    """Outlines of an (H, W) mask as COCO writes them: [x0, y0, x1, y1, ...] a piece, holes cut out.

    From each hole a slit without width leads to the outline, there and back, so that one ring bounds the piece;
    even-odd and non-zero filling give the mask's pixels. Coordinates are continuous, pixel (x, y) being the square
    up to (x + 1, y + 1). Rings run a quarter of a pixel inside the mask: a single pixel has one as well, and for
    tools that fill whole pixels, such as cv2.fillPoly, rounding down gives the pixels of the border.
    """
    filled = mask.view(np.uint8)
    left, top, width, height = cv2.boundingRect(filled)
    if not width:
        return []
    part = filled[top : top + height, left : left + width]
    doubled = part.repeat(2, axis=0).repeat(2, axis=1)
    contours, tree = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    pieces: dict[int, list[Ring]] = {}  # by its outline: that, then its holes, which have it as their parent
    for index, (contour, parent) in enumerate(zip(contours, tree[0, :, 3], strict=True)):
        pieces.setdefault(index if parent < 0 else int(parent), []).append(contour.reshape(-1, 2))
    rings = (_corners(_one_ring(outline, holes, doubled)) for outline, *holes in pieces.values())
    return [((ring + 0.5) / 2 + (left, top)).ravel().tolist() for ring in rings]


def _one_ring(outline: Ring, holes: Sequence[Ring], mask: NDArray[np.uint8]) -> Ring:
    """The outline of a piece with its holes: from the left of each a slit leads to the next border."""
    rings = [outline, *(np.roll(hole, -int(hole[:, 0].argmin()), axis=0) for hole in holes)]
    points = np.concatenate(rings)
    starts = np.cumsum([0, *map(len, rings)])
    keys = points @ (1, mask.shape[1])
    order = keys.argsort()
    joined: list[list[tuple[int, Ring]]] = [[] for _ in rings]  # to each ring, at which of its points, what
    for index in sorted(range(1, len(rings)), key=lambda one: -int(rings[one][0, 0])):
        x, y = rings[index][0]
        end = int(np.flatnonzero(mask[y, :x] == 0).max(initial=-1)) + 1
        at = int(order[np.searchsorted(keys, end + int(y) * mask.shape[1], sorter=order)])
        other = int(np.searchsorted(starts, at, side="right")) - 1  # further left: its turn is yet to come
        joined[other].append((at - int(starts[other]), _joined(rings[index], joined[index])))
    return _joined(outline, joined[0])


def _joined(ring: Ring, holes: Sequence[tuple[int, Ring]]) -> Ring:
    """A ring that at these of its points goes around a hole and comes back."""
    parts, done = [], 0
    for at, hole in sorted(holes, key=lambda one: one[0]):
        parts += [ring[done : at + 1], hole, hole[:1]]
        done = at
    return np.concatenate([*parts, ring[done:]]) if parts else ring


def _corners(ring: Ring) -> Ring:
    """The points where a ring of horizontal, vertical and diagonal steps turns."""
    came = np.sign(ring - np.roll(ring, 1, axis=0))
    turns = (came != np.roll(came, -1, axis=0)).any(axis=1)
    return np.asarray(ring[turns])
