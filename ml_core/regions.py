"""What labels hold: pixels and boxes of the classes, run lengths, outlines."""

from dataclasses import dataclass
from typing import TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco


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


def region_stats(labels: NDArray[np.uint8], classes: int) -> list[Region]:
    """The classes present among ids 0 to `classes` - 1 of (H, W) labels, in id order."""
    pixels = np.bincount(labels.ravel(), minlength=classes)[:classes]
    regions = []
    for index in np.flatnonzero(pixels):
        x, y, width, height = cv2.boundingRect((labels == index).view(np.uint8))
        regions.append(Region(int(index), int(pixels[index]), (x, y, width, height)))
    return regions


def rle(mask: NDArray[np.bool_]) -> Rle:
    """Compressed run lengths of an (H, W) mask, as pycocotools and COCO's annotations write them."""
    found = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in found["size"]], "counts": found["counts"].decode("ascii")}


def polygons(mask: NDArray[np.bool_]) -> list[list[float]]:
    """Outlines of an (H, W) mask as COCO writes them: [x0, y0, x1, y1, ...] a piece; holes are filled.

    Continuous coordinates, pixel (x, y) being the square up to (x + 1, y + 1). The outline runs a quarter of
    a pixel inside the edge, so that a single pixel has one as well.
    """
    filled = mask.astype(np.uint8)
    left, top, width, height = cv2.boundingRect(filled)
    if not width:
        return []
    part = filled[top : top + height, left : left + width]
    doubled = part.repeat(2, axis=0).repeat(2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [((contour.reshape(-1, 2) + 0.5) / 2 + (left, top)).ravel().tolist() for contour in contours]
