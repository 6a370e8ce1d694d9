"""Segmentation scores, all from one confusion matrix; and how far a confidence can be believed."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]


def confusion_matrix(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> Matrix:
    """(classes, classes) pixel counts, rows the truth, columns the prediction.

    Pixels whose truth is no class (255 and everything else from `classes` on) are left out. A prediction
    outside the classes raises ValueError.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth of shape {truth.shape} against prediction of shape {predicted.shape}")
    counted = truth < classes
    guess = predicted[counted].astype(np.int64)
    if guess.size and guess.max() >= classes:
        raise ValueError(f"predicted class {guess.max()} of {classes}")
    pairs = truth[counted].astype(np.int64) * classes + guess
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class Scores:
    """Per-class F1 (= Dice) and IoU in 0..1, NaN for a class that neither truth nor prediction holds."""

    f1: NDArray[np.float64]
    iou: NDArray[np.float64]

    @property
    def mean_f1(self) -> float:
        """Mean F1 of the classes that occur, the background (id 0) left out, as LaPa reports it."""
        return float(np.nanmean(self.f1[1:])) if not np.isnan(self.f1[1:]).all() else float("nan")

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the classes that occur, the background left out."""
        return float(np.nanmean(self.iou[1:])) if not np.isnan(self.iou[1:]).all() else float("nan")


def scores(matrix: Matrix) -> Scores:
    """F1 and IoU of every class of a confusion matrix."""
    hits = np.diag(matrix).astype(np.float64)
    truth, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Scores(f1=2 * hits / (truth + predicted), iou=hits / (truth + predicted - hits))


@dataclass(frozen=True)
class Reliability:
    """Predictions counted in equally wide bins of their confidence, as a reliability diagram shows them.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017. Each array is (bins,): how many
    predictions, the sum of their confidences, how many of them are right.
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.int64]

    @classmethod
    def of(cls, confidence: NDArray[np.floating], right: NDArray[np.bool_], *, bins: int = 15) -> Self:
        """Count (n,) predictions: their confidence in 0..1 and whether each is right."""
        places = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.intp)
        return cls(
            np.bincount(places, minlength=bins),
            np.asarray(np.bincount(places, confidence, minlength=bins), np.float64),
            np.bincount(places[right], minlength=bins),
        )

    def __add__(self, other: "Reliability") -> "Reliability":
        return Reliability(
            self.count + other.count, self.confidence + other.confidence, self.right + other.right
        )

    @property
    def error(self) -> float:
        """Expected calibration error in 0..1 (Naeini et al., AAAI 2015); NaN without predictions.

        The distance between mean confidence and share of right predictions in a bin, averaged over all
        predictions.
        """
        total = self.count.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else float("nan")
