"""One photo at many scales, for networks that look for faces of every size."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


_UNIT = 8


@dataclass(frozen=True)
class Tile:
    """Where one version of a photo lies on a canvas, in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond."""
        return self.top + self.height


@dataclass(frozen=True)
class Pyramid:
    """The photo, its half, its quarter and so on, sides rounded up. Arrays are (height, width, 3) uint8."""

    octaves: tuple[NDArray[np.uint8], ...]

    @classmethod
    def of(cls, image: NDArray[np.uint8], *, least: int) -> "Pyramid":
        """Halved for as long as both sides are above `least` pixels."""
        octaves = [image]
        while min(octaves[-1].shape[:2]) > least:
            height, width = octaves[-1].shape[:2]
            octaves.append(_resize(octaves[-1], (height + 1) // 2, (width + 1) // 2))
        return cls(tuple(octaves))

    def mosaic(self, scale: float, step: float, least: int) -> tuple[NDArray[np.uint8], list[Tile]]:
        """The photo at `scale` (up to 1) and by `step` smaller down to `least` pixels, all on one canvas.

        A spiral: the next one beside the last, then below it, and so on, which takes little room for as long
        as step + step**2 < 1. The canvas has sides of whole `_UNIT`s, so that there are few shapes of it.
        """
        height, width = self.octaves[0].shape[:2]
        tiles: list[Tile] = []
        left = top = 0
        while min(height, width) * scale >= least:
            tile = Tile(left, top, round(width * scale), round(height * scale))
            tiles.append(tile)
            left, top = (tile.right, top) if len(tiles) % 2 else (left, tile.bottom)
            scale *= step
        if not tiles:
            return np.zeros((_UNIT, _UNIT, 3), np.uint8), []
        rows, columns = max(tile.bottom for tile in tiles), max(tile.right for tile in tiles)
        canvas = np.zeros((-(-rows // _UNIT) * _UNIT, -(-columns // _UNIT) * _UNIT, 3), np.uint8)
        for tile in tiles:
            octave = int(np.log2(max(1, width / tile.width)))
            source = self.octaves[min(octave, len(self.octaves) - 1)]
            canvas[tile.top : tile.bottom, tile.left : tile.right] = _resize(source, tile.height, tile.width)
        return canvas, tiles

    def crops(self, cuts: Floats, size: int) -> NDArray[np.uint8]:
        """(n, 2, 3) cuts (unit square -> photo) -> (n, size, size, 3); black beyond the photo.

        Each comes from the octave in which its side is one to two times `size`, so that bilinear sampling
        does not alias; all of an octave in one go.
        """
        sides = np.hypot(cuts[:, 0, 0], cuts[:, 1, 0])
        which = np.clip(np.log2(np.maximum(sides / size, 1)).astype(int), 0, len(self.octaves) - 1)
        steps = (np.arange(size) + 0.5) / size
        crops = np.empty((len(cuts), size, size, 3), np.uint8)
        for index in np.unique(which):
            octave, mine = self.octaves[index], which == index
            scaled = cuts[mine] * self.scale(octave.shape[:2])[:, None]  # (k, 2, 3)
            across, down, start = scaled.transpose(2, 1, 0)[..., None, None]  # (2, k, 1, 1) each
            at = across * steps + down * steps[:, None] + start - 0.5  # (2, k, size, size)
            columns, rows = at.reshape(2, -1, size).astype(np.float32)
            found = cv2.remap(octave, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            crops[mine] = found.reshape(-1, size, size, 3)
        return crops

    def scale(self, size: tuple[int, ...]) -> Floats:
        """(x, y) of a version of (height, width) over that of the photo."""
        return np.array(size[::-1], np.float64) / self.octaves[0].shape[1::-1]


def _resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
