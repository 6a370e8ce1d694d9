"""What was found in one photo."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.bundle import Bundle
from ml_core.faces import Face
from ml_core.images import Affine, bounds
from ml_core.paste import best_classes
from ml_core.regions import class_pixels


class NoSuchFace(ValueError):
    """A number beyond the last face; `str()` is a sentence fit for the person who sent it."""


@dataclass(frozen=True)
class Parsed:
    """One cut, parsed: a face's, or the whole photo's.

    number   of the face, from 1
    logits   (h, w, C) float32 of the cut that the network sees best in
    look     (h, w, C) float32 that the labels come from: the same, or those of a wider cut
    cut      where in the photo `look` lies
    """

    number: int
    logits: NDArray[np.float32]
    look: NDArray[np.float32]
    cut: Affine

    @cached_property
    def best(self) -> NDArray[np.uint8]:
        """The best class at each of `logits`."""
        return best_classes(self.logits)


@dataclass(frozen=True)
class Segmentation:
    """Labels of one photo, and what they were made from.

    image       (H, W, 3) uint8 RGB, upright
    labels      (H, W) uint8 class ids of `bundle.labels`
    faces       from left to right; none where the photo was parsed whole
    parsed      the cuts; with faces, one of each
    timing_ms   decode, locate, infer
    owners      (H, W) uint16: the number of the face whose part a pixel is, 0 none; None where there is one cut
    refused     x, y, width, height of detections that are no faces
    kept        the classes that `only` left; None: all
    unmasked    the labels before `only`
    faces_found   faces before MAX_FACES and the like left some out
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    bundle: Bundle
    faces: tuple[Face, ...]
    parsed: tuple[Parsed, ...]
    warnings: tuple[str, ...] = ()
    timing_ms: dict[str, float] = field(default_factory=dict)
    owners: NDArray[np.uint16] | None = None
    refused: tuple[tuple[float, float, float, float], ...] = ()
    kept: tuple[int, ...] | None = None
    unmasked: NDArray[np.uint8] | None = None
    faces_found: int = 0

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """How many pixels of `labels` each class has."""
        return class_pixels(self.labels, len(self.bundle.labels))

    @cached_property
    def confidence(self) -> tuple[float | None, ...]:
        """Per class, the mean calibrated probability (0..1) of its pixels; None where there are none.

        The background's is None once other classes were merged into it. Computed on first use: it takes as long as
        decoding a photo, and pictures do without it.
        """
        found = _confidence(
            [(one.logits, one.best) for one in self.parsed], self.pixels > 0, self.bundle.temperatures
        )
        return found if self.kept is None else (None, *found[1:])

    @property
    def all_labels(self) -> NDArray[np.uint8]:
        """`labels` before `only`."""
        return self.labels if self.unmasked is None else self.unmasked

    @property
    def instances(self) -> NDArray[np.uint16]:
        """(H, W): of each part's pixel the number of its face, 0 none."""
        if self.owners is None:
            return (self.labels > 0).astype(np.uint16) * (self.parsed[0].number if self.parsed else 0)
        return np.where(self.labels > 0, self.owners, 0)

    def only(self, classes: Sequence[int]) -> "Segmentation":
        """The same with all other classes made background."""
        table = np.zeros(256, np.uint8)
        table[list(classes)] = classes
        return replace(self, labels=table[self.labels], kept=tuple(classes), unmasked=self.all_labels)

    def face(self, number: int) -> "Segmentation":
        """The same with one face alone, counted from 1. Raises NoSuchFace."""
        index = next((i for i, one in enumerate(self.parsed) if one.number == number), None)
        if index is None:
            raise NoSuchFace(f"There is no face {number}: {len(self.parsed) or 'none'} found in this photo.")
        labels, unmasked = self.labels, self.unmasked
        if self.owners is not None:
            labels = np.where(self.owners == number, labels, 0).astype(np.uint8)
            unmasked = (
                None if unmasked is None else np.where(self.owners == number, unmasked, 0).astype(np.uint8)
            )
        return replace(
            self,
            labels=labels,
            unmasked=unmasked,
            faces=self.faces[index : index + 1],
            parsed=self.parsed[index : index + 1],
        )

    def part(self, one: Parsed) -> "FacePart":
        """What a face has of `labels`, cropped to its cut."""
        area, labels = self.own(one)
        before = labels if self.unmasked is None else self.unmasked[area]
        if self.unmasked is not None and self.owners is not None:
            before = before * (self.owners[area] == one.number)
        present = class_pixels(labels, len(self.bundle.labels)) > 0
        confidence = _confidence([(one.logits, one.best)], present, self.bundle.temperatures)
        return FacePart((area[1].start, area[0].start), labels, int(np.count_nonzero(before)), confidence)

    def own(self, one: Parsed) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
        """Rows and columns that hold a face's cut, and `labels` there, other faces' parts being background."""
        left, top, right, bottom = bounds(one.cut, self.labels.shape)
        area = slice(top, bottom), slice(left, right)
        labels = self.labels[area]
        return area, labels if self.owners is None else labels * (self.owners[area] == one.number)


@dataclass(frozen=True)
class FacePart:
    """The parts of one face.

    origin      x, y in the photo of the first pixel of `labels`
    labels      (h, w) uint8, other faces' parts being background
    pixels      of all of the face, before `only`
    confidence  per class, as Segmentation's
    """

    origin: tuple[int, int]
    labels: NDArray[np.uint8]
    pixels: int
    confidence: tuple[float | None, ...]


def _confidence(
    looks: Sequence[tuple[NDArray[np.float32], NDArray[np.uint8]]],
    present: NDArray[np.bool_],
    temperatures: Sequence[float],
) -> tuple[float | None, ...]:
    """Per class, the mean softmax(logits / its temperature) where it wins; None if it is not `present` in the labels.

    Of (h, w, C) logits and the best class at each.
    Taken over the logits, not over the photo's pixels: the same figure for a fraction of the time. A class
    that wins only between logits has the highest probability it reaches at one of them.
    """
    classes = len(temperatures)
    sharpness = 1 / np.array(temperatures, np.float32)
    total, count, highest = np.zeros(classes), np.zeros(classes), np.zeros(classes)
    for values, best in looks:
        odds = cv2.transpose(values.reshape(-1, classes))  # a class a row, in place: a third of the time
        winner = best.ravel()
        odds -= odds.max(axis=0)
        odds *= sharpness.take(winner)
        cv2.exp(odds, odds)  # a tenth of NumPy's time, as are the next two casts of bincount's own
        scale = 1 / odds.sum(axis=0)  # the winner's probability, as its odds are 1
        total += np.bincount(winner.astype(np.intp), scale.astype(np.float64), minlength=classes)
        count += class_pixels(best, classes)
        if (present & (count == 0)).any():
            highest = np.maximum(highest, (odds * scale).max(axis=1))
    mean = np.where(count > 0, total / np.maximum(count, 1), highest)
    return tuple(float(mean[c]) if present[c] and len(looks) else None for c in range(classes))
