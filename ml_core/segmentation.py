"""What was found in one photo."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.bundle import Bundle
from ml_core.faces import Face
from ml_core.regions import class_pixels


@dataclass(frozen=True)
class Segmentation:
    """Labels of one photo, and what they were made from.

    image       (H, W, 3) uint8 RGB, upright
    labels      (H, W) uint8 class ids of `bundle.labels`
    logits      of each cut, (h, w, C) float32
    timing_ms   decode, locate, infer
    partial     some classes were made background by `only`
    faces_found   faces before MAX_FACES and the like left some out
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    bundle: Bundle
    faces: tuple[Face, ...]
    logits: tuple[NDArray[np.float32], ...]
    warnings: tuple[str, ...]
    timing_ms: dict[str, float]
    partial: bool = False
    faces_found: int = 0

    @cached_property
    def confidence(self) -> tuple[float | None, ...]:
        """Per class, the mean calibrated probability (0..1) of its pixels; None where there are none.

        The background's is None once other classes were merged into it. Computed on first use: it takes as long as
        decoding a photo, and pictures do without it.
        """
        found = _confidence(self.logits, self.labels, self.bundle.temperatures)
        return (None, *found[1:]) if self.partial else found

    def only(self, classes: Sequence[int]) -> "Segmentation":
        """The same with all other classes made background."""
        table = np.zeros(256, np.uint8)
        table[list(classes)] = classes
        return replace(self, labels=table[self.labels], partial=True)


def _confidence(
    logits: Sequence[NDArray[np.float32]], labels: NDArray[np.uint8], temperatures: Sequence[float]
) -> tuple[float | None, ...]:
    """Per class, the mean softmax(logits / its temperature) where it wins; None if not in `labels`.

    Taken over the logits, not over the photo's pixels: the same figure for a fraction of the time. A class
    that wins only between logits has the highest probability it reaches at one of them.
    """
    classes = len(temperatures)
    sharpness = 1 / np.array(temperatures, np.float32)
    total, count, highest = np.zeros(classes), np.zeros(classes), np.zeros(classes)
    present = class_pixels(labels, classes) > 0
    for values in logits:
        odds = cv2.transpose(
            values.reshape(-1, classes)
        )  # a class a row, worked on in place: a third of the time
        best = odds.max(axis=0)
        winner = np.zeros(best.shape, np.uint8)
        for index in range(classes - 1, -1, -1):
            np.copyto(winner, index, where=odds[index] == best)
        odds -= best
        odds *= sharpness[winner]
        np.exp(odds, out=odds)
        scale = 1 / odds.sum(axis=0)  # the winner's probability, as its odds are 1
        total += np.bincount(winner, scale, minlength=classes)
        count += np.bincount(winner, minlength=classes)
        if (present & (count == 0)).any():
            highest = np.maximum(highest, (odds * scale).max(axis=1))
    mean = np.where(count > 0, total / np.maximum(count, 1), highest)
    return tuple(float(mean[c]) if present[c] and len(logits) else None for c in range(classes))
