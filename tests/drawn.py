"""Faces drawn for tests."""

import numpy as np
from numpy.typing import NDArray

from training.lapa import LAPA
from training.synthetic import draw_face


def painted_face(size: int, seed: int = 7) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A face painted in the palette's colours, (size, size, 3) RGB, and its labels: pixels say their own class."""
    labels = draw_face(size, np.random.default_rng(seed))[1]
    return LAPA.palette[labels], labels
