"""The golden image of a bundle, with which a service checks that the model predicts what it did at export."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml_core.bundle import Bundle
from ml_core.images import letterbox
from ml_core.segmenter import Segmenter
from training.bundle_files import write_golden
from training.synthetic import draw_face

CANDIDATES = 16
TIE = 0.5
"""If the two best logits are closer than this, another processor may swap them, most of all in int8."""


def write_golden_face(folder: Path) -> None:
    """Write golden.png, the drawn face with the fewest near-ties for the model in `folder`, and its labels."""
    segmenter = Segmenter(Bundle.load(folder, golden=False))
    size = segmenter.bundle.input_size
    faces = [draw_face(size[0], np.random.default_rng(seed))[0] for seed in range(CANDIDATES)]
    surest = min(faces, key=lambda face: near_ties(segmenter, face))
    write_golden(folder, surest, lambda image: segmenter.predict(image, faces="whole").labels)


def near_ties(segmenter: Segmenter, face: NDArray[np.uint8]) -> float:
    """The share of a whole photo's pixels whose two best logits are nearly equal."""
    logits = segmenter.infer(face, letterbox((face.shape[0], face.shape[1]), segmenter.bundle.input_size))
    best = np.sort(logits, axis=-1)
    return float((best[..., -1] - best[..., -2] < TIE).mean())
