"""What a face finder is, and what it finds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NETWORKS = Path(__file__).parent / "networks"

Floats = NDArray[np.floating[Any]]

LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")


@dataclass(frozen=True)
class Face:
    """A face found in a photo.

    box        x, y, width, height in pixels; may reach a little beyond the photo
    score      0..1
    landmarks  (5, 2) x, y in pixels, in the order of LANDMARKS; left and right are the image's where the face is
               upright, and turn with it
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Floats


class FaceFinder(Protocol):
    """A finder ready to work; `find` may be called by many threads at once."""

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """The faces of an upright (height, width, 3) uint8 RGB photo, best first; turned by any angle."""
