"""Faces drawn for tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.augment_config import Pair
from training.lapa import LAPA
from training.synthetic import draw_face


def painted_face(size: int, seed: int = 7) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A face painted in the palette's colours, (size, size, 3) RGB, and its labels: pixels say their own class."""
    labels = draw_face(size, np.random.default_rng(seed))[1]
    return LAPA.palette[labels], labels


@dataclass(frozen=True)
class DrawnPhotos:
    """So many drawn faces of 64 pixels, as training samples. Worker processes read them: TensorFlow stays away."""

    count: int
    seed: int
    weight: float = 1.0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pair:
        return draw_face(64, np.random.default_rng((self.seed, index)))
