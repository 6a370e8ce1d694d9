"""Which parts of a photo a finder looks at, how large, and what it sees there.

A view is a cut (ml_core.images) and the (height, width) in pixels of its picture.
"""

import math
from collections.abc import Iterator
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.faces.protocol import Floats
from ml_core.images import Affine, bounds, warp

UNIT = 32
"""The sides of a picture are multiples of it, in pixels."""

AREA = 240 * 1024
"""Pixels of a picture at most, about."""

LEAST, SEEN = 24, 12
"""The smallest face looked for, in pixels of the photo, and how large it has to be in a picture."""

SHARE = 1 / 8
"""Nor are faces looked for that are smaller than this share of one that was found already."""

FINER = 1.6
"""Tiles are worth their time from this much more detail on."""

TILES = 20
"""Pictures at most: above 12 megapixels the smallest faces of a photo may be missed."""

OVERLAP = 64
"""Pixels that neighbouring tiles share; a larger face is seen in the whole photo."""

WHOLE, ROOM = 160, 1 / 6
"""Longer side in pixels of the smallest picture, and what is around the photo in it: a face may fill the frame."""

View = tuple[Affine, tuple[int, int]]


class Octaves:
    """A photo, its half, its quarter and so on: (height, width, 3) uint8 each, made when first needed."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self._images = [image]

    def picture(self, cut: Affine, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The cut as a (height, width, 3) picture of `size`.

        Beyond its edge the photo is mirrored, which makes half a face a whole one. Taken bilinearly from the octave in
        which it is one to two times as large, which is faster than an exact reduction.
        """
        step = math.hypot(*cut[:, 0]) / size[1]
        octave = self._octave(int(math.log2(max(step, 1))))
        full = self._images[0].shape
        scaled = cut * [[octave.shape[1] / full[1]], [octave.shape[0] / full[0]]]
        left, top, right, bottom = bounds(scaled, octave.shape[:2], margin=2)
        scaled[:, 2] -= (left, top)
        return warp(octave[top:bottom, left:right], scaled, size, cv2.BORDER_REFLECT)

    def _octave(self, number: int) -> NDArray[np.uint8]:
        while len(self._images) <= number and max(self._images[-1].shape[:2]) > 1:
            height, width = self._images[-1].shape[:2]
            half = (width + 1) // 2, (height + 1) // 2
            self._images.append(
                np.asarray(cv2.resize(self._images[-1], half, interpolation=cv2.INTER_AREA), np.uint8)
            )
        return self._images[min(number, len(self._images) - 1)]


def whole_photo(height: int, width: int) -> Iterator[View]:
    """All of a photo, as large as AREA allows; and small, with room around it."""
    yield _upright(0, 0, width, height, _scale(height, width))
    room = ROOM * max(height, width)
    longer = max(height, width) + 2 * room
    yield _upright(-room, -room, width + 2 * room, height + 2 * room, WHOLE / longer)


def tiles(height: int, width: int, largest: float) -> Iterator[View]:
    """The parts of a photo in which its small faces are seen, where `whole_photo` is too coarse for them.

    `largest` is the height of the largest face found, 0 if there is none.
    """
    coarse = _scale(height, width)
    wanted = SEEN / max(LEAST, SHARE * largest)
    scale = min(wanted, 0.8 * coarse * math.sqrt(TILES))
    if scale < FINER * coarse:
        return
    lengths = {"down": height * scale, "across": width * scale}
    shorter, longer = sorted(lengths, key=lengths.__getitem__)
    parts = {shorter: _parts(lengths[shorter], math.sqrt(AREA))}
    parts[longer] = _parts(lengths[longer], AREA / max(UNIT, _share(lengths[shorter], parts[shorter])))
    down, across = parts["down"], parts["across"]
    tall, wide = (_share(lengths[name], parts[name]) for name in ("down", "across"))
    for row, column in product(range(down), range(across)):
        left, top = column * (wide - OVERLAP) / scale, row * (tall - OVERLAP) / scale
        yield _upright(left, top, wide / scale, tall / scale, scale)


def turns(box: Floats, room: float, side: int) -> list[View]:
    """Squares `room` times as large as a box, upright and turned by each quarter, as pictures of `side` pixels."""
    centre, half = (box[:2] + box[2:]) / 2, room * (box[2:] - box[:2]).max() / 2
    right, down = np.array([half, 0.0]), np.array([0.0, half])
    views = []
    for _ in range(4):
        views.append((np.column_stack([2 * right, 2 * down, centre - right - down]), (side, side)))
        right, down = down, -right
    return views


def _parts(length: float, most: float) -> int:
    """How many tiles of `most` pixels at most, with OVERLAP, make a length."""
    return max(1, math.ceil((length - OVERLAP) / (most - OVERLAP)))


def _share(length: float, parts: int) -> float:
    """The length of each of the tiles."""
    return (length - OVERLAP) / parts + OVERLAP


def _scale(height: int, width: int) -> float:
    """At which a photo makes a picture of AREA, with little left over to whole units; at most 1.

    The shorter side of a picture is one unit at least, however narrow the photo.
    """
    most = min(math.sqrt(AREA / (height * width)), AREA / UNIT / max(height, width))
    return min(1.0, *(max(1, round(side * most / UNIT)) * UNIT / side for side in (height, width)))


def _upright(left: float, top: float, width: float, height: float, scale: float) -> View:
    """The part of a photo at `scale`, with a little more on the right and below to make whole units."""
    rows, columns = (max(1, math.ceil(side * scale / UNIT - 0.01)) * UNIT for side in (height, width))
    return np.array([[columns / scale, 0.0, left], [0.0, rows / scale, top]]), (rows, columns)
