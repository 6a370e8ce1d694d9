"""Calibrated confidence: temperature scaling, and how well calibrated the result is.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: the logits are divided by a temperature, which
changes no label and brings the confidence to the accuracy. Background, skin and hair are nine tenths of the
pixels, and one temperature would leave the network overconfident of small parts; so each class has its own,
for the pixels predicted as that class. Temperatures are fitted on the validation split and measured on the test
split. Ignored pixels (255) are left out of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.bundle import Bundle
from ml_core.images import Affine, letterbox, pixel_affine
from ml_core.segmenter import Segmenter
from ml_core.unetr.metrics import Reliability
from training.photos import Files, Labels, each, percent, read

Logits = NDArray[np.float32]

PIXELS, PIXELS_OF_A_CLASS = 1024, 128
"""Sampled per validation photo: for the overall temperature, and per class for the classes' own."""

ENOUGH = 200
"""Sampled pixels that a class needs for a temperature of its own."""


@dataclass(frozen=True)
class Temperatures:
    """Divisors of the logits: one for all pixels, and one per class for the pixels predicted as it."""

    overall: float
    by_class: tuple[float, ...]


def calibrate(segmenter: Segmenter, photos: Sequence[Files], *, seed: int = 0) -> Temperatures:
    """The temperatures that maximise the likelihood of these photos' labels."""
    numbered = list(enumerate(photos))
    samples = list(each(partial(_sample, segmenter, seed), numbered, "calibrating"))
    overall = fit_temperature(*_joined([sample.everywhere for sample in samples]))
    logits, truth = _joined([sample.by_class for sample in samples])
    called = logits.argmax(axis=1)
    counts = np.bincount(called, minlength=logits.shape[1])
    by_class = (
        fit_temperature(logits[called == index], truth[called == index]) if count >= ENOUGH else overall
        for index, count in enumerate(counts)
    )
    return Temperatures(overall, tuple(by_class))


def fit_temperature(logits: Logits, truth: Labels, *, lowest: float = 0.05, highest: float = 20.0) -> float:
    """The T with the least negative log-likelihood of (n,) labels under softmax((n, C) logits / T).

    The log-likelihood is concave in 1 / T. Bisection finds where its slope is zero, the labels' mean logit less
    the expected logit. 1.0 for no labels.
    """
    if not len(truth):
        return 1.0
    wanted = float(np.take_along_axis(logits, truth[:, None].astype(np.intp), axis=1).mean(dtype=np.float64))
    low, high = np.log([lowest, highest])
    for _ in range(24):
        middle = (low + high) / 2
        odds = softmax(logits, float(np.exp(middle)))
        too_sure = float((odds * logits).sum(axis=1).mean(dtype=np.float64)) > wanted
        low, high = (middle, high) if too_sure else (low, middle)
    return round(float(np.exp((low + high) / 2)), 4)


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy over one or more photos, as served and with a temperature of 1 (plain).

    claimed, right and pixels are (C,): over the pixels predicted as each class, the sum of their confidences,
    the number that are right, and their number.
    """

    served: Reliability
    plain: Reliability
    claimed: NDArray[np.float64]
    right: NDArray[np.int64]
    pixels: NDArray[np.int64]

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(
            self.served + other.served,
            self.plain + other.plain,
            self.claimed + other.claimed,
            self.right + other.right,
            self.pixels + other.pixels,
        )


def measure(segmenter: Segmenter, files: Files) -> Calibration:
    """Confidence and accuracy over the pixels of one photo."""
    logits, truth = pixel_logits(segmenter, files)
    classes = logits.shape[1]
    called = logits.argmax(axis=1)
    hits = called == truth
    temperatures = np.array(segmenter.bundle.temperatures, np.float32)[called, None]
    confidence = softmax(logits, temperatures).max(axis=1)
    return Calibration(
        Reliability.of(confidence, hits),
        Reliability.of(softmax(logits, 1.0).max(axis=1), hits),
        np.asarray(np.bincount(called, confidence, minlength=classes), np.float64),
        np.bincount(called[hits], minlength=classes),
        np.bincount(called, minlength=classes),
    )


def summary(found: Calibration, bundle: Bundle) -> dict[str, Any]:
    """The calibration errors and each class's confidence and accuracy in percent, as in figures.json."""
    pixels = np.maximum(found.pixels, 1)
    rows = zip(bundle.labels.names, found.claimed / pixels, found.right / pixels, found.pixels, strict=True)
    return {
        "fitted_on": "val",
        "ece_before": percent(found.plain.error),
        "ece": percent(found.served.error),
        "by_class": {
            name: {"confidence": percent(claimed), "right": percent(right)}
            for name, claimed, right, count in rows
            if count
        },
        "reliability": {"before": _curve(found.plain), "served": _curve(found.served)},
    }


def _curve(bins: Reliability) -> dict[str, list[float | None]]:
    """Confidence and accuracy of each bin that has at least one pixel in ten thousand."""
    filled = bins.count > bins.count.sum() / 10_000
    return {
        "confidence": [percent(value) for value in (bins.confidence[filled] / bins.count[filled])],
        "right": [percent(value) for value in (bins.right[filled] / bins.count[filled])],
    }


def pixel_logits(segmenter: Segmenter, files: Files) -> tuple[Logits, Labels]:
    """(n, C) logits and (n,) labels of a photo's pixels that are not ignored, faces="whole".

    Logits are interpolated as in serving.
    """
    image, truth = read(files)
    cut = letterbox((truth.shape[0], truth.shape[1]), segmenter.bundle.input_size)
    logits = _spread(segmenter.infer(image, cut), cut, truth.shape)
    counted = truth < logits.shape[2]
    return logits[counted], truth[counted]


def softmax(logits: Logits, temperature: float | NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of (n, C) logits / temperature, which may be (n, 1)."""
    scaled = logits * (np.float32(1) / np.float32(temperature))
    odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class _Sample:
    everywhere: tuple[Logits, Labels]
    by_class: tuple[Logits, Labels]


def _sample(segmenter: Segmenter, seed: int, numbered: tuple[int, Files]) -> _Sample:
    number, files = numbered
    logits, truth = pixel_logits(segmenter, files)
    rng = np.random.default_rng((seed, number))
    order = rng.permutation(len(truth))
    called = logits.argmax(axis=1)[order]
    chosen = np.concatenate([order[called == index][:PIXELS_OF_A_CLASS] for index in range(logits.shape[1])])
    everywhere = order[:PIXELS]
    return _Sample((logits[everywhere], truth[everywhere]), (logits[chosen], truth[chosen]))


def _joined(samples: Sequence[tuple[Logits, Labels]]) -> tuple[Logits, Labels]:
    return np.concatenate([logits for logits, _ in samples]), np.concatenate([truth for _, truth in samples])


def _spread(logits: Logits, cut: Affine, size: tuple[int, ...]) -> Logits:
    """(h, w, C) logits of a cut -> (height, width, C) of the photo."""
    to_logit = cv2.invertAffineTransform(pixel_affine(cut, (logits.shape[0], logits.shape[1])))
    planes = [
        cv2.warpAffine(
            np.ascontiguousarray(logits[:, :, first : first + 4]),  # OpenCV warps four channels at most
            to_logit,
            (size[1], size[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(size[0], size[1], -1)
        for first in range(0, logits.shape[2], 4)
    ]
    return np.concatenate(planes, axis=2, dtype=np.float32)
