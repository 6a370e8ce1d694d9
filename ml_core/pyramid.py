"""One photo at many scales, for networks that look for faces of every size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


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

    def levels(self, scale: float, step: float, least: int) -> Iterator[tuple[NDArray[np.uint8], Floats]]:
        """The photo at `scale` (up to 1) and by `step` smaller down to `least` pixels, with (x, y) scales."""
        height, width = self.octaves[0].shape[:2]
        while min(height, width) * scale >= least:
            source = self.octaves[min(int(-np.log2(scale)), len(self.octaves) - 1)]
            level = _resize(source, round(height * scale), round(width * scale))
            yield level, self._scale(level)
            scale *= step

    def crops(self, cuts: Floats, size: int) -> NDArray[np.uint8]:
        """(n, 2, 3) cuts (unit square -> photo) -> (n, size, size, 3), *transposed*; black beyond the photo.

        Each comes from the octave in which its side is one to two times `size`, so that bilinear sampling
        does not alias; all of an octave in one go.
        """
        sides = np.hypot(cuts[:, 0, 0], cuts[:, 1, 0])
        which = np.clip(np.log2(np.maximum(sides / size, 1)).astype(int), 0, len(self.octaves) - 1)
        steps = (np.arange(size) + 0.5) / size
        crops = np.empty((len(cuts), size, size, 3), np.uint8)
        for index in np.unique(which):
            octave, mine = self.octaves[index], which == index
            scaled = cuts[mine] * self._scale(octave)[:, None]  # (k, 2, 3)
            across, down, start = scaled.transpose(2, 1, 0)[..., None, None]  # (2, k, 1, 1) each
            at = across * steps[:, None] + down * steps + start - 0.5  # (2, k, size, size)
            columns, rows = at.reshape(2, -1, size).astype(np.float32)
            found = cv2.remap(octave, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            crops[mine] = found.reshape(-1, size, size, 3)
        return crops

    def _scale(self, level: NDArray[np.uint8]) -> Floats:
        """(x, y) of a smaller version over that of the photo."""
        return np.array(level.shape[1::-1], np.float64) / self.octaves[0].shape[1::-1]


def _resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
