"""A stand-in for a Segmenter that needs no network."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.images import decode
from training.lapa import LAPA

_MIDDLES = np.stack(np.meshgrid(*[np.arange(4, 256, 8)] * 3, indexing="ij"), axis=-1)
NEAREST = np.abs(_MIDDLES[..., None, :] - np.array(LAPA.colors)).sum(axis=-1).argmin(axis=-1).astype(np.uint8)
NEAREST[16, 16, 16] = 0
"""(32, 32, 32): the class whose colour is nearest, by a colour's five upper bits a channel; grey is none."""


class ColourReader:
    """Reads each pixel's class off its colour and finds a face in each patch of skin; or is blind."""

    bundle = SimpleNamespace(labels=LAPA, cut="face")

    def __init__(self, *, blind: bool = False) -> None:
        self.blind = blind

    def predict(self, photo: NDArray[np.uint8] | Path) -> Any:
        image = decode(photo.read_bytes()) if isinstance(photo, Path) else photo
        cells = (image >> 3).astype(np.intp)
        labels = NEAREST[cells[..., 0], cells[..., 1], cells[..., 2]]
        if self.blind:
            labels[:] = 0
        count, _, stats, _ = cv2.connectedComponentsWithStats(((labels > 0) & (labels < 10)).astype(np.uint8))
        boxes = [tuple(map(float, row[:4])) for row in stats[1:count] if row[4] > 200]
        return SimpleNamespace(labels=labels, faces=[SimpleNamespace(box=box) for box in boxes])
